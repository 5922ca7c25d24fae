//! The plugin `joined`. It emits each flight with the weather at its airport in that hour, and with its plane.
//!
//! A flight waits in the state until the watermark has passed its hour. Then its weather has come, if there is any, and
//! it is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of the
//! hours and of the flights.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Description, Domain, Failure, Key, Kind, Map, Namespace, Rows};
use serde::{Deserialize, Serialize};

/// The inputs by number.
const FLIGHTS: u32 = 0;
const WEATHER: u32 = 1;

/// The namespace of the hours at which flights are due.
const DUE: &str = "due";
const HOUR_MS: i64 = 3_600_000;

#[derive(Row)]
struct Flight {
    carrier: String,
    #[row(column = "flight")]
    number: i64,
    tailnum: String,
    origin: String,
    dest: String,
    time_hour: Time,
}

#[derive(Row)]
struct Weather {
    origin: String,
    time_hour: Time,
    temp: Option<f64>,
    visib: Option<f64>,
}

#[derive(Row)]
struct Plane {
    tailnum: String,
    manufacturer: String,
    seats: Option<i64>,
}

/// What is kept of a flight, beside its carrier, number and hour.
#[derive(Serialize, Deserialize)]
struct Waiting {
    tailnum: String,
    origin: String,
    dest: String,
}

/// The carrier, the number and the hour of a flight.
type Name = (String, i64, i64);

#[derive(Serialize)]
struct Joined {
    carrier: String,
    flight: i64,
    hour: Time,
    #[serde(flatten)]
    waiting: Waiting,
    temp: Option<f64>,
    visib: Option<f64>,
    manufacturer: Option<String>,
    seats: Option<i64>,
}

struct Join {
    rows: (Rows<Flight>, Rows<Weather>, Rows<Plane>),
    waiting: Map<Name, Waiting>,
    weather: Map<(String, i64), (Option<f64>, Option<f64>)>,
    planes: Map<String, (String, Option<i64>)>,
}

/// Makes the operator.
pub fn joined() -> impl Operator {
    Join {
        rows: Default::default(),
        waiting: Map::new("waiting"),
        weather: Map::new("weather"),
        planes: Map::new("planes"),
    }
}
alluvium_plugin::export!(joined);

impl Operator for Join {
    fn describe(&self) -> Description {
        Description::new("joined")
            .input("flights")
            .input("weather")
            .input("planes")
            .output("flights")
            .namespace(self.waiting.namespace())
            .namespace(self.weather.namespace())
            .namespace(self.planes.namespace())
            .namespace(Namespace::new(DUE, Kind::Timers(Domain::Event)))
    }

    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), String> {
        match input {
            FLIGHTS => self.rows.0.begin(header),
            WEATHER => self.rows.1.begin(header),
            _ => self.rows.2.begin(header),
        }
    }

    fn process(&mut self, input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        match input {
            FLIGHTS => {
                let due = context.namespace(DUE)?;
                for Flight { carrier, number, tailnum, origin, dest, time_hour } in self.rows.0.read(batch)? {
                    let name = (carrier, number, time_hour.as_ms());
                    context.host().set_timer(due, time_hour.as_ms().saturating_add(HOUR_MS), &name.bytes())?;
                    self.waiting.set(&name, &Waiting { tailnum, origin, dest }, context)?;
                }
            }
            WEATHER => {
                for Weather { origin, time_hour, temp, visib } in self.rows.1.read(batch)? {
                    self.weather.set(&(origin, time_hour.as_ms()), &(temp, visib), context)?;
                }
            }
            _ => {
                for Plane { tailnum, manufacturer, seats } in self.rows.2.read(batch)? {
                    self.planes.set(&tailnum, &(manufacturer, seats), context)?;
                }
            }
        }
        Ok(())
    }

    fn on_timers(&mut self, _: &str, _: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        let names: Option<Vec<Name>> = keys.iter().map(|key| Name::of_bytes(key)).collect();
        let names = names.ok_or("a timer for what is no flight")?;
        self.waiting.prefetch(&names, context)?;
        let mut due = Vec::new();
        for name in names {
            if let Some(waiting) = self.waiting.get(&name, context)? {
                self.waiting.delete(&name, context)?;
                due.push((name, waiting));
            }
        }
        let places: Vec<_> = due.iter().map(|(name, waiting)| (waiting.origin.clone(), name.2)).collect();
        self.weather.prefetch(&places, context)?;
        self.planes.prefetch(due.iter().map(|(_, waiting)| &waiting.tailnum), context)?;
        for (((carrier, flight, hour), waiting), place) in due.into_iter().zip(places) {
            let (temp, visib) = self.weather.get(&place, context)?.unwrap_or_default();
            let plane = self.planes.get(&waiting.tailnum, context)?;
            let (manufacturer, seats) = plane.map_or((None, None), |(manufacturer, seats)| (Some(manufacturer), seats));
            let hour = Time::from_ms(hour);
            context.emit(0, &Joined { carrier, flight, hour, waiting, temp, visib, manufacturer, seats })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_inputs_does_not_matter() {
        let inputs = [
            (
                0,
                "carrier,flight,tailnum,origin,dest,time_hour\nUA,7,N1,EWR,IAH,2013-01-01T10:00:00Z\n\
                 AA,8,N2,JFK,MIA,2013-01-01T10:00:00Z\n",
            ),
            (1, "origin,time_hour,temp,visib\nEWR,2013-01-01T10:00:00Z,39.5,NA\n"),
            (2, "tailnum,manufacturer,seats\nN2,BOEING,178\n"),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut harness = Harness::new(joined);
            for at in order {
                let (input, records) = inputs[at];
                harness.feed_to(input, records).unwrap();
                harness.checkpoint().unwrap();
                harness.crash().unwrap();
            }
            harness.watermark("2013-01-01T11:00:00Z").unwrap();
            let expected = [
                r#"{"carrier":"AA","flight":8,"hour":"2013-01-01T10:00:00Z","tailnum":"N2","origin":"JFK","dest":"MIA","temp":null,"visib":null,"manufacturer":"BOEING","seats":178}"#,
                r#"{"carrier":"UA","flight":7,"hour":"2013-01-01T10:00:00Z","tailnum":"N1","origin":"EWR","dest":"IAH","temp":39.5,"visib":null,"manufacturer":null,"seats":null}"#,
            ];
            assert_eq!(harness.emitted(), expected);
            assert_eq!(harness.entries("waiting").unwrap(), []);
        }
    }
}
