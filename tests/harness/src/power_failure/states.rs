//! The persistence model: from recorded calls to the states that a power failure may leave.

use std::collections::BTreeMap;

use alluvium_core::directory::{Node, Nodes};

use super::recorder::Recorded;

/// At most this many states of one moment's names are gone through; beyond it, as many are drawn.
const STATES_MAX: usize = 256;

/// Ways in which unsynced bytes may come back, beyond being whole.
const MANGLED: usize = 6;

/// Bytes of a sector: what a disk writes at once.
const SECTOR: usize = 512;

#[derive(Debug, Clone)]
struct Inode {
    content: Vec<u8>,
    is_synced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    File(usize),
    Directory(usize),
}

/// What a name stood for, oldest first: the first is durable, any of the others may be.
type History = Vec<Option<Target>>;

/// A file system after some calls, with everything about it that is still undecided.
#[derive(Debug, Clone)]
pub struct FileSystem {
    inodes: Vec<Inode>,
    /// The names of each directory; the first is the root.
    directories: Vec<BTreeMap<String, History>>,
}

impl Default for FileSystem {
    fn default() -> Self {
        Self { inodes: Vec::new(), directories: vec![BTreeMap::new()] }
    }
}

impl FileSystem {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory that holds `nodes`, all of it durable.
    pub fn holding(nodes: &Nodes) -> Self {
        let mut files = Self::new();
        for (path, node) in nodes {
            if let Some((directory, _)) = path.rsplit_once('/')
                && files.directory(directory).is_none()
            {
                files.apply(&Recorded::MakeDirectory(directory.into()));
            }
            match node {
                Node::EmptyDirectory => files.apply(&Recorded::MakeDirectory(path.clone())),
                Node::File(content) | Node::Temporary(content) => {
                    files.apply(&Recorded::Create(path.clone()));
                    files.apply(&Recorded::Write(path.clone(), content.clone()));
                    files.apply(&Recorded::Sync(path.clone()));
                }
                Node::Other => {}
            }
        }
        for names in &mut files.directories {
            for history in names.values_mut() {
                history.drain(..history.len() - 1);
            }
        }
        files
    }

    fn history(&mut self, path: &str) -> Option<&mut History> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.directory(directory)?;
        Some(self.directories[directory].entry(name.to_owned()).or_insert_with(|| vec![None]))
    }

    fn directory(&self, path: &str) -> Option<usize> {
        if path.is_empty() {
            return Some(0);
        }
        match self.directories[0].get(path)?.last()? {
            Some(Target::Directory(directory)) => Some(*directory),
            _ => None,
        }
    }

    fn set(&mut self, path: &str, target: Option<Target>) {
        if let Some(history) = self.history(path) {
            history.push(target);
        }
    }

    fn target(&mut self, path: &str) -> Option<Target> {
        self.history(path).and_then(|history| history.last().copied().flatten())
    }

    /// Makes a recorded call.
    pub fn apply(&mut self, call: &Recorded) {
        match call {
            Recorded::MakeDirectory(path) => {
                self.directories.push(BTreeMap::new());
                let made = self.directories.len() - 1;
                self.set(path, Some(Target::Directory(made)));
            }
            Recorded::Create(path) => {
                self.inodes.push(Inode { content: Vec::new(), is_synced: false });
                let made = self.inodes.len() - 1;
                self.set(path, Some(Target::File(made)));
            }
            Recorded::Write(path, content) => {
                if let Some(Target::File(file)) = self.target(path) {
                    self.inodes[file] = Inode { content: content.clone(), is_synced: false };
                }
            }
            Recorded::Sync(path) => {
                if let Some(Target::File(file)) = self.target(path) {
                    self.inodes[file].is_synced = true;
                }
            }
            Recorded::Rename(from, to) => {
                let moved = self.target(from);
                self.set(from, None);
                self.set(to, moved);
            }
            Recorded::Link(from, to) => {
                let linked = self.target(from);
                self.set(to, linked);
            }
            Recorded::Unlink(path) | Recorded::RemoveDirectory(path) => self.set(path, None),
            Recorded::SyncDirectory(path) => {
                if let Some(directory) = self.directory(path) {
                    for history in self.directories[directory].values_mut() {
                        history.drain(..history.len() - 1);
                    }
                }
            }
            Recorded::Look => {}
        }
    }

    /// What is there while the power is on: every call has its effect.
    pub fn visible(&self) -> Nodes {
        self.materialise(&|_, history| history.len() - 1, 0)
    }

    /// Every state that the power failing now may leave: each undecided name as it was at any time
    /// since its directory was synced, each file that was not synced whole, empty, cut, zeroed, torn
    /// or full of garbage. Where there are more than 256 sets of names, as many are drawn by `seed`.
    pub fn crash_states(&self, seed: u64) -> Vec<Nodes> {
        let undecided: Vec<((usize, &str), usize)> = self
            .directories
            .iter()
            .enumerate()
            .flat_map(|(at, names)| names.iter().map(move |(name, history)| ((at, name.as_str()), history.len())))
            .filter(|(_, choices)| *choices > 1)
            .collect();
        let all = undecided.iter().try_fold(1_usize, |all, (_, choices)| all.checked_mul(*choices));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut states = Vec::new();
        let exhaustive = all.filter(|all| *all <= STATES_MAX);
        for set in 0..exhaustive.unwrap_or(STATES_MAX) {
            let mut rest = set;
            let mut chosen = BTreeMap::new();
            for (name, choices) in &undecided {
                let choice = if exhaustive.is_some() { rest % choices } else { random.usize(..*choices) };
                rest /= choices;
                chosen.insert(*name, choice);
            }
            let choose = |name: (usize, &str), _: &History| chosen.get(&name).copied().unwrap_or(0);
            let whole = self.materialise(&choose, 0);
            if self.has_unsynced(&choose) {
                states.extend((1..=MANGLED).map(|mangled| self.materialise(&choose, mangled)));
            }
            states.push(whole);
        }
        states.sort();
        states.dedup();
        states
    }

    /// Whether a file that was not synced would have a name of its own.
    fn has_unsynced(&self, choose: &dyn Fn((usize, &str), &History) -> usize) -> bool {
        self.directories.iter().enumerate().any(|(at, names)| {
            names.iter().filter(|(name, _)| !name.starts_with(".tmp-")).any(|(name, history)| {
                matches!(history[choose((at, name), history)], Some(Target::File(file)) if !self.inodes[file].is_synced)
            })
        })
    }

    fn materialise(&self, choose: &dyn Fn((usize, &str), &History) -> usize, mangled: usize) -> Nodes {
        let mut nodes = Nodes::new();
        let mut add = |path: String, name: &str, file: usize| {
            let inode = &self.inodes[file];
            let content = if inode.is_synced { inode.content.clone() } else { mangle(&inode.content, mangled) };
            let is_temporary = name.starts_with(".tmp-");
            nodes.insert(path, if is_temporary { Node::Temporary(content) } else { Node::File(content) });
        };
        let mut empty = Vec::new();
        for (name, history) in &self.directories[0] {
            match history[choose((0, name), history)] {
                Some(Target::File(file)) => add(name.clone(), name, file),
                Some(Target::Directory(directory)) => {
                    let mut is_empty = true;
                    for (below, history) in &self.directories[directory] {
                        if let Some(Target::File(file)) = history[choose((directory, below), history)] {
                            add(format!("{name}/{below}"), below, file);
                            is_empty = false;
                        }
                    }
                    if is_empty {
                        empty.push(name.clone());
                    }
                }
                None => {}
            }
        }
        nodes.extend(empty.into_iter().map(|name| (name, Node::EmptyDirectory)));
        nodes
    }
}

