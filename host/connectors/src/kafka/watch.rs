//! What a client of Kafka says about its connections.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use super::Trouble;

/// Keeps why the last connection failed. The codes of errors do not say that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Option<String>>>);

/// The part of a log message that is about a connection.
const FAILURE: &str = "FAIL";

impl Watch {
    /// Returns the trouble of an error, with the reason of the last failure.
    pub(crate) fn trouble(&self, error: &KafkaError) -> Trouble {
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (Trouble::of(error), reason) {
            (Trouble::Lost(what), Some(reason)) if !what.contains(&reason) => {
                Trouble::Lost(format!("{what}: {reason}"))
            }
            (trouble, _) => trouble,
        }
    }
}

impl ClientContext for Watch {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == FAILURE {
            // It begins with the names of the thread and of the broker.
            let reason = message.rsplit_once("]: ").map_or(message, |(_, reason)| reason);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.escape_debug().to_string());
        }
    }

    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for Watch {}
