//! `alluvium export` and `import`: a checkpoint as one file that stands alone, or in LaminarDB's form.

use std::path::PathBuf;

use alluvium_core::archive;
use alluvium_core::directory::{Directory, NewFile, block_on};
use alluvium_core::tools::inspect;
use clap::{Args, ValueEnum};

use crate::answer::Answer;
use crate::durability::Durability;
use crate::failure::Failure;
use crate::laminardb;
use crate::open;
use crate::output::replace_file;
use crate::transferred::Transferred;

const EXPORT_EXAMPLE: &str = "\
Examples:
  alluvium export run checkpoint.tar
  alluvium export --format laminardb run for-laminardb";
const IMPORT_EXAMPLE: &str = "\
Examples:
  alluvium import checkpoint.tar elsewhere
  alluvium import --format laminardb laminar-checkpoints run";

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One tar file that stands alone
    Alluvium,
    /// A directory that LaminarDB reads, with the whole state in its state.bin
    #[value(name = "laminardb", alias = "original")]
    LaminarDb,
}

/// Write one checkpoint to a single file, or to a directory in LaminarDB's form
#[derive(Args)]
#[command(after_help = EXPORT_EXAMPLE)]
pub(crate) struct Export {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The file to write; with --format laminardb, the new directory
    to: PathBuf,
    /// The checkpoint [default: the newest]
    #[arg(long)]
    id: Option<u64>,
    /// The form to write
    #[arg(long, value_enum, default_value_t = Format::Alluvium)]
    format: Format,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let transferred = match self.format {
            Format::LaminarDb => laminardb::export(&self.dir, &directory, self.id, &self.to, self.durability)?,
            Format::Alluvium => {
                let read = |id| {
                    let bytes = block_on(archive::export(&directory, Some(id)))?;
                    Ok((bytes, block_on(inspect::load_metadata(&directory, id))?))
                };
                let (id, (bytes, metadata)) = open::read(&self.dir, &directory, self.id, read)?;
                replace_file(&self.to, |out| out.write_all(&bytes).map_err(|error| Failure::file(&self.to, &error)))?;
                Transferred { id, keys: metadata.key_count, bytes: bytes.len() as u64 }
            }
        };
        transferred.tell(self.json, "exported", &self.dir, &self.to)
    }
}

/// Begin a directory with one exported checkpoint, or with a checkpoint of LaminarDB
#[derive(Args)]
#[command(after_help = IMPORT_EXAMPLE)]
pub(crate) struct Import {
    /// The exported file; with --format laminardb, a directory that LaminarDB wrote
    from: PathBuf,
    /// The new directory
    dir: PathBuf,
    /// Which checkpoint of LaminarDB's directory [default: the newest]
    #[arg(long)]
    id: Option<u64>,
    /// The form to read
    #[arg(long, value_enum, default_value_t = Format::Alluvium)]
    format: Format,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let transferred = match self.format {
            Format::LaminarDb => laminardb::import(&self.from, self.id, &self.dir, self.durability)?,
            Format::Alluvium if self.id.is_some() => {
                return Err(Failure::plain("--id: an exported file holds one checkpoint only")
                    .hint("leave --id out, or add --format laminardb"));
            }
            Format::Alluvium => self.unpack()?,
        };
        transferred.tell(self.json, "imported", &self.from, &self.dir)
    }

    fn unpack(&self) -> Result<Transferred, Failure> {
        let archive = std::fs::read(&self.from).map_err(|error| Failure::file(&self.from, &error))?;
        // All of it is proven before anything is written.
        let unpacked = archive::read(&archive).map_err(|error| {
            Failure::at(self.from.display(), error).hint("export it again; nothing has been changed")
        })?;
        let summaries = block_on(inspect::list_checkpoints(&unpacked));
        let summaries = summaries.map_err(|error| Failure::at(self.from.display(), error))?;
        let metadata = summaries.into_iter().find_map(|summary| summary.metadata.ok());
        let metadata = metadata.ok_or_else(|| Failure::at(self.from.display(), "holds no checkpoint"))?;
        let mut files: Vec<NewFile> =
            unpacked.to_files().into_iter().map(|(path, content)| NewFile { path, content }).collect();
        // Metadata last: its creation is the commit.
        files.sort_by_key(|file| file.path.ends_with("/metadata.json"));
        let directory = open::to_fill(&self.dir, self.durability)?;
        block_on(directory.create(files)).map_err(|error| Failure::directory(&self.dir, &error))?;
        Ok(Transferred { id: metadata.id, keys: metadata.key_count, bytes: archive.len() as u64 })
    }
}
