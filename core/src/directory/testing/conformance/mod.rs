//! The suite that every [`Directory`] must pass. To use other storage, implement the trait and run it.
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
//! The suite cannot cause a crash. So it does not test that a created file survives one, nor that a
//! batch never leaves its last file without the files before it. The
//! [`crash_certificate`](crate::directory::testing::crash_certificate) tests this on a storage whose
//! power can be made to fail.

mod creating;
mod deleting;
mod naming;
mod reading;
mod reopening;
mod support;

use std::fmt::Write;

use crate::directory::contract::Directory;
use crate::directory::testing::conformance::support::Outcome;

/// How many handles on one storage the implementation allows at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handles {
    /// Only one, because a handle holds a lock. The checks of [`SHARED_CHECKS`] are left out.
    One,
    /// Any number.
    Many,
}

/// The result of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an unread report tests nothing: call `assert`"]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that failed. Each comes with what it found and what it expected.
    pub failed: Vec<(&'static str, String)>,
}

impl Report {
    /// Returns how many checks ran.
    ///
    /// # Panics
    ///
    /// Panics if any check failed, naming each of them, and if fewer checks ran than [`CHECKS`] has.
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

/// Runs every check on a storage of its own, and returns the report.
///
/// `open` gets the name of a storage and returns a handle on it. For a new name it must open an empty
/// storage. For a name that it got before it must open the same storage again. With [`Handles::One`]
/// the previous handle has been dropped by then.
pub async fn run<D: Directory>(handles: Handles, open: impl AsyncFn(&str) -> D) -> Report {
    let mut report = Report { passed: Vec::new(), failed: Vec::new() };
    run_checks(&open, &mut report).await;
    if handles == Handles::Many {
        run_shared_checks(&open, &mut report).await;
    }
    report
}

/// Makes the list of names and the function that runs the checks from one list, so that no check is in
/// only one of them. A check that is in neither is dead code, which the compiler reports.
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
        a_file_that_is_too_long_is_not_read,
        a_file_may_have_five_mib,
        ranges_are_exact,
        ranges_past_the_end_are_out_of_range,
        lengths_are_checked_before_memory_is_taken,
        what_is_not_there_is_not_found,
    }
    creating {
        a_batch_spans_directories_in_any_order,
        creating_and_listing_shows_what_was_created,
        creating_without_an_order_lists_what_was_created,
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
    /// The names of the checks that need two handles on one storage at the same time.
    SHARED_CHECKS, run_shared_checks:
    reopening {
        two_handles_see_the_same_files,
        of_two_handles_the_first_to_create_wins,
    }
}

#[cfg(test)]
mod tests;
