//! The plugin `weather`. It emits the mean temperature of each day at each airport, in degrees Fahrenheit.

use alluvium_plugin::prelude::*;

#[derive(Row)]
struct Weather {
    origin: String,
    time_hour: Time,
    temp: Option<f64>,
}

fn weather() -> impl Operator {
    let days = Tumbling::hours(24).lateness(Duration::from_hours(1));
    days.by(|it: &Weather| it.origin.clone()).mean(|it| it.temp)
}
alluvium_plugin::export!(weather);
