//! One binary for all tests across the layers: one link, one run. `tests/README.md` says what is where.
// Names of files are lower case by the format; numbers here are small by construction.
#![allow(clippy::case_sensitive_file_extension_comparisons, clippy::cast_possible_truncation)]
// Values of a few tens of kilobytes are what some tests are about.
#![allow(clippy::large_stack_arrays)]

mod archive;
mod backup;
mod cancelled;
mod damage;
mod dependencies;
mod flooding;
mod format_page;
mod freeze;
mod golden;
mod golden_vectors;
mod hostile;
mod house;
mod invariants;
mod laminar;
mod laminar_recovery;
mod laminar_tests;
mod layers;
mod migrate;
mod model;
mod names;
mod namespaces;
mod native;
mod overlapping;
mod own_files;
mod partial;
mod promises;
mod wal;
mod walks;
mod writers;

use alluvium_test_harness::allocation::NotingAllocator;

#[global_allocator]
static ALLOCATOR: NotingAllocator = NotingAllocator;
