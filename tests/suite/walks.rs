//! Walks over the entries in key order: what they visit while the state changes, and what they cost. The cost
//! is counted in keys that are read and bytes that are held, which are the same on every machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium_core::model::stop::Stop;
use alluvium_core::model::work::take_keys_read;
use alluvium_core::{Columns, IncrementalCheckpointError as Error, State, Walk};
use alluvium_test_harness::allocation::largest_block;
use alluvium_test_harness::colliding::ordinary_key;
use alluvium_test_harness::{checkpoint, fresh, fresh_with, keep};

const PAGE_BYTES: usize = 1 << 20;

/// A state with `keys` keys that `key` makes.
fn state_of(keys: u32, key: impl Fn(u32) -> Vec<u8>) -> State {
    let mut state = State::new();
    for n in 0..keys {
        state.put(&key(n), &n.to_le_bytes()).unwrap();
    }
    state
}

fn random_key(n: u32) -> Vec<u8> {
    ordinary_key(n).to_vec()
}

fn similar_key(n: u32) -> Vec<u8> {
    format!("customers/of/the/north/{:08}/orders", n.wrapping_mul(0x9e37_79b1) % 90_000_000).into_bytes()
}

/// Asserts that `call` reads at most `keys` keys, and asks for at most `bytes` at once. Returns its result.
fn bounded<T>(what: &str, keys: u64, bytes: usize, call: impl FnOnce() -> T) -> T {
    take_keys_read();
    let (result, largest) = largest_block(call);
    let read = take_keys_read();
    assert!(read <= keys, "{what}: {read} keys were read, {keys} are allowed");
    assert!(largest <= bytes, "{what}: {largest} bytes were asked for at once, {bytes} are allowed");
    result
}

fn check_costs(what: &str, key: impl Fn(u32) -> Vec<u8>) {
    let keys: u32 = 100_000;
    let mut state = state_of(keys, key);
    let (count, references) = (u64::from(keys), keys as usize * 8);
    let page = 64 << 10;

    let first = bounded(what, 2 * count + 4_000, references, || state.iter().next().map(|(key, _)| key.to_vec()));
    let all = bounded(what, 6 * count, references, || state.iter().map(|(key, _)| key.len()).sum::<usize>());
    assert_eq!(all as u64 + 4 * count, state.payload_bytes());
    assert_eq!(first.as_deref(), state.iter_hash_order().map(|(key, _)| key).min());

    // What comes first is sorted, and nothing else. It reads few keys again.
    let few = 12_000;
    bounded(what, count + few, references, || state.iter().next().is_some());

    // A prefix that nothing has costs one pass and no memory.
    assert!(bounded(what, count, 64, || state.iter_prefix(b"\xff\xff\xff\xff\xff").next().is_none()));

    // The first keys are read again when it is known how much they have in common.
    let mut walk = bounded(what, count + 64, references, || state.walk(b""));
    // Nothing but the page is copied. Each page sorts only what it has, and all of them together read each key a few times.
    for page_number in 0..keys / 100 {
        let reading = || state.next_page(&mut walk, 100, PAGE_BYTES).unwrap().len();
        assert_eq!(bounded(what, few, page, reading), 100, "page {page_number}");
    }
    assert!(state.next_page(&mut walk, 100, PAGE_BYTES).unwrap().is_empty());
    let mut walk = state.walk(b"");
    take_keys_read();
    let mut read = 0;
    while !state.next_page(&mut walk, 100, PAGE_BYTES).unwrap().is_empty() {
        read += take_keys_read();
    }
    assert!(read <= 4 * count, "{what}: {read} keys were read by all pages");
}

#[test]
fn a_first_page_costs_one_pass_and_eight_bytes_a_key() {
    check_costs("random keys", random_key);
    check_costs("similar keys", similar_key);
}

/// Keys that are hard to order by their beginnings: empty, prefixes of one another, zeros, long.
fn awkward_key(n: u32) -> Vec<u8> {
    let digits = n.to_be_bytes();
    match n % 6 {
        0 => vec![0; n as usize / 6 % 500],
        1 => digits.to_vec(),
        2 => [&[0, 0, 0][..], &digits[2..]].concat(),
        3 => [&vec![b'x'; 3_000][..], &digits[1..]].concat(),
        4 => vec![b'x'; n as usize % 700],
        _ => [&digits[3..], &digits[..n as usize % 4]].concat(),
    }
}

