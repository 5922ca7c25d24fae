//! What version 1 has left, continued by version 2.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Description, Failure};
use carriers::carriers;

#[path = "../examples/carriers_1.rs"]
mod version_1;

use version_1::carriers_1;

/// Flights of this number of carriers, from a number on, as CSV.
fn flights(carriers: usize, from: usize, count: usize) -> String {
    let line = |number: usize| format!("C{},{}\n", number * 7 % carriers, number % 90);
    format!("carrier,distance\n{}", (from..from + count).map(line).collect::<String>())
}

#[test]
fn a_state_of_version_1_is_continued_by_version_2() {
    // More carriers than a page of entries has.
    for carriers_count in [3, 2_500] {
        let mut whole = Harness::new(carriers);
        let mut migrated = Harness::new(carriers_1);
        for batch in 0..6 {
            let records = flights(carriers_count, batch * 1_000, 1_000);
            whole.feed(&records).unwrap();
            migrated.feed(&records).unwrap();
            migrated.checkpoint().unwrap();
            if batch == 2 {
                assert!(migrated.entries("totals").unwrap()[0].1.starts_with(b"["));
                // What came after the checkpoint is lost, and would be fed again.
                migrated.feed("carrier,distance\nlost,1\n").unwrap();
                migrated.migrate(carriers).unwrap();
            }
            migrated.crash().unwrap();
        }
        assert_eq!(migrated.entries("totals").unwrap(), whole.entries("totals").unwrap());
        assert_eq!(migrated.emitted(), whole.emitted());
        let again = migrated.migrate(carriers).unwrap_err();
        assert_eq!(again, "the state is of schema version 2 already");
    }
}

/// Version 3, which knows no older one unless it is told how.
struct Version3(fn(u32, &mut Context<'_>) -> Result<(), String>);

impl Operator for Version3 {
    fn describe(&self) -> Description {
        let described = Description::new("carriers").schema_version(3).input("flights").output("flights");
        described.namespace(alluvium_plugin::Map::<String, u64>::new("totals").namespace())
    }

    fn migrate(&mut self, from: u32, context: &mut Context<'_>) -> Result<(), String> {
        (self.0)(from, context)
    }

    fn begin(&mut self, _: u32, _: &[String]) -> Result<(), String> {
        Ok(())
    }

    fn process(&mut self, _: u32, _: &Batch, _: &mut Context<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let mut harness = Harness::new(carriers_1);
    harness.feed("carrier,distance\nUA,7\n").unwrap();
    harness.checkpoint().unwrap();
    let before = harness.entries("totals").unwrap();
    for (migrate, words) in [
        (|from, _| Err(format!("version {from} is not known")), "version 1 is not known"),
        (
            |_, context| alluvium_plugin::Map::<String, u64>::new("totals").entries(context).map(drop),
            "totals: a value of another type",
        ),
        (
            |_, context| {
                alluvium_plugin::Map::<String, u64>::new("totals").set(&"UA".to_owned(), &1, context)?;
                context.emit(0, &"a line")
            },
            "it emitted something: only a batch may",
        ),
    ] as [(fn(u32, &mut Context<'_>) -> Result<(), String>, &str); 3]
    {
        let error = harness.migrate(move || Version3(migrate)).unwrap_err();
        assert!(error.starts_with(words), "{error}");
        assert_eq!(harness.entries("totals").unwrap(), before);
    }
    // The old version continues.
    harness.feed("carrier,distance\nUA,7\n").unwrap();
    harness.checkpoint().unwrap();
    assert_eq!(harness.entries("totals").unwrap()[0].1, b"[2,14]");
    harness.migrate(carriers).unwrap();
    assert_eq!(harness.entries("totals").unwrap()[0].1, br#"{"flights":2,"miles":14}"#);
}
