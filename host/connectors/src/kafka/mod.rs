//! What the source and the sink of Kafka have in common.

mod consumer;
mod server;
mod topic;
mod trouble;
mod watch;

pub(crate) use consumer::{Came, Consumer, Isolation};
pub use server::KafkaServer;
pub(crate) use topic::{Topic, check_topic};
pub(crate) use trouble::Trouble;
pub(crate) use watch::Watch;
