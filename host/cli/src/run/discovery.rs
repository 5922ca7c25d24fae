//! Files that come to a directory while its files are followed.

use std::time::{Duration, Instant};

use alluvium_connectors::source::{NewFile, Position, SeenFiles, left_at};

use super::bookmarks::{self, Bookmark};
use super::cursors::With;
use super::inputs::{Input, InputSource};
use super::opening;
use super::progress::Progress;
use super::renamed::fits;
use super::stream::Stream;
use crate::failure::Failure;

/// How often it is looked for files at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// The inputs, and which of their files were seen.
pub(super) struct Discovery {
    inputs: Vec<(Input, SeenFiles)>,
    /// When it is looked for files next, if files are followed.
    due: Option<Instant>,
}

/// What a new file is.
enum Is {
    /// A file that was not read, from its beginning, or one that was read up to a position under another name.
    New(Option<Bookmark>),
    /// The file that is being read under another name.
    BeingRead,
}

impl Discovery {
    /// The partitions of the inputs have been opened.
    pub(super) fn new(inputs: Vec<Input>, is_following: bool) -> Result<Self, Failure> {
        let with_seen = |input: Input| -> Result<(Input, SeenFiles), Failure> {
            let mut seen = SeenFiles::default();
            if let InputSource::Files(files) = &input.source {
                let found = files.new_files(&mut seen).map_err(|error| Failure::source(&error))?;
                // What came after they were opened is new.
                found.iter().filter(|file| input.partitions.contains(file.partition())).for_each(|file| seen.add(file));
            }
            Ok((input, seen))
        };
        let inputs = inputs.into_iter().map(with_seen).collect::<Result<Vec<_>, _>>()?;
        let is_many = |(input, _): &(Input, SeenFiles)| matches!(input.source, InputSource::Files(_));
        let due = (is_following && inputs.iter().any(is_many)).then(Instant::now);
        Ok(Self { inputs, due })
    }

    fn look(&mut self, number: usize) -> Result<Vec<NewFile>, Failure> {
        match &mut self.inputs[number] {
            (Input { source: InputSource::Files(files), .. }, seen) => {
                files.new_files(seen).map_err(|error| Failure::source(&error))
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl Stream<'_> {
    /// Begins to follow files that have come, if it is time to look.
    pub(super) fn discover_if_due(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let begun = Instant::now();
        if self.discovery.due.is_none_or(|due| due > begun) {
            return Ok(());
        }
        for number in 0..self.discovery.inputs.len() {
            for file in self.discovery.look(number)? {
                if let Is::New(bookmark) = self.what_is(number, &file)? {
                    self.follow(number, &file, bookmark, progress)?;
                }
            }
        }
        self.discovery.due = Some(Instant::now() + LOOK_EVERY.max(begun.elapsed() * SHARE));
        Ok(())
    }

    /// Finds out whether a file was read before, under this name or another.
    fn what_is(&mut self, number: usize, file: &NewFile) -> Result<Is, Failure> {
        let input = &self.discovery.inputs[number].0;
        let known = self.plugin.with_engine(|engine| bookmarks::of(engine, input.name(), file.partition()));
        if let Some(bookmark) = known.map_err(|error| Failure::runtime(&self.run.dir, &error))? {
            // It was gone for a while, or another file has its name now.
            let is_same = fits(input, file.partition(), &bookmark.position, self.run)?;
            let position = if is_same { bookmark.position } else { Position::Offset(0) };
            return Ok(Is::New(Some(Bookmark { position, ..bookmark })));
        }
        let Some(earlier) = file.was().and_then(|was| self.cursors.of(number, was)) else { return Ok(Is::New(None)) };
        if let Some(bookmark) = &earlier.bookmark
            && fits(input, file.partition(), &bookmark.position, self.run)?
        {
            return Ok(Is::BeingRead);
        }
        let end = left_at(&earlier.left, |end| fits(input, file.partition(), end, self.run))?;
        Ok(Is::New(end.map(Bookmark::of_left)))
    }

    fn follow(
        &mut self,
        number: usize,
        file: &NewFile,
        bookmark: Option<Bookmark>,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let (input, seen) = &mut self.discovery.inputs[number];
        opening::check_count(input, self.cursors.count(number) + 1, self.run)?;
        let partition = file.partition().clone();
        let cursor = opening::cursor(number, input, partition, bookmark, &mut self.plugin, self.run)?;
        seen.add(file);
        progress.found(&cursor.source_name);
        let with = With { run: self.run, cuts: self.cuts, signals: &self.signals, status: &self.status };
        self.cursors.add(cursor, &with)
    }
}
