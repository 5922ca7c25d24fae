//! `alluvium backup`: copies a directory of checkpoints beside its writer, and verifies such a copy.

use std::path::{Path, PathBuf};

use alluvium_connectors::files::resolve;
use alluvium_core::IncrementalCheckpointError;
use alluvium_core::directory::block_on;
use alluvium_core::tools::backup::{BackupCheck, BackupError, BackupReport, backup, check_backup, check_backup_of};
use alluvium_host::text::printable;
use clap::Args;
use serde_json::json;

use crate::answer::Answer;
use crate::durability::Durability;
use crate::failure::Failure;
use crate::open;
use crate::output::{counted, grouped, print};
use crate::storage::Place;
use crate::verify::{findings_to_json, summary, write_findings};

const EXAMPLE: &str = "\
Examples:
  alluvium backup run /backups/run             copy what is new, and delete what the source no longer has
  alluvium backup --verify /backups/run        read every byte of the backup
  alluvium backup --verify run /backups/run    compare it with the source as well
  alluvium backup /backups/run restored        get it back: a directory to continue from

The source is not locked, and a writer may work in it meanwhile. If the command is killed, run it again. The backup
is an ordinary directory: once `alluvium run` has opened it, it is no backup any more. One line for each file of the
source that is not in the backup. Exit code 1 when anything is damaged; then nothing is deleted from the backup.";

/// Copy a directory of checkpoints beside its writer, and verify the copy
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Backup {
    /// The directory of the checkpoints; with --verify and without DST, the backup
    src: PathBuf,
    /// The directory of the backup; it is created if it is missing and the directory above it exists
    #[arg(required_unless_present = "verify")]
    dst: Option<PathBuf>,
    /// Copy nothing: read every byte of the backup, and compare it with SRC if that is given
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match &self.dst {
            Some(dst) if !self.verify => self.copy(dst),
            Some(dst) => self.check(Some(&self.src), dst),
            None => self.check(None, &self.src),
        }
    }

    fn copy(&self, dst: &Path) -> Result<Answer, Failure> {
        let source = open::to_inspect(&self.src)?;
        refuse_nested(&self.src, dst)?;
        let destination = open::to_write(dst, self.durability)?;
        let report = block_on(backup(&source, &destination)).map_err(|error| failure(&self.src, dst, &error))?;
        print(|out| {
            if self.json {
                return writeln!(out, "{:#}", self.report_to_json(dst, &report));
            }
            write_findings(out, &report.findings)?;
            writeln!(out, "{}", printable(&self.sentence(dst, &report)))
        })?;
        Ok(if report.is_damaged() { Answer::No } else { Answer::Yes })
    }

    fn sentence(&self, dst: &Path, report: &BackupReport) -> String {
        let (from, to) = (self.src.display(), dst.display());
        let wal = match report.wal_files {
            0 => String::new(),
            files => format!(" and {} after it", counted(files, "WAL file")),
        };
        let holds = format!("{}, {}", counted(report.checkpoints, "checkpoint"), counted(report.bytes, "byte"));
        let (files, bytes) = (counted(report.copied_files, "file"), counted(report.copied_bytes, "byte"));
        let copied = format!("copied {files} ({bytes})");
        let (files, bytes) = (grouped(report.deleted_files), counted(report.deleted_bytes, "byte"));
        let deleted = format!("deleted {files} ({bytes})");
        let newest = report.newest;
        format!("backed up {from} to {to}: checkpoint {newest}{wal} ({holds}); {copied}, {deleted}")
    }

    fn report_to_json(&self, dst: &Path, report: &BackupReport) -> serde_json::Value {
        json!({
            "from": self.src.display().to_string(), "to": dst.display().to_string(), "newest": report.newest,
            "checkpoints": report.checkpoints, "wal_files": report.wal_files, "files": report.files,
            "bytes": report.bytes, "copied_files": report.copied_files, "copied_bytes": report.copied_bytes,
            "deleted_files": report.deleted_files, "deleted_bytes": report.deleted_bytes,
            "damaged": report.is_damaged(), "findings": findings_to_json(&report.findings),
        })
    }

    fn check(&self, src: Option<&Path>, dst: &Path) -> Result<Answer, Failure> {
        let destination = open::to_inspect(dst)?;
        let check = match src {
            Some(src) => block_on(check_backup_of(&destination, &open::to_inspect(src)?)),
            None => block_on(check_backup(&destination)).map_err(BackupError::Destination),
        };
        let check = check.map_err(|error| failure(src.unwrap_or(dst), dst, &error))?;
        print(|out| {
            if self.json {
                let report = &check.report;
                let value = json!({
                    "damaged": report.is_damaged(), "newest": check.newest, "checkpoints": report.checkpoints,
                    "files": report.files, "bytes": report.bytes, "newer": check.newer,
                    "newer_wal_files": check.newer_wal_files, "findings": findings_to_json(&report.findings),
                });
                return writeln!(out, "{value:#}");
            }
            write_findings(out, &check.report.findings)?;
            writeln!(out, "{}", summary(dst, &check.report))?;
            src.map_or(Ok(()), |src| writeln!(out, "{}", printable(&behind(src, &check))))
        })?;
        Ok(if check.is_whole() { Answer::Yes } else { Answer::No })
    }
}

