//! Records, and what a count of them by hand gives.

use std::collections::BTreeMap;

use fastrand::Rng;

/// The event time of the first record.
const START_MS: u64 = 1_356_998_400_000;

/// The columns of CSV.
pub const HEADER: &str = "carrier,origin,dest,dep_time,arr_delay,pad,time_hour\n";

/// The delay from which the plugin counts and tells a flight.
const LATE_MIN: u32 = 60;

/// A flight, which has a number of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    number: u64,
    carrier: u8,
    delay_min: u32,
    pad: String,
}

/// The state, the lines and the watermark that belong to some records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// How many late flights each carrier has.
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// A line for each late flight.
    pub lines: Vec<String>,
    /// The largest event time.
    pub watermark: Option<i64>,
}

/// Draws so many records, whose numbers begin there. Most have a few bytes more than they need, and some have many.
pub fn draw(random: &mut Rng, from: u64, count: usize) -> Vec<Record> {
    let pads = ["a", "\"", ",", "\n", "\u{e9}", " ", "\\", "\r\n"];
    let draw = |number| {
        let length = if random.u8(..50) == 0 { random.usize(..5_000) } else { random.usize(..40) };
        let pad = (0..length).map(|_| pads[if random.u8(..4) == 0 { random.usize(..pads.len()) } else { 0 }]).collect();
        Record { number, carrier: random.u8(..5), delay_min: random.u32(40..200), pad }
    };
    (from..from + count as u64).map(draw).collect()
}

impl Record {
    fn time_ms(&self) -> u64 {
        START_MS + self.number * 1_000
    }

    /// As a record of CSV.
    pub fn csv(&self) -> String {
        let Self { number, carrier, delay_min, pad } = self;
        let pad = pad.replace('"', "\"\"");
        format!("C{carrier},EWR,D{number},1,{delay_min},\"{pad}\",{}\n", self.time_ms())
    }

    /// As an object of JSON, without a line end.
    pub fn json(&self) -> String {
        let Self { number, carrier, delay_min, pad } = self;
        serde_json::json!({
            "carrier": format!("C{carrier}"), "origin": "EWR", "dest": format!("D{number}"), "dep_time": 1,
            "arr_delay": delay_min, "pad": pad, "time_hour": self.time_ms(),
        })
        .to_string()
    }
}

/// A count that is under way.
#[derive(Debug, Default)]
pub struct Counter {
    counts: BTreeMap<u8, u64>,
    watermark: Option<i64>,
}

impl Counter {
    /// Counts a record as the plugin should. Returns the line that it tells of a late flight.
    pub fn add(&mut self, record: &Record) -> Option<String> {
        let Record { number, carrier, delay_min, .. } = record;
        self.watermark = self.watermark.max(i64::try_from(record.time_ms()).ok());
        if *delay_min < LATE_MIN {
            return None;
        }
        let count = self.counts.entry(*carrier).or_default();
        *count += 1;
        let route = format!("EWR-D{number}");
        Some(format!(
            "{{\"carrier\":\"C{carrier}\",\"n\":{count},\"route\":\"{route}\",\"arr_delay_min\":{delay_min}}}"
        ))
    }

    /// Returns the state that belongs to the count.
    pub fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let entry = |(key, value): (&u8, &u64)| (format!("C{key}").into(), value.to_string().into());
        self.counts.iter().map(entry).collect()
    }
}

/// Counts records.
pub fn count(records: &[Record]) -> Counted {
    let mut counter = Counter::default();
    let lines = records.iter().filter_map(|record| counter.add(record)).collect();
    Counted { state: counter.state(), lines, watermark: counter.watermark }
}
