//! Media that refuse to be written: a read-only directory, and a full disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::{DirectoryErrorKind, block_on};
use alluvium_core::gc;
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{Expected, Tmpfs, checkpoint, is_root, keep, open_with, options, skipped, write};

use crate::native::on_disk;

#[test]
fn a_read_only_directory_can_be_read_and_says_so_when_written() {
    if is_root() {
        return read_only_for_root();
    }
    let golden = Golden::named("deltas");
    let (scratch, directory) = on_disk(&golden);
    let set = |mode: u32| {
        for path in [scratch.path().to_path_buf(), scratch.path().join("segments")] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    set(0o555);
    check_reads_and_refuses(&golden, &directory);
    set(0o755);
}

fn check_reads_and_refuses(golden: &Golden, directory: &Arc<NativeDirectory>) {
    let mut manager = open_with(directory, keep(10), options()).unwrap();
    assert_eq!(Expected::of(&manager), golden.checkpoints[&golden.latest()]);
    manager.put(b"one", b"more").unwrap();
    let error = block_on(manager.create_checkpoint(1_000)).unwrap_err();
    assert!(matches!(&error, Error::Io(error) if !error.name().is_empty()), "{error:?}");
    let again = open_with(directory, keep(10), options()).unwrap();
    assert_eq!(Expected::of(&again), golden.checkpoints[&golden.latest()], "what was there is intact");
}

/// Mounts a tmpfs for a test, or says that the test is left out.
fn mounted(test: &str, options: &str) -> Option<Tmpfs> {
    Tmpfs::mount(options).map_err(|why| skipped(test, &format!("no tmpfs can be mounted: {why}"))).ok()
}

fn read_only_for_root() {
    // Root writes whatever the permissions say; a file system mounted read-only stops it too.
    let golden = Golden::named("deltas");
    let test = "a_read_only_directory_can_be_read_and_says_so_when_written";
    let Some(mount) = mounted(test, "size=4m") else { return };
    write(mount.path(), &golden.files);
    mount.remount("ro");
    let directory = Arc::new(NativeDirectory::open(mount.path()).unwrap());
    check_reads_and_refuses(&golden, &directory);
}

#[test]
fn a_full_disk_is_said_and_recovers_once_space_is_freed() {
    let test = "a_full_disk_is_said_and_recovers_once_space_is_freed";
    let Some(mount) = mounted(test, "size=1m") else { return };
    let ballast = mount.path().join("ballast");
    let directory = Arc::new(NativeDirectory::open(mount.path()).unwrap());
    let mut manager = open_with(&directory, keep(2), options()).unwrap();
    manager.put(b"bed", &[7; 20_000]).unwrap();
    checkpoint(&mut manager);
    let acknowledged = Expected::of(&manager);
    // At every fill level between "almost all of it fits" and "nothing fits".
    let mut refused = 0;
    for room in (0..60_000).step_by(4_096) {
        let mut manager = open_with(&directory, keep(2), options()).unwrap();
        assert_eq!(Expected::of(&manager).state, acknowledged.state, "{room} bytes of room");
        manager.put(b"flood", &[8; 40_000]).unwrap();
        fill_up(&ballast, room);
        let outcome = block_on(manager.create_checkpoint(0));
        fs::remove_file(&ballast).unwrap();
        match outcome {
            Ok(metadata) => {
                let mut manager = open_with(&directory, keep(2), options()).unwrap();
                assert_eq!(manager.get(b"flood"), Some([8; 40_000].as_slice()));
                manager.delete(b"flood").unwrap();
                assert_eq!(checkpoint(&mut manager), metadata.id + 1);
            }
            Err(error) => {
                assert!(matches!(&error, Error::Io(error) if error.kind() == DirectoryErrorKind::NoSpace), "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 3, "only {refused} checkpoints did not fit");
    let mut manager = open_with(&directory, keep(2), options()).unwrap();
    block_on(manager.collect_garbage()).unwrap();
    let plan = block_on(gc::plan(&*directory, None)).unwrap();
    assert!(plan.files.iter().all(|verdict| verdict.keep), "{plan:?}");
}

/// Leaves about `room` bytes free.
fn fill_up(ballast: &Path, room: usize) {
    use std::io::Write;
    let mut file = fs::File::create(ballast).unwrap();
    let mut written = 0_usize;
    while file.write_all(&[0; 4096]).is_ok() {
        written += 4096;
    }
    file.set_len(written.saturating_sub(room) as u64).unwrap();
}
