//! The asynchronous manager: what it leaves to the executor, and what becomes of dropped futures.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, atomic::AtomicBool, atomic::Ordering};
use std::time::Duration;

use alluvium::asynchronous::{IncrementalCheckpointManager, NativeDirectory};
use alluvium::directory::{Call, Watch};
use alluvium::{CheckpointConfig, IncrementalCheckpointError, OpenOptions};
use alluvium_core::directory::testing::conformance::{self, Handles};
use alluvium_core::directory::{Directory, NewFile};
use futures_lite::future::{block_on, poll_once, yield_now, zip};

/// A disk that does not take a byte until it is told to.
#[derive(Debug)]
struct Gate {
    opened: Mutex<Receiver<()>>,
    is_closed: AtomicBool,
    reached: Mutex<Sender<()>>,
}

impl Gate {
    /// The gate, what opens it, and what tells that a write stands before it.
    fn new() -> (Arc<Self>, Sender<()>, Receiver<()>) {
        let (open, opened) = channel();
        let (reached, is_reached) = channel();
        let gate = Self { opened: Mutex::new(opened), is_closed: AtomicBool::new(true), reached: Mutex::new(reached) };
        (Arc::new(gate), open, is_reached)
    }
}

impl Watch for Gate {
    fn before(&self, call: Call<'_>) -> Result<(), std::io::Error> {
        if matches!(call, Call::Write(..)) && self.is_closed.swap(false, Ordering::SeqCst) {
            let _ = self.reached.lock().unwrap().send(());
            // The time limit is for a test that would otherwise hang for ever.
            let opened = self.opened.lock().unwrap().recv_timeout(Duration::from_mins(1));
            return opened.map_err(|_| std::io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    fn done(&self, _: Call<'_>) {}
}

async fn open(scratch: &tempfile::TempDir, gate: &Arc<Gate>) -> IncrementalCheckpointManager {
    let options = OpenOptions::new().create(true).watcher(Arc::clone(gate) as _);
    IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options).await.unwrap()
}

/// One thread runs both tasks. The second opens the gate that the first waits for: if awaiting the
/// checkpoint held the thread, neither would come to its end.
#[test]
fn another_task_goes_on_while_a_checkpoint_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, opener, reached) = Gate::new();
    block_on(async {
        let mut manager = open(&scratch, &gate).await;
        manager.put(b"key", b"value").unwrap();
        let other = async {
            let mut steps = 0;
            while reached.try_recv().is_err() {
                steps += 1;
                yield_now().await;
            }
            opener.send(()).unwrap();
            steps
        };
        let (created, steps) = zip(manager.create_checkpoint(0), other).await;
        assert_eq!(created.unwrap().key_count, 1);
        println!("the other task made {steps} steps");
    });
}

#[test]
fn a_checkpoint_whose_future_is_dropped_is_written_and_noted_by_the_next_call() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, opener, reached) = Gate::new();
    block_on(async {
        let mut manager = open(&scratch, &gate).await;
        manager.put(b"key", b"1").unwrap();
        assert!(poll_once(manager.create_checkpoint(0)).await.is_none());
        reached.recv().unwrap();
        // The stream goes on meanwhile.
        manager.put(b"key", b"2").unwrap();
        assert_eq!((manager.get(b"key"), manager.latest_checkpoint_id()), (Some(&b"2"[..]), None));
        opener.send(()).unwrap();
        let second = manager.create_checkpoint(0).await.unwrap();
        assert_eq!((second.id, second.parent_id), (2, Some(1)));
        assert_eq!(manager.list_checkpoints().await.unwrap().len(), 2);
    });
}

#[test]
fn dropping_the_future_of_another_call_waits_for_the_call() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, opener, reached) = Gate::new();
    block_on(async {
        let mut manager = open(&scratch, &gate).await;
        manager.put(b"key", b"1").unwrap();
        let opening = std::thread::spawn(move || {
            reached.recv().unwrap();
            opener.send(()).unwrap();
        });
        // The first sync of a directory takes its first checkpoint.
        assert!(poll_once(manager.sync(0)).await.is_none());
        assert_eq!(manager.latest_checkpoint_id(), Some(1));
        opening.join().unwrap();
    });
}

#[test]
fn a_failed_write_is_reported_to_the_next_call_when_its_own_was_dropped() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, opener, reached) = Gate::new();
    block_on(async {
        let mut manager = open(&scratch, &gate).await;
        assert!(poll_once(manager.create_checkpoint(0)).await.is_none());
        reached.recv().unwrap();
        drop(opener);
        let error = manager.create_checkpoint(0).await.unwrap_err();
        assert!(matches!(error, IncrementalCheckpointError::Io(_)), "{error}");
        let error = manager.create_checkpoint(0).await.unwrap_err();
        assert!(matches!(error, IncrementalCheckpointError::Poisoned(_)), "{error}");
    });
}

/// Executors with many threads, tokio's among them, move futures between them.
#[test]
fn its_futures_may_be_moved_to_other_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let scratch = tempfile::tempdir().unwrap();
    let config = CheckpointConfig::new(scratch.path());
    let work = is_send(async move {
        let mut manager = IncrementalCheckpointManager::new(config).await?;
        manager.create_checkpoint(0).await?;
        manager.sync(0).await?;
        manager.restore_checkpoint(1).await
    });
    assert_eq!(std::thread::spawn(|| block_on(work)).join().unwrap().unwrap().id, 2);
}

/// Polls core's manager over both directories of the file system, with a disk that waits to be told: only the
/// asynchronous one gives the thread back.
#[test]
fn cores_manager_leaves_the_waiting_to_an_asynchronous_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, opener, reached) = Gate::new();
    let directory = alluvium::NativeDirectory::open_exclusive_watched(scratch.path(), gate as _).unwrap();
    block_on(async {
        let directory = Arc::new(NativeDirectory::over(directory).unwrap());
        let options = alluvium_core::OpenOptions::new(Arc::new(alluvium::SystemClock::default())).create(true);
        let config = alluvium_core::CheckpointConfig::default();
        let mut manager =
            alluvium_core::IncrementalCheckpointManager::open(directory.clone(), config, options).await.unwrap();
        manager.put(b"key", b"value").unwrap();
        let mut create = Box::pin(manager.create_checkpoint(0));
        // Each poll returns although the disk has not taken a byte.
        while reached.try_recv().is_err() {
            assert!(poll_once(&mut create).await.is_none(), "the disk waits");
            yield_now().await;
        }
        opener.send(()).unwrap();
        assert_eq!(create.await.unwrap().id, 1);
        assert!(directory.list().await.unwrap().iter().any(|file| file.path.ends_with("metadata.json")));
        // What is dropped on the way is done before anything later.
        let file = |path: &str| vec![NewFile { path: path.into(), content: b"whole".to_vec() }];
        assert!(poll_once(directory.create(file("dropped"))).await.is_none_or(|created| created.is_ok()));
        assert_eq!(directory.read("dropped").await.unwrap(), b"whole");
    });
}

#[test]
fn the_asynchronous_directory_passes_the_suite_of_every_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let open = async |storage: &str| {
        NativeDirectory::over(alluvium::NativeDirectory::create(scratch.path().join(storage)).unwrap()).unwrap()
    };
    block_on(conformance::run(Handles::Many, open)).assert();
}
