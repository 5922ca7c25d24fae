//! What can go wrong with a cluster.

use std::io;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The cluster cannot be reached, or cannot do it now. Another attempt may succeed.
    Lost(String),
    /// The cluster refuses it, and another attempt changes nothing.
    Refused(String),
    /// Another producer has the transactional id now.
    Fenced(String),
}

impl Trouble {
    /// Returns the trouble of an error.
    pub(crate) fn of(error: &KafkaError) -> Self {
        let text = match error {
            KafkaError::Transaction(error) => error.string(),
            error => error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string()),
        };
        match (error, error.rdkafka_error_code()) {
            (KafkaError::ClientConfig(..), _) => Self::Refused(text),
            (_, Some(code)) => Self::of_code(code, text),
            _ => Self::Lost(text),
        }
    }

    pub(crate) fn of_code(code: Code, text: String) -> Self {
        match code {
            Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Self::Fenced(text),
            Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::InvalidTopic
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::UnsupportedFeature
            | Code::UnsupportedVersion
            | Code::InvalidTransactionTimeout
            | Code::MessageSizeTooLarge
            | Code::InvalidRecord
            | Code::PolicyViolation => Self::Refused(text),
            _ => Self::Lost(text),
        }
    }

    /// What went wrong.
    pub(crate) fn what(&self) -> &str {
        let (Self::Lost(what) | Self::Refused(what) | Self::Fenced(what)) = self;
        what
    }

    /// Returns the error of the system that stands for it, if it is one that passes.
    pub(crate) fn as_io(&self) -> Option<io::Error> {
        match self {
            Self::Lost(what) => Some(io::Error::new(io::ErrorKind::NotConnected, what.clone())),
            Self::Refused(_) | Self::Fenced(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let of = |code| Trouble::of(&KafkaError::MessageConsumption(code));
        assert!(matches!(of(Code::AllBrokersDown), Trouble::Lost(_)));
        assert!(matches!(of(Code::NotLeaderForPartition), Trouble::Lost(_)));
        assert!(matches!(of(Code::TopicAuthorizationFailed), Trouble::Refused(_)));
        assert!(matches!(of(Code::ProducerFenced), Trouble::Fenced(_)));
    }
}
