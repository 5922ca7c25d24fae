//! The plugin `board`. It answers which flights left an airport last before a time.
//!
//! Departures come as columns, and questions as lines of JSON: `{"origin":"JFK","at":"2013-01-05T12:00:00Z","last":3}`.
//! A question is answered when the watermark reaches its time, so the answer is complete. The parameter `hours` says how
//! far back an answer goes. Departures are kept in the order of their times. Those that no later answer can show are
//! deleted, all of them at once. The results show what the engine has added up by airport.

use alluvium_plugin::merge::{Add, Greatest, Union};
use alluvium_plugin::prelude::*;
use alluvium_plugin::{
    Batch, Code, Description, Domain, Failure, Key, Kind, Level, List, Merged, Namespace, OrderedMap, Rows,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The number of the input of questions; that of the departures is 0.
const QUESTIONS: u32 = 1;
/// The namespace of the times at which questions are answered.
const DUE: &str = "due";
const HOUR_MS: i64 = 3_600_000;

type Airport = Code<3>;

#[derive(Row)]
struct Departure {
    origin: Airport,
    dest: String,
    carrier: String,
    flight: u64,
    time_hour: Time,
}

/// What is kept of a departure, and what an answer shows of it.
#[derive(Debug, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    number: u64,
    dest: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    origin: Airport,
    at: Time,
    last: u16,
}

struct Board {
    rows: Rows<Departure>,
    /// Flights by airport, and then by time, carrier and number. Two of one carrier may leave within an hour.
    departures: OrderedMap<Airport, (Time, String, u64), Flight>,
    asked: List<Airport, Question>,
    flights: Merged<Airport, Add>,
    latest: Merged<Airport, Greatest<Time>>,
    destinations: Merged<Airport, Union<String>>,
    /// How far an answer goes back.
    back_ms: i64,
}

/// Makes the operator.
pub fn board() -> impl Operator {
    Board {
        rows: Rows::default(),
        departures: OrderedMap::new("departures"),
        asked: List::new("asked"),
        flights: Merged::new("flights"),
        latest: Merged::new("latest"),
        destinations: Merged::new("destinations"),
        back_ms: 0,
    }
}
alluvium_plugin::export!(board);

impl Operator for Board {
    fn describe(&self) -> Description {
        Description::new("board")
            .input("departures")
            .input_of_records("questions")
            .output("answers")
            .namespace(self.departures.namespace())
            .namespace(self.asked.namespace())
            .namespace(self.flights.namespace())
            .namespace(self.latest.namespace())
            .namespace(self.destinations.namespace())
            .namespace(Namespace::new(DUE, Kind::Timers(Domain::Event)))
            .parameter("hours", Some("24"), "how many hours an answer goes back")
    }

    fn open(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        let hours = context.parameter("hours").unwrap_or_default().to_owned();
        let wrong = || format!("the parameter hours: {} is no number of hours from 1 to 168", json!(hours));
        self.back_ms = hours.parse::<i64>().ok().filter(|hours| (1..=168).contains(hours)).ok_or_else(wrong)? * HOUR_MS;
        let before = context.previous_parameter("hours").map(str::to_owned);
        if let Some(before) = before.filter(|before| *before != hours) {
            // Departures that the shorter time has left behind are gone.
            context.log(Level::Warn, &format!("answers go back {hours} hours, and went back {before} before"));
        }
        Ok(())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        if input == QUESTIONS {
            let due = context.namespace(DUE)?;
            for question in batch.json::<Question>()? {
                let (origin, at) = (question.origin, question.at);
                self.asked.push(&origin, question, context)?;
                context.host().set_timer(due, at.as_ms(), &origin.bytes())?;
            }
            return Ok(());
        }
        for Departure { origin, dest, carrier, flight, time_hour } in self.rows.read(batch)? {
            self.flights.merge(&origin, &1, context)?;
            self.latest.merge(&origin, &time_hour, context)?;
            self.destinations.merge(&origin, &dest, context)?;
            let key = (time_hour, carrier.clone(), flight);
            self.departures.set(&origin, &key, &Flight { carrier, number: flight, dest }, context)?;
        }
        Ok(())
    }

    fn route(&mut self, input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        if input == QUESTIONS {
            return Ok(batch.json::<Question>()?.iter().map(|question| question.origin.bytes()).collect());
        }
        Ok(self.rows.read(batch)?.iter().map(|departure| departure.origin.bytes()).collect())
    }

