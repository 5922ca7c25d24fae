//! The suite that every [`Source`](crate::source::Source) must pass.

mod ending;
mod polling;
mod reading;
mod seeking;
mod support;

#[cfg(test)]
mod tests;

use crate::source::Source;
use crate::testing::report::{Report, checks};

/// Makes the streams that the suite reads.
///
/// A record is a text without line breaks, commas and quotes. A source that hands out records with fields
/// makes it the first field, and fields after it are not looked at.
pub trait SourceFixture {
    /// How many partitions a stream can have: 1, or more.
    fn partitions_max(&self) -> usize;

    /// Whether a stream ends where its records end. Otherwise it waits for more.
    fn ends(&self) -> bool;

    /// Makes a new stream with these records in each of its partitions.
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]);

    /// Appends records to a partition of a stream. Readers that are open need not see them if the stream
    /// ends.
    fn append(&mut self, stream: &str, partition: usize, records: &[String]);

    /// Whether the records of a partition can have another schema than those before them.
    fn has_other_schemas(&self) -> bool {
        false
    }

    /// Appends records of another schema to the first partition of a stream, if it [has](Self::has_other_schemas) them.
    fn append_other(&mut self, stream: &str, records: &[String]) {
        let _ = (stream, records);
    }

    /// Returns a source over a stream, as another process would.
    fn open(&mut self, stream: &str) -> Box<dyn Source>;
}

/// Runs every check, and returns the report.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use alluvium_connectors::source::{MemoryStream, Partition, Source};
/// use alluvium_connectors::testing::{SourceFixture, source_suite};
///
/// #[derive(Default)]
/// struct Fixture(BTreeMap<String, MemoryStream>);
///
/// impl SourceFixture for Fixture {
///     fn partitions_max(&self) -> usize {
///         4
///     }
///     fn ends(&self) -> bool {
///         false
///     }
///     fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
///         self.0.insert(stream.to_owned(), MemoryStream::new(stream));
///         for (partition, records) in partitions.iter().enumerate() {
///             self.0[stream].partition(partition.to_string()).unwrap();
///             self.append(stream, partition, records);
///         }
///     }
///     fn append(&mut self, stream: &str, partition: usize, records: &[String]) {
///         let partition = Partition::new(partition.to_string()).unwrap();
///         records.iter().for_each(|record| self.0[stream].push(&partition, record.as_str()));
///     }
///     fn open(&mut self, stream: &str) -> Box<dyn Source> {
///         Box::new(self.0[stream].source())
///     }
/// }
///
/// source_suite(&mut Fixture::default()).assert();
/// ```
pub fn source_suite(fixture: &mut dyn SourceFixture) -> Report {
    run(fixture)
}

fn has_partitions(fixture: &mut dyn SourceFixture) -> bool {
    fixture.partitions_max() > 1
}

fn ends(fixture: &mut dyn SourceFixture) -> bool {
    fixture.ends()
}

fn waits(fixture: &mut dyn SourceFixture) -> bool {
    !fixture.ends()
}

fn has_other_schemas(fixture: &mut dyn SourceFixture) -> bool {
    fixture.has_other_schemas()
}

checks! {
    SourceFixture, run:
    reading {
        records_come_once_in_order,
        batches_never_have_more_than_their_room,
        records_are_added_to_those_before,
        long_records_come_whole,
        the_schema_is_known_with_the_first_record,
        identity_and_partitions_stay_the_same,
    }
    seeking {
        reading_continues_at_every_position,
        a_position_does_not_depend_on_the_batches,
        a_position_holds_at_once,
        a_reader_seeks_forward_and_back,
        one_reader_does_not_move_another,
        records_after_the_position_are_found_later,
        a_position_of_nothing_is_refused,
        a_position_past_the_end_is_an_error,
    }
    polling {
        a_full_batch_gets_nothing,
        a_deadline_in_the_past_does_not_wait,
    }
    #[ends]
    ending {
        the_end_stays_the_end,
        an_empty_stream_ends,
    }
    #[waits]
    polling {
        nothing_comes_before_the_deadline,
        a_record_that_comes_is_not_waited_for_longer,
    }
    #[has_partitions]
    reading {
        partitions_are_apart,
    }
    #[has_other_schemas]
    reading {
        a_batch_has_records_of_one_schema,
    }
}
