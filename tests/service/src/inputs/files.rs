//! Files that grow, are rotated, and are replaced.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Input;
use crate::Outcome;
use crate::cells::Change;
use crate::life::Life;
use crate::records::{HEADER, Record};

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Ndjson,
    /// CSV, packed.
    Gzip,
    Zstd,
}

/// A file that the command reads to its end, or follows.
pub(super) struct FileInput {
    path: PathBuf,
    form: Form,
    follows: bool,
    interruptions: u64,
}

impl FileInput {
    pub(super) fn new(directory: &Path, form: Form, follows: bool) -> Self {
        Self { path: directory.join("in.log"), form, follows, interruptions: 0 }
    }

    fn rotated(&self, suffix: &str) -> PathBuf {
        self.path.with_file_name(format!("in.log{suffix}"))
    }

    fn append(&self, records: &[Record]) -> io::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        let is_new = file.metadata()?.len() == 0;
        let text: String = match self.form {
            Form::Ndjson => records.iter().map(|record| record.json() + "\n").collect(),
            _ => records.iter().map(Record::csv).collect(),
        };
        let text = if is_new && self.form != Form::Ndjson { HEADER.to_owned() + &text } else { text };
        match self.form {
            // Its reader may see a part of a line.
            Form::Csv | Form::Ndjson => {
                let (one, other) = text.as_bytes().split_at(text.len() / 2);
                file.write_all(one)?;
                file.write_all(other)
            }
            Form::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes())?;
                file.write_all(&encoder.finish()?)
            }
            Form::Zstd => file.write_all(&zstd::encode_all(text.as_bytes(), 1)?),
        }
    }

    fn apply(&mut self, change: Change) -> io::Result<()> {
        match change {
            Change::Renamed => fs::rename(&self.path, self.rotated(".1"))?,
            Change::CopiedAndCut => {
                fs::copy(&self.path, self.rotated(".1"))?;
                File::options().write(true).open(&self.path)?.set_len(0)?;
            }
            // It cannot be found again.
            Change::Replaced => fs::rename(&self.path, self.rotated(".gone"))?,
            // What comes next is what it has grown by.
            _ => {}
        }
        self.interruptions += 1;
        Ok(())
    }
}

impl Input for FileInput {
    fn arguments(&self, _consumed: Option<u64>) -> Vec<OsString> {
        let mut arguments = vec!["--input".into(), self.path.clone().into()];
        arguments
            .extend((self.form == Form::Ndjson).then_some(["--format", "ndjson"]).iter().flatten().map(Into::into));
        arguments.extend(self.follows.then(|| "--follow".into()));
        arguments
    }

    fn add(&mut self, records: &[Record]) -> Outcome {
        self.append(records).map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, _random: &mut Rng) -> Outcome {
        self.apply(change).map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn interruptions(&self) -> u64 {
        self.interruptions
    }

    fn finish(&mut self) -> Outcome<bool> {
        Ok(!self.follows)
    }
}
