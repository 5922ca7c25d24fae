//! What the checks of a sink have in common.

use super::SinkFixture;
use crate::batch::Batch;
use crate::opaque::{self, Opaque};
use crate::sink::Sink;
use crate::testing::report::{Outcome, during, same};

/// The texts `<name>0` to `<name><count - 1>`.
pub(super) fn records(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}{number}")).collect()
}

/// Opens a sink and recovers it with the token of the checkpoint, if there is one.
pub(super) fn open(
    fixture: &mut dyn SinkFixture,
    target: &str,
    committed: Option<&Opaque>,
) -> Result<Box<dyn Sink>, String> {
    let mut sink = fixture.open(target);
    sink.recover(committed.map_or(&[], std::slice::from_ref)).map_err(during("recover"))?;
    Ok(sink)
}

pub(super) fn write(sink: &mut dyn Sink, records: &[String]) -> Outcome {
    sink.write(&Batch::of_raw(records.iter().map(String::as_bytes))).map_err(during("write"))
}

pub(super) fn prepare(sink: &mut dyn Sink) -> Result<Opaque, String> {
    sink.prepare().map_err(during("prepare"))
}

pub(super) fn publish(sink: &mut dyn Sink, token: &Opaque) -> Outcome {
    sink.publish(token).map_err(during("publish"))
}

/// Writes an epoch and prepares it.
pub(super) fn epoch(sink: &mut dyn Sink, records: &[String]) -> Result<Opaque, String> {
    write(sink, records)?;
    prepare(sink)
}

/// Exactly these records are visible.
pub(super) fn shows(fixture: &mut dyn SinkFixture, target: &str, when: &str, expected: &[&[String]]) -> Outcome {
    same(&format!("what is visible {when}"), fixture.visible(target), expected.concat())
}

/// Whether an epoch with records has a token, which waits for its commit.
pub(super) fn has_tokens(fixture: &mut dyn SinkFixture, target: &str) -> bool {
    let token = open(fixture, target, None).and_then(|mut sink| epoch(&mut *sink, &records("one", 1)));
    // The checks say what an error is.
    token.is_ok_and(|token| !opaque::is_empty(&token))
}

/// The steps of an epoch: write and prepare, commit, publish. A process may die before each and after the last.
pub(super) const STEPS: usize = 4;

/// Processes that die, one after the other, and what the checkpoint holds meanwhile.
pub(super) struct Run<'a> {
    epochs: &'a [Vec<String>],
    /// When processes die: in which epoch and before which step, or soon after. The next one comes last.
    deaths: Vec<(usize, usize)>,
    committed: Option<Opaque>,
    done: usize,
}

impl<'a> Run<'a> {
    /// Returns the run whose processes die at these moments, which count the steps of all epochs.
    pub(super) fn dying_at(epochs: &'a [Vec<String>], moments: &[usize]) -> Self {
        let mut deaths: Vec<_> = moments.iter().map(|moment| (moment / STEPS, moment % STEPS)).collect();
        deaths.sort_unstable_by(|a, b| b.cmp(a));
        Self { epochs, deaths, committed: None, done: 0 }
    }

    fn dies_at(&mut self, epoch: usize, step: usize) -> bool {
        self.deaths.pop_if(|death| *death <= (epoch, step)).is_some()
    }

    /// Runs all processes, until the stream has ended.
    pub(super) fn finish(mut self, fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
        while !self.live(fixture, target)? {}
        Ok(())
    }

    /// One process, from its recovery to its death or to the end of the stream, which it returns.
    fn live(&mut self, fixture: &mut dyn SinkFixture, target: &str) -> Result<bool, String> {
        let mut sink = open(fixture, target, self.committed.as_ref())?;
        while let Some(records) = self.epochs.get(self.done) {
            let number = self.done;
            if self.dies_at(number, 0) {
                return Ok(false);
            }
            let token = epoch(&mut *sink, records)?;
            if self.dies_at(number, 1) {
                return Ok(false);
            }
            self.committed = Some(token.clone());
            self.done += 1;
            if self.dies_at(number, 2) {
                return Ok(false);
            }
            publish(&mut *sink, &token)?;
            if self.dies_at(number, 3) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
