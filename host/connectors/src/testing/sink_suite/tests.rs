//! The suite over the sink in memory, and over sinks with one fault each.

use std::collections::BTreeMap;

use super::{SinkFixture, sink_suite};
use crate::batch::Batch;
use crate::opaque::{self, Opaque};
use crate::sink::{Guarantee, MemorySink, MemoryTarget, Publication, Sink, SinkError, SinkErrorKind as Kind};
use crate::testing::Report;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    ShowsAtWrite,
    ShowsAtPrepare,
    PublishesAll,
    PublishesAgain,
    PublishNeedsEveryToken,
    EmptyEpochRefused,
    AbortKeepsAll,
    ForeignTokenAccepted,
    TokenCountsTheProcess,
    RecoveryCompletesNothing,
    RecoveryPublishesUncommitted,
    RecoveryDoubles,
    RecoveryKeepsNewer,
    RecoveryAlwaysSaysBefore,
    BytesCountUnpublished,
}

/// Targets in memory, written to with a fault.
struct Faulty {
    fault: Fault,
    targets: BTreeMap<String, MemoryTarget>,
    opened: u64,
}

impl SinkFixture for Faulty {
    fn open(&mut self, target: &str) -> Box<dyn Sink> {
        let target = self.targets.entry(target.to_owned()).or_default().clone();
        self.opened += 1;
        Box::new(FaultySink { fault: self.fault, inner: target.sink(), target, process: self.opened, last: None })
    }
    fn visible(&mut self, target: &str) -> Vec<String> {
        let records = self.targets[target].visible();
        records.into_iter().map(|record| String::from_utf8(record).unwrap()).collect()
    }
}

struct FaultySink {
    fault: Fault,
    inner: MemorySink,
    target: MemoryTarget,
    process: u64,
    /// The token made last.
    last: Option<Opaque>,
}

impl FaultySink {
    /// A token without what the fault has added.
    fn original(&self, token: &Opaque) -> Opaque {
        let text = opaque::as_text(token).and_then(|text| text.split_once(" of ")).map(|(count, _)| count.to_owned());
        text.filter(|_| self.fault == Fault::TokenCountsTheProcess)
            .map_or_else(|| token.clone(), |text| Opaque::new(text).unwrap())
    }

    /// Shows records that were published or written before, whatever the tokens say.
    fn show(&self, records: &[Vec<u8>]) {
        let mut again = self.target.sink();
        again.write(&Batch::of_raw(records.iter().map(Vec::as_slice))).unwrap();
        let token = again.prepare().unwrap();
        again.publish(&token).unwrap();
    }
}

