//! A whole directory: every reader goes over it, and two of them agree.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::scenarios::decode::directory(bytes));
