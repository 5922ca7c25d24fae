//! `--migrate --dry-run`: the migration on a copy of the directory, and what it changes.

use std::fs;
use std::io;
use std::path::Path;

use alluvium::NativeDirectory;
use alluvium_connectors::files::directory_of;
use alluvium_host::{Host, Migrated, Module, PluginOptions};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::shown::tell;
use crate::storage::{Place, Storage};
use crate::{diff, output};

/// The lock of the directory's writer: each has its own.
const LOCK: &str = ".lock";

/// What was done, in words.
pub(super) fn sentence(migrated: &Migrated) -> String {
    let Migrated { plugin, from, to, before, checkpoint } = migrated;
    format!(
        "the state of {plugin:?} went from schema version {from}, checkpoint {before}, to {to}, checkpoint {checkpoint}"
    )
}

/// The same as an event.
pub(super) fn event(migrated: &Migrated, dir: &Path) -> Value {
    let Migrated { plugin, from, to, before, checkpoint } = migrated;
    let dir = dir.display().to_string();
    json!({"event": "migrated", "dir": dir, "plugin": plugin, "from": from, "to": to, "before": before,
        "id": checkpoint})
}

/// Migrates a copy, and shows the difference between the two checkpoints.
pub(super) fn try_it(dir: &Path, host: &Host, plugin: &Module, options: &PluginOptions) -> Result<(), Failure> {
    let Place::Files(files) = Place::of(dir)? else {
        return Err(Failure::at(dir.display(), "a migration is tried out on a copy in the file system"));
    };
    // Held while it is copied: no other writer takes files away meanwhile.
    let locked = NativeDirectory::open_exclusive(&files).map_err(|error| Failure::directory(dir, &error))?;
    let above = directory_of(&files);
    let copy = tempfile::Builder::new().prefix(".alluvium-dry-run-").tempdir_in(above);
    let copy = copy.map_err(|error| Failure::file(above, &error))?;
    link_all(&files, copy.path()).map_err(|error| Failure::at(copy.path().display(), error))?;
    drop(locked);
    let failed = |error| Failure::runtime(dir, &error);
    let of_copy = NativeDirectory::open_exclusive(copy.path()).map_err(|error| Failure::directory(dir, &error))?;
    // The old checkpoint must not go when the new one comes.
    let options = PluginOptions { max_retained: u32::MAX, ..options.clone() };
    let Some(migrated) = host.migrate(plugin, of_copy, &options).map_err(failed)? else {
        tell(&format!("{}: there is nothing to migrate", dir.display()));
        return Ok(());
    };
    let copied = NativeDirectory::open(copy.path()).map_err(|error| Failure::directory(dir, &error))?;
    let difference = diff::between(dir, &Storage::Files(copied), migrated.before, migrated.checkpoint)?;
    output::print(|out| diff::write_changes(out, &difference))?;
    let (dir, sentence, summary) = (dir.display(), sentence(&migrated), diff::summary(&difference));
    tell(&format!("{dir}: would do, but has not done: {sentence}: {summary}"));
    Ok(())
}

/// Files of a directory are never changed, so that another name for them is as good as a copy.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            link_all(&source, &target)?;
        } else if entry.file_name() != LOCK {
            fs::hard_link(&source, &target).or_else(|_| fs::copy(&source, &target).map(|_| ()))?;
        }
    }
    Ok(())
}