impl Sink for FaultySink {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        let committed: Vec<Opaque> = committed.iter().map(|token| self.original(token)).collect();
        let before = self.target.visible();
        match self.fault {
            Fault::RecoveryPublishesUncommitted => {
                let token = self.target.sink().prepare()?;
                self.inner.publish(&token)?;
                return Ok(vec![Publication::Now; committed.len()]);
            }
            Fault::RecoveryCompletesNothing => return Ok(vec![Publication::Before; committed.len()]),
            Fault::ForeignTokenAccepted if self.inner.recover(&committed).is_err() => return Ok(Vec::new()),
            _ => {}
        }
        let found = self.inner.recover(&committed)?;
        match self.fault {
            Fault::RecoveryDoubles if !committed.is_empty() => self.show(&before),
            Fault::RecoveryKeepsNewer => self.show(before.get(self.target.visible().len()..).unwrap_or_default()),
            Fault::RecoveryAlwaysSaysBefore => return Ok(vec![Publication::Before; found.len()]),
            _ => {}
        }
        Ok(found)
    }

    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        self.inner.write(records)?;
        if self.fault == Fault::ShowsAtWrite {
            let token = self.inner.prepare()?;
            self.inner.publish(&token)?;
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        let token = self.inner.prepare()?;
        if self.fault == Fault::EmptyEpochRefused && self.last.as_ref() == Some(&token) {
            return Err(SinkError::new(Kind::Unsupported, self.name(), "nothing was written"));
        }
        if self.fault == Fault::ShowsAtPrepare {
            self.inner.publish(&token)?;
        }
        self.last = Some(token.clone());
        match self.fault {
            Fault::TokenCountsTheProcess => {
                let text = format!("{} of {}", opaque::as_text(&token).unwrap(), self.process);
                Ok(Opaque::new(text).unwrap())
            }
            _ => Ok(token),
        }
    }

    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        let committed = self.original(committed);
        match (self.fault, &self.last) {
            (Fault::PublishesAll, _) => {
                let all = self.inner.prepare()?;
                self.inner.publish(&all)
            }
            (Fault::PublishesAgain, Some(last)) if *last == committed => {
                let before = self.target.visible().len();
                self.inner.publish(&committed)?;
                let visible = self.target.visible();
                if before == visible.len() {
                    self.show(&visible);
                }
                Ok(())
            }
            (Fault::PublishNeedsEveryToken, Some(last)) if *last != committed => {
                Err(SinkError::new(Kind::Token, self.name(), "is not the newest"))
            }
            _ => self.inner.publish(&committed),
        }
    }

    fn abort(&mut self) -> Result<(), SinkError> {
        if self.fault == Fault::AbortKeepsAll { Ok(()) } else { self.inner.abort() }
    }

    fn published_bytes(&self) -> Option<u64> {
        let bytes = self.inner.published_bytes()?;
        Some(if self.fault == Fault::BytesCountUnpublished && self.last.is_some() { bytes.max(6) } else { bytes })
    }
}

fn report(fault: Fault) -> Report {
    sink_suite(&mut Faulty { fault, targets: BTreeMap::new(), opened: 0 })
}

#[test]
fn the_sink_in_memory_passes_all_checks() {
    let report = report(Fault::None);
    assert_eq!(report.assert(), 23, "{report:?}");
    assert!(report.left_out.is_empty());
}

/// The suite is worth something only if it finds faults.
#[test]
fn each_fault_fails_a_check_that_names_it() {
    for (fault, check) in [
        (Fault::ShowsAtWrite, "nothing_is_visible_before_it_is_published"),
        (Fault::ShowsAtPrepare, "nothing_is_visible_before_it_is_published"),
        (Fault::PublishesAll, "what_is_written_after_the_token_waits"),
        (Fault::PublishesAgain, "publishing_again_changes_nothing"),
        (Fault::PublishNeedsEveryToken, "a_token_stands_for_those_before_it"),
        (Fault::EmptyEpochRefused, "an_epoch_may_be_empty"),
        (Fault::AbortKeepsAll, "an_abort_drops_what_was_not_published"),
        (Fault::ForeignTokenAccepted, "a_foreign_token_is_refused"),
        (Fault::TokenCountsTheProcess, "tokens_are_short_and_depend_only_on_the_records"),
        (Fault::RecoveryCompletesNothing, "a_run_with_crashes_shows_what_is_promised"),
        (Fault::RecoveryCompletesNothing, "what_was_committed_is_published_by_recovery"),
        (Fault::RecoveryPublishesUncommitted, "what_was_prepared_without_a_commit_is_forgotten"),
        (Fault::RecoveryDoubles, "what_was_published_is_not_published_again"),
        (Fault::RecoveryKeepsNewer, "an_older_checkpoint_takes_back_or_is_refused"),
        (Fault::RecoveryAlwaysSaysBefore, "what_was_committed_is_published_by_recovery"),
        (Fault::BytesCountUnpublished, "published_bytes_only_grow_by_publishing"),
    ] {
        let failed = report(fault).failed;
        assert!(failed.iter().any(|(name, _)| *name == check), "{fault:?} passed {check}; it failed {failed:?}");
    }
}
