//! Whatever bytes come from a worker, reading them ends, and with little memory.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use alluvium_core::model::stop::Stop;
use alluvium_test_harness::allocation::{NotingAllocator, bytes_held};
use fastrand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::budget::{Size, decode};
use super::frame::{self, Broken, Until};
use super::message::{Described, SentPosition, Worked};
use super::records::SentRecords;
use super::values::{SentPage, SentValues};
use super::{answers, engine, failure::SentError, operator};
use crate::MessageLevel;
use crate::bindings::engine::alluvium::checkpoint::types::{Columns, PackedKeys, PackedValues};
use crate::bindings::plugin::exports::alluvium::checkpoint::operator as exported;
use crate::description::{Description, Input, InputFormat, Output, OutputFormat};
use crate::emitted::Emitted;
use crate::engine::{CheckpointInfo, CheckpointReport, Recovery, SkippedCheckpoint};
use crate::error::{EngineError, RuntimeError};
use crate::limits::Limits;
use crate::messages::{self, Message};

#[global_allocator]
static ALLOCATOR: NotingAllocator = NotingAllocator;

/// Answers of each kind in `make test`. `ALLUVIUM_ANSWERS` asks for more of them, and `ALLUVIUM_SEED` for others.
const ANSWERS: u64 = 4_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Changes an answer in some bytes, or makes up another one.
fn change(random: &mut Rng, answer: &[u8]) -> Vec<u8> {
    if random.u8(..4) == 0 {
        return (0..random.usize(..300)).map(|_| random.u8(..)).collect();
    }
    let mut changed = answer.to_vec();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=changed.len());
        match random.u8(..4) {
            0 if at < changed.len() => changed[at] ^= 1 << random.u8(..8),
            1 => changed.truncate(at),
            2 => drop(changed.splice(at..at, [0xff; 4].into_iter().chain([random.u8(..16)]))),
            _ => changed.insert(at, random.u8(..)),
        }
    }
    changed
}

/// Reads changed forms of an answer, and looks at what comes of each.
fn check<T: Serialize + DeserializeOwned>(honest: T, mut look: impl FnMut(T)) {
    let honest = postcard::to_allocvec(&Ok::<T, SentError>(honest)).expect("it is sent");
    let mut random = Rng::with_seed(number("ALLUVIUM_SEED", 1));
    let mut taken = 0;
    for _ in 0..number("ALLUVIUM_ANSWERS", ANSWERS) {
        match decode::<T>(&change(&mut random, &honest), engine::REPORT) {
            Ok(Ok(answer)) => {
                taken += 1;
                look(answer);
            }
            Ok(Err(error)) => assert!(error.into_error("it").to_string().len() < 40_000),
            Err(broken) => assert!(matches!(broken, Broken::Form(_)), "{broken:?}"),
        }
    }
    assert!(taken > 0, "some changes leave an answer");
    assert!(matches!(decode::<T>(&[], engine::REPORT), Err(Broken::Form(_))));
    assert!(decode::<T>(&honest, engine::REPORT).is_ok_and(|answer| answer.is_ok()));
    assert!(
        matches!(decode::<T>(&[&honest[..], &[0]].concat(), engine::REPORT), Err(Broken::Form(_))),
        "nothing comes after"
    );
}

fn output() -> Output {
    Output { name: "alerts".to_owned(), format: OutputFormat::Lines }
}

#[test]
fn what_a_plugin_says_of_itself() {
    let described: Described = exported::Description {
        name: "delays".to_owned(),
        schema_version: 1,
        inputs: vec![Input { name: "flights".to_owned(), format: InputFormat::Columns }],
        outputs: vec![output()],
        namespaces: vec![],
        parameters: vec![],
    };
    check(described, |described| drop(Description::checked(described)));
}

