//! Tests across the layers of Alluvium: `suite/` holds them, and the documents' examples run here.

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
