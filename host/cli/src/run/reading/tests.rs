//! Reading a stream in memory.

use std::sync::mpsc::sync_channel;

use alluvium_connectors::source::{MemoryStream, Partition, Source};

use super::super::event_time::{TimeFormat, Times};
use super::super::service::Status;
use super::super::signals::Signals;
use super::*;

fn plan(consumed: u64, cuts: Cuts) -> Plan {
    Plan {
        number: 3,
        source_name: "numbers".to_owned(),
        times: Times { column: "time".to_owned(), format: TimeFormat::Rfc3339 },
        consumed,
        consumed_in_turn: consumed,
        cuts,
        skips_bad: false,
        is_followed: false,
        begins_another: false,
        signals: Signals::default(),
        status: Status::new("plugin".as_ref(), "dir".as_ref(), Duration::ZERO),
    }
}

/// Reads a stream in memory, which ends, and returns the sizes of the batches.
fn sizes(records: u64, consumed: u64, cuts: Cuts) -> Vec<u32> {
    let stream = MemoryStream::new("numbers");
    stream.partition("").expect("a short name");
    (0..records).for_each(|number| stream.push(&Partition::whole(), number.to_string()));
    stream.end();
    let mut reader = stream.source().open(&Partition::whole()).expect("it opens");
    reader.seek(&Position::Offset(consumed)).expect("it is there");
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let turns: Vec<(Open, Plan)> = vec![(Box::new(move || Ok(reader)), plan(consumed, cuts))];
    start(turns, Outlet { sender, credits: None }).expect("it starts");
    let mut next = consumed;
    receiver
        .iter()
        .filter_map(|message| match (message.from, message.what) {
            (3, What::Read(read)) => {
                next += u64::from(read.count);
                assert_eq!(read.position, Position::Offset(next));
                Some(read.count)
            }
            (3, What::Schema(schema)) => {
                assert_eq!((next, *schema == Schema::Raw), (consumed, true), "it comes first, and once");
                None
            }
            (3, What::Ended | What::Over) => None,
            _ => panic!("a failure, or another partition"),
        })
        .collect()
}

#[test]
fn every_record_is_in_one_batch() {
    let cuts = Cuts { checkpoint_every: 1_500, sync_every: u64::MAX, records_max: u64::MAX };
    assert_eq!(sizes(3_700, 0, cuts), [1_000, 500, 1_000, 500, 700]);
    assert_eq!(sizes(3_700, 1_400, cuts), [100, 1_000, 500, 700]);
    assert_eq!(sizes(3_700, 1_400, Cuts { records_max: 1_200, ..cuts }), [100, 1_000, 100]);
    assert_eq!(sizes(0, 0, cuts), [0; 0]);
}

#[test]
fn a_panic_is_not_the_end_of_an_input() {
    let cuts = Cuts { checkpoint_every: 1_000, sync_every: u64::MAX, records_max: u64::MAX };
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let turns: Vec<(Open, Plan)> = vec![(Box::new(|| panic!("a fault of the reader")), plan(0, cuts))];
    start(turns, Outlet { sender, credits: None }).expect("it starts");
    let said: Vec<What> = receiver.iter().map(|message| message.what).collect();
    let [What::Failed(failure), What::Over] = &said[..] else { panic!("{} messages", said.len()) };
    assert!(failure.to_string().contains("a thread that reads an input panicked"), "{failure}");
}
