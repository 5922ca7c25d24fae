//! The contract of the directory, what it refuses, and what the components import.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_core::directory::testing::conformance::{self, Handles};
use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind as Kind, Entry, EntryKind, NewFile, Operation, block_on, check_names,
};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions as CoreOptions};
use alluvium_test_harness::{START_MS, STORE_ID, memory};
use alluvium_wasi_runner::keyvalue::{MemoryValues, Trouble, Values};
use wasmtime::Store;
use wasmtime::component::{Component, ResourceAny};

use crate::story::{STEPS, Told, tell};
use crate::support::{
    Error, Failed, Host, Instance, Provider, TRUSTED, compiled, directory, engine, options, provider,
};
use crate::watched::{Moment, Watched};

/// The directory of a component, as core sees directories.
struct Exported {
    inner: Mutex<(Store<Host>, Provider)>,
    directory: ResourceAny,
}

fn failed(error: &directory::Error, operation: Operation, name: &str) -> DirectoryError {
    let (kind, name) = match error {
        directory::Error::AlreadyExists(path) => (Kind::AlreadyExists, path.as_str()),
        directory::Error::NotFound(_) => (Kind::NotFound, name),
        directory::Error::Fenced(_) => (Kind::Fenced, name),
        directory::Error::Invalid(_) => (Kind::Invalid, name),
        directory::Error::Unsupported(_) => (Kind::Unsupported, name),
        _ => (Kind::Io, name),
    };
    DirectoryError::new(kind, operation, name).because(format!("{error:?}"))
}

impl Exported {
    fn open(values: &Arc<dyn Values>, name: &str) -> Result<Self, directory::Error> {
        let (mut store, provider) = provider(values);
        let opened = provider.alluvium_checkpoint_directory().directory().call_open(&mut store, Some(name));
        Ok(Self { directory: opened.expect("no trap")?, inner: Mutex::new((store, provider)) })
    }

    fn call<T>(&self, call: impl FnOnce(&mut Store<Host>, &directory::Guest, ResourceAny) -> wasmtime::Result<T>) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, provider) = &mut *inner;
        call(store, provider.alluvium_checkpoint_directory(), self.directory).expect("no trap")
    }

    fn part(&self, path: &str, offset: u64, length: usize) -> Result<directory::Part, DirectoryError> {
        let length = u32::try_from(length.min(8 << 20)).expect("it is short");
        let part = self.call(|s, d, this| d.directory().call_read(s, this, path, offset, length));
        part.map_err(|error| failed(&error, Operation::Read, path))
    }
}

impl Directory for Exported {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let listing = self.call(|s, d, this| d.directory().call_list(s, this));
        let listing = listing.map_err(|error| failed(&error, Operation::List, ""))?;
        let mut entries = Vec::new();
        loop {
            let page = self.call(|s, d, _| d.listing().call_next(s, listing));
            let page = page.map_err(|error| failed(&error, Operation::List, ""))?;
            if page.is_empty() {
                break;
            }
            entries.extend(page.into_iter().map(|entry| {
                let is_file = entry.kind == directory::EntryKind::File;
                let kind = if is_file { EntryKind::File } else { EntryKind::Temporary };
                Entry { path: entry.path, bytes: entry.bytes, kind }
            }));
        }
        entries.sort_unstable();
        Ok(entries)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let length = self.part(path, 0, 0)?.file_bytes;
        self.read_range(path, 0, usize::try_from(length).expect("it is short")).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let part = self.part(path, offset, length)?;
        if offset.checked_add(length as u64).is_none_or(|end| end > part.file_bytes) {
            return Err(DirectoryError::new(Kind::OutOfRange, Operation::Read, path));
        }
        assert_eq!(part.bytes.len(), length, "no file of the suite is longer than one call reads");
        Ok(part.bytes)
    }

    async fn create(&self, files: Vec<NewFile>) -> Result<(), DirectoryError> {
        check_names(&files, |_| Ok(false))?;
        let batch = self.call(|s, d, this| d.directory().call_create(s, this));
        for file in &files {
            let failed = |error: directory::Error| failed(&error, Operation::Create, &file.path);
            self.call(|s, d, _| d.batch().call_add(s, batch, &file.path)).map_err(failed)?;
            for part in file.content.chunks(1 << 20) {
                self.call(|s, d, _| d.batch().call_write(s, batch, part)).map_err(failed)?;
            }
        }
        let committed = self.call(|s, d, _| d.batch().call_commit(s, batch));
        committed.map_err(|error| failed(&error, Operation::Create, ""))
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let deleted = self.call(|s, d, this| d.directory().call_delete(s, this, paths));
        deleted.map_err(|error| failed(&error, Operation::Delete, ""))
    }
}

