//! Topics and their partitions.

use std::fmt;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partition: i32,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.partition)
    }
}

/// The most characters of a name, which Kafka sets.
const NAME_LENGTH_MAX: usize = 249;

/// Checks the name of a topic.
pub(crate) fn check_topic(name: &str) -> Result<(), String> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    match name {
        "" => Err("the name of the topic is missing".to_owned()),
        "." | ".." => Err(format!("{name:?} is no name of a topic")),
        _ if name.len() > NAME_LENGTH_MAX => {
            Err(format!("the name of the topic has {} characters, more than {NAME_LENGTH_MAX}", name.len()))
        }
        _ if name.chars().all(is_allowed) => Ok(()),
        _ => Err(format!("{name:?} is no name of a topic: it has a character that is no letter, digit, . _ or -")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for name in ["orders", "Orders.v2_eu-1", "...", &"x".repeat(249)] {
            check_topic(name).unwrap();
        }
        for name in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(250)] {
            check_topic(name).unwrap_err();
        }
    }
}
