//! The results of a plugin, which come in pages: held to their order and to a budget.
//!
//! A plugin decides how many pages there are. Strictly ascending keys bring a walk to its end, and the budget
//! brings that end near.

use std::time::{Duration, Instant};

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::error::RuntimeError;
use crate::limits::{Limit, Limits};
use crate::operator::RESULTS;
use crate::plugin::Plugin;
use crate::text::{cut, printable};

impl Plugin {
    /// The next page of results, from the beginning with `start`; an empty page is the end.
    ///
    /// Each line is one JSON object, and the keys ascend over all pages. A page that is not so is
    /// [`Refused`](RuntimeError::Refused); results past [`Limits::results`], [`Limits::results_bytes`] or
    /// [`Limits::results_time`] end the plugin.
    pub fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        if start {
            self.results = ResultsWalk::default();
        }
        let (asked, limits, mut walk) = (Instant::now(), self.limits, std::mem::take(&mut self.results));
        let page = self.call(|running| {
            let page = running.operator.results(start, limit)?;
            match walk.take(&page, limit, asked, &limits) {
                Ok(()) => Ok(page),
                Err(Unfit::Form(text)) => Err(RuntimeError::Refused { what: RESULTS, record: None, text }),
                Err(Unfit::Budget(why)) => Err(RuntimeError::Limit { who: "the plugin", limit: Limit::Results, why }),
            }
        });
        self.results = walk;
        page
    }
}

/// A walk over the results that has begun.
#[derive(Debug, Default)]
pub(super) struct ResultsWalk {
    last_key: Option<String>,
    lines: u64,
    bytes: u64,
    time: Duration,
}

/// Why a page is not taken.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// It is past the budget.
    Budget(String),
    /// It is not what results are.
    Form(String),
}

impl ResultsWalk {
    /// Checks a page that was asked for at `asked`.
    fn take(&mut self, page: &[String], limit: u32, asked: Instant, limits: &Limits) -> Result<(), Unfit> {
        self.time = self.time.saturating_add(asked.elapsed());
        if page.len() > limit as usize {
            return Err(Unfit::Form(format!("a page has {} lines where {limit} were asked for", page.len())));
        }
        self.lines = self.lines.saturating_add(page.len() as u64);
        self.bytes = self.bytes.saturating_add(page.iter().map(|line| line.len() as u64 + 1).sum());
        for (has, may, what) in [
            (self.lines, limits.results, "lines"),
            (self.bytes, limits.results_bytes, "bytes"),
            (millis(self.time), millis(limits.results_time), "milliseconds"),
        ] {
            if has > may {
                return Err(Unfit::Budget(format!("its results took more than {may} {what}")));
            }
        }
        for line in page {
            let key = key(line).map_err(|error| Unfit::Form(format!("{error}: {}", printable(&cut(line.clone())))))?;
            if self.last_key.as_ref().is_some_and(|last| *last >= key) {
                let key = cut(key);
                return Err(Unfit::Form(format!(
                    "the key \"{}\" does not come after the one before it",
                    printable(&key)
                )));
            }
            self.last_key = Some(key);
        }
        Ok(())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a line whole, and returns the key that its object begins with.
fn key(line: &str) -> Result<String, serde_json::Error> {
    struct FirstMember;
    impl<'a> Visitor<'a> for FirstMember {
        type Value = String;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object whose first member is \"key\", a text")
        }
        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<String, A::Error> {
            let Some(first) = map.next_key::<String>()? else { return Err(A::Error::missing_field("key")) };
            if first != "key" {
                return Err(A::Error::custom("the first member is not \"key\""));
            }
            let key = map.next_value()?;
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok(key)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(line);
    let key = reader.deserialize_map(FirstMember)?;
    reader.end()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pages: &[&[&str]], limits: &Limits, expected: Option<&str>) {
        let mut walk = ResultsWalk::default();
        let take = |page: &&[&str]| {
            let page: Vec<String> = page.iter().map(|line| (*line).to_owned()).collect();
            walk.take(&page, 2, Instant::now(), limits)
        };
        match (pages.iter().try_for_each(take), expected) {
            (Ok(()), None) => {}
            (Err(Unfit::Budget(why) | Unfit::Form(why)), Some(expected)) => assert!(why.contains(expected), "{why}"),
            (found, _) => panic!("{found:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn keys_ascend_over_all_pages() {
        let limits = Limits::default();
        check(&[&[r#"{"key":"a"}"#, r#"{"key":"b","n":[1,{}]}"#], &[r#"{"key":"c"}"#], &[]], &limits, None);
        check(&[&[r#"{"key":"a"}"#, r#"{"key":"a"}"#]], &limits, Some("does not come after"));
        check(&[&[r#"{"key":"b"}"#], &[r#"{"key":"a"}"#]], &limits, Some("\"a\" does not come after"));
    }

    #[test]
    fn each_line_is_one_object_that_begins_with_its_key() {
        let limits = Limits::default();
        for (line, expected) in [
            ("", "EOF"),
            ("[]", "expected a JSON object"),
            ("{}", "missing field `key`"),
            (r#"{"n":1,"key":"a"}"#, "the first member is not"),
            (r#"{"key":1}"#, "expected a string"),
            (r#"{"key":"a"}{"key":"b"}"#, "trailing characters"),
            (r#"{"key":"a","n":}"#, "expected value"),
        ] {
            check(&[&[line]], &limits, Some(expected));
        }
        check(&[&[r#"{"key":"a"}"#; 3]], &limits, Some("3 lines where 2 were asked for"));
    }

    #[test]
    fn what_is_past_the_budget_is_refused() {
        let pages: [&[&str]; 2] = [&[r#"{"key":"a"}"#, r#"{"key":"b"}"#], &[r#"{"key":"c"}"#]];
        check(&pages, &Limits { results: 3, results_bytes: 36, ..Limits::default() }, None);
        check(&pages, &Limits { results: 2, ..Limits::default() }, Some("more than 2 lines"));
        check(&pages, &Limits { results_bytes: 35, ..Limits::default() }, Some("more than 35 bytes"));
        let mut walk = ResultsWalk { time: Duration::from_secs(1), ..ResultsWalk::default() };
        let limits = Limits { results_time: Duration::from_millis(999), ..Limits::default() };
        let taken = walk.take(&[], 1, Instant::now(), &limits);
        assert_eq!(taken, Err(Unfit::Budget("its results took more than 999 milliseconds".to_owned())));
    }
}
