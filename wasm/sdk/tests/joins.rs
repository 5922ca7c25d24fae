//! Joins, deduplication and the most frequent items: against what is computed of all records at once.

use std::collections::BTreeMap;

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Deduplicate, IntervalJoin, Table, TableJoin};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize)]
struct Event {
    key: String,
    at: Time,
    number: i64,
}

type Record = (char, i64, usize);

fn key(event: &Event) -> String {
    event.key.clone()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Records up to 20 ms out of order, each with its number.
fn records(random: &mut Rng, count: usize) -> Vec<Record> {
    let record = |number: usize| {
        (['a', 'b', 'c'][random.usize(..3)], i64::try_from(number).unwrap() * 2 + random.i64(0..20), number)
    };
    (0..count).map(record).collect()
}

fn csv(records: &[Record]) -> String {
    let lines: Vec<_> = records.iter().map(|(key, at, number)| format!("{key},{at},{number}\n")).collect();
    format!("key,at,number\n{}", lines.concat())
}

/// Feeds records to inputs in turns, in batches of any length, and moves the watermark behind them. Crashes lose what
/// came after the last checkpoint, and it is fed again.
fn feed(harness: &mut Harness, inputs: &[Vec<Record>], random: &mut Rng, crashes: bool) {
    let epochs = inputs[0].len().div_ceil(10);
    let mut epoch = 0;
    while epoch < epochs {
        for (number, records) in (0..).zip(inputs) {
            let mut rest = records.chunks(10).nth(epoch).unwrap_or_default();
            while !rest.is_empty() {
                let (batch, after) = rest.split_at(random.usize(1..=rest.len()));
                harness.feed_to(number, &csv(batch)).unwrap();
                rest = after;
            }
        }
        epoch += 1;
        harness.watermark(&(epoch * 20).to_string()).unwrap();
        if crashes && random.bool() {
            harness.crash().unwrap();
            epoch -= 1;
            continue;
        }
        harness.checkpoint().unwrap();
    }
    harness.finish().unwrap();
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn row(&(key, at, number): &Record) -> String {
    format!(r#"{{"key":"{key}","at":"{}","number":{number}}}"#, Time::from_ms(at))
}

#[test]
fn an_interval_join_has_each_pair_once() {
    for seed in 0..50 {
        let mut random = Rng::with_seed(seed);
        let inputs = [records(&mut random, 100), records(&mut random, 100)];
        let outer = || IntervalJoin::by(key, key).between(ms(3), ms(5)).outer();
        let mut harness = Harness::new(outer);
        feed(&mut harness, &inputs, &mut random, false);
        let mut expected = Vec::new();
        for left in &inputs[0] {
            let is_pair = |right: &&Record| right.0 == left.0 && (left.1 - 3..=left.1 + 5).contains(&right.1);
            let rights: Vec<_> = inputs[1].iter().filter(is_pair).map(row).collect();
            let rights = if rights.is_empty() { vec!["null".to_owned()] } else { rights };
            let line = |right| format!(r#"{{"key":"{}","left":{},"right":{right}}}"#, left.0, row(left));
            expected.extend(rights.into_iter().map(line));
        }
        assert_eq!(sorted(harness.emitted()), sorted(expected), "seed {seed}");
        assert_eq!(harness.emitted_to(1), [""; 0], "nothing was late");
        assert_eq!(harness.entries("open").unwrap(), []);
        assert_eq!(harness.entries("ends").unwrap(), []);

        let mut crashed = Harness::new(outer);
        feed(&mut crashed, &inputs, &mut random, true);
        assert_eq!(crashed.emitted(), harness.emitted(), "seed {seed}: crashes and other cuts change nothing");
    }
}

#[test]
fn a_record_that_comes_too_late_for_a_join_is_told() {
    let mut harness = Harness::new(|| IntervalJoin::by(key, key).between(ms(0), ms(5)).lateness(ms(2)));
    harness.feed_to(1, "key,at,number\na,10,1\n").unwrap();
    harness.watermark("7").unwrap();
    harness.feed_to(0, "key,at,number\na,5,2\na,4,3\n").unwrap();
    assert_eq!(harness.emitted().len(), 1);
    harness.watermark("8").unwrap();
    harness.feed_to(0, "key,at,number\na,5,4\n").unwrap();
    harness.watermark("13").unwrap();
    harness.feed_to(1, "key,at,number\na,10,5\n").unwrap();
    harness.finish().unwrap();
    let late = |at| format!(r#"{{"key":"a","time":"1970-01-01T00:00:00.{at}Z"}}"#);
    assert_eq!(harness.emitted_to(1), [late("004"), late("005"), late("01")]);
    assert_eq!(harness.emitted().len(), 1);
}

#[test]
fn duplicates_are_those_of_a_scan_at_once() {
    for seed in 0..100 {
        let mut random = Rng::with_seed(seed);
        let inputs = [records(&mut random, 200)];
        let make = || Deduplicate::by(key).within(ms(7));
        let mut harness = Harness::new(make);
        feed(&mut harness, &inputs, &mut random, false);
        let mut passed: BTreeMap<char, Vec<i64>> = BTreeMap::new();
        let mut expected = Vec::new();
        for record in &inputs[0] {
            let times = passed.entry(record.0).or_default();
            if times.iter().all(|time| (time - record.1).abs() >= 7) {
                times.push(record.1);
                expected.push(row(record));
            }
        }
        assert_eq!(harness.emitted(), expected, "seed {seed}");
        assert_eq!(harness.emitted().len() + harness.emitted_to(1).len(), 200);
        assert_eq!(harness.entries("passed").unwrap(), [], "what is old is forgotten");
        let mut crashed = Harness::new(make);
        feed(&mut crashed, &inputs, &mut random, true);
        assert_eq!(crashed.emitted(), harness.emitted(), "seed {seed}");
    }
}

#[test]
fn a_record_that_may_have_a_forgotten_duplicate_is_late() {
    let mut harness = Harness::new(|| Deduplicate::by(key).within(ms(10)).lateness(ms(5)));
    harness.feed("key,at,number\na,0,1\n").unwrap();
    harness.watermark("14").unwrap();
    harness.feed("key,at,number\na,9,2\na,8,3\n").unwrap();
    harness.watermark("15").unwrap();
    harness.feed("key,at,number\na,10,4\na,9,5\n").unwrap();
    assert_eq!(harness.emitted().len(), 2);
    assert_eq!(harness.emitted_to(1), [r#"{"key":"a","time":"1970-01-01T00:00:00.009Z"}"#]);
    assert_eq!(harness.emitted_to(2).len(), 2);
}

#[test]
fn a_table_join_waits_for_what_belongs_to_a_record() {
    let make = || {
        let first = Table::new("first", key, |it: &Event| it.key.clone());
        let second = Table::new("second", |it: &Event| it.number, |it: &Event| it.number);
        TableJoin::new("stream", key, (first, second)).wait(ms(5)).emit(
            |event: Event, (first, second): (Option<Event>, Option<Event>)| {
                (event.number, first.map(|it| it.number), second.map(|it| it.key))
            },
        )
    };
    let stream = "key,at,number\nb,1,7\na,1,8\na,9,9\n";
    let (first, second) = ("key,at,number\na,0,1\na,0,2\n", "key,at,number\nx,0,9\n");
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut harness = Harness::new(make);
        for input in order {
            harness.feed_to(input, [stream, first, second][input as usize]).unwrap();
            harness.checkpoint().unwrap();
            harness.crash().unwrap();
        }
        harness.watermark("5").unwrap();
        assert_eq!(harness.emitted(), [""; 0]);
        harness.watermark("6").unwrap();
        assert_eq!(harness.emitted(), ["[8,2,null]", "[7,null,null]"]);
        harness.finish().unwrap();
        assert_eq!(harness.emitted()[2..], [r#"[9,2,"x"]"#]);
        assert_eq!(harness.entries("waiting").unwrap(), []);
    }
    let mut harness = Harness::new(make);
    let error = harness.feed_to(2, "key,at\n").unwrap_err();
    assert_eq!(error, "the columns number are missing; there are key, at");
}

#[test]
fn a_table_join_finds_what_has_come_by_the_end_of_the_wait() {
    let make = || {
        let first = Table::new("first", key, key);
        let second = Table::new("second", |it: &Event| it.number % 7, |it: &Event| it.number % 7);
        TableJoin::new("stream", key, (first, second)).wait(ms(5)).emit(
            |event: Event, (first, second): (Option<Event>, Option<Event>)| {
                (event.number, first.map(|it| it.number), second.map(|it| it.number))
            },
        )
    };
    for seed in 0..50 {
        let mut random = Rng::with_seed(seed);
        let inputs: Vec<_> = (0..3).map(|_| records(&mut random, 100)).collect();
        let mut harness = Harness::new(make);
        feed(&mut harness, &inputs, &mut random, false);
        // The epoch in which each record is due, and what was read of the tables by then.
        let due = |&(key, at, number): &Record| {
            let until = at + 5;
            let epoch = usize::try_from(until).unwrap().div_ceil(20).clamp(number / 10 + 1, 10);
            (epoch, until, key, number)
        };
        let mut dues: Vec<_> = inputs[0].iter().map(due).collect();
        dues.sort_unstable();
        let last = |table: &[Record], epoch: usize, is_it: &dyn Fn(&Record) -> bool| {
            table[..epoch * 10].iter().rev().find(|record| is_it(record)).map(|record| record.2)
        };
        let line = |&(epoch, _, key, number): &(usize, i64, char, usize)| {
            let first = last(&inputs[1], epoch, &|record| record.0 == key);
            let second = last(&inputs[2], epoch, &|record| record.2 % 7 == number % 7);
            serde_json::to_string(&(number, first, second)).unwrap()
        };
        let expected: Vec<_> = dues.iter().map(line).collect();
        assert_eq!(harness.emitted(), expected, "seed {seed}");
        assert_eq!(harness.entries("waiting").unwrap(), []);
        assert_eq!(harness.entries("due").unwrap(), []);
        let mut crashed = Harness::new(make);
        feed(&mut crashed, &inputs, &mut random, true);
        assert_eq!(crashed.emitted(), harness.emitted(), "seed {seed}");
    }
}

#[test]
fn a_table_join_is_divided_if_its_tables_have_the_keys_of_its_records() {
    let mut harness = Harness::new(|| {
        let table = Table::new("table", key, |it: &Event| if it.number < 9 { key(it) } else { String::new() });
        TableJoin::new("stream", key, (table,)).emit(|event: Event, _| event.number)
    });
    let keys = |keys: &[&str]| keys.iter().map(|key| key.as_bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!(harness.route(0, "key,at,number\na,1,8\nb,1,7\n").unwrap(), keys(&["a", "b"]));
    assert_eq!(harness.route(1, "key,at,number\nc,1,9\n").unwrap(), keys(&["c"]));
    let error = harness.route(0, "key,at,number\na,1,8\nb,1,9\n").unwrap_err();
    let expected = "record 1: it is looked up in table by another key than its own, so the work cannot be divided";
    assert_eq!(error, expected);
}

#[test]
fn the_most_frequent_items_are_those_of_a_count_at_once() {
    for seed in 0..50 {
        let mut random = Rng::with_seed(seed);
        let inputs = [records(&mut random, 200)];
        let make = || Tumbling::of(ms(50)).by(|_: &Event| String::new()).top(2, key);
        let mut harness = Harness::new(make);
        feed(&mut harness, &inputs, &mut random, true);
        let mut counts: BTreeMap<i64, BTreeMap<char, usize>> = BTreeMap::new();
        for (key, at, _) in &inputs[0] {
            *counts.entry(at.div_euclid(50)).or_default().entry(*key).or_default() += 1;
        }
        let value = |counts: &BTreeMap<char, usize>| {
            let mut counts: Vec<_> = counts.iter().map(|(key, count)| (200 - count, key)).collect();
            counts.sort_unstable();
            let items: Vec<_> = counts
                .iter()
                .take(2)
                .map(|(less, key)| format!(r#"{{"item":"{key}","count":{}}}"#, 200 - less))
                .collect();
            format!(r#""value":[{}]}}"#, items.join(","))
        };
        let expected: Vec<_> = counts.values().map(value).collect();
        let found: Vec<_> =
            harness.emitted().iter().map(|line| line[line.find(r#""value""#).unwrap()..].to_owned()).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
