//! A partition that is quiet is passed (`--idle-timeout`), and a kill does not bring back the time that it held up.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::running::Running;
use crate::support::{Bench, component, ok, text};

const HEADER: &str = "origin,time_hour,temp\n";

/// A row for each hour. Hours are counted from the first of January.
fn rows(origin: &str, hours: std::ops::Range<u32>, temp: u32) -> String {
    let row = |hour: u32| format!("{origin},2013-01-{:02}T{:02}:00:00Z,{temp}\n", hour / 24 + 1, hour % 24);
    hours.map(row).collect()
}

fn append(file: &Path, text: &str) {
    fs::File::options().append(true).open(file).and_then(|mut file| file.write_all(text.as_bytes())).expect("a file");
}

/// The plugin takes the mean of each day, over two files that grow.
struct Weather {
    bench: Bench,
    inputs: PathBuf,
    output: PathBuf,
}

impl Weather {
    fn new() -> Self {
        let bench = Bench::new();
        let (inputs, output) = (bench.path("inputs"), bench.path("days.ndjson"));
        fs::create_dir(&inputs).expect("a directory");
        Self { bench, inputs, output }
    }

    fn start(&self, more: &[&str]) -> Running {
        let plugin = text(&component("ALLUVIUM_WEATHER", "weather.wasm"));
        let (dir, input, output) = (self.bench.dir_text(), text(&self.inputs), text(&self.output));
        let fixed = ["run", &plugin, "--dir", &dir, "--input", &input, "--output", &output, "--follow", "--json"];
        let rest = ["--checkpoint-interval", "20"];
        Running::of([&fixed[..], &rest, more].concat().into_iter().map(str::to_owned))
    }

    /// The results of days that are shown, once there are so many.
    fn wait_for_days(&self, count: usize) -> Vec<String> {
        loop {
            let shown = fs::read_to_string(&self.output).unwrap_or_default();
            if shown.lines().count() >= count {
                return shown.lines().map(str::to_owned).collect();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn watermark_ms(&self) -> i64 {
        self.bench.list()[0]["watermark"].as_i64().expect("a watermark")
    }
}

#[test]
fn a_quiet_partition_is_passed_and_stays_passed_after_kills() {
    const HOUR_MS: i64 = 3_600_000;
    let weather = Weather::new();
    let (busy, quiet) = (weather.inputs.join("ewr.csv"), weather.inputs.join("jfk.csv"));
    fs::write(&busy, format!("{HEADER}{}", rows("EWR", 0..30, 40))).expect("a file");
    fs::write(&quiet, format!("{HEADER}{}", rows("JFK", 0..3, 20))).expect("a file");
    // Without the option, the quiet file holds the watermark up.
    let mut run = weather.start(&[]);
    while run.wait_for("checkpoint")["records"] != 33 {}
    run.signal(Signal::TERM);
    assert_eq!(run.end().0, Some(0));
    let start_ms = weather.watermark_ms() - 2 * HOUR_MS;
    assert_eq!(weather.wait_for_days(0), [""; 0]);

    // With it, the first day ends although no record comes.
    let options = ["--idle-timeout", "40"];
    let run = weather.start(&options);
    let day = |key: &str, day: u32, temp: u32| {
        let at = |day: u32| format!("2013-01-{day:02}T00:00:00Z");
        format!(r#"{{"key":"{key}","from":"{}","to":"{}","value":{temp}.0}}"#, at(day), at(day + 1))
    };
    let mut expected = vec![day("EWR", 1, 40), day("JFK", 1, 20)];
    assert_eq!(weather.wait_for_days(2), expected);
    run.signal(Signal::KILL);
    run.end();

    // After a kill the quiet file is awaited again. A row for a day that was shown comes too late, and is counted with no
    // other day.
    let mut hours = 30;
    for number in 2..6 {
        append(&quiet, &rows("JFK", number + 1..number + 2, 99));
        append(&busy, &rows("EWR", hours..hours + 24, 40));
        hours += 24;
        let run = weather.start(&options);
        expected.push(day("EWR", number, 40));
        assert_eq!(weather.wait_for_days(expected.len()), expected);
        run.signal(Signal::KILL);
        run.end();
    }
    // Without the option, the quiet file holds up what comes now, and brings back nothing.
    append(&busy, &rows("EWR", hours..hours + 1, 40));
    let mut run = weather.start(&[]);
    while run.wait_for("checkpoint")["records"] != 134 {}
    run.signal(Signal::TERM);
    assert_eq!(run.end().0, Some(0));
    assert_eq!(weather.watermark_ms(), start_ms + i64::from(hours - 1) * HOUR_MS);
    assert_eq!(weather.wait_for_days(expected.len()), expected);
    ok(weather.bench.over_dir("verify", &[]));
}
