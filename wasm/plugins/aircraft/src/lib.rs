//! The plugin `aircraft`. It emits how many flights each aircraft makes without a pause of twelve hours.

use alluvium_plugin::prelude::*;

#[derive(Row)]
struct Flight {
    tailnum: String,
    time_hour: Time,
}

fn aircraft() -> impl Operator {
    let days = Session::gap(Duration::from_hours(12)).lateness(Duration::from_hours(2));
    days.by(|it: &Flight| it.tailnum.clone()).count()
}
alluvium_plugin::export!(aircraft);