    fn on_timers(&mut self, _: &str, now_ms: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        let now = Time::from_ms(now_ms);
        let first = (Time::from_ms(now_ms.saturating_sub(self.back_ms)), String::new(), 0);
        let end = (now, String::new(), 0);
        for key in keys {
            let origin = Airport::of_bytes(key).ok_or("a timer for what is no airport")?;
            let mut asked = self.asked.take(&origin, context)?;
            for Question { last, .. } in asked.extract_if(.., |question| question.at == now) {
                let found = self.departures.range_reversed(&origin, &first..&end, last.into(), context)?;
                let flights: Vec<_> =
                    found.iter().map(|((at, ..), flight)| json!({ "at": at, "flight": flight })).collect();
                context.emit(0, &json!({ "origin": origin, "before": now, "departures": flights }))?;
            }
            for question in asked {
                self.asked.push(&origin, question, context)?;
            }
            // Timers fire in the order of their times, so no answer goes back further any more.
            self.departures.delete_range(&origin, ..&first, context)?;
        }
        Ok(())
    }

    fn results(&mut self, start: bool, limit: u32, context: &mut Context<'_>) -> Result<Vec<String>, String> {
        let airports = self.flights.page(start, limit, context)?;
        let line = |(origin, flights)| {
            let (latest, destinations) = (self.latest.get(&origin, context)?, self.destinations.get(&origin, context)?);
            let line = json!({ "key": origin, "flights": flights, "latest": latest, "destinations": destinations });
            Ok(line.to_string())
        };
        airports.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn departures(harness: &mut Harness, departures: &[(&str, &str, u64)]) {
        let line = |(origin, at, flight): &(&str, &str, u64)| format!("{origin},LAX,UA,{flight},2013-01-{at}:00:00Z\n");
        let lines: Vec<_> = departures.iter().map(line).collect();
        harness.feed(&format!("origin,dest,carrier,flight,time_hour\n{}", lines.concat())).unwrap();
    }

    fn ask(harness: &mut Harness, origin: &str, at: &str, last: u16) {
        let question = format!(r#"{{"origin":"{origin}","at":"2013-01-{at}:00:00Z","last":{last}}}"#);
        harness.feed_records(QUESTIONS, &[question.as_bytes()]).unwrap();
    }

    fn flights(answer: &str) -> Vec<u64> {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let departures = answer["departures"].as_array().unwrap();
        departures.iter().map(|departure| departure["flight"]["number"].as_u64().unwrap()).collect()
    }

    #[test]
    fn an_answer_has_the_last_departures_of_its_airport_and_what_is_older_goes() {
        let mut harness = Harness::with_parameters(board, &[("hours", "6")]).unwrap();
        departures(&mut harness, &[("JFK", "01T05", 1), ("EWR", "01T09", 2), ("JFK", "01T09", 3), ("JFK", "01T09", 4)]);
        ask(&mut harness, "JFK", "01T12", 9);
        ask(&mut harness, "JFK", "01T09", 9);
        ask(&mut harness, "JFK", "01T10", 1);
        harness.checkpoint().unwrap();
        harness.crash().unwrap();
        departures(&mut harness, &[("JFK", "01T12", 5), ("JFK", "01T11", 6)]);
        harness.watermark("2013-01-01T12:00:00Z").unwrap();
        let answers: Vec<_> = harness.emitted().iter().map(|line| flights(line)).collect();
        assert_eq!(answers, [vec![1], vec![4], vec![6, 4, 3]]);
        // The departure at 5 o'clock is more than six hours before the last answer.
        assert_eq!(harness.entries("departures").unwrap().len(), 5);
        assert_eq!(harness.entries("asked").unwrap(), []);
        let jfk = r#"{"key":"JFK","flights":5,"latest":"2013-01-01T12:00:00Z","destinations":["LAX"]}"#;
        assert_eq!(harness.results().unwrap()[1], jfk);
    }

    #[test]
    fn questions_belong_to_their_airports_and_bad_ones_are_named() {
        let mut harness = Harness::new(board);
        let question = |origin: &str| format!(r#"{{"origin":"{origin}","at":0,"last":1}}"#);
        let (good, bad) = (question("JFK").replace('0', "\"0\""), question("LONDON").replace('0', "\"0\""));
        assert_eq!(harness.route_records(QUESTIONS, &[good.as_bytes()]).unwrap(), [b"JFK"]);
        let error = harness.feed_records(QUESTIONS, &[good.as_bytes(), bad.as_bytes()]).unwrap_err();
        assert!(error.starts_with("record 1: ") && error.contains("\"LONDON\" has 6 bytes, and not 3"), "{error}");
        assert_eq!(harness.entries("asked").unwrap(), []);
        assert!(harness.feed_records(QUESTIONS, &[b"{}"]).unwrap_err().contains("origin"));
    }
}
