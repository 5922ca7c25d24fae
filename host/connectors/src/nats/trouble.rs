//! What the errors of a server of NATS mean.

use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{ConnectError, ConnectErrorKind};

use crate::trouble::{Trouble, in_full};

impl Trouble {
    /// Returns the trouble of an answer of the server.
    pub(crate) fn answered(error: &jetstream::Error) -> Self {
        let text = error.to_string();
        // The codes of HTTP: a server error is one that passes, as an election that is going on.
        if error.code() >= 500 { Self::Lost(text) } else { Self::Refused(text) }
    }

    pub(crate) fn of_connecting(error: &ConnectError) -> Self {
        match error.kind() {
            ConnectErrorKind::ServerParse
            | ConnectErrorKind::Authentication
            | ConnectErrorKind::AuthorizationViolation
            | ConnectErrorKind::Tls => Self::Refused(in_full(error)),
            ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects => Self::lost(error),
        }
    }

    pub(crate) fn of_stream(name: &str, error: &GetStreamError) -> Self {
        match error.kind() {
            GetStreamErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Self::Refused(format!("there is no stream {name}"))
            }
            GetStreamErrorKind::JetStream(answer) => Self::answered(&answer),
            GetStreamErrorKind::Request => Self::lost(error),
            GetStreamErrorKind::EmptyName | GetStreamErrorKind::InvalidStreamName => Self::Refused(in_full(error)),
        }
    }
}
