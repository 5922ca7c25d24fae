//! Rows under the names of the goals: a table for people, and JSON for programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The goal's name, or the figure's own.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// What it should be, such as `<= 1.5`; null for figures that only inform.
    pub goal: Option<String>,
    /// The unit; `x` is a ratio.
    pub unit: String,
    /// What it is measured against, or how.
    pub against: String,
}

impl Row {
    /// Whether the goal is reached; `None` without one.
    pub fn is_met(&self) -> Option<bool> {
        let (relation, bound) = self.goal.as_deref()?.split_once(' ')?;
        let bound: f64 = bound.parse().ok()?;
        Some(if relation == "<=" { self.value <= bound } else { self.value >= bound })
    }
}

/// Rows, in the order in which they were first measured.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    path: PathBuf,
}

impl Report {
    /// The report at `path`, to be added to; a new one where there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let rows = match std::fs::read(path) {
            Ok(json) => serde_json::from_slice(&json).with_context(|| path.display().to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        Ok(Self { rows, path: path.to_owned() })
    }

    /// Takes a row in, in place of an older one of the same name, and writes the report.
    fn set(&mut self, row: Row) -> Result<()> {
        match self.rows.iter_mut().find(|older| older.name == row.name) {
            Some(older) => *older = row,
            None => self.rows.push(row),
        }
        // After every row: a run that is cut short leaves what it measured.
        std::fs::write(&self.path, serde_json::to_string_pretty(&self.rows)? + "\n")?;
        Ok(())
    }

    /// A figure with a goal.
    pub fn goal(&mut self, name: &str, value: f64, goal: &str, unit: &str, against: &str) -> Result<()> {
        self.set(Row {
            name: name.into(),
            value: rounded(value),
            goal: Some(goal.into()),
            unit: unit.into(),
            against: against.into(),
        })
    }

    /// A figure that informs.
    pub fn figure(&mut self, name: &str, value: f64, unit: &str, against: &str) -> Result<()> {
        let (name, unit, against) = (name.into(), unit.into(), against.into());
        self.set(Row { name, value: rounded(value), goal: None, unit, against })
    }

    /// A figure that was measured before.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.value)
    }

    /// Rows whose name starts with `prefix`.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.rows.iter().filter_map(move |row| Some((row.name.strip_prefix(prefix)?, row.value)))
    }

    /// The rows as a table.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header(["name", "value", "unit", "goal", "", "against"]);
        for row in &self.rows {
            let verdict = match row.is_met() {
                Some(true) => "met",
                Some(false) => "missed",
                None => "",
            };
            table.add_row([
                &row.name,
                &row.value.to_string(),
                &row.unit,
                row.goal.as_deref().unwrap_or_default(),
                verdict,
                &row.against,
            ]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// Four digits: more would be noise.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    if digits <= 0 { value.round() } else { (value * 10f64.powi(digits)).round() / 10f64.powi(digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, goal: &str, expected: bool) {
        let row = Row { name: "n".into(), value, goal: Some(goal.into()), unit: "x".into(), against: String::new() };
        assert_eq!(row.is_met(), Some(expected), "{value} {goal}");
    }

    #[test]
    fn goals_are_bounds() {
        check(1.5, "<= 1.5", true);
        check(1.51, "<= 1.5", false);
        check(100.0, ">= 100", true);
        check(99.9, ">= 100", false);
    }

    #[test]
    fn four_digits_stay() {
        let found = [1.234_56, 123_456.7, 0.001_234_56, 0.0].map(|value| rounded(value).to_string());
        assert_eq!(found, ["1.235", "123457", "0.001235", "0"]);
    }
}
