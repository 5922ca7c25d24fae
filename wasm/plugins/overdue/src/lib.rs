//! The plugin `overdue`. It emits a line when an aircraft had no other flight for so many hours after one.
//!
//! The parameter `hours` says how many. Each flight has a timer for when the next one is overdue. After a line, an
//! aircraft is left out of the alerts for a week: its name is in the state until it expires.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Description, Domain, Failure, Key, Kind, Map, Namespace, Rows};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The namespace of the times at which flights are overdue.
const DUE: &str = "due";
const HOUR_MS: i64 = 3_600_000;
const WEEK_MS: u64 = 7 * 24 * 3_600_000;

#[derive(Row)]
struct Flight {
    tailnum: String,
    dest: String,
    time_hour: Time,
}

#[derive(Serialize)]
struct Overdue<'a> {
    tailnum: &'a str,
    last: Time,
    dest: String,
}

/// A flight whose timer is set.
#[derive(Debug, Serialize, Deserialize)]
struct Open {
    at_ms: i64,
    due_ms: i64,
    dest: String,
}

struct Watch {
    rows: Rows<Flight>,
    open: Map<String, Vec<Open>>,
    told: Map<String, ()>,
    hours: i64,
}

/// Makes the operator.
pub fn overdue() -> impl Operator {
    let told = Map::new("told").expires(Domain::Event, WEEK_MS);
    Watch { rows: Rows::default(), open: Map::new("open"), told, hours: 0 }
}
alluvium_plugin::export!(overdue);

impl Operator for Watch {
    fn describe(&self) -> Description {
        Description::new("overdue")
            .input("flights")
            .output("overdue")
            .namespace(self.open.namespace())
            .namespace(self.told.namespace())
            .namespace(Namespace::new(DUE, Kind::Timers(Domain::Event)))
            .parameter("hours", Some("48"), "after how many hours without a flight an aircraft is overdue")
    }

    fn open(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        let hours = context.parameter("hours").unwrap_or_default();
        let wrong = || format!("the parameter hours: {} is no number of hours from 1 to 168", json!(hours));
        self.hours = hours.parse().ok().filter(|hours| (1..=168).contains(hours)).ok_or_else(wrong)?;
        Ok(())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let flights = self.rows.read(batch)?;
        self.open.prefetch(flights.iter().map(|flight| &flight.tailnum), context)?;
        let due = context.namespace(DUE)?;
        for Flight { tailnum, dest, time_hour } in flights {
            let at_ms = time_hour.as_ms();
            let due_ms = at_ms.saturating_add(self.hours * HOUR_MS);
            let mut open = self.open.get(&tailnum, context)?.unwrap_or_default();
            open.push(Open { at_ms, due_ms, dest });
            self.open.set(&tailnum, &open, context)?;
            context.host().set_timer(due, due_ms, &tailnum.bytes())?;
        }
        Ok(())
    }

    fn route(&mut self, _: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(self.rows.read(batch)?.iter().map(|flight| flight.tailnum.bytes()).collect())
    }

    fn on_timers(&mut self, _: &str, now_ms: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        let tailnums: Option<Vec<String>> = keys.iter().map(|key| String::of_bytes(key)).collect();
        let tailnums = tailnums.ok_or("a timer for what is no aircraft")?;
        self.open.prefetch(&tailnums, context)?;
        self.told.prefetch(&tailnums, context)?;
        for tailnum in tailnums {
            let mut open = self.open.get(&tailnum, context)?.unwrap_or_default();
            let due: Vec<Open> = open.extract_if(.., |flight| flight.due_ms <= now_ms).collect();
            for Open { at_ms, dest, .. } in due {
                // A later flight whose timer is still set came in time.
                let is_overdue = !open.iter().any(|later| later.at_ms > at_ms && later.at_ms <= now_ms);
                if is_overdue && self.told.get(&tailnum, context)?.is_none() {
                    context.emit(0, &Overdue { tailnum: &tailnum, last: Time::from_ms(at_ms), dest })?;
                    self.told.set(&tailnum, &(), context)?;
                }
            }
            if open.is_empty() {
                self.open.delete(&tailnum, context)?;
            } else {
                self.open.set(&tailnum, &open, context)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flights(harness: &mut Harness, flights: &[(&str, &str)]) {
        let lines: Vec<_> = flights.iter().map(|(day, dest)| format!("N1,{dest},2013-01-{day}:00:00Z\n")).collect();
        harness.feed(&format!("tailnum,dest,time_hour\n{}", lines.concat())).unwrap();
    }

    #[test]
    fn an_aircraft_is_overdue_after_its_hours_and_told_once_a_week() {
        let mut harness = Harness::with_parameters(overdue, &[("hours", "2")]).unwrap();
        harness.watermark("2013-01-01T00:00:00Z").unwrap();
        flights(&mut harness, &[("01T06", "LAX"), ("01T05", "MIA"), ("01T04", "JFK"), ("01T12", "BOS")]);
        harness.watermark("2013-01-01T07:59:59Z").unwrap();
        assert_eq!(harness.emitted(), [""; 0]);
        harness.watermark("2013-01-03T00:00:00Z").unwrap();
        assert_eq!(harness.emitted(), [r#"{"tailnum":"N1","last":"2013-01-01T06:00:00Z","dest":"LAX"}"#]);
        assert_eq!(harness.entries("told").unwrap().len(), 1);
        harness.watermark("2013-01-10T00:00:00Z").unwrap();
        assert_eq!(harness.entries("told").unwrap(), []);
        flights(&mut harness, &[("10T12", "SFO")]);
        harness.finish().unwrap();
        assert_eq!(harness.emitted().len(), 2);
        assert_eq!(harness.entries("open").unwrap(), []);
    }

    #[test]
    fn hours_that_are_none_are_refused() {
        for hours in ["", "0", "169", "1.5", "-1"] {
            let error = Harness::with_parameters(overdue, &[("hours", hours)]).map(drop).unwrap_err();
            assert!(error.starts_with("the parameter hours: "), "{error}");
        }
    }
}
