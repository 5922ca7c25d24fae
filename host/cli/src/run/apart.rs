//! What a run reads, what it writes, and the directory of its checkpoints must be apart. Otherwise it would destroy what
//! it needs.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use alluvium_connectors::files::{file_id, resolve_link};

use super::input_options::{InputOptions, OnError};
use super::inputs::{self, address};
use crate::failure::Failure;

/// What stands behind the name of a file whose records wait for their checkpoint.
const PENDING: &str = ".pending";

/// How a file of metrics begins.
const METRICS: &[u8] = b"# HELP alluvium_";

/// What a run writes to: what the command line calls it, and where it is.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) option: String,
    pub(super) to: PathBuf,
    /// Whether it has files of its own beside it.
    keeps_others: bool,
}

impl Written {
    /// An output of the plugin.
    pub(super) fn output(name: &str, to: &Path) -> Self {
        Self { option: format!("the output {name}"), to: to.to_owned(), keeps_others: true }
    }

    /// The file of the records that are left out, if there is one.
    pub(super) fn dead_letters(on_error: &OnError) -> Option<Self> {
        match on_error {
            OnError::DeadLetter(path) => Some(Self { option: "the dead letters".to_owned(), ..Self::output("", path) }),
            OnError::Stop | OnError::Skip => None,
        }
    }

    /// The file of metrics, if there is one.
    pub(super) fn metrics(path: Option<&Path>) -> Option<Self> {
        path.map(|path| Self { option: "the metrics".to_owned(), to: path.to_owned(), keeps_others: false })
    }

    /// Where the file is, if it is one or may become one. A device or a pipe can be written to many times.
    fn file(&self) -> Option<PathBuf> {
        let is_file = fs::metadata(&self.to).map_or(true, |found| found.is_file() || found.is_dir());
        (address(&self.to).is_none() && is_file).then(|| resolved(&self.to))
    }
}

/// Refuses a standard input that two inputs would divide among them.
pub(super) fn check_standard_input<'a>(sources: impl Iterator<Item = &'a Path>) -> Result<(), Failure> {
    if sources.filter(|source| *source == Path::new("-")).count() > 1 {
        let what = "is connected to two inputs, which would divide its bytes among them";
        return Err(Failure::at("the standard input", what).hint("name a file or a pipe for all inputs but one"));
    }
    Ok(())
}

/// An output must not be what is read.
pub(super) fn check_input(output: &Path, input: &Path, reading: &InputOptions) -> Result<(), Failure> {
    let is_standard = input == Path::new("-");
    let content = if is_standard { Path::new("/dev/stdin") } else { input };
    let is_same = match (fs::metadata(output), fs::metadata(content)) {
        (Ok(output), Ok(input)) => output.is_file() && file_id(&output) == file_id(&input),
        _ => false,
    };
    if is_same {
        return Err(Failure::at(output.display(), "is the --input as well").hint("name another output"));
    }
    if !is_standard && inputs::would_read(output, input, reading) {
        let what = format!("would be read as one of the files of --input {}", input.display());
        return Err(Failure::at(output.display(), what).hint("name an output elsewhere"));
    }
    let mut pending = output.as_os_str().to_owned();
    pending.push(PENDING);
    let pending = PathBuf::from(pending);
    if !is_standard
        && (is_beside(&resolved(output), &resolved(input), false) || inputs::would_read(&pending, input, reading))
    {
        let what =
            format!("keeps its records in {} until their checkpoint, and that is read as --input", pending.display());
        return Err(Failure::at(output.display(), what).hint("name another output"));
    }
    Ok(())
}

/// Each must be written to apart from the others, and apart from what is kept beside them: what waits for its
/// checkpoint, and with `rotates` the files before.
pub(super) fn check_each_other(written: &[Written], rotates: bool) -> Result<(), Failure> {
    for (number, one) in written.iter().enumerate() {
        for other in &written[..number] {
            let found = conflict(one, other, rotates).or_else(|| conflict(other, one, rotates));
            if let Some((at, what)) = found {
                return Err(Failure::at(at.display(), what).hint("give each a file of its own"));
            }
        }
    }
    Ok(())
}

/// Says where and why two cannot be written to, if so.
fn conflict<'w>(one: &Written, other: &'w Written, rotates: bool) -> Option<(&'w Path, String)> {
    let twice = || Some((other.to.as_path(), format!("is {} and {}", other.option, one.option)));
    let (Some(file), Some(beside)) = (one.file(), other.file()) else {
        return if address(&one.to).is_some() && one.to == other.to { twice() } else { None };
    };
    let is_linked = match (fs::metadata(&one.to), fs::metadata(&other.to)) {
        (Ok(one), Ok(other)) => file_id(&one) == file_id(&other),
        _ => false,
    };
    if file == beside || is_linked {
        return twice();
    }
    let kept = format!("is {}, and {} keeps its own records under such a name", other.option, one.option);
    (one.keeps_others && is_beside(&file, &beside, rotates)).then_some((&other.to, kept))
}

