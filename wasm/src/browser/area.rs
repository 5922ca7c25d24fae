//! A fixed area of the engine's memory, which JavaScript and the engine share.
//!
//! JavaScript writes keys and values into it and passes only their lengths. The engine answers with the address and
//! the length of what it found, and JavaScript reads it there. Nothing is allocated on the way, which is most of what a
//! short call would cost.
//!
//! The area begins with two little-endian numbers of 32 bits: the address and the length of the last answer. What
//! JavaScript wrote follows at [`GIVEN`]. An address is good only until the next call: the memory may grow, which
//! detaches every view of it, and the engine may move what was there.

use std::cell::RefCell;

use alluvium_core::IncrementalCheckpointError as Error;
use wasm_bindgen::prelude::*;

/// Where the bytes begin that JavaScript writes.
const GIVEN: usize = 8;

/// The area of this instance. All engines of the instance use it, one call after the other.
#[derive(Default)]
pub(super) struct Area {
    shared: Vec<u8>,
    /// What the last call made, if its answer was not in memory already.
    made: Vec<u8>,
}

thread_local! {
    static AREA: RefCell<Area> = RefCell::default();
}

/// Runs a step with the area.
pub(super) fn with<T>(step: impl FnOnce(&mut Area) -> T) -> T {
    AREA.with_borrow_mut(step)
}

/// Makes room for `bytes` bytes of keys and values, and returns the address of the area. What was written before is
/// still there.
#[wasm_bindgen(js_name = areaFor)]
pub fn area_for(bytes: usize) -> usize {
    with(|area| {
        let bytes = GIVEN + bytes;
        if area.shared.len() < bytes {
            area.shared.resize(bytes.next_power_of_two(), 0);
        }
        area.shared.as_ptr().expose_provenance()
    })
}

/// Returns the memory of this instance.
#[wasm_bindgen(js_name = engineMemory)]
pub fn engine_memory() -> JsValue {
    wasm_bindgen::memory()
}

impl Area {
    /// Returns what JavaScript wrote, divided into parts of these lengths.
    pub(super) fn given<const N: usize>(&self, lens: [usize; N]) -> Result<[&[u8]; N], Error> {
        let mut rest = &self.shared[GIVEN.min(self.shared.len())..];
        let mut parts = [&[][..]; N];
        for (part, len) in parts.iter_mut().zip(lens) {
            (*part, rest) = rest.split_at_checked(len).ok_or_else(|| {
                Error::InvalidInput(format!("{len} bytes were announced, and the area has {} left", rest.len()))
            })?;
        }
        Ok(parts)
    }

    /// Says where an answer is that is in memory.
    pub(super) fn answer(&mut self, address: usize, len: usize) {
        #[allow(clippy::cast_possible_truncation, reason = "addresses have 32 bits here")]
        for (word, number) in self.shared.as_chunks_mut::<4>().0.iter_mut().zip([address as u32, len as u32]) {
            *word = number.to_le_bytes();
        }
    }

    /// Says where an answer is that was made for this call. It stays until the next such answer.
    pub(super) fn answer_made(&mut self, made: Vec<u8>) {
        self.made = made;
        self.answer(self.made.as_ptr().expose_provenance(), self.made.len());
    }
}
