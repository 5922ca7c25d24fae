//! Windows as an operator.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde_json::json;

use super::open::{self, Open};
use super::{Window, Windows};
use crate::aggregate::Aggregate;
use crate::context::Context;
use crate::description::{Description, Domain, Kind, Namespace};
use crate::host::Host;
use crate::key::{Key, of_timers};
use crate::operator::{Batch, Failure, Operator};
use crate::row::Row;
use crate::time::Time;

/// The namespace of the windows that are open, and that of their ends.
const OPEN: &str = "windows";
const ENDS: &str = "ends";

/// The outputs by number.
const WINDOWS: u32 = 0;
const LATE: u32 = 1;

/// The windows of the keys of a batch, in the order in which the batch has the keys.
type Keys<T> = IndexMap<Vec<u8>, Vec<Open<T>>, FxBuildHasher>;

impl<R: Row, K: Key, B: Fn(&R) -> (K, Option<Time>), A: Aggregate<R>> Windows<R, K, B, A> {
    /// Reads the open windows of keys.
    fn read(&self, keys: &[&[u8]], host: &mut dyn Host) -> Result<Vec<Vec<Open<A::Kept>>>, String> {
        let namespace = host.namespace(OPEN)?;
        let values = host.get_many(namespace, keys)?;
        let read = |value: Option<Vec<u8>>| {
            let bytes = value.unwrap_or_default();
            open::read::<R, A>(&self.aggregate, &bytes).ok_or_else(|| "an entry of the windows is none".to_owned())
        };
        values.into_iter().map(read).collect()
    }

    /// Writes the open windows of keys. A key without windows goes away.
    fn write<'k>(
        &self,
        all: impl Iterator<Item = (&'k [u8], Vec<Open<A::Kept>>)>,
        host: &mut dyn Host,
    ) -> Result<(), String> {
        let namespace = host.namespace(OPEN)?;
        let encode = |(key, windows): (&'k [u8], Vec<Open<A::Kept>>)| {
            let value = (!windows.is_empty()).then(|| open::write::<R, A>(&self.aggregate, &windows));
            (key, value)
        };
        let values: Vec<(&[u8], Option<Vec<u8>>)> = all.map(encode).collect();
        let changes: Vec<_> = values.iter().map(|(key, value)| (*key, value.as_deref())).collect();
        host.apply(namespace, &changes)
    }

    /// When nothing more may come for a window.
    fn closes(&self, window: Window) -> i64 {
        window.to.as_ms().saturating_add(self.lateness_ms)
    }

    /// Sets the timers of a window: for its end, and for when it is closed.
    fn set_timers(&self, window: Window, key: &[u8], ends: u32, host: &mut dyn Host) -> Result<(), String> {
        host.set_timer(ends, window.to.as_ms(), key)?;
        if self.lateness_ms > 0 { host.set_timer(ends, self.closes(window), key) } else { Ok(()) }
    }

    /// Deletes the timers of a window that is a part of another one now, but none that another open window of the key
    /// has, too. A timer is a time and a key, so one timer stands for both windows if one closes when the other ends.
    fn delete_timers(
        &self,
        window: Window,
        others: &[Open<A::Kept>],
        key: &[u8],
        ends: u32,
        host: &mut dyn Host,
    ) -> Result<(), String> {
        let times = |window: Window| [window.to.as_ms(), self.closes(window)];
        for at_ms in times(window) {
            if !others.iter().any(|other| times(other.window).contains(&at_ms)) {
                host.delete_timer(ends, at_ms, key)?;
            }
        }
        Ok(())
    }

