//! Interval joins of late records: a record that is in time finds all others that are, and no other record counts.

use alluvium_plugin::IntervalJoin;
use alluvium_plugin::prelude::*;
use fastrand::Rng;
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize)]
struct Event {
    key: String,
    at: Time,
    number: i64,
}

type Record = (char, i64, i64);

fn join(before: i64, after: i64, lateness: i64) -> Harness {
    let key = |it: &Event| it.key.clone();
    let [before, after, lateness] = [before, after, lateness].map(|ms| Duration::from_millis(ms.unsigned_abs()));
    Harness::new(move || IntervalJoin::by(key, key).between(before, after).lateness(lateness).outer())
}

fn csv(records: &[Record]) -> String {
    let line = |(key, at, number): &Record| format!("{key},{at},{number}\n");
    format!("key,at,number\n{}", records.iter().map(line).collect::<String>())
}

fn row(&(key, at, number): &Record) -> String {
    format!(r#"{{"key":"{key}","at":"{}","number":{number}}}"#, Time::from_ms(at))
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn records_that_are_in_time_make_all_of_their_pairs() {
    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let [before, after, lateness] = [30, 30, 15].map(|most| random.i64(0..=most));
        let mut harness = join(before, after, lateness);
        let mut watermark = -100;
        harness.watermark("-100").unwrap();
        let mut in_time = [Vec::new(), Vec::new()];
        let mut late = Vec::new();
        for number in 0..120 {
            let record = (['a', 'b'][random.usize(..2)], watermark + random.i64(-25..25), number);
            let input = random.usize(..2);
            harness.feed_to([0, 1][input], &csv(&[record])).unwrap();
            if record.1 + lateness >= watermark {
                in_time[input].push(record);
            } else {
                late.push(format!(r#"{{"key":"{}","time":"{}"}}"#, record.0, Time::from_ms(record.1)));
            }
            watermark += random.i64(0..6);
            harness.watermark(&watermark.to_string()).unwrap();
        }
        harness.finish().unwrap();
        let mut expected = Vec::new();
        for left in &in_time[0] {
            let is_pair = |right: &&Record| right.0 == left.0 && (left.1 - before..=left.1 + after).contains(&right.1);
            let rights: Vec<_> = in_time[1].iter().filter(is_pair).map(row).collect();
            let rights = if rights.is_empty() { vec!["null".to_owned()] } else { rights };
            let line = |right| format!(r#"{{"key":"{}","left":{},"right":{right}}}"#, left.0, row(left));
            expected.extend(rights.into_iter().map(line));
        }
        let place = format!("seed {seed}: {before} before, {after} after, lateness {lateness}");
        assert!(!late.is_empty() && expected.len() > 10, "{place}");
        assert_eq!(sorted(harness.emitted()), sorted(expected), "{place}");
        assert_eq!(harness.emitted_to(1), late, "{place}");
        assert_eq!(harness.entries("open").unwrap(), []);
        assert_eq!(harness.entries("ends").unwrap(), []);
    }
}

#[test]
fn a_left_record_behind_the_watermark_is_late_and_not_without_a_right_one() {
    let mut harness = join(60, 10, 0);
    harness.feed_to(1, &csv(&[('a', -30, 1)])).unwrap();
    harness.watermark("32").unwrap();
    harness.feed_to(0, &csv(&[('a', 25, 2), ('a', 32, 3)])).unwrap();
    harness.finish().unwrap();
    assert_eq!(harness.emitted_to(1), [r#"{"key":"a","time":"1970-01-01T00:00:00.025Z"}"#]);
    let line = format!(r#"{{"key":"a","left":{},"right":null}}"#, row(&('a', 32, 3)));
    assert_eq!(harness.emitted(), [line], "the right record is not in its interval");
}
