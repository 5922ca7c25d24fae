//! Windows: against a count that is made another way, for disordered and late records, in any cuts, with crashes.

use std::collections::BTreeMap;

use alluvium_plugin::prelude::*;
use fastrand::Rng;

#[derive(Row)]
struct Record {
    key: String,
    at: Time,
    number: Option<f64>,
}

fn by(record: &Record) -> String {
    record.key.clone()
}

fn tumbling(lateness_ms: u64) -> impl Fn() -> Box<dyn Operator> {
    move || Box::new(Tumbling::of(ms(10)).lateness(ms(lateness_ms)).by(by).sum(|record| record.number))
}

fn sliding() -> Box<dyn Operator> {
    Box::new(Sliding::of(ms(10), ms(4)).by(by).count())
}

fn sessions(lateness_ms: u64) -> impl Fn() -> Box<dyn Operator> {
    move || Box::new(Session::gap(ms(5)).lateness(ms(lateness_ms)).by(by).max(|record| record.number))
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What was emitted: the key, the two times in milliseconds, and the value.
fn windows(harness: &Harness) -> Vec<(String, i64, i64, String)> {
    let read = |line: &String| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let time = |name: &str| line[name].as_str().unwrap().parse::<Time>().unwrap().as_ms();
        (line["key"].as_str().unwrap().to_owned(), time("from"), time("to"), line["value"].to_string())
    };
    harness.emitted().iter().map(read).collect()
}

fn csv(records: &[(String, i64, i64)]) -> String {
    let line = |(key, at, number): &(String, i64, i64)| format!("{key},{at},{number}\n");
    format!("key,at,number\n{}", records.iter().map(line).collect::<String>())
}

/// Records of a few keys, up to 20 ms out of order, and the watermark behind each of them.
fn records(random: &mut Rng, count: usize) -> Vec<(String, i64, i64)> {
    let record = |number: usize| {
        let at = i64::try_from(number).unwrap() * 2 + random.i64(0..20);
        (["a", "b", "c"][random.usize(..3)].to_owned(), at, random.i64(-50..50))
    };
    (0..count).map(record).collect()
}

/// The sums of tumbling windows of 10 ms, computed of all records at once.
fn sums(records: &[(String, i64, i64)]) -> BTreeMap<(i64, String), i64> {
    let mut sums = BTreeMap::new();
    for (key, at, number) in records {
        *sums.entry((at.div_euclid(10) * 10, key.clone())).or_insert(0) += number;
    }
    sums
}

#[test]
fn tumbling_windows_are_those_of_a_count_at_once_in_any_cuts() {
    for seed in 0..100 {
        let mut random = Rng::with_seed(seed);
        let all = records(&mut random, 200);
        let mut harness = Harness::new(tumbling(0));
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(random.usize(1..=rest.len().min(40)));
            harness.feed(&csv(batch)).unwrap();
            rest = after;
            // No record has a time before this.
            let at = i64::try_from(all.len() - rest.len()).unwrap() * 2;
            harness.watermark(&at.to_string()).unwrap();
        }
        harness.finish().unwrap();
        assert_eq!(harness.emitted_to(1), [""; 0], "seed {seed}: nothing was late");
        let expected: Vec<_> =
            sums(&all).into_iter().map(|((from, key), sum)| (key, from, from + 10, format!("{sum}.0"))).collect();
        assert_eq!(windows(&harness), expected, "seed {seed}");
        assert_eq!(harness.entries("windows").unwrap(), [], "seed {seed}: windows that have ended are gone");
        assert_eq!(harness.entries("ends").unwrap(), []);
    }
}