/// Whether a sink keeps records of its own under the name `beside`, next to its file.
fn is_beside(file: &Path, beside: &Path, rotates: bool) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (Some(own), Some(other)) = (name(file), name(beside)) else { return false };
    let Some(rest) = other.strip_prefix(&own).filter(|_| file.parent() == beside.parent()) else { return false };
    let is_number = || rest.strip_prefix('.').is_some_and(|rest| rest.parse::<u64>().is_ok());
    rest == PENDING || rest.starts_with(&format!("{PENDING}.")) || rotates && is_number()
}

/// Nothing but checkpoints is written to their directory: the engine takes what is there for its own.
pub(super) fn check_directory(written: &[Written], directory: &Path) -> Result<(), Failure> {
    let directory = resolved(directory);
    match written.iter().find(|one| one.file().is_some_and(|file| file.starts_with(&directory))) {
        Some(one) => {
            Err(Failure::at(one.to.display(), format!("is {} and in the directory of the checkpoints", one.option))
                .hint("name a file elsewhere"))
        }
        None => Ok(()),
    }
}

/// A file that is there must be one of metrics, because it is replaced.
pub(super) fn check_metrics(path: &Path) -> Result<(), Failure> {
    if !fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
        return Ok(());
    }
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(METRICS.len() as u64).read_to_end(&mut begin));
    read.map_err(|error| Failure::file(path, &error))?;
    if begin == METRICS {
        return Ok(());
    }
    Err(Failure::at(path.display(), "is there already, and is no file of metrics")
        .hint("name another file for --metrics"))
}

/// Returns where a file is or would be, through all links.
fn resolved(path: &Path) -> PathBuf {
    let path = &resolve_link(path);
    if let Ok(found) = path.canonicalize() {
        return found;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(folder: &Path, one: &str, other: &str, rotates: bool) -> bool {
        let written = [one, other].map(|name| Written::output(name, &folder.join(name)));
        check_each_other(&written, rotates).is_err()
    }

    #[test]
    fn what_is_written_to_one_file_is_refused() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path();
        fs::create_dir(folder.join("sub")).expect("a folder");
        for (one, other, rotates) in [
            ("a", "a", false),
            ("a", "./a", false),
            ("a", "sub/../a", false),
            ("a", "a.pending", false),
            ("a.pending", "a", false),
            ("a", "a.pending.0a", false),
            ("a", "a.1", true),
            ("a", "a.12", true),
            ("a.12", "a", true),
        ] {
            assert!(refused(folder, one, other, rotates), "{one} and {other}");
        }
        for (one, other, rotates) in [
            ("a", "b", true),
            ("a", "a.1", false),
            ("a", "sub/a", false),
            ("a", "a.json", true),
            ("a", "a.2.json", true),
        ] {
            assert!(!refused(folder, one, other, rotates), "{one} and {other}");
        }
    }

    #[test]
    fn links_lead_to_one_file_and_devices_to_none() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path();
        fs::write(folder.join("a"), "").expect("a file");
        std::os::unix::fs::symlink(folder.join("a"), folder.join("soft")).expect("a link");
        fs::hard_link(folder.join("a"), folder.join("hard")).expect("a link");
        std::os::unix::fs::symlink("later", folder.join("dangling")).expect("a link");
        assert!(refused(folder, "dangling", "later", false));
        assert!(refused(folder, "a", "soft", false) && refused(folder, "hard", "a", false));
        let null = ["one", "two"].map(|name| Written::output(name, Path::new("/dev/null")));
        assert!(check_each_other(&null, true).is_ok());
        let address = ["one", "two"].map(|name| Written::output(name, Path::new("nats://h/S?subject=x")));
        assert!(check_each_other(&address, false).is_err());
    }

    #[test]
    fn metrics_have_no_files_beside_them() {
        let scratch = tempfile::tempdir().expect("a folder");
        let metrics = Written::metrics(Some(&scratch.path().join("m"))).expect("metrics");
        for (name, is_taken) in [("m.pending", true), ("m.1", true), ("m", false)] {
            let output = Written::output("x", &scratch.path().join(name));
            let refused = check_each_other(&[output, metrics.clone()], true).is_err();
            assert_eq!(refused, !is_taken, "{name}");
        }
    }

    #[test]
    fn the_directory_of_the_checkpoints_takes_nothing_else() {
        let scratch = tempfile::tempdir().expect("a folder");
        let within =
            |to: &str| check_directory(&[Written::output("x", &scratch.path().join(to))], &scratch.path().join("d"));
        assert!(within("d/wal").is_err());
        fs::create_dir(scratch.path().join("d")).expect("a folder");
        assert!(within("d/wal").is_err() && within("d").is_err() && within("dd").is_ok());
    }

    #[test]
    fn only_metrics_are_replaced_by_metrics() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("m");
        assert!(check_metrics(&path).is_ok());
        for (content, is_taken) in [("", true), ("# HELP alluvium_up", true), ("# HELP", false), ("a,b\n", false)] {
            fs::write(&path, content).expect("a file");
            assert_eq!(check_metrics(&path).is_ok(), is_taken, "{content:?}");
        }
    }
}