#[test]
fn awkward_keys_come_in_their_order() {
    let state = state_of(15_000, awkward_key);
    let mut model: Vec<Vec<u8>> = (0..15_000).map(awkward_key).collect();
    model.sort_unstable();
    model.dedup();
    assert!(state.iter().map(|(key, _)| key).eq(model.iter().map(Vec::as_slice)));
    for prefix in [&b"\0"[..], b"\0\0\0", b"x", b"xxx", &[b'x'; 3_000]] {
        let expected = model.iter().filter(|key| key.starts_with(prefix)).map(Vec::as_slice);
        assert!(state.iter_prefix(prefix).map(|(key, _)| key).eq(expected), "{prefix:?}");
    }
}

/// A walk, and the keys that it has yet to visit.
struct Followed {
    walk: Walk,
    left: Vec<Vec<u8>>,
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

impl Followed {
    fn begin(state: &mut State, model: &Model, prefix: &[u8]) -> Self {
        let left = model.keys().rev().filter(|key| key.starts_with(prefix)).cloned().collect();
        Self { walk: state.walk(prefix), left }
    }

    /// Checks one page. Returns whether the walk is over.
    fn check_page(&mut self, state: &State, model: &Model, limit: usize) -> bool {
        let page = state.next_page(&mut self.walk, limit, PAGE_BYTES).unwrap();
        for (key, value) in &page {
            // Keys that were deleted in the meantime are left out.
            let expected = std::iter::from_fn(|| self.left.pop()).find(|key| model.contains_key(key));
            assert_eq!(Some(*key), expected.as_deref());
            assert_eq!(Some(*value), model.get(*key).map(Vec::as_slice));
        }
        if page.len() < limit && page.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() < PAGE_BYTES / 2
        {
            assert!(!self.left.iter().any(|key| model.contains_key(key)), "the walk ended early");
        }
        page.is_empty()
    }
}

#[test]
fn walks_keep_to_the_keys_that_there_were_while_everything_changes() {
    for seed in 0..8 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut state, mut model) = (State::new(), Model::new());
        let mut walks: Vec<Followed> = Vec::new();
        let value_max = if seed % 2 == 0 { 60 } else { 4_000 };
        for _ in 0..60_000 {
            let key = random.u16(0..9_000).to_be_bytes().to_vec();
            match random.u32(0..1_000) {
                0 => walks.push(Followed::begin(&mut state, &model, if random.bool() { b"" } else { &[7] })),
                1 if !walks.is_empty() => drop(walks.swap_remove(random.usize(..walks.len()))),
                2..=20 => {
                    let limit = random.usize(1..400);
                    walks.retain_mut(|walk| !walk.check_page(&state, &model, limit));
                }
                21..=300 => assert_eq!(state.delete(&key), model.remove(&key).is_some()),
                _ => {
                    let value = vec![random.u8(..); random.usize(0..value_max)];
                    state.put(&key, &value).unwrap();
                    model.insert(key, value);
                }
            }
        }
        while !walks.is_empty() {
            walks.retain_mut(|walk| !walk.check_page(&state, &model, 1_000));
        }
        assert!(state.iter().eq(model.iter().map(|(key, value)| (&key[..], &value[..]))), "seed {seed}");
    }
}

#[test]
fn an_abandoned_or_slow_walk_does_not_hold_the_memory_of_a_changing_state() {
    for is_abandoned in [true, false] {
        let mut state = state_of(20_000, random_key);
        let mut walk = Some(state.walk(b""));
        if is_abandoned {
            walk = None;
        }
        for round in 0..30_u32 {
            for n in 0..20_000 {
                // Values grow, so that each one goes to a new place.
                state.put(&random_key(n), &vec![1; 100 + 20 * round as usize]).unwrap();
            }
        }
        let (held, live) = (state.allocated_bytes(), state.payload_bytes());
        assert!(10 * held < 17 * live, "{held} bytes are held for {live} that are live");
        if let Some(mut walk) = walk {
            let mut found = Vec::new();
            while let page @ [_, ..] = &state.next_page(&mut walk, 1_000, PAGE_BYTES).unwrap()[..] {
                found.extend(page.iter().map(|(key, _)| key.to_vec()));
            }
            assert!(found.iter().map(Vec::as_slice).eq(state.iter().map(|(key, _)| key)));
        }
        for n in 0..20_000 {
            state.delete(&random_key(n));
        }
        assert!(state.allocated_bytes() < 9 << 20, "{} bytes are held for nothing", state.allocated_bytes());
    }
}

