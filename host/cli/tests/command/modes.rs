//! Who may read and write what a run leaves: the umask and the directory decide.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::support::{Bench, Done, delays, engine, files, flights};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").mode() & 0o777
}

/// Runs the command with this umask, and as this user of this group if that is given.
fn run(bench: &Bench, umask: &str, user: Option<(u32, u32)>) -> Done {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "umask $0; exec \"$@\"", umask, env!("CARGO_BIN_EXE_alluvium"), "run"])
        .arg(delays())
        .arg("--dir")
        .arg(bench.dir())
        .arg("--input")
        .arg(flights())
        .args(["--stop-after", "1000", "--checkpoint-every", "500"])
        .env("ALLUVIUM_ENGINE", engine())
        .env("XDG_CACHE_HOME", bench.path("cache"));
    if let Some((user, group)) = user {
        command.uid(user).gid(group).env("XDG_CACHE_HOME", "/nonexistent");
    }
    command.output().expect("the command starts").into()
}

#[test]
fn the_umask_decides_and_only_writers_can_hold_the_lock() {
    for (umask, file, directory, lock) in
        [("077", 0o600, 0o700, 0o600), ("022", 0o644, 0o755, 0o600), ("002", 0o664, 0o775, 0o620)]
    {
        let bench = Bench::new();
        let done = run(&bench, umask, None);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert_eq!(mode(&bench.dir().join(".lock")), lock, "umask {umask}");
        assert_eq!(mode(&bench.dir().join("segments")), directory, "umask {umask}");
        for path in files(&bench.dir()).keys() {
            assert_eq!(mode(path), file, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn two_users_of_one_group_go_on_with_each_others_work() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can run the command as two other users");
        return;
    }
    let bench = Bench::new();
    let group = 54_321;
    fs::set_permissions(bench.scratch.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    fs::create_dir(bench.dir()).expect("a directory");
    std::os::unix::fs::chown(bench.dir(), None, Some(group)).expect("its group");
    fs::set_permissions(bench.dir(), fs::Permissions::from_mode(0o2775)).expect("permissions");
    for user in [50_001, 50_002, 50_001] {
        let done = run(&bench, "002", Some((user, group)));
        assert_eq!(done.code, Some(0), "user {user}: {done:?}");
    }
    // One who may only read cannot write, and cannot keep the writers out.
    let stranger = run(&bench, "002", Some((50_003, 54_322)));
    assert_eq!(stranger.code, Some(2), "{stranger:?}");
    assert!(stranger.err.contains("permission") || stranger.err.contains("Permission"), "{stranger:?}");
    let mut holder = Command::new("/bin/sh");
    holder.args(["-c", "exec 9<\"$0\""]).arg(bench.dir().join(".lock")).uid(50_003).gid(54_322);
    assert!(!holder.status().expect("a shell").success(), "to open the lock takes the right to write");
}
