//! Plots, as SVG: bars for contenders side by side, lines for how each grows.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const SIZE: (u32, u32) = (860, 480);
const FONT: &str = "sans-serif";

/// Colours that stay apart also for those who see red and green alike.
const COLOURS: [RGBColor; 9] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(110, 110, 110),
    RGBColor(150, 90, 40),
    RGBColor(90, 60, 160),
];

/// Plots over these values would be empty or endless.
fn logarithmic(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values
        .filter(|value| value.is_finite() && *value > 0.0)
        .fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    (low <= high).then(|| (10f64.powf(low.log10().floor()), 10f64.powf(high.log10().ceil().max(low.log10() + 0.1))))
}

/// One bar for each contender, on a logarithmic axis, with its figure beside it. The unit is `time`
/// (microseconds) or `bytes`.
pub fn bars(path: &Path, title: &str, unit: &str, bars: &[(String, f64)]) -> Result<()> {
    let Some((low, high)) = logarithmic(bars.iter().map(|bar| bar.1)) else { return Ok(()) };
    // Each bar starts a decade below the smallest, so that the smallest has a length too.
    let low = low / 10.0;
    draw(path, |root| {
        let mut chart = ChartBuilder::on(root)
            .caption(title, (FONT, 20))
            .margin(12)
            .x_label_area_size(28)
            .y_label_area_size(130)
            .build_cartesian_2d((low..high * 4.0).log_scale(), 0f64..bars.len() as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|value| short(*value, unit))
            .y_labels(0)
            .label_style((FONT, 13))
            .draw()?;
        for (at, (name, value)) in bars.iter().enumerate() {
            // The first bar on top.
            let bottom = (bars.len() - 1 - at) as f64;
            let colour = COLOURS[at % COLOURS.len()];
            chart.draw_series([Rectangle::new([(low, bottom + 0.2), (*value, bottom + 0.8)], colour.filled())])?;
            let style = (FONT, 14).into_font().color(&BLACK);
            chart.draw_series([
                EmptyElement::at((*value, bottom + 0.6)) + Text::new(short(*value, unit), (6, 0), style.clone()),
                EmptyElement::at((low, bottom + 0.6)) + Text::new(name.clone(), (-120, 0), style),
            ])?;
        }
        Ok(())
    })
}

/// A contender's figures over the number of keys.
#[derive(Debug, Clone)]
pub struct Line {
    /// Who.
    pub name: String,
    /// Number of keys, figure.
    pub points: Vec<(f64, f64)>,
}

/// Lines over the number of keys, both axes logarithmic; units as for [`bars`].
pub fn lines(path: &Path, title: &str, unit: &str, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (Some((left, right)), Some((low, high))) =
        (logarithmic(points().map(|point| point.0)), logarithmic(points().map(|point| point.1)))
    else {
        return Ok(());
    };
    draw(path, |root| {
        let mut chart = ChartBuilder::on(root)
            .caption(title, (FONT, 20))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(70)
            .build_cartesian_2d((left..right).log_scale(), (low..high).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("keys")
            .x_label_formatter(&|value| short(*value, ""))
            .y_label_formatter(&|value| short(*value, unit))
            .label_style((FONT, 13))
            .draw()?;
        for (at, line) in lines.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)).point_size(3))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .label_font((FONT, 13))
            .draw()?;
        Ok(())
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(path: &Path, paint: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>) -> Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let painted = (|| {
        root.fill(&WHITE)?;
        paint(&root)?;
        root.present()?;
        Ok(())
    })();
    painted.map_err(|error: Box<dyn std::error::Error>| anyhow!("{}: {error}", path.display()))
}

/// A figure with its unit, as people say it: `16.5 ms`, `3.60 MB`, `10 k`.
fn short(value: f64, unit: &str) -> String {
    let steps: [(f64, &str); 4] = match unit {
        "time" => [(1e6, " s"), (1e3, " ms"), (1.0, " µs"), (0.0, " µs")],
        "bytes" => [(1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (0.0, " B")],
        _ => [(1e9, " G"), (1e6, " M"), (1e3, " k"), (0.0, "")],
    };
    let (step, suffix) = steps.into_iter().find(|(step, _)| value >= *step).unwrap_or((1.0, ""));
    let scaled = if step > 0.0 { value / step } else { value };
    // A whole number but for what dividing left of it.
    let is_whole = (scaled - scaled.round()).abs() < 1e-9;
    let digits = if scaled >= 100.0 || is_whole { 0 } else { usize::from(scaled < 10.0) + 1 };
    format!("{scaled:.digits$}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_said_as_people_say_them() {
        let check = |value, unit, expected| assert_eq!(short(value, unit), expected);
        check(16_480.0, "time", "16.5 ms");
        check(4.6, "time", "4.60 µs");
        check(3_596_512.0, "bytes", "3.60 MB");
        check(132e6, "bytes", "132 MB");
        check(1e4, "", "10 k");
        check(0.5, "time", "0.50 µs");
    }
}