#[test]
fn a_walk_goes_on_after_a_restore() {
    let (_, mut manager) = fresh();
    for n in 0..1_000 {
        manager.put(&random_key(n), b"first").unwrap();
    }
    let first = checkpoint(&mut manager);
    for n in 0..1_000 {
        manager.put(&random_key(n), b"second").unwrap();
        manager.put(&random_key(n + 1_000), b"second").unwrap();
    }
    checkpoint(&mut manager);
    let mut walk = manager.walk(b"");
    assert_eq!(manager.next_page(&mut walk, 10, PAGE_BYTES).unwrap()[0].1, b"second");
    alluvium_core::directory::block_on(manager.restore_checkpoint(first)).unwrap();
    let page = manager.next_page(&mut walk, 10_000, PAGE_BYTES).unwrap();
    assert!(page.len() > 900 && page.len() < 1_000, "{} keys are left", page.len());
    assert!(page.iter().all(|(_, value)| *value == b"first"));
}

#[test]
fn a_walk_gives_up_its_memory_at_the_limit() {
    let (_, mut manager) = fresh_with(keep(1).with_memory_limit_bytes(Some(24 << 20)));
    let value = vec![1; 100_000];
    let mut keys = 0;
    while manager.put(&random_key(keys), &value).is_ok() {
        keys += 1;
        checkpoint(&mut manager);
    }
    let mut walk = manager.walk(b"");
    for n in 0..keys / 2 {
        manager.delete(&random_key(n)).unwrap();
    }
    checkpoint(&mut manager);
    manager.put(b"new", &value).unwrap();
    let left = manager.next_page(&mut walk, 10_000, 100 << 20).unwrap().len();
    assert_eq!(left, (keys - keys / 2) as usize);
}

#[test]
fn a_page_of_nothing_and_a_walk_elsewhere_are_refused() {
    let mut state = state_of(10, random_key);
    let other = state_of(10, random_key);
    let mut walk = state.walk(b"");
    assert!(matches!(state.next_page(&mut walk, 0, PAGE_BYTES), Err(Error::InvalidInput(_))));
    assert!(matches!(other.next_page(&mut walk, 1, PAGE_BYTES), Err(Error::InvalidInput(_))));
    assert_eq!(state.next_page(&mut walk, 10, 1).unwrap().len(), 1, "a page has one entry, however large it is");
}

/// Stops work at the question with this number, counted from 1, and counts the questions.
fn stop_at(question: u64) -> (Stop, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = asked.clone();
    (Stop::new(move || counted.fetch_add(1, Ordering::Relaxed) + 1 >= question), asked)
}

/// The most keys that are read between two questions.
const STEP_KEYS: u64 = 2 * 4_096;

fn check_stops(key: impl Fn(u32) -> Vec<u8>) {
    let mut state = state_of(200_000, key);
    // However far the work is when it is stopped, little is done after that, and the walk says why it ended.
    for question in 1..60 {
        let (stop, asked) = stop_at(question);
        state.stop_when(Some(stop));
        take_keys_read();
        let mut walk = state.walk(b"");
        let mut pages = 0;
        let error = loop {
            match state.next_page(&mut walk, 1, PAGE_BYTES) {
                Ok(page) if page.is_empty() => break None,
                Ok(_) => pages += 1,
                Err(error) => break Some(error),
            }
        };
        let (read, asked) = (take_keys_read(), asked.load(Ordering::Relaxed));
        assert!(matches!(error, Some(Error::LimitExceeded(_))), "question {question}: {pages} pages and no end");
        assert_eq!(asked, question, "stopped work does not ask again");
        assert!(read <= asked * STEP_KEYS, "{read} keys were read, and its caller was asked {asked} times");
        assert_eq!(walk.ended(), error);
        state.stop_when(None);
        assert_eq!(state.next_page(&mut walk, 1, PAGE_BYTES).err(), error, "it stays at its end");
    }
    let mut walk = state.walk(b"");
    assert_eq!(state.next_page(&mut walk, 1_000_000, 100 << 20).unwrap().len(), state.len());
}

