//! Compiled components, kept on disk between runs.
//!
//! A file of the cache is machine code that the host will run, so it must be one that this user's
//! host wrote, whole. It is named by a digest of the component and of everything that the compiler
//! depends on (wasmtime's version, its settings, the processor), lies in a directory that only its
//! owner can enter, and begins with a digest of the code itself. Anything that does not fit is
//! compiled again; nothing here ever makes a run fail.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::compiler::precompiled::{self, Compiled};
use crate::error::RuntimeError;

/// How many bytes the compiled components that are kept have together. Those written last are kept.
const BYTES_MAX: u64 = 512 << 20;

/// Where compiled components are kept.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    directory: Option<PathBuf>,
}

impl Cache {
    /// The user's own: `$XDG_CACHE_HOME/alluvium/components` or `~/.cache/alluvium/components`; none without either.
    pub fn of_user() -> Self {
        let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        Self { directory: base.map(|base| base.join("alluvium/components")) }
    }

    /// A directory of the caller's choice; it is created for this user alone.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()) }
    }

    /// Returns no cache: everything is compiled each time.
    pub fn none() -> Self {
        Self { directory: None }
    }

    /// The component in `bytes`, compiled for `engine`, and whether it came from the cache. What is not there,
    /// `compile` compiles.
    pub(crate) fn component(
        &self,
        engine: &wasmtime::Engine,
        bytes: &[u8],
        compile: impl FnOnce() -> Result<Compiled, RuntimeError>,
    ) -> Result<(Component, bool), RuntimeError> {
        let name = file_name(engine, bytes);
        let directory = self.directory.as_deref().and_then(|path| open_private(path).ok());
        if let Some(code) = directory.as_ref().and_then(|directory| read(directory, &name))
            && let Ok(component) = precompiled::load(engine, &code)
        {
            return Ok((component, true));
        }
        let code = compile()?;
        let unloadable = |error| RuntimeError::Host(format!("compiled code cannot be loaded: {error:#}"));
        let component = precompiled::load(engine, &code).map_err(unloadable)?;
        if let Some(directory) = directory {
            // Slower next time, if it fails; no worse.
            let _ = write(&directory, &name, code.bytes());
            if let Some(path) = &self.directory {
                let _ = keep_newest(path, &directory, BYTES_MAX);
            }
        }
        Ok((component, false))
    }
}

/// Names the compiled form by everything that it depends on.
fn file_name(engine: &wasmtime::Engine, bytes: &[u8]) -> String {
    let mut hasher = DigestHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.update(Sha256::digest(bytes));
    format!("{:x}.cwasm", hasher.0.finalize())
}

/// Feeds what is hashed to a digest without collisions.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    fn finish(&self) -> u64 {
        0 // Never asked: the digest is taken instead.
    }
}

fn is_private(metadata: &fs::Metadata) -> bool {
    let others = Mode::RWXG | Mode::RWXO;
    metadata.uid() == rustix::process::geteuid().as_raw() && !Mode::from_raw_mode(metadata.mode()).intersects(others)
}

/// Opens the directory, creating it if need be; refuses one that others own or may enter.
fn open_private(path: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let directory = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if is_private(&directory.metadata()?) { Ok(directory) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// The code in a file of the cache, if it is this user's own and whole.
fn read(directory: &File, name: &str) -> Option<Compiled> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(openat(directory, name, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || !is_private(&metadata) {
        return None;
    }
    let mut digest = [0; 32];
    let mut code = Vec::new();
    file.read_exact(&mut digest).ok()?;
    file.read_to_end(&mut code).ok()?;
    (Sha256::digest(&code)[..] == digest).then(|| Compiled::cached(code))
}

/// Writes beside and renames: another process finds the whole file or none.
fn write(directory: &File, name: &str, code: &[u8]) -> io::Result<()> {
    let temporary = format!("{name}.{}", std::process::id());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(directory, &temporary, flags, Mode::RUSR | Mode::WUSR)?);
    let written = file.write_all(&Sha256::digest(code)).and_then(|()| file.write_all(code));
    match written.and_then(|()| Ok(renameat(directory, &temporary, directory, name)?)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = unlinkat(directory, &temporary, AtFlags::empty());
            Err(error)
        }
    }
}

/// Deletes the oldest files past `bytes_max` bytes.
fn keep_newest(path: &Path, directory: &File, bytes_max: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        files.push((metadata.modified()?, entry.file_name(), metadata.len()));
    }
    files.sort_unstable();
    let mut kept: u64 = 0;
    for (_, name, bytes) in files.iter().rev() {
        kept = kept.saturating_add(*bytes);
        if kept > bytes_max {
            unlinkat(directory, name, AtFlags::empty())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// The smallest component.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn only_file(path: &Path) -> PathBuf {
        let files: Vec<_> =
            fs::read_dir(path).expect("the cache").map(|entry| entry.expect("an entry").path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    fn component(cache: &Cache, engine: &wasmtime::Engine) -> Result<(Component, bool), RuntimeError> {
        cache.component(engine, EMPTY, || Ok(Compiled::here(engine, EMPTY).expect("it compiles")))
    }

    #[track_caller]
    fn check(cache: &Cache, is_cached: bool) {
        let engine = wasmtime::Engine::default();
        let (_, found) = component(cache, &engine).expect("it compiles");
        assert_eq!(found, is_cached);
    }

    #[test]
    fn the_second_load_comes_from_a_private_file() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let path = scratch.path().join("cache");
        let cache = Cache::at(&path);
        check(&cache, false);
        check(&cache, true);
        let mode = |path: &Path| fs::metadata(path).expect("metadata").mode() & 0o777;
        assert_eq!((mode(&path), mode(&only_file(&path))), (0o700, 0o600));
        check(&Cache::none(), false);
    }

    #[test]
    fn another_configuration_is_another_file() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let cache = Cache::at(scratch.path().join("cache"));
        check(&cache, false);
        let engine = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(true)).expect("an engine");
        assert!(!component(&cache, &engine).expect("it compiles").1);
    }

    #[test]
    fn damaged_or_shared_files_are_compiled_again() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let path = scratch.path().join("cache");
        let cache = Cache::at(&path);
        check(&cache, false);
        let file = only_file(&path);
        let good = fs::read(&file).expect("it reads");
        for at in [0, 31, 32, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, bad).expect("it writes");
            check(&cache, false);
        }
        fs::write(&file, &good[..20]).expect("it writes");
        check(&cache, false);
        check(&cache, true);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).expect("permissions");
        check(&cache, false);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("permissions");
        check(&cache, false);
        check(&cache, false);
    }

    #[test]
    fn the_newest_files_stay_as_long_as_their_bytes_fit() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| scratch.path().join(name);
        for (age, name) in [(3, "oldest"), (2, "older"), (1, "newest")] {
            let file = File::create(at(name)).expect("a file");
            file.set_len(100).expect("its length");
            let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000 - age);
            file.set_modified(then).expect("its time");
        }
        let directory = File::open(scratch.path()).expect("the directory");
        keep_newest(scratch.path(), &directory, 200).expect("it reads and deletes");
        assert_eq!((at("oldest").exists(), at("older").exists(), at("newest").exists()), (false, true, true));
        keep_newest(scratch.path(), &directory, 99).expect("it reads and deletes");
        assert!(!at("newest").exists(), "one that is too long by itself");
    }
}
