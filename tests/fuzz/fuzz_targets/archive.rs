//! An archive of one checkpoint: what is read is exported as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::scenarios::decode::tar(bytes));
