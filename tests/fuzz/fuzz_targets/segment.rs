//! A segment or a log: as it is, and with checksums that hold whatever the mutation.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alluvium_torture::scenarios::sealed::segment(bytes));
