//! A live directory with a random history, what each of its checkpoints holds, and parts of its files.

use std::collections::BTreeMap;
use std::fmt;

use alluvium_core::directory::block_on;
use alluvium_core::tools::inspect;
use fastrand::Rng;

use crate::oracle::{ACTIONS, Action, Journal, Session};
use crate::{Expected, Files, empty, memory, open};

/// See the module.
pub(super) struct Live {
    actions: Vec<Action>,
    pub(super) files: Files,
    /// What each checkpoint holds, and what it holds with one, two and more of the WAL files after it.
    pub(super) contents: BTreeMap<u64, Vec<Expected>>,
    /// The opaque states, by checkpoint.
    pub(super) states: BTreeMap<u64, Vec<u8>>,
}

/// Some of a directory's files.
pub(super) struct Part {
    pub(super) files: Files,
    missing: Vec<String>,
    /// The file of which only the beginning is there.
    pub(super) cut: Option<String>,
}

fn metadata_path(id: u64) -> String {
    format!("checkpoint_{id:016x}/metadata.json")
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// The checkpoint and the sequence in the name of a WAL file.
fn wal(path: &str) -> Option<(u64, u64)> {
    let (checkpoint, sequence) = path.strip_prefix("wal/")?.strip_suffix(".log")?.split_once('-')?;
    Some((hexadecimal(checkpoint)?, hexadecimal(sequence)?))
}

/// The id that a name mentions.
pub(super) fn mentioned(path: &str) -> Option<u64> {
    let of_checkpoint = || hexadecimal(path.strip_prefix("checkpoint_")?.split('/').next()?);
    wal(path).map(|(checkpoint, _)| checkpoint).or_else(of_checkpoint)
}

/// The sequences of the WAL files after a checkpoint, in order.
pub(super) fn sequences(files: &Files, id: u64) -> Vec<u64> {
    files.keys().filter_map(|path| wal(path)).filter(|(after, _)| *after == id).map(|(_, sequence)| sequence).collect()
}

impl Live {
    /// Plays a history of which the end is often in WAL files.
    pub(super) fn new(random: &mut Rng) -> Result<Self, String> {
        let mut actions = vec![Action::Put, Action::Checkpoint];
        actions.extend((0..random.usize(1..=9)).map(|_| match random.u8(0..10) {
            0..3 => Action::Put,
            3..6 => Action::Flush,
            6 => Action::Checkpoint,
            _ => ACTIONS[random.usize(..ACTIONS.len())],
        }));
        let directory = empty();
        let mut session = Session::new(directory.clone(), Journal::keeping(random.usize(1..=3)));
        let played = actions.iter().try_for_each(|action| session.act(*action)).and_then(|()| session.check());
        played.map_err(|stop| format!("{actions:?} with nothing missing: {stop:?}"))?;
        let mut live =
            Self { actions, files: directory.to_files(), contents: BTreeMap::new(), states: BTreeMap::new() };
        let ids: Vec<u64> = live
            .files
            .keys()
            .filter(|path| path.ends_with("/metadata.json"))
            .filter_map(|path| mentioned(path))
            .collect();
        for id in ids {
            let logs = sequences(&live.files, id).len() as u64;
            let contents = (0..=logs).map(|logs| live.content(id, logs)).collect::<Result<_, _>>()?;
            live.contents.insert(id, contents);
            if let Ok(state) = block_on(inspect::load_state(&*directory, id)) {
                live.states.insert(id, state);
            }
        }
        Ok(live)
    }

    /// What the directory held when this checkpoint was the newest and had so many WAL files.
    fn content(&self, id: u64, logs: u64) -> Result<Expected, String> {
        let mut files = self.files.clone();
        files.retain(|path, _| match wal(path) {
            Some((after, sequence)) => after == id && sequence <= logs,
            None => !path.ends_with("/metadata.json") || mentioned(path).is_some_and(|other| other <= id),
        });
        let opened =
            open(&memory(files)).map_err(|error| format!("{self}: checkpoint {id} with {logs} logs: {error}"))?;
        Ok(Expected::of(&opened))
    }

    /// How many subsets of its files there are.
    pub(super) fn subsets(&self) -> u64 {
        1_u64.checked_shl(self.files.len() as u32).unwrap_or(u64::MAX)
    }

    /// The part with this number if there are not more than `most`, or else one that is drawn.
    pub(super) fn part(&self, number: u64, most: u64, random: &mut Rng) -> Part {
        let rarely = random.u8(1..=8);
        let mut part = Part { files: Files::new(), missing: Vec::new(), cut: None };
        for (at, (path, content)) in self.files.iter().enumerate() {
            let is_there = if self.subsets() <= most { number >> at & 1 == 0 } else { random.u8(..10) >= rarely };
            if is_there {
                part.files.insert(path.clone(), content.clone());
            } else {
                part.missing.push(path.clone());
            }
        }
        if random.u8(..4) == 0
            && let Some((path, content)) = random.choice(part.files.iter_mut())
            && !content.is_empty()
        {
            content.truncate(random.usize(..content.len()));
            part.cut = Some(path.clone());
        }
        part
    }
}

impl Part {
    pub(super) fn has_metadata(&self, id: u64) -> bool {
        self.files.contains_key(&metadata_path(id))
    }
}

impl fmt::Display for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {:?}", self.actions, self.files.keys())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "missing {:?}, cut {:?}", self.missing, self.cut)
    }
}