#[test]
fn crashes_change_nothing_that_is_shown() {
    for seed in 0..30 {
        let mut random = Rng::with_seed(seed);
        let all = records(&mut random, 120);
        let cuts: Vec<_> = all.chunks(10).collect();
        let run = |crashes: &mut Rng, may_crash: bool| {
            let mut harness = Harness::new(sessions(6));
            let (mut done, mut durable) = (0, 0);
            while done < cuts.len() {
                harness.feed(&csv(cuts[done])).unwrap();
                done += 1;
                if may_crash && crashes.u8(..4) == 0 {
                    harness.crash().unwrap();
                    done = durable;
                    continue;
                }
                harness.watermark(&(done * 20).to_string()).unwrap();
                harness.checkpoint().unwrap();
                durable = done;
            }
            harness.finish().unwrap();
            (harness.emitted(), harness.emitted_to(1))
        };
        let expected = run(&mut Rng::with_seed(0), false);
        assert!(!expected.0.is_empty());
        assert_eq!(run(&mut random, true), expected, "seed {seed}");
    }
}

#[test]
fn batches_may_be_cut_anywhere_between_two_times() {
    for seed in 0..100 {
        let mut random = Rng::with_seed(seed);
        let all = records(&mut random, 90);
        let mut run = |is_cut: bool| {
            let mut harness = Harness::new(sessions(4));
            for epoch in all.chunks(30) {
                let mut rest = epoch;
                while !rest.is_empty() {
                    let len = if is_cut { random.usize(1..=rest.len()) } else { rest.len() };
                    harness.feed(&csv(&rest[..len])).unwrap();
                    rest = &rest[len..];
                }
                let at = epoch.iter().map(|(_, at, _)| at).max().unwrap() - 10;
                harness.watermark(&at.to_string()).unwrap();
            }
            (
                harness.entries("windows").unwrap(),
                harness.entries("ends").unwrap(),
                harness.emitted(),
                harness.emitted_to(1),
            )
        };
        assert_eq!(run(true), run(false), "seed {seed}");
    }
}