#[test]
fn emissions_and_results() {
    let records = || [&b"one"[..], b"", b"two"].into_iter().collect::<SentRecords>();
    let message = Message { level: MessageLevel::Warn, text: "late".to_owned() };
    let worked = Worked { value: Ok(records()), messages: vec![message], emitted: vec![records()] };
    check(worked, |Worked { value, messages, emitted }| {
        assert!(messages::shown(messages).all(|Message { text, .. }| text.len() < 30_000));
        if let Some(Ok(lines)) = value.ok().map(|value| answers::lines(&value, 1_000)) {
            assert!(lines.iter().map(String::len).sum::<usize>() < 400);
        }
        let mut waiting = vec![Emitted::to(&output())];
        let taken = answers::emitted(&emitted, &[output()], &mut waiting);
        assert!(taken.is_err() || taken == Ok(waiting[0].bytes().len() as u64));
    });
}

#[test]
fn values_and_pages() {
    let keys = PackedKeys { lens: vec![1, 1], bytes: b"ab".to_vec() };
    let values = PackedValues { present: vec![1, 0], lens: vec![3, 0], bytes: b"one".to_vec() };
    assert_eq!(SentValues::from(values.clone()).of(&keys).expect("an honest answer").bytes, values.bytes);
    check(SentValues::from(values), |values| {
        if let Ok(values) = values.of(&keys) {
            assert_eq!((values.present.len(), values.lens.len()), (2, 2));
            assert_eq!(values.lens.iter().sum::<u32>() as usize, values.bytes.len());
        }
    });
    let page =
        Columns { ops: vec![0], key_lens: vec![1], value_lens: vec![2], keys: b"a".to_vec(), values: b"bc".to_vec() };
    assert_eq!(SentPage::from(page.clone()).of(1).expect("an honest answer").values, page.values);
    SentPage::from(page.clone()).of(0).expect_err("more than was asked for");
    check(SentPage::from(page), |page| {
        if let Ok(page) = page.of(1) {
            assert!(page.ops.len() <= 1 && page.keys.len() == page.key_lens.iter().sum::<u32>() as usize);
        }
    });
}

#[test]
fn reports_positions_and_errors() {
    let skipped = vec![SkippedCheckpoint { id: 2, reason: "damaged".repeat(4_000) }];
    let recovered = Recovery {
        checkpoint_id: 1,
        skipped,
        wal_entries: 0,
        wal_cut: Some("short".to_owned()),
        bytes_read: 9,
        key_count: 1,
        is_laminar: false,
    };
    assert!(answers::recovery(recovered.clone()).skipped[0].reason.len() < 5_000, "texts are cut");
    check(Some(recovered), |recovered| drop(recovered.map(answers::recovery)));
    check(Some(SentPosition::Opaque(vec![7; 20])), drop);
    check(Vec::<CheckpointInfo>::new(), drop);
    let long = SentError::Engine(EngineError::Other("x".repeat(60_000)));
    let RuntimeError::Engine(EngineError::Other(text)) = long.into_error("it") else { panic!("another error") };
    assert!(text.len() < 5_000, "texts are cut");
}

/// What comes of bytes on the socket, of which a frame of at most 1,000 bytes is read.
fn received(bytes: &[u8], closes: bool) -> Result<Vec<u8>, Broken> {
    let (near, mut far) = UnixStream::pair().expect("a socket");
    far.write_all(bytes).expect("it is small");
    let _open = (!closes).then_some(far);
    frame::receive(&near, 1_000, Until { deadline: Instant::now() + Duration::from_millis(50), stop: None })
}

#[test]
fn frames() {
    let framed = |length: u32, body: &[u8]| [&length.to_le_bytes()[..], body].concat();
    assert_eq!(received(&framed(3, b"abc"), false).expect("a frame"), b"abc");
    assert_eq!(received(&framed(0, b""), false).expect("a frame"), b"");
    assert!(matches!(received(&framed(1_001, b""), false), Err(Broken::Form(_))), "too long");
    assert!(matches!(received(&framed(u32::MAX, b"abc"), false), Err(Broken::Form(_))), "far too long");
    assert!(matches!(received(&framed(3, b"abcd"), false), Err(Broken::Form(_))), "more than it says");
    assert!(matches!(received(&framed(4, b"abc"), true), Err(Broken::Gone)), "less than it says");
    assert!(matches!(received(&framed(4, b"abc"), false), Err(Broken::Late)), "it does not end");
    assert!(matches!(received(b"", false), Err(Broken::Late)), "silence");
    assert!(matches!(received(b"", true), Err(Broken::Gone)));
}

