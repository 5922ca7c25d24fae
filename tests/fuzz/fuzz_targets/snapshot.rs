//! LaminarDB's snapshot of a state.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::scenarios::decode::snapshot(bytes));
