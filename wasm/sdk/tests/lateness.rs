//! Windows with allowed lateness: against windows that are computed of a whole epoch at once, for any order of its
//! records and any cuts of its batches.

use std::collections::BTreeMap;

use alluvium_plugin::prelude::*;
use fastrand::Rng;

#[derive(Row)]
struct Record {
    key: String,
    at: Time,
}

fn by(record: &Record) -> String {
    record.key.clone()
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// How windows lie.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Steps { length: i64, step: i64 },
    Gap(i64),
}

impl Kind {
    fn random(random: &mut Rng) -> Self {
        let length = random.i64(1..=6);
        match random.u8(..4) {
            0 => Self::Steps { length, step: length },
            1 => Self::Steps { length, step: random.i64(1..=length) },
            _ => Self::Gap(length),
        }
    }

    fn harness(self, lateness: i64) -> Harness {
        Harness::new(move || -> Box<dyn Operator> {
            match self {
                Self::Steps { length, step } => {
                    Box::new(Sliding::of(ms(length), ms(step)).lateness(ms(lateness)).by(by).count())
                }
                Self::Gap(gap) => Box::new(Session::gap(ms(gap)).lateness(ms(lateness)).by(by).count()),
            }
        })
    }

    /// The windows of a record alone.
    fn spans(self, at: i64) -> Vec<(i64, i64)> {
        match self {
            Self::Steps { length, step } => {
                let begins = (at - length + 1..=at).filter(|from| from.rem_euclid(step) == 0);
                begins.map(|from| (from, from + length)).collect()
            }
            Self::Gap(gap) => vec![(at, at + gap)],
        }
    }

    fn length(self) -> i64 {
        let (Self::Steps { length, .. } | Self::Gap(length)) = self;
        length
    }
}

/// A window of the model: how many records it has, and whether some of them are new.
#[derive(Debug, Clone)]
struct Open {
    key: char,
    from: i64,
    to: i64,
    count: usize,
    is_new: bool,
}

/// Windows that are computed of the records of a whole epoch.
struct AtOnce {
    kind: Kind,
    lateness: i64,
    watermark: i64,
    open: Vec<Open>,
    late: Vec<String>,
    emitted: Vec<String>,
}

