//! A batch of mutations as columns.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::scenarios::decode::columns(bytes));
