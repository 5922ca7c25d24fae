//! The operator of the tests: it counts records by their first word.

use alluvium_cluster::{Context, Operator};
use alluvium_core::directory::Directory;

/// Counts records by their first word, and emits the word with each count that `every` divides.
#[derive(Debug)]
pub struct Counts {
    /// Which counts are emitted. None are, if it is 0.
    pub every: u64,
}

/// The first word of records that belong to no key.
pub const KEYLESS: &str = "keyless";

/// The end of records that the operator counts, and then refuses all the same.
pub const REFUSED: &str = " refused";

/// A record for which the operator panics.
pub const FAULTY: &str = "faulty";

/// Returns the first word of a record.
pub fn word(record: &[u8]) -> &[u8] {
    record.split(|byte| *byte == b' ').next().unwrap_or_default()
}

impl Operator for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn outputs(&self) -> Vec<String> {
        vec!["counts".into()]
    }

    fn key(&self, _input: u32, _columns: &[String], record: &[&[u8]], key: &mut Vec<u8>) -> Result<(), String> {
        key.extend_from_slice(word(record[0]));
        if key == KEYLESS.as_bytes() { Err("it has no key".to_owned()) } else { Ok(()) }
    }

    fn process<D: Directory>(
        &self,
        context: &mut Context<'_, D>,
        _input: u32,
        _columns: &[String],
        record: &[&[u8]],
    ) -> Result<(), String> {
        let key = word(record[0]);
        assert_ne!(key, FAULTY.as_bytes(), "it cannot count this");
        let count = context.state().get(key).and_then(|value| value.try_into().ok()).map_or(0, u64::from_le_bytes) + 1;
        context.state().put(key, &count.to_le_bytes()).map_err(|error| error.to_string())?;
        if self.every > 0 && count.is_multiple_of(self.every) {
            context.emit(0, format!("{} {count}", String::from_utf8_lossy(key)).as_bytes());
        }
        if record[0].ends_with(REFUSED.as_bytes()) { Err("it says so".to_owned()) } else { Ok(()) }
    }
}
