//! A store in memory, on which a test can look at each call.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Trouble, Values};

/// A store in memory.
#[derive(Default)]
pub struct MemoryValues(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryValues {
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds to a number in decimal.
pub(super) fn sum(value: Option<&[u8]>, delta: u64) -> Result<u64, Trouble> {
    let number = value.map_or(Ok(0), |value| {
        let parsed = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
        parsed.ok_or_else(|| Trouble::Answers("not a number".to_owned()))
    })?;
    number.checked_add(delta).ok_or_else(|| Trouble::Answers("the number is too large".to_owned()))
}

impl Values for MemoryValues {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
        Ok(self.values().get(key).cloned())
    }

    fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Trouble> {
        self.values().insert(key.to_owned(), value);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), Trouble> {
        self.values().remove(key);
        Ok(())
    }

    fn keys(&self) -> Result<Vec<String>, Trouble> {
        Ok(self.values().keys().cloned().collect())
    }

    fn increment(&self, key: &str, delta: u64) -> Result<u64, Trouble> {
        let mut values = self.values();
        let sum = sum(values.get(key).map(Vec::as_slice), delta)?;
        values.insert(key.to_owned(), sum.to_string().into_bytes());
        Ok(sum)
    }
}
