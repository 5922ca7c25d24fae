//! The plugin `unique`. It emits the flight with which an aircraft goes to a place for the first time in a week.

use alluvium_plugin::Deduplicate;
use alluvium_plugin::prelude::*;
use serde::Serialize;

#[derive(Row, Serialize)]
struct Flight {
    tailnum: String,
    dest: String,
    time_hour: Time,
}

fn unique() -> impl Operator {
    Deduplicate::by(|it: &Flight| (it.tailnum.clone(), it.dest.clone())).within(Duration::from_hours(7 * 24))
}
alluvium_plugin::export!(unique);
