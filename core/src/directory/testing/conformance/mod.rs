//! The suite that every [`Directory`] must pass, for whoever implements the trait.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Mutex, PoisonError};
//!
//! use alluvium_core::directory::testing::conformance;
//! use alluvium_core::directory::{MemoryDirectory, block_on};
//!
//! let storages = Mutex::new(BTreeMap::new());
//! let open = async |storage: &str| {
//!     let mut storages = storages.lock().unwrap_or_else(PoisonError::into_inner);
//!     *storages.entry(storage.to_owned()).or_insert_with(|| &*Box::leak(Box::new(MemoryDirectory::new())))
//! };
//! let report = block_on(conformance::run(conformance::Handles::Many, open));
//! report.assert();
//! ```
//!
//! What it cannot ask for is a crash: that a created file survives one, and that a batch leaves no
//! last file without the ones before it, is for whoever owns the storage beneath: see
//! [`crash_certificate`](crate::directory::testing::crash_certificate).

mod creating;
mod deleting;
mod naming;
mod reading;
mod reopening;
mod support;

use std::fmt::Write;

use crate::directory::contract::Directory;
use crate::directory::testing::conformance::support::Outcome;

/// How many handles on one storage the implementation allows at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handles {
    /// One: opening holds a lock. The checks of [`SHARED_CHECKS`] are left out.
    One,
    /// Any number.
    Many,
}

/// What the suite found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a report that nobody looks at tests nothing: call `assert`"]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that failed, each with what it found and what it expected.
    pub failed: Vec<(&'static str, String)>,
}

impl Report {
    /// Panics, naming every failed check, unless all passed and there were any at all. Returns how
    /// many checks ran.
    pub fn assert(&self) -> usize {
        let mut failures = String::new();
        for (check, what) in &self.failed {
            let _ = write!(failures, "\n{check}: {what}");
        }
        let count = self.passed.len() + self.failed.len();
        assert!(failures.is_empty(), "{} of {count} checks failed:{failures}", self.failed.len());
        assert!(count >= CHECKS.len(), "only {count} of {} checks ran", CHECKS.len());
        count
    }

    fn note(&mut self, check: &'static str, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed.push(check),
            Err(what) => self.failed.push((check, what)),
        }
    }
}

/// Runs every check on a storage of its own.
///
/// `open` is given the name of a storage: a new name is a storage that is empty, a name that was
/// given before is another handle on the storage that it was given for. With [`Handles::One`] the
/// handle before has been dropped by then.
pub async fn run<D: Directory>(handles: Handles, open: impl AsyncFn(&str) -> D) -> Report {
    let mut report = Report { passed: Vec::new(), failed: Vec::new() };
    run_checks(&open, &mut report).await;
    if handles == Handles::Many {
        run_shared_checks(&open, &mut report).await;
    }
    report
}

/// Makes the list of names and the function that runs them from one list, so that no check is in one
/// and not in the other; a check in neither is dead code, which the compiler reports.
macro_rules! checks {
    ($(#[$doc:meta])* $names:ident, $run:ident: $($module:ident { $($check:ident,)+ })+) => {
        $(#[$doc])*
        pub const $names: &[&str] = &[$($(stringify!($check)),+),+];

        async fn $run<D: Directory>(open: &impl AsyncFn(&str) -> D, report: &mut Report) {
            $($(report.note(stringify!($check), $module::$check(async || open(stringify!($check)).await).await);)+)+
        }
    };
}

checks! {
    /// The names of the checks that every implementation runs.
    CHECKS, run_checks:
    reading {
        a_new_directory_is_empty,
        a_listing_is_in_order_of_path,
        a_file_reads_back_whole,
        a_file_may_be_empty,
        a_file_may_have_five_mib,
        ranges_are_exact,
        ranges_past_the_end_are_out_of_range,
        lengths_are_checked_before_memory_is_taken,
        what_is_not_there_is_not_found,
    }
    creating {
        a_batch_spans_directories_in_any_order,
        creating_and_listing_shows_what_was_created,
        a_taken_name_fails_the_batch,
        a_name_twice_in_a_batch_fails_it,
    }
    naming {
        names_may_be_64_characters_long,
        names_outside_the_contract_are_refused,
    }
    deleting {
        deleting_twice_is_no_error,
        deleting_leaves_the_other_files,
        a_directory_goes_with_its_last_file,
        a_deleted_name_is_free_again,
    }
    reopening {
        files_outlive_the_handle,
        deletions_outlive_the_handle,
    }
}

checks! {
    /// The names of the checks that need two handles on one storage at a time.
    SHARED_CHECKS, run_shared_checks:
    reopening {
        two_handles_see_the_same_files,
        of_two_handles_the_first_to_create_wins,
    }
}

#[cfg(test)]
mod tests;
