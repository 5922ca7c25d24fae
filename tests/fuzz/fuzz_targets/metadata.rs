//! The metadata of a checkpoint: what is read is written as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::scenarios::decode::metadata(bytes));
