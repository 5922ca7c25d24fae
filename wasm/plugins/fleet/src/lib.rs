//! The plugin `fleet`. It emits each flight with the manufacturer and the seats of its aircraft.
//!
//! A flight waits until the watermark has reached its hour. Flights and planes have the same keys, so the work can be
//! divided among workers.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Table, TableJoin};
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize)]
struct Departure {
    carrier: String,
    flight: i64,
    tailnum: String,
    time_hour: Time,
}

#[derive(Row, Serialize, Deserialize)]
struct Plane {
    tailnum: String,
    manufacturer: String,
    seats: Option<i64>,
}

#[derive(Serialize)]
struct Flown {
    carrier: String,
    flight: i64,
    hour: Time,
    tailnum: String,
    manufacturer: Option<String>,
    seats: Option<i64>,
}

/// Makes the operator.
pub fn fleet() -> impl Operator {
    let planes = Table::new("planes", |it: &Plane| it.tailnum.clone(), |it: &Departure| it.tailnum.clone());
    TableJoin::new("flights", |it: &Departure| it.tailnum.clone(), (planes,)).emit(|it: Departure, (plane,)| {
        let (manufacturer, seats) = plane.map_or((None, None), |plane| (Some(plane.manufacturer), plane.seats));
        Flown { carrier: it.carrier, flight: it.flight, hour: it.time_hour, tailnum: it.tailnum, manufacturer, seats }
    })
}
alluvium_plugin::export!(fleet);