#[test]
fn a_wait_ends_when_the_call_is_over() {
    let (near, _far) = UnixStream::pair().expect("a socket");
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = asked.clone();
    let stop = Stop::new(move || counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 3);
    let until = Until { deadline: Instant::now() + Duration::from_mins(10), stop: Some(&stop) };
    assert!(matches!(frame::receive(&near, 1_000, until), Err(Broken::Stopped)));
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 4);
}

/// A message of `bytes`: zeros, and after the first `at` of them a number that says that the rest are elements of a list.
fn longest(bytes: usize, at: usize) -> Vec<u8> {
    let mut message = vec![0; at];
    let mut rest = u32::try_from(bytes - at - 5).expect("a length");
    while rest > 0x7f {
        message.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    message.push(u8::try_from(rest).expect("seven bits"));
    message.resize(bytes, 0);
    message
}

/// Reads messages that are as long as this kind may be, from a socket, and holds the memory for it to `most`.
fn check_memory<T: DeserializeOwned>(kind: &str, size: Size, most: usize, mut look: impl FnMut(T)) {
    for at in 0..8 {
        let (near, far) = UnixStream::pair().expect("a socket");
        let message = longest(size.bytes, at);
        let sending = std::thread::spawn(move || frame::send(&far, &message, &[], None));
        let until = Until { deadline: Instant::now() + Duration::from_mins(1), stop: None };
        let (lies, held) = bytes_held(|| {
            let received = frame::receive(&near, size.bytes, until).expect("it is not too long");
            let read = decode::<T>(&received, size);
            drop(received);
            let error = match read {
                Ok(Ok(answer)) => {
                    look(answer);
                    return None;
                }
                Ok(Err(error)) => return Some(error.into_error("it").to_string()),
                Err(broken) => broken,
            };
            Some(format!("{error:?}"))
        });
        assert!(held <= most, "{kind}, a list after {at} bytes: {} MiB, {lies:?}", held >> 20);
        sending.join().expect("a thread").expect("it is sent");
    }
}

#[test]
fn the_longest_messages_take_little_memory() {
    const MIB: usize = 1 << 20;
    let Limits { call_bytes, output_bytes, .. } = Limits::default();
    check_memory::<u64>("a number", Size::SHORT, MIB, drop);
    check_memory::<Vec<String>>("promises", Size::SHORT, MIB, drop);
    check_memory::<Described>("a description", operator::DESCRIPTION, 16 * MIB, |said| {
        drop(Description::checked(said));
    });
    check_memory::<Vec<CheckpointInfo>>("checkpoints", engine::REPORT, 32 * MIB, drop);
    check_memory::<Vec<CheckpointReport>>("reports", engine::REPORT, 32 * MIB, drop);
    check_memory::<Option<Recovery>>("a recovery", engine::REPORT, 32 * MIB, |recovered| {
        drop(recovered.map(answers::recovery));
    });
    check_memory::<Option<SentPosition>>("a position", engine::REPORT, 32 * MIB, drop);
    // What a call may carry, as it comes and as it is read.
    let worked = operator::WORKED.with(output_bytes);
    check_memory::<Worked<()>>("emissions", worked, 2 * output_bytes + 32 * MIB, |worked| {
        let _ = answers::emitted(&worked.emitted, &[output()], &mut [Emitted::to(&output())]);
    });
    let results = worked.with(call_bytes);
    check_memory::<Worked<SentRecords>>("results", results, 2 * (call_bytes + output_bytes) + MIB, |worked| {
        let _ = worked.value.map(|value| answers::lines(&value, call_bytes));
    });
    let values = Size::SHORT.with(call_bytes);
    let keys = PackedKeys { lens: vec![0; 1_000], bytes: vec![] };
    check_memory::<SentValues>("values", values, 2 * call_bytes + MIB, |values| drop(values.of(&keys)));
    check_memory::<SentPage>("a page", values, 2 * call_bytes + MIB, |page| drop(page.of(1_000)));
}
