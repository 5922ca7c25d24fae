//! The directory over real and simulated stores. `make object-servers` installs the real ones.

mod certificate;
mod conformance;
mod errors;
mod lost_answers;
mod probe;
mod support;
mod trips;
