//! The original's snapshot of a state.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::rows::decode::snapshot(bytes));