#[test]
fn a_walk_is_stopped_within_a_step() {
    check_stops(random_key);
    check_stops(similar_key);
}

#[test]
fn batches_and_reading_many_keys_are_stopped_within_a_step() {
    let (_, mut manager) = fresh();
    let (count, keys) = (100_000, (0..100_000).flat_map(u32::to_be_bytes).collect::<Vec<_>>());
    let lens = vec![4; count];
    let (ops, value_lens) = (vec![0; count], vec![0; count]);
    let batch = Columns { ops: &ops, key_lens: &lens, value_lens: &value_lens, keys: &keys, values: b"" };
    for question in 1..4 {
        let (stop, _) = stop_at(question);
        manager.begin_batch();
        manager.stop_when(Some(stop));
        assert!(matches!(manager.apply(&batch), Err(Error::LimitExceeded(_))));
        assert!(manager.len() as u64 <= question * 4_096, "{} keys after {question} questions", manager.len());
        manager.stop_when(None);
        manager.rollback_batch().unwrap();
        assert!(manager.is_empty());
    }
    manager.begin_batch();
    manager.apply(&batch).unwrap();
    for question in 1..4 {
        let (stop, asked) = stop_at(question);
        manager.stop_when(Some(stop));
        assert!(matches!(manager.get_many(&lens, &keys), Err(Error::LimitExceeded(_))));
        assert_eq!(asked.load(Ordering::Relaxed), question);
    }
    // A batch that is half undone is no state to work on.
    manager.stop_when(Some(stop_at(2).0));
    assert!(matches!(manager.rollback_batch(), Err(Error::LimitExceeded(_))));
    manager.stop_when(None);
    assert!(alluvium_core::directory::block_on(manager.create_checkpoint(0)).is_err());
}

#[test]
fn walks_take_no_more_memory_than_the_state_may() {
    let limit: u64 = 16 << 20;
    let (_, mut manager) = fresh_with(keep(1).with_memory_limit_bytes(Some(limit)));
    let keys: u32 = 100_000;
    for n in 0..keys {
        manager.put(&random_key(n), b"").unwrap();
    }
    let mut walks = Vec::new();
    let refused = loop {
        let walk = manager.walk(b"");
        if let Some(why) = walk.ended() {
            break why;
        }
        walks.push(walk);
        assert!(walks.len() as u64 * u64::from(keys) * 8 <= limit, "{} walks, and no limit", walks.len());
    };
    assert!(matches!(&refused, Error::LimitExceeded(why) if why.contains("left for walks")), "{refused}");
    assert!(walks.len() > 10, "{} walks", walks.len());
    // A walk over few keys has room as soon as another one ends.
    walks.pop();
    assert_eq!(manager.walk(b"").ended(), None);
}

#[test]
fn walks_that_cannot_copy_their_keys_end_and_say_so() {
    let limit: u64 = 32 << 20;
    let (_, mut manager) = fresh_with(keep(1).with_memory_limit_bytes(Some(limit)));
    // Long keys: a walk takes little for each of them until it must copy it.
    let key = |n: u32| [&n.to_be_bytes()[..], &[b'k'; 60_000]].concat();
    let mut keys = 0;
    while manager.put(&key(keys), b"").is_ok() {
        keys += 1;
        checkpoint(&mut manager);
    }
    let mut walks: Vec<Walk> = (0..20).map(|_| manager.walk(b"")).collect();
    for n in 0..keys / 2 {
        manager.delete(&key(n)).unwrap();
        checkpoint(&mut manager);
    }
    manager.put(b"new", b"").unwrap();
    let ended = walks.iter().filter(|walk| walk.ended().is_some()).count();
    assert!(ended >= 15 && ended < walks.len(), "{ended} of {} ended", walks.len());
    for walk in &mut walks {
        match manager.next_page(walk, 10_000, 100 << 20) {
            Ok(page) => assert_eq!(page.len(), (keys - keys / 2) as usize),
            Err(why) => assert_eq!(walk.ended(), Some(why)),
        }
    }
}
