//! The plugin `alerts`. It emits a line for each flight that arrives an hour late or more, while the stream runs.
//!
//! The state has one key for each carrier, `{carrier}`, whose value is the number of its late flights in decimal.
//! Each line contains its number, so that a lost or repeated line would be noticed.

use std::collections::BTreeMap;

use flights::{Failure, Header, Records};

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
mod plugin;

/// The arrival delay from which the plugin emits a line.
const LATE_MIN: i64 = 60;

/// A late flight of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// The carrier.
    pub carrier: String,
    /// The origin and the destination.
    pub route: String,
    /// The arrival delay in minutes.
    pub arr_delay_min: i64,
}

/// Returns the late flights of a batch, in the order of the batch.
pub fn late(header: &Header, records: &Records<'_>) -> Result<Vec<Late>, Failure> {
    let mut late = Vec::new();
    header.flights(records, |flight| {
        if let Some(arr_delay_min) = flight.arr_delay_min.filter(|minutes| *minutes >= LATE_MIN) {
            let route = format!("{}-{}", flight.origin, flight.dest);
            late.push(Late { carrier: flight.carrier.to_owned(), route, arr_delay_min });
        }
        Ok(())
    })?;
    Ok(late)
}

/// Numbers late flights, starting after `counts`, and returns their lines. It raises `counts`.
pub fn number(late: &[Late], counts: &mut BTreeMap<String, u64>) -> Vec<String> {
    let line = |late: &Late| {
        let count = counts.entry(late.carrier.clone()).or_default();
        *count += 1;
        let (carrier, route, minutes) = (&late.carrier, &late.route, late.arr_delay_min);
        serde_json::json!({ "carrier": carrier, "n": *count, "route": route, "arr_delay_min": minutes }).to_string()
    };
    late.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_flights_are_numbered_by_carrier() {
        let header = ["carrier", "origin", "dest", "dep_time", "arr_delay"].map(String::from);
        let header = Header::find(&header).unwrap();
        let fields = ["AA", "JFK", "LAX", "1", "60", "UA", "EWR", "IAH", "1", "59", "AA", "JFK", "MIA", "1", "90"];
        let field_lens: Vec<u32> = fields.iter().map(|field| u32::try_from(field.len()).unwrap()).collect();
        let text = fields.concat();
        let records = Records { count: 3, field_lens: &field_lens, fields: text.as_bytes() };
        let mut counts = BTreeMap::from([("AA".to_owned(), 4)]);
        let lines = number(&late(&header, &records).unwrap(), &mut counts);
        assert_eq!(
            lines,
            [
                r#"{"carrier":"AA","n":5,"route":"JFK-LAX","arr_delay_min":60}"#,
                r#"{"carrier":"AA","n":6,"route":"JFK-MIA","arr_delay_min":90}"#
            ]
        );
        assert_eq!(counts["AA"], 6);
    }
}