/// Bytes that were not synced, as a power failure may give them back.
fn mangle(content: &[u8], how: usize) -> Vec<u8> {
    let mut mangled = content.to_vec();
    let length = mangled.len();
    match how {
        0 => {}
        1 => mangled.clear(),
        2 => mangled.truncate(length / 2),
        3 => mangled.fill(0),
        4 => mangled[length - length % SECTOR.min(length.max(1))..].fill(0),
        5 => mangled[..length.min(SECTOR)].fill(0),
        _ => mangled[length / 2..].fill(0xa5),
    }
    mangled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(calls: &[Recorded]) -> FileSystem {
        let mut files = FileSystem::new();
        for call in calls {
            files.apply(call);
        }
        files
    }

    fn create(path: &str) -> Vec<Recorded> {
        vec![Recorded::Create(path.into()), Recorded::Write(path.into(), b"content".to_vec())]
    }

    #[test]
    fn what_is_synced_is_decided() {
        let mut calls = create("a");
        calls.extend([Recorded::Sync("a".into()), Recorded::SyncDirectory(String::new())]);
        let expected = Nodes::from([("a".to_string(), Node::File(b"content".to_vec()))]);
        assert_eq!(after(&calls).crash_states(1), [expected]);
    }

    #[test]
    fn without_a_sync_of_the_directory_the_name_may_be_lost() {
        let mut calls = create("a");
        calls.push(Recorded::Sync("a".into()));
        assert_eq!(after(&calls).crash_states(1).len(), 2);
    }

    #[test]
    fn without_a_sync_of_the_file_the_bytes_may_be_anything() {
        let mut calls = create("a");
        calls.push(Recorded::SyncDirectory(String::new()));
        let states = after(&calls).crash_states(1);
        assert!(states.len() >= 5, "{states:?}");
        assert!(states.contains(&Nodes::from([("a".to_string(), Node::File(Vec::new()))])));
    }

    #[test]
    fn a_directory_that_is_not_synced_above_takes_its_files_along() {
        let mut calls = vec![Recorded::MakeDirectory("d".into())];
        calls.extend(create("d/a"));
        calls.extend([Recorded::Sync("d/a".into()), Recorded::SyncDirectory("d".into())]);
        assert!(after(&calls).crash_states(1).contains(&Nodes::new()));
        calls.push(Recorded::SyncDirectory(String::new()));
        assert_eq!(after(&calls).crash_states(1).len(), 1);
    }

    #[test]
    fn what_is_there_at_the_start_is_decided() {
        let nodes = Nodes::from([
            ("a".to_string(), Node::File(b"1".to_vec())),
            ("d/b".to_string(), Node::Temporary(b"2".to_vec())),
            ("e".to_string(), Node::EmptyDirectory),
        ]);
        let held = Nodes::from([
            ("a".to_string(), Node::File(b"1".to_vec())),
            ("d/b".to_string(), Node::File(b"2".to_vec())),
            ("e".to_string(), Node::EmptyDirectory),
        ]);
        assert_eq!(FileSystem::holding(&nodes).crash_states(1), [held]);
    }

    #[test]
    fn a_delete_may_come_back() {
        let mut calls = create("a");
        calls.extend([Recorded::Sync("a".into()), Recorded::SyncDirectory(String::new())]);
        calls.push(Recorded::Unlink("a".into()));
        assert_eq!(after(&calls).crash_states(1).len(), 2);
        calls.push(Recorded::SyncDirectory(String::new()));
        assert_eq!(after(&calls).crash_states(1), [Nodes::new()]);
    }
}
