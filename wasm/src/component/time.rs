//! Implements the interface `time`, as `state` is: with the manager that was opened last.

use super::Engine;
use super::bindings::alluvium::checkpoint::types::Error;
use super::bindings::exports::alluvium::checkpoint::checkpoints::GuestManager;
use super::bindings::exports::alluvium::checkpoint::time as wit;
use super::live::newest;

impl wit::Guest for Engine {
    fn watermark() -> Option<i64> {
        newest().ok()?.watermark()
    }

    fn processing_time() -> Option<i64> {
        newest().ok()?.processing_time()
    }

    fn set_timer(namespace: u32, at_ms: i64, key: Vec<u8>) -> Result<(), Error> {
        newest()?.set_timer(namespace, at_ms, key)
    }

    fn delete_timer(namespace: u32, at_ms: i64, key: Vec<u8>) -> Result<bool, Error> {
        newest()?.delete_timer(namespace, at_ms, key)
    }
}
