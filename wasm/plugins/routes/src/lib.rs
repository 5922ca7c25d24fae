//! The plugin `routes`. It emits the three most frequent destinations of each day and origin.

use alluvium_plugin::prelude::*;

#[derive(Row)]
struct Flight {
    origin: String,
    dest: String,
    time_hour: Time,
}

fn routes() -> impl Operator {
    let days = Tumbling::hours(24).lateness(Duration::from_hours(2));
    days.by(|it: &Flight| it.origin.clone()).top(3, |it| it.dest.clone())
}
alluvium_plugin::export!(routes);