/// How far the backup is behind its source.
fn behind(src: &Path, check: &BackupCheck) -> String {
    match (check.newer.len() as u64, check.newer_wal_files) {
        (0, 0) => format!("{} holds nothing newer", src.display()),
        (checkpoints, files) => {
            format!(
                "{} holds {} newer checkpoints and {} newer WAL files",
                src.display(),
                grouped(checkpoints),
                grouped(files)
            )
        }
    }
}

/// Refuses a backup within its source, and the reverse: each would be part of the other.
fn refuse_nested(src: &Path, dst: &Path) -> Result<(), Failure> {
    let place = |path| match Place::of(path) {
        Ok(Place::Files(files)) => Some(files),
        _ => None,
    };
    let [Some(files), Some(copy)] = [src, dst].map(place) else { return refuse_nested_stores(src, dst) };
    // A directory that is still to be created is where the one above it is.
    let (Ok(source), Ok(destination)) = (resolve(&files), resolve(&copy)) else { return Ok(()) };
    if source.starts_with(&destination) || destination.starts_with(&source) {
        return Err(Failure::at(dst.display(), format!("is in the same place as {}", src.display()))
            .hint("name a directory elsewhere; best on another disk"));
    }
    Ok(())
}

/// Does the same for two addresses, by their names.
fn refuse_nested_stores(src: &Path, dst: &Path) -> Result<(), Failure> {
    let (Place::Store(source), Place::Store(destination)) = (Place::of(src)?, Place::of(dst)?) else { return Ok(()) };
    let folder = |url: &str| format!("{}/", url.split('?').next().unwrap_or(url).trim_end_matches('/'));
    let (source, destination) = (folder(source), folder(destination));
    if source.starts_with(&destination) || destination.starts_with(&source) {
        return Err(Failure::at(dst.display(), format!("is in the same place as {}", src.display()))
            .hint("name a prefix elsewhere; best in another bucket"));
    }
    Ok(())
}

fn failure(src: &Path, dst: &Path, error: &BackupError) -> Failure {
    let refused = |path: &Path, error: &IncrementalCheckpointError| match error {
        IncrementalCheckpointError::InvalidInput(_) => Some(Failure::at(path.display(), error)),
        _ => None,
    };
    match error {
        BackupError::Source(error) => match refused(src, error) {
            Some(failure) => failure.hint("`alluvium list` shows which checkpoints there are"),
            None => Failure::core(src, error),
        },
        BackupError::Destination(error) => match refused(dst, error) {
            Some(failure) => failure.hint("name a new or empty directory, or the backup of this directory"),
            None => Failure::core(dst, error),
        },
        BackupError::Lost { .. } => Failure::at(dst.display(), error).hint(format!(
            "`alluvium backup {} NEWDIR` gets it back; otherwise name a new directory, or wait for the next checkpoint",
            dst.display()
        )),
    }
}