#[test]
fn the_suite_passes() {
    let values: Arc<dyn Values> = Arc::new(MemoryValues::default());
    let open = async |storage: &str| Exported::open(&values, &format!("bucket/{storage}")).expect("it opens");
    let count = block_on(conformance::run(Handles::Many, open)).assert();
    assert_eq!(count, conformance::CHECKS.len() + conformance::SHARED_CHECKS.len());
}

/// Another writer creates the same name between two changes of a creation.
#[test]
fn of_two_that_create_a_name_at_the_same_time_at_most_one_succeeds() {
    let file = |content: &[u8]| {
        ["segments/1", "checkpoint/metadata"]
            .map(|path| NewFile { path: path.into(), content: content.to_vec() })
            .to_vec()
    };
    let kind = |result: Result<(), DirectoryError>| result.map_err(|error| error.kind());
    let mut outcomes = BTreeSet::new();
    for number in 0.. {
        for moment in [Moment::Before, Moment::After] {
            let inner = Arc::new(MemoryValues::default());
            let theirs: Arc<dyn Values> = inner.clone();
            let first = Exported::open(&theirs, TRUSTED).expect("it opens");
            block_on(first.create(vec![NewFile { path: "before".into(), content: Vec::new() }])).expect("it is new");
            let other = Arc::new(Mutex::new(None));
            let note = Arc::clone(&other);
            let watched = Watched::new(&inner, move |change, when| {
                if (change, when) == (number, moment) {
                    let other = Exported::open(&theirs, TRUSTED).expect("it opens");
                    *note.lock().expect("one thread") = Some(kind(block_on(other.create(file(b"other")))));
                }
                Ok(())
            });
            let values: Arc<dyn Values> = watched;
            let one = kind(block_on(Exported::open(&values, TRUSTED).expect("it opens").create(file(b"one"))));
            let Some(other) = other.lock().expect("one thread").take() else {
                assert!(number > 5, "only {number} changes were seen");
                assert_eq!(outcomes.len(), 2, "each of them is the first sometimes: {outcomes:?}");
                return;
            };
            let content = block_on(first.read("checkpoint/metadata"));
            match (one, other) {
                (Ok(()), Err(Kind::AlreadyExists)) => assert_eq!(content.expect("it is there"), b"one"),
                (Err(Kind::AlreadyExists), Ok(())) => assert_eq!(content.expect("it is there"), b"other"),
                (Err(Kind::AlreadyExists), Err(Kind::AlreadyExists)) => assert!(content.is_err(), "neither has"),
                outcome => panic!("{number} {moment:?}: {outcome:?}"),
            }
            outcomes.insert((one.is_ok(), other.is_ok()));
        }
    }
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing() {
    let values = Arc::new(MemoryValues::default());
    let dynamic: Arc<dyn Values> = values.clone();
    let directory = Exported::open(&dynamic, TRUSTED).expect("it opens");
    let batch = directory.call(|s, d, this| d.directory().call_create(s, this));
    directory.call(|s, d, _| d.batch().call_add(s, batch, "segments/1")).expect("it is new");
    directory.call(|s, d, _| d.batch().call_write(s, batch, &vec![7; 1 << 20])).expect("it is written");
    let parts = |keys: Vec<String>| keys.iter().filter(|key| key.contains("/part/")).count();
    assert_eq!(parts(values.keys().expect("they are listed")), 4, "parts of 256 KiB are set as they come");
    directory.call(|s, _, _| batch.resource_drop(s));
    assert_eq!(values.keys().expect("they are listed"), ["orders/count", "orders/probe/number"]);
}

/// A store with a fault that opening must find.
struct Faulty {
    inner: MemoryValues,
    fault: &'static str,
}

impl Values for Faulty {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
        if self.fault == "forgets" { Ok(None) } else { self.inner.get(key) }
    }
    fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Trouble> {
        self.inner.set(key, value)
    }
    fn delete(&self, key: &str) -> Result<(), Trouble> {
        if self.fault == "keeps" { Ok(()) } else { self.inner.delete(key) }
    }
    fn keys(&self) -> Result<Vec<String>, Trouble> {
        if self.fault == "hides" { Ok(Vec::new()) } else { self.inner.keys() }
    }
    fn increment(&self, key: &str, delta: u64) -> Result<u64, Trouble> {
        if self.fault == "repeats" { Ok(delta) } else { self.inner.increment(key, delta) }
    }
}

