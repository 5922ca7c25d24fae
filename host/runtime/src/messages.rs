//! What a plugin says to the people who run it.

use crate::bindings::plugin::alluvium::checkpoint::logging::{Host, Level};
use crate::store_data::StoreData;
use crate::text::{cut, printable};

/// More messages than this in one call are left out.
const MESSAGES_MAX: usize = 64;

/// The messages of one call have at most so many bytes: 4,096 each, and a few that say what was cut.
#[cfg(target_os = "linux")]
pub(crate) const MESSAGES_BYTES_MAX: usize = (MESSAGES_MAX + 1) * 4_200;

/// A message of a plugin for the people who run it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// How important it is.
    pub level: Level,
    /// What it says, fit for one line of a log.
    pub text: String,
}

/// The messages of one call.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    kept: Vec<Message>,
    left_out: u64,
}

impl Messages {
    fn add(&mut self, level: Level, text: String) {
        if self.kept.len() < MESSAGES_MAX {
            self.kept.push(Message { level, text: cut(text) });
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Returns the messages, and one more if some were left out.
    pub(crate) fn take(&mut self) -> Vec<Message> {
        let Self { mut kept, left_out } = std::mem::take(self);
        if left_out > 0 {
            let text = format!("the plugin wrote {left_out} more messages in one call, which are left out");
            kept.push(Message { level: Level::Warn, text });
        }
        kept
    }
}

/// Makes messages fit to be shown. A worker may send any: those that no honest one sends are left out.
pub(crate) fn shown(messages: Vec<Message>) -> impl Iterator<Item = Message> {
    let shown = |Message { level, text }| Message { level, text: printable(&cut(text)).into_owned() };
    messages.into_iter().take(MESSAGES_MAX + 1).map(shown)
}

/// Writes a message to the log of this process.
pub(crate) fn log(plugin: &str, Message { level, text }: &Message) {
    match level {
        Level::Debug => tracing::debug!(plugin, "{text}"),
        Level::Info => tracing::info!(plugin, "{text}"),
        Level::Warn => tracing::warn!(plugin, "{text}"),
        Level::Error => tracing::error!(plugin, "{text}"),
    }
}

impl Host for StoreData {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.check_accepted("logging")?;
        self.messages.add(level, message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded_and_cannot_forge_lines() {
        let mut messages = Messages::default();
        for number in 0..100 {
            messages.add(Level::Info, format!("{number}\nerror: forged"));
        }
        let taken: Vec<Message> = shown(messages.take()).collect();
        assert_eq!(taken.len(), 65);
        assert_eq!(taken[3], Message { level: Level::Info, text: "3\\nerror: forged".to_owned() });
        assert!(taken[64].text.starts_with("the plugin wrote 36 more messages"));
        assert_eq!(messages.take(), []);
        messages.add(Level::Warn, "x".repeat(10_000));
        assert!(messages.take()[0].text.ends_with("... (5904 bytes more)"));
    }
}
