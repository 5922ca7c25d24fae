//! Adds flights up, with one [`Route`] for each key of the state.

use indexmap::IndexMap;
use indexmap::map::Entry;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use flights::{Failure, Flight, Header, Records};

/// The value of one key. The fields have the order of its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// How many flights there were.
    pub flights: u64,
    /// How many flights have no departure time.
    pub cancelled: u64,
    /// The sum of the known arrival delays.
    pub arr_delay_min: i64,
    /// The largest arrival delay, or none if no delay is known.
    pub worst_arr_delay_min: Option<i64>,
}

/// The values that a batch adds to each key, in the order in which the batch first has the keys.
pub type Changes = IndexMap<String, Route, FxBuildHasher>;

/// Returns the key of a flight: `{carrier}:{origin}-{dest}`.
pub fn key(flight: &Flight<'_>) -> String {
    // `format!` would take several times as long, for each record.
    [flight.carrier, ":", flight.origin, "-", flight.dest].concat()
}

/// Returns the key of each flight of a batch.
pub fn keys(header: &Header, records: &Records<'_>) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    header.flights(records, |flight| {
        keys.push(key(&flight));
        Ok(())
    })?;
    Ok(keys)
}

/// Adds up a batch. The result has one entry for each key in the batch.
pub fn aggregate(header: &Header, records: &Records<'_>) -> Result<Changes, Failure> {
    let mut changes = Changes::default();
    header.flights(records, |flight| {
        let one = Route {
            flights: 1,
            cancelled: flight.cancelled.into(),
            arr_delay_min: flight.arr_delay_min.unwrap_or(0),
            worst_arr_delay_min: flight.arr_delay_min,
        };
        match changes.entry(key(&flight)) {
            Entry::Occupied(mut route) => {
                let sum = route.get().plus(&one).ok_or_else(|| too_large(route.key()))?;
                route.insert(sum);
            }
            Entry::Vacant(none) => {
                none.insert(one);
            }
        }
        Ok(())
    })?;
    Ok(changes)
}

/// Returns the new value of `key`: the old JSON value with `change` added.
pub fn merge(key: &str, old: Option<&[u8]>, change: &Route) -> Result<Vec<u8>, String> {
    let route = match old {
        Some(old) => read(key, old)?.plus(change).ok_or_else(|| too_large(key))?,
        None => change.clone(),
    };
    serde_json::to_vec(&route).map_err(|error| format!("state of {key:?}: {error}"))
}

/// Returns one line of the results: the key, followed by the route's members.
pub fn line(key: &[u8], value: &[u8]) -> Result<String, String> {
    #[derive(Serialize)]
    struct Line<'a> {
        key: &'a str,
        #[serde(flatten)]
        route: Route,
    }
    let key = std::str::from_utf8(key).map_err(|_| format!("state of {}: its key is not UTF-8", key.escape_ascii()))?;
    let route = read(key, value)?;
    serde_json::to_string(&Line { key, route }).map_err(|error| format!("state of {key:?}: {error}"))
}

fn read(key: &str, value: &[u8]) -> Result<Route, String> {
    serde_json::from_slice(value).map_err(|error| format!("state of {key:?} is not from this plugin: {error}"))
}

fn too_large(key: &str) -> String {
    format!("state of {key:?}: the sums do not fit 64 bits any more")
}

impl Route {
    /// Returns the sum of both routes, or none if a sum is too large.
    fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            flights: self.flights.checked_add(other.flights)?,
            cancelled: self.cancelled.checked_add(other.cancelled)?,
            arr_delay_min: self.arr_delay_min.checked_add(other.arr_delay_min)?,
            // `None` is less than any delay.
            worst_arr_delay_min: self.worst_arr_delay_min.max(other.worst_arr_delay_min),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(lines: &[&str]) -> Changes {
        let header = ["carrier", "origin", "dest", "dep_time", "arr_delay"].map(String::from);
        let fields: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
        let field_lens: Vec<u32> = fields.iter().map(|field| u32::try_from(field.len()).unwrap()).collect();
        let fields = fields.concat();
        let count = u32::try_from(lines.len()).unwrap();
        let records = Records { count, field_lens: &field_lens, fields: fields.as_bytes() };
        aggregate(&Header::find(&header).unwrap(), &records).unwrap()
    }

    #[test]
    fn a_batch_is_added_up_by_route() {
        let changes = changes(&["UA,EWR,IAH,517,11", "AA,JFK,MIA,NA,NA", "UA,EWR,IAH,520,-3", "UA,EWR,IAH,NA,"]);
        let json = |key: &str| String::from_utf8(merge(key, None, &changes[key]).unwrap()).unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(json("UA:EWR-IAH"), r#"{"flights":3,"cancelled":1,"arr_delay_min":8,"worst_arr_delay_min":11}"#);
        assert_eq!(json("AA:JFK-MIA"), r#"{"flights":1,"cancelled":1,"arr_delay_min":0,"worst_arr_delay_min":null}"#);
    }

    /// Adding two batches one after the other gives the same state as one larger batch.
    #[test]
    fn batches_add_up_however_they_are_cut() {
        let lines = ["UA,EWR,IAH,1,-11", "UA,EWR,IAH,NA,NA", "UA,EWR,IAH,2,-20", "UA,EWR,IAH,3,4", "UA,EWR,IAH,4,0"];
        let key = "UA:EWR-IAH";
        let whole = merge(key, None, &changes(&lines)[key]).unwrap();
        for cut in 1..lines.len() {
            let first = merge(key, None, &changes(&lines[..cut])[key]).unwrap();
            assert_eq!(merge(key, Some(&first), &changes(&lines[cut..])[key]).unwrap(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_has_its_key_first() {
        let value = br#"{"flights":2,"cancelled":0,"arr_delay_min":-5,"worst_arr_delay_min":null}"#;
        assert_eq!(
            line(b"UA:EWR-IAH", value).unwrap(),
            r#"{"key":"UA:EWR-IAH","flights":2,"cancelled":0,"arr_delay_min":-5,"worst_arr_delay_min":null}"#
        );
    }

    #[test]
    fn foreign_state_is_an_error_that_names_the_key() {
        for value in ["", "7", "{}", r#"{"flights":1,"cancelled":0,"arr_delay_min":0,"worst_arr_delay_min":0,"x":1}"#] {
            let error = merge("UA:EWR-IAH", Some(value.as_bytes()), &Route::default()).unwrap_err();
            assert!(error.starts_with(r#"state of "UA:EWR-IAH" is not from this plugin: "#), "{error}");
        }
    }

    #[test]
    fn sums_never_wrap() {
        let old = format!(r#"{{"flights":{},"cancelled":0,"arr_delay_min":0,"worst_arr_delay_min":null}}"#, u64::MAX);
        let one = Route { flights: 1, ..Route::default() };
        assert_eq!(
            merge("A:B-C", Some(old.as_bytes()), &one).unwrap_err(),
            r#"state of "A:B-C": the sums do not fit 64 bits any more"#
        );
    }
}
