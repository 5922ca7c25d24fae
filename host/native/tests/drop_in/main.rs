//! Code written for LaminarDB's checkpoint manager, with its `use` changed, and what Alluvium does
//! where LaminarDB fails.

mod laminar_tests;
mod scenarios;
mod signatures;
mod support;