#[test]
fn a_store_that_does_not_do_what_the_interface_says_is_refused() {
    let refused = [
        ("forgets", "does not return what was set"),
        ("hides", "does not list what was set"),
        ("repeats", "does not count"),
        ("keeps", "lists what was deleted"),
    ];
    for (fault, why) in refused {
        let values: Arc<dyn Values> = Arc::new(Faulty { inner: MemoryValues::default(), fault });
        match Exported::open(&values, TRUSTED).map(drop) {
            Err(directory::Error::Unsupported(text)) => assert!(text.ends_with(why), "{fault}: {text}"),
            other => panic!("{fault}: {other:?}"),
        }
    }
    let values: Arc<dyn Values> = Arc::new(MemoryValues::default());
    let open = |name: &str| Exported::open(&values, name).map(drop);
    assert!(matches!(open("elsewhere"), Err(directory::Error::NotFound(_))));
    assert!(matches!(open("secret"), Err(directory::Error::Io(_))));
    assert!(matches!(open("bucket?fast"), Err(directory::Error::Invalid(_))));
}

#[test]
fn strictness_refuses_a_store_of_which_nothing_is_known() {
    let values: Arc<dyn Values> = Arc::new(MemoryValues::default());
    match Instance::open(&values, &options("bucket/orders")).map(drop) {
        Err(Failed::Answered(Error::Unsupported(text))) => {
            assert!(text.starts_with("strict mode refuses to open here: wasi:keyvalue does not promise"), "{text}");
            assert!(text.contains("two writers may both succeed"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let mut options = options("bucket/orders");
    options.strict = false;
    let mut instance = Instance::open(&values, &options).expect("it opens");
    assert_eq!(instance.on(|m, s, this| m.call_weaker_promises(s, this)).expect("no trap").len(), 2);
}

/// The files in the store are those that core writes natively, byte for byte.
#[test]
fn it_writes_what_core_writes() {
    let values: Arc<dyn Values> = Arc::new(MemoryValues::default());
    let mut told = Told::default();
    tell(&values, &mut told).expect("no trouble");
    assert_eq!(told.durable, STEPS);
    let exported = Exported::open(&values, TRUSTED).expect("it opens");
    let listed = block_on(exported.list()).expect("it lists");
    let read = |entry: &Entry| (entry.path.clone(), block_on(exported.read(&entry.path)).expect("it reads"));
    let files = memory(listed.iter().map(read).collect());

    let config = CheckpointConfig::new().with_max_retained(1);
    let options = CoreOptions::new(Arc::new(ManualClock::new(START_MS))).store_id(STORE_ID).create(true);
    let native =
        block_on(IncrementalCheckpointManager::open(files.clone(), config, options)).expect("it opens natively");
    assert_eq!(native.get(b"step"), Some(&STEPS.to_le_bytes()[..]));
    assert_eq!(native.recovered().expect("it recovers").wal_entries, 2, "the last step was synced");
    drop(native);

    let again = memory(std::collections::BTreeMap::new());
    let options = CoreOptions::new(Arc::new(ManualClock::new(START_MS))).store_id(STORE_ID).create(true);
    let config = CheckpointConfig::new().with_max_retained(1);
    let mut native = block_on(IncrementalCheckpointManager::open(again.clone(), config, options)).expect("it opens");
    crate::story::tell_natively(&mut native);
    assert!(again.to_files() == files.to_files(), "the files differ");
}

/// Neither component asks for files, and together they ask for nothing of Alluvium's.
#[test]
fn no_component_imports_a_file_system() {
    let compiled = compiled();
    let engine = Component::from_file(&compiled.compiler, engine()).expect("it compiles");
    let wasi = ["wasi:io/", "wasi:clocks/", "wasi:cli/", "wasi:random/insecure-seed@"];
    let ours = ["alluvium:checkpoint/directory@", "alluvium:checkpoint/types@"];
    let store = ["wasi:keyvalue/store@", "wasi:keyvalue/atomics@", "wasi:keyvalue/batch@"];
    for (name, component, others) in [
        ("engine", &engine, ours.to_vec()),
        ("directory", &compiled.provider, store.to_vec()),
        ("both", &compiled.composed, [&store[..], &ours[1..]].concat()),
    ] {
        let component_type = component.component_type();
        let imports: Vec<&str> = component_type.imports(&compiled.compiler).map(|(name, _)| name).collect();
        for import in &imports {
            let is_allowed = wasi.iter().chain(&others).any(|allowed| import.starts_with(allowed));
            assert!(is_allowed, "{name}: {import} among {imports:?}");
        }
        assert!(imports.iter().any(|import| import.starts_with(others[0])), "{name}: {imports:?}");
    }
}
