//! What an operator can ask of its host: the interfaces that a component imports, and their like in the harness.

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For the operator's author.
    Debug,
    /// What happens as expected.
    Info,
    /// What should be looked at.
    Warn,
    /// What went wrong.
    Error,
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Keys with values, each kind one after the other, as a batch of mutations carries them.
pub(crate) struct Packed {
    pub(crate) key_lens: Vec<u32>,
    pub(crate) value_lens: Vec<u32>,
    pub(crate) keys: Vec<u8>,
    pub(crate) values: Vec<u8>,
}

impl Packed {
    pub(crate) fn of(changes: &[(&[u8], &[u8])]) -> Self {
        let keys = || changes.iter().map(|(key, _)| *key);
        let values = || changes.iter().map(|(_, value)| *value);
        Self {
            key_lens: lens(keys()),
            value_lens: lens(values()),
            keys: keys().collect::<Vec<_>>().concat(),
            values: values().collect::<Vec<_>>().concat(),
        }
    }
}

/// Returns the lengths of keys or values. One that is longer than a length can say is refused by the engine.
pub(crate) fn lens<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u32> {
    parts.map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX)).collect()
}

/// Takes parts apart that stand one after the other.
pub(crate) fn split<'a>(lens: &[u32], mut bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, String> {
    let mut parts = Vec::with_capacity(lens.len());
    for &len in lens {
        let (part, rest) = bytes.split_at_checked(len as usize).ok_or("fewer bytes than the lengths say")?;
        parts.push(part);
        bytes = rest;
    }
    Ok(parts)
}

/// What an operator can ask of its host. A component asks the interfaces that it imports, and a test the
/// [harness](crate::Harness). The errors are texts for people, and a failed call has changed nothing.
pub trait Host {
    /// Returns the number of a namespace that the operator describes.
    fn namespace(&mut self, name: &str) -> Result<u32, String>;

    /// Returns the values of keys, in their order.
    fn get_many(&mut self, namespace: u32, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, String>;

    /// Sets keys to values, and deletes those without one.
    fn apply(&mut self, namespace: u32, changes: &[(&[u8], Option<&[u8]>)]) -> Result<(), String>;

    /// Merges values into those of keys.
    fn merge(&mut self, namespace: u32, changes: &[(&[u8], &[u8])]) -> Result<(), String>;

    /// Returns at most `limit` entries of a range of an ordered namespace, and from its end with `reverse`.
    fn scan(
        &mut self,
        namespace: u32,
        from: &[u8],
        to: Option<&[u8]>,
        reverse: bool,
        limit: u32,
    ) -> Result<Vec<Entry>, String>;

    /// Deletes a range of an ordered namespace.
    fn delete_range(&mut self, namespace: u32, from: &[u8], to: Option<&[u8]>) -> Result<u64, String>;

    /// Returns at most `limit` entries whose keys come after `after` in the order of their bytes, of a namespace of any
    /// kind, with `start` from the first one. It is for results: a hashed namespace is sorted for it.
    fn page(&mut self, namespace: u32, start: bool, limit: u32) -> Result<Vec<Entry>, String>;

    /// Sets a timer.
    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), String>;

    /// Deletes a timer.
    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, String>;

    /// Returns the watermark, in milliseconds.
    fn watermark(&mut self) -> Option<i64>;

    /// Returns the processing time, in milliseconds.
    fn processing_time(&mut self) -> Option<i64>;

    /// Emits a record to an output.
    fn emit(&mut self, output: u32, record: &[u8]) -> Result<(), String>;

    /// Writes a message to the host's log.
    fn log(&mut self, level: Level, message: &str);
}
