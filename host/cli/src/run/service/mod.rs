//! What is left running shows itself: as a page, as metrics, and as answers to probes.

mod families;
mod frame;
mod http;
mod metrics;
mod metrics_file;
mod page;
mod status;

use alluvium_host::Host;

#[cfg(feature = "cluster")]
pub(super) use families::{
    Metric, age, counters, gauges, labelled_counters, labelled_gauges, number, of_process, seconds,
};
#[cfg(feature = "cluster")]
pub(super) use frame::{framed, lag_text, position_text, shown, time, time_of};
pub(super) use http::{Shown, listen};
pub(super) use metrics_file::{MetricsFile, check_metrics_file};
pub(super) use status::{InputStatus, OutputStatus, Phase, Status};

/// A run, and the host of its plugin.
pub(super) struct OfRun(pub(super) Host, pub(super) Status);

impl Shown for OfRun {
    fn page(&self) -> String {
        page::page(&self.1.snapshot())
    }

    fn metrics(&self) -> String {
        metrics::exposition(&self.0, &self.1)
    }

    fn unhealthy(&self) -> Option<String> {
        self.1.snapshot().is_unhealthy()
    }

    fn unready(&self) -> Option<String> {
        self.1.snapshot().is_unready()
    }
}
