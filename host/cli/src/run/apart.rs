//! What a run reads, what it writes, and the directory of its checkpoints must be apart. Otherwise it would destroy what
//! it needs.

use std::fs;
use std::path::{Path, PathBuf};

use alluvium_connectors::files::{self, file_id, resolve_link};
use alluvium_connectors::sink::FileSink;

use super::arguments::Run;
use super::connections::{ConnectedOutput, ConnectedSink, Connections};
use super::input_options::{InputOptions, OnError};
use super::inputs::{self, address};
use super::service::check_metrics_file;
use crate::failure::Failure;

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

    /// An output of the plugin, if it leads to a file or an address.
    fn connected(ConnectedOutput { name, sink, .. }: &ConnectedOutput) -> Option<Self> {
        match sink {
            ConnectedSink::To(path) => Some(Self::output(name, path)),
            ConnectedSink::StandardOutput | ConnectedSink::Nowhere => None,
        }
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

impl Run {
    /// Refuses files that the run would destroy for itself.
    pub(super) fn check_apart(&self, connections: &Connections) -> Result<(), Failure> {
        check_standard_input(connections.inputs.iter().map(|input| input.source.as_path()))?;
        let mut written: Vec<Written> = connections.outputs.iter().filter_map(Written::connected).collect();
        written.extend(Written::dead_letters(&self.reading.on_error));
        written.extend(Written::metrics(self.metrics.as_deref()));
        for one in &written {
            let mut sources = connections.inputs.iter().map(|input| &input.source);
            sources.try_for_each(|source| check_input(&one.to, source, &self.reading))?;
        }
        check_each_other(&written, self.rotate_output.is_some())?;
        check_directory(&written, &self.dir)?;
        self.metrics.as_deref().map_or(Ok(()), check_metrics_file)
    }
}

/// Refuses a standard input that two inputs would divide among them.
fn check_standard_input<'a>(sources: impl Iterator<Item = &'a Path>) -> Result<(), Failure> {
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
    let Some(pending) = FileSink::pending_path(output).filter(|_| !is_standard) else { return Ok(()) };
    if FileSink::keeps(&resolved(output), &resolved(input), false) || inputs::would_read(&pending, input, reading) {
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
    (one.keeps_others && FileSink::keeps(&file, &beside, rotates)).then_some((&other.to, kept))
}

/// Nothing but checkpoints is written to their directory: the engine takes what is there for its own.
fn check_directory(written: &[Written], directory: &Path) -> Result<(), Failure> {
    let directory = resolved(directory);
    match written.iter().find(|one| one.file().is_some_and(|file| file.starts_with(&directory))) {
        Some(one) => {
            Err(Failure::at(one.to.display(), format!("is {} and in the directory of the checkpoints", one.option))
                .hint("name a file elsewhere"))
        }
        None => Ok(()),
    }
}

/// Returns where a file is or would be, as far as that is known.
fn resolved(path: &Path) -> PathBuf {
    files::resolve(path).unwrap_or_else(|_| resolve_link(path))
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
        for (one, other, rotates, is_refused) in [
            ("a", "a", false, true),
            ("a", "./a", false, true),
            ("a", "sub/../a", false, true),
            ("a", "a.pending", false, true),
            ("a.pending", "a", false, true),
            ("a", "a.pending.0a", false, true),
            ("a", "a.1", true, true),
            ("a", "a.12", true, true),
            ("a.12", "a", true, true),
            ("a", "b", true, false),
            ("a", "a.1", false, false),
            ("a", "sub/a", false, false),
            ("a", "a.json", true, false),
            ("a", "a.2.json", true, false),
        ] {
            assert_eq!(refused(folder, one, other, rotates), is_refused, "{one} and {other}");
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
}
