//! The rival: the same operator, compiled natively, over an ordinary map and without checkpoints.

use alluvium_plugin::{Entry, Host, Level};
use rustc_hash::FxHashMap;

/// A host whose state is a map in memory.
#[derive(Default)]
pub(super) struct MapHost {
    pub(super) state: FxHashMap<Vec<u8>, Vec<u8>>,
}

/// What the operator does not ask for.
fn unused<T>() -> Result<T, String> {
    Err("the operator of the benchmarks has no use for this".to_owned())
}

impl Host for MapHost {
    fn namespace(&mut self, _: &str) -> Result<u32, String> {
        Ok(1)
    }

    fn get_many(&mut self, _: u32, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, String> {
        Ok(keys.iter().map(|key| self.state.get(*key).cloned()).collect())
    }

    fn apply(&mut self, _: u32, changes: &[(&[u8], Option<&[u8]>)]) -> Result<(), String> {
        for (key, value) in changes {
            let Some(value) = value else { return unused() };
            if let Some(kept) = self.state.get_mut(*key) {
                kept.clear();
                kept.extend_from_slice(value);
            } else {
                self.state.insert(key.to_vec(), value.to_vec());
            }
        }
        Ok(())
    }

    fn merge(&mut self, _: u32, _: &[(&[u8], &[u8])]) -> Result<(), String> {
        unused()
    }

    fn scan(&mut self, _: u32, _: &[u8], _: Option<&[u8]>, _: bool, _: u32) -> Result<Vec<Entry>, String> {
        unused()
    }

    fn delete_range(&mut self, _: u32, _: &[u8], _: Option<&[u8]>) -> Result<u64, String> {
        unused()
    }

    fn page(&mut self, _: u32, _: bool, _: u32) -> Result<Vec<Entry>, String> {
        unused()
    }

    fn set_timer(&mut self, _: u32, _: i64, _: &[u8]) -> Result<(), String> {
        unused()
    }

    fn delete_timer(&mut self, _: u32, _: i64, _: &[u8]) -> Result<bool, String> {
        unused()
    }

    fn watermark(&mut self) -> Option<i64> {
        None
    }

    fn processing_time(&mut self) -> Option<i64> {
        None
    }

    fn emit(&mut self, _: u32, _: &[u8]) -> Result<(), String> {
        unused()
    }

    fn log(&mut self, _: Level, _: &str) {}
}
