//! `--durability`: whether a file system must keep every promise.

use std::path::Path;

use alluvium::NativeDirectory;
use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::shown::tell;

/// Which promises a file system must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Level {
    /// All of them, or the directory is refused
    #[default]
    Full,
    /// Those that it can keep; it is said which are weaker
    Weaker,
}

/// The option of the commands that write.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Durability {
    /// Which promises the file system of the directory must keep
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    durability: Level,
}

impl Durability {
    /// Accepts what the file system of a directory cannot do, if that was asked for.
    pub(crate) fn accept(self, path: &Path, directory: NativeDirectory) -> Result<NativeDirectory, Failure> {
        match self.durability {
            Level::Full => Ok(directory),
            Level::Weaker => directory.accept_weaker_promises().map_err(|error| Failure::directory(path, &error)),
        }
    }

    /// Does the same, and says what the file system cannot do.
    pub(crate) fn accept_aloud(self, path: &Path, directory: NativeDirectory) -> Result<NativeDirectory, Failure> {
        let directory = self.accept(path, directory)?;
        for promise in directory.weaker_promises() {
            tell(&weaker(path, &promise));
        }
        Ok(directory)
    }
}

/// Says which promise is weaker.
pub(crate) fn weaker(path: &Path, promise: &str) -> String {
    format!("{}: {promise}; this is accepted, because --durability is weaker", path.display())
}