    /// Adds a record to the windows of its key. Returns whether it was in time for one of them.
    fn add(
        &self,
        (row, time, key): (&R, Time, &[u8]),
        windows: &mut Vec<Open<A::Kept>>,
        (watermark, ends): (Option<i64>, u32),
        host: &mut dyn Host,
    ) -> Result<bool, String> {
        let mut is_in_time = false;
        for window in self.assign.windows(time) {
            let mut added = Open { window, kept: self.aggregate.begin() };
            self.aggregate.add(&mut added.kept, row);
            let touches = |open: &Open<A::Kept>| {
                if self.assign.joins() {
                    open.window.from <= window.to && window.from <= open.window.to
                } else {
                    open.window == window
                }
            };
            // A session that was joined is in time if the whole is.
            let joined = windows.iter().filter(|open| touches(open)).fold(window, |all, open| Window {
                from: all.from.min(open.window.from),
                to: all.to.max(open.window.to),
            });
            if watermark.is_some_and(|watermark| self.closes(joined) <= watermark) {
                continue;
            }
            is_in_time = true;
            let before: Vec<Open<A::Kept>> = windows.extract_if(.., |open| touches(open)).collect();
            for open in before.iter().filter(|open| open.window != joined) {
                self.delete_timers(open.window, windows, key, ends, host)?;
            }
            let has_ended = watermark.is_some_and(|watermark| joined.to.as_ms() <= watermark);
            if has_ended || !before.iter().any(|open| open.window == joined) {
                // One that has ended is emitted again.
                self.set_timers(joined, key, ends, host)?;
            }
            let mut all = before.into_iter();
            let kept = match all.next() {
                Some(mut first) => {
                    all.for_each(|open| self.aggregate.join(&mut first.kept, &open.kept));
                    self.aggregate.add(&mut first.kept, row);
                    first.kept
                }
                None => added.kept,
            };
            let at = windows.partition_point(|open| open.window < joined);
            windows.insert(at, Open { window: joined, kept });
        }
        Ok(is_in_time)
    }
}

impl<R: Row, K: Key, B: Fn(&R) -> (K, Option<Time>), A: Aggregate<R>> Operator for Windows<R, K, B, A> {
    fn describe(&self) -> Description {
        Description::new(&self.name)
            .input("records")
            .output("windows")
            .output("late")
            .namespace(Namespace::new(OPEN, Kind::Hashed))
            .namespace(Namespace::new(ENDS, Kind::Timers(Domain::Event)))
    }

    fn begin(&mut self, _input: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let mut placed = Vec::new();
        let mut keys: Keys<A::Kept> = Keys::default();
        for (number, row) in (0..).zip(self.rows.read(batch)?) {
            let (key, time) = (self.by)(&row);
            let time = time.ok_or_else(|| Failure::without_time(number))?;
            placed.push((keys.insert_full(key.bytes(), Vec::new()).0, time, row));
        }
        let host = context.host();
        let names: Vec<&[u8]> = keys.keys().map(Vec::as_slice).collect();
        let found = self.read(&names, host)?;
        for ((_, windows), found) in keys.iter_mut().zip(found) {
            *windows = found;
        }
        let clock = (host.watermark(), host.namespace(ENDS)?);
        let mut late = Vec::new();
        for (at, time, row) in &placed {
            let Some((key, windows)) = keys.get_index_mut(*at) else { continue };
            if !self.add((row, *time, key), windows, clock, host)? {
                late.push(((self.by)(row).0, *time));
            }
        }
        let changed = keys.iter().map(|(key, windows)| (key.as_slice(), windows.clone()));
        self.write(changed, host)?;
        for (key, time) in late {
            context.emit(LATE, &json!({ "key": key, "time": time }))?;
        }
        Ok(())
    }

    fn route(&mut self, _input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(self.rows.read(batch)?.iter().map(|row| (self.by)(row).0.bytes()).collect())
    }

    fn on_timers(
        &mut self,
        _namespace: &str,
        at_ms: i64,
        keys: &[&[u8]],
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        let mut all = self.read(keys, context.host())?;
        for (name, windows) in of_timers::<K>(keys)?.into_iter().zip(&mut all) {
            for Open { window, kept } in windows.iter().filter(|open| open.window.to.as_ms() == at_ms) {
                let value = self.aggregate.value(kept);
                let line = json!({ "key": name, "from": window.from, "to": window.to, "value": value });
                context.emit(WINDOWS, &line)?;
            }
            windows.retain(|open| self.closes(open.window) > at_ms);
        }
        self.write(keys.iter().copied().zip(all), context.host())
    }
}