impl AtOnce {
    /// Takes the records of an epoch, and moves the watermark behind them.
    fn epoch(&mut self, records: &[(char, i64)], watermark: i64) {
        let mut all = std::mem::take(&mut self.open);
        for &(key, at) in records {
            let spans = self.kind.spans(at).into_iter().filter(|(_, to)| to + self.lateness > self.watermark);
            let before = all.len();
            all.extend(spans.map(|(from, to)| Open { key, from, to, count: 1, is_new: true }));
            if all.len() == before {
                self.late.push(format!(r#"{{"key":"{key}","time":"{}"}}"#, Time::from_ms(at)));
            }
        }
        all.sort_by_key(|open| (open.key, open.from));
        for next in all {
            let is_one = |last: &&mut Open| match self.kind {
                Kind::Steps { .. } => last.key == next.key && last.from == next.from,
                Kind::Gap(_) => last.key == next.key && last.to >= next.from,
            };
            match self.open.last_mut().filter(is_one) {
                Some(last) => {
                    last.to = last.to.max(next.to);
                    last.count += next.count;
                    last.is_new |= next.is_new;
                }
                None => self.open.push(next),
            }
        }
        let has_news = |open: &&Open| open.to <= watermark && (open.to > self.watermark || open.is_new);
        let ended: BTreeMap<_, _> =
            self.open.iter().filter(has_news).map(|open| ((open.to, open.key), (open.from, open.count))).collect();
        for ((to, key), (from, count)) in ended {
            let (from, to) = (Time::from_ms(from), Time::from_ms(to));
            self.emitted.push(format!(r#"{{"key":"{key}","from":"{from}","to":"{to}","value":{count}}}"#));
        }
        self.open.retain(|open| open.to + self.lateness > watermark);
        self.open.iter_mut().for_each(|open| open.is_new = false);
        self.watermark = watermark;
    }
}

fn feed(harness: &mut Harness, records: &[(char, i64)]) {
    let lines: Vec<_> = records.iter().map(|(key, at)| format!("{key},{at}\n")).collect();
    harness.feed(&format!("key,at\n{}", lines.concat())).unwrap();
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn windows_are_those_of_each_epoch_at_once_in_any_order_and_cuts() {
    for seed in 0..1_000 {
        let mut random = Rng::with_seed(seed);
        let (kind, lateness) = (Kind::random(&mut random), random.i64(0..=12));
        let place = format!("seed {seed}: {kind:?}, lateness {lateness}");
        let (mut cut, mut whole) = (kind.harness(lateness), kind.harness(lateness));
        let mut at_once =
            AtOnce { kind, lateness, watermark: -100, open: Vec::new(), late: Vec::new(), emitted: Vec::new() };
        let mut watermark = 0;
        cut.watermark("-100").unwrap();
        whole.watermark("-100").unwrap();
        for _ in 0..8 {
            // A session of the earliest record is still in time, so the order cannot decide what is late.
            let earliest = (watermark - lateness - kind.length() + 1).max(watermark - 15);
            let mut records: Vec<_> = (0..random.usize(..8))
                .map(|_| (['a', 'b'][random.usize(..2)], random.i64(earliest..watermark + 15)))
                .collect();
            let mut rest = records.as_slice();
            while !rest.is_empty() {
                let (batch, after) = rest.split_at(random.usize(1..=rest.len()));
                feed(&mut cut, batch);
                rest = after;
            }
            records.sort_unstable();
            feed(&mut whole, &records);
            for namespace in ["windows", "ends"] {
                let is_same = cut.entries(namespace) == whole.entries(namespace);
                assert!(is_same, "{place}: the order and the cuts change {namespace}");
            }
            let next = watermark + random.i64(0..12);
            cut.watermark(&next.to_string()).unwrap();
            whole.watermark(&next.to_string()).unwrap();
            at_once.epoch(&records, next);
            watermark = next;
        }
        cut.finish().unwrap();
        whole.finish().unwrap();
        at_once.epoch(&[], i64::MAX / 2);
        assert_eq!(cut.emitted(), at_once.emitted, "{place}");
        assert_eq!(whole.emitted(), at_once.emitted, "{place}");
        assert_eq!(sorted(cut.emitted_to(1)), sorted(at_once.late), "{place}");
        for namespace in ["windows", "ends"] {
            assert_eq!(cut.entries(namespace).unwrap(), [], "{place}: {namespace}");
        }
    }
}

#[test]
fn a_session_that_grows_leaves_the_timers_of_others() {
    // The session of 3 would be closed at 15, when that of 10 ends, and the session of 4 closes at 16.
    let mut harness = Kind::Gap(5).harness(7);
    feed(&mut harness, &[('a', 3), ('a', 10)]);
    feed(&mut harness, &[('a', 4)]);
    assert_eq!(harness.entries("ends").unwrap().len(), 4, "an end and a close of each session");
    harness.finish().unwrap();
    let line = |from: &str, to: &str, count| {
        let at = "1970-01-01T00:00:00.0";
        format!(r#"{{"key":"a","from":"{at}{from}Z","to":"{at}{to}Z","value":{count}}}"#)
    };
    assert_eq!(harness.emitted(), [line("03", "09", 2), line("1", "15", 1)]);
    assert_eq!(harness.emitted_to(1), [""; 0]);

    // The session of 10 ends at 15, when that of 3 is closed, and grows before that.
    let mut harness = Kind::Gap(5).harness(7);
    feed(&mut harness, &[('a', 3), ('a', 10)]);
    feed(&mut harness, &[('a', 11)]);
    harness.watermark("15").unwrap();
    let windows = harness.entries("windows").unwrap();
    assert_eq!(windows[0].1[..8], 10_i64.to_le_bytes(), "the session of 3 was closed at its time");
}
