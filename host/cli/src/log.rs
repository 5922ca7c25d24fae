//! Structured logs: one JSON object a line on the standard error, with its time and its level.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::shown::tell;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// It is as it should be.
    Info,
    /// It may ask for somebody's attention, and the work continues.
    Warn,
    /// It ends the work.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Writes an event, which is a JSON object with a member `event`.
pub(crate) fn log(level: Level, event: Value) {
    let mut line = Map::new();
    line.insert("time".to_owned(), json!(format!("{:.3}", Timestamp::now())));
    line.insert("level".to_owned(), json!(level.name()));
    if let Value::Object(event) = event {
        line.extend(event);
    }
    tell(&Value::Object(line).to_string());
}