#[test]
fn a_record_that_is_too_late_is_told_and_one_within_the_lateness_corrects_its_window() {
    let mut harness = Harness::new(tumbling(5));
    harness.feed("key,at,number\na,1,10\na,12,1\n").unwrap();
    harness.watermark("12").unwrap();
    assert_eq!(windows(&harness), [("a".to_owned(), 0, 10, "10.0".to_owned())]);
    harness.feed("key,at,number\na,2,7\na,3,1\n").unwrap();
    harness.watermark("13").unwrap();
    assert_eq!(windows(&harness)[1..], [("a".to_owned(), 0, 10, "18.0".to_owned())], "one correction for both");
    harness.watermark("15").unwrap();
    harness.feed("key,at,number\na,4,7\n").unwrap();
    harness.finish().unwrap();
    assert_eq!(harness.emitted_to(1), [r#"{"key":"a","time":"1970-01-01T00:00:00.004Z"}"#]);
    assert_eq!(windows(&harness)[2..], [("a".to_owned(), 10, 20, "1.0".to_owned())]);
}

#[test]
fn a_time_is_in_each_window_that_slides_over_it() {
    let mut harness = Harness::new(sliding);
    harness.feed("key,at,number\na,8,\n").unwrap();
    harness.finish().unwrap();
    let expected = [(0, 10), (4, 14), (8, 18)].map(|(from, to)| ("a".to_owned(), from, to, "1".to_owned()));
    assert_eq!(windows(&harness), expected);
}

#[test]
fn a_record_between_two_sessions_joins_them() {
    let mut harness = Harness::new(sessions(0));
    harness.feed("key,at,number\na,1,3\na,9,4\nb,1,9\n").unwrap();
    assert_eq!(harness.entries("ends").unwrap().len(), 3);
    harness.feed("key,at,number\na,5,1\n").unwrap();
    assert_eq!(harness.entries("ends").unwrap().len(), 2, "one end for each session");
    harness.watermark("13").unwrap();
    assert_eq!(windows(&harness), [("b".to_owned(), 1, 6, "9.0".to_owned())]);
    harness.watermark("14").unwrap();
    assert_eq!(windows(&harness)[1..], [("a".to_owned(), 1, 14, "4.0".to_owned())]);
}

#[test]
fn records_that_are_none_are_named_and_change_nothing() {
    let mut harness = Harness::new(tumbling(0));
    let error = harness.feed("key,time\na,1\n").unwrap_err();
    assert_eq!(error, "the columns at, number are missing; there are key, time");
    let error = harness.feed("key,at,number\na,1,1\na,soon,1\n").unwrap_err();
    assert_eq!(error, r#"record 1: at: "soon" is no time, as 2013-01-01T05:00:00Z"#);
    let error = harness.feed("key,at,number\na,1,1\na,2,x\n").unwrap_err();
    assert_eq!(error, r#"record 1: number: "x" is no number"#);
    assert_eq!(harness.entries("windows").unwrap(), []);
    let untimed = || Tumbling::minutes(1).by_at(|record: &Record| (record.key.clone(), None)).count();
    let error = Harness::new(untimed).feed("key,at,number\na,1,1\n").unwrap_err();
    assert_eq!(error, "record 0: it has no time");
}

#[test]
fn a_million_windows_leave_nothing_behind() {
    let mut harness = Harness::new(tumbling(0));
    let mut largest = 0;
    for round in 0..20_i64 {
        let records: Vec<_> = (0..1_000).map(|number| (format!("{number}"), round * 10, 1)).collect();
        harness.feed(&csv(&records)).unwrap();
        harness.watermark(&(round * 10).to_string()).unwrap();
        largest = largest.max(harness.entries("windows").unwrap().len());
        harness.checkpoint().unwrap();
    }
    harness.finish().unwrap();
    assert_eq!((largest, harness.emitted().len()), (1_000, 20_000));
    assert_eq!(harness.entries("windows").unwrap(), []);
}

/// The harness keeps to what a host does.
struct Timers;

impl Operator for Timers {
    fn describe(&self) -> alluvium_plugin::Description {
        use alluvium_plugin::{Description, Domain, Kind, Namespace};
        Description::new("timers")
            .input("records")
            .output("fired")
            .namespace(Namespace::new("second", Kind::Timers(Domain::Event)))
            .namespace(Namespace::new("first", Kind::Timers(Domain::Event)))
            .namespace(Namespace::new("clock", Kind::Timers(Domain::Processing)))
    }

    fn begin(&mut self, _input: u32, _header: &[String]) -> Result<(), String> {
        Ok(())
    }

    fn process(
        &mut self,
        _input: u32,
        _batch: &alluvium_plugin::Batch,
        context: &mut Context<'_>,
    ) -> Result<(), alluvium_plugin::Failure> {
        for name in ["first", "second", "clock"] {
            let namespace = context.namespace(name)?;
            for (at, key) in [(2, "b"), (2, "a"), (1, "c")] {
                context.host().set_timer(namespace, at, key.as_bytes())?;
            }
        }
        Ok(())
    }

    fn on_timers(&mut self, name: &str, at: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        if keys.contains(&&b"refused"[..]) {
            return Err("refused".to_owned());
        }
        if (name, at) == ("first", 1) {
            let namespace = context.namespace("second")?;
            context.host().set_timer(namespace, 1, b"late")?;
        }
        let keys: Vec<_> = keys.iter().map(|key| String::from_utf8_lossy(key)).collect();
        context.emit(0, &format!("{name} {at} {}", keys.join(" ")))
    }
}

#[test]
fn timers_are_due_in_order_and_those_that_they_set_as_well() {
    let mut harness = Harness::new(|| Timers);
    harness.feed("x\n1\n").unwrap();
    harness.processing_time("5").unwrap();
    assert_eq!(harness.emitted(), [r#""clock 1 c""#, r#""clock 2 a b""#], "there is no watermark yet");
    harness.watermark("2").unwrap();
    let fired = ["second 1 c", "first 1 c", "second 1 late", "second 2 a b", "first 2 a b"];
    assert_eq!(harness.emitted()[2..], fired.map(|line| format!("{line:?}")));
}
