//! What the sink knows of its partition, and the steps that need the cluster.

use super::header::Header;
use super::mark::Mark;
use super::partition::{Partition, Standing};
use super::producer::RECORD_BYTES_MAX;
use super::recovery;
use crate::kafka::Trouble;
use crate::sink::SinkErrorKind as Kind;
use crate::sink::outbox::{Failure, Records, Refusal, Target};
use crate::sink::waiting::Waiting;

/// The records of the sink in a partition.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) partition: Partition,
    standing: Standing,
    /// Whether the standing is known. Otherwise a transaction may be on its way.
    is_sure: bool,
}

impl Output {
    /// Nothing is known of the partition yet.
    pub(super) fn in_partition(partition: Partition) -> Self {
        let standing = Standing { id: String::new(), number: 0, cluster: String::new(), base: 0 };
        Self { partition, standing, is_sure: false }
    }

    fn troubled(&self, trouble: &Trouble) -> Refusal {
        let what = format!("{}: {}", self.partition.server, trouble.what());
        match (trouble, trouble.as_io()) {
            (Trouble::Fenced(_), None) => {
                let id = &self.partition.transactional_id;
                let what = format!(
                    "another process has taken the transactional id {id:?}: if it is another sink, give it an id of its \
                     own (transactional-id); if it has replaced this one, end this one. A transaction that was open for \
                     too long ends in the same way; then start again ({what})"
                );
                Refusal::of(Kind::Fenced, what)
            }
            (_, cause) => Refusal::Failed(cause, what),
        }
    }
}

impl Target for Output {
    type Header = Header;

    fn check(&self, record: &[u8]) -> Result<(), String> {
        if record.len() <= RECORD_BYTES_MAX {
            return Ok(());
        }
        Err(format!("a record has {} bytes, and a message has at most {RECORD_BYTES_MAX}", record.len()))
    }

    fn begin(&mut self, id: String) -> Result<(), Refusal> {
        let look = self.partition.take(None).map_err(|trouble| self.troubled(&trouble))?;
        self.standing = Standing { id, number: 0, cluster: look.cluster, base: look.end };
        self.is_sure = true;
        Ok(())
    }

    fn recover(&mut self, end: u64, held: Option<&Header>, waiting: &mut Waiting) -> Result<(), Refusal> {
        let Some(header) = held else { return Err(Refusal::of(Kind::Missing, waiting.holds_nothing())) };
        let look = self.partition.take(Some((&header.id, header.base))).map_err(|trouble| self.troubled(&trouble))?;
        let note = waiting.note().map_err(Refusal::Place)?;
        let noted = note.and_then(|note| Mark::read(note.as_bytes()));
        let number = recovery::published(end, header, noted.as_ref(), &look)?;
        self.standing = Standing { id: header.id.clone(), number, cluster: look.cluster, base: look.end };
        self.is_sure = true;
        Ok(())
    }

    fn header(&self, first: u64) -> Header {
        let Standing { id, cluster, base, .. } = self.standing.clone();
        Header { id, cluster, base, first }
    }

    fn published(&self) -> u64 {
        self.standing.number
    }

    fn is_sure(&self) -> bool {
        self.is_sure
    }

    fn publish(&mut self, waiting: &mut Waiting, first: u64, records: Records) -> Result<(), Refusal> {
        let is_sure = std::mem::replace(&mut self.is_sure, false);
        match self.partition.publish(&mut self.standing, is_sure, first, &records.slices()) {
            Ok(()) => self.is_sure = true,
            Err(Failure::Trouble(trouble)) => return Err(self.troubled(&trouble)),
            Err(Failure::Refused(refusal)) => return Err(refusal.into()),
        }
        let mark = Mark { id: self.standing.id.clone(), number: self.standing.number };
        waiting.keep_note(&mark).map_err(Refusal::Place)
    }
}
