//! The floor: what the disk and the processor ask for the same bytes when nothing is made of them.
//!
//! Writing is one new file, synced, and its name synced. Reading is the same ranges of the same
//! files and the plainest index over them: no checksums, no copies, no books.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::format::segment::{CHUNK_ENTRY_BYTES, Chunk, HEADER_BYTES, SegmentKind, decode_table};
use alluvium_core::format::segment_entry::SegmentEntry;
use alluvium_core::model::hash::key_hash;
use alluvium_core::model::key_groups::group_of;
use alluvium_core::tools::inspect::list_checkpoints;
use anyhow::{Context, Result};

use crate::measure::timed;

/// Microseconds to make so many bytes durable in a new file.
pub fn write(path: &Path, content: &[u8]) -> Result<f64> {
    let (elapsed_us, written) = timed(|| -> Result<()> {
        let mut file = File::options().write(true).create_new(true).open(path)?;
        file.write_all(content)?;
        file.sync_data()?;
        File::open(path.parent().context("a file is in a directory")?)?.sync_all()?;
        Ok(())
    });
    written.with_context(|| path.display().to_string())?;
    std::fs::remove_file(path)?;
    Ok(elapsed_us)
}

/// The files of a checkpoint and where their records are, known beforehand.
#[derive(Debug)]
pub struct Layout {
    segments: Vec<(SegmentEntry, Vec<Chunk>)>,
    keys: usize,
}

impl Layout {
    /// Of the newest checkpoint.
    pub fn of(path: &Path) -> Result<Self> {
        let newest = block_on(list_checkpoints(&NativeDirectory::open(path)?))?.into_iter().next();
        let metadata = newest.context("no checkpoint")?.metadata.map_err(anyhow::Error::msg)?;
        let fields = metadata.alluvium.context("not written by Alluvium")?;
        let mut segments = Vec::new();
        for entry in fields.segments {
            let name = entry.path();
            let table_bytes = entry.chunks as usize * CHUNK_ENTRY_BYTES;
            let mut table = vec![0; table_bytes];
            File::open(path.join(&name))?.read_exact_at(&mut table, entry.bytes - table_bytes as u64)?;
            let identity = entry.identity(fields.store_id);
            let chunks = decode_table(&name, &identity, &table, entry.bytes, entry.checksum)?;
            segments.push((entry, chunks));
        }
        Ok(Self { segments, keys: metadata.key_count as usize })
    }
}

/// The bytes of a checkpoint's files, and where each live record is in them.
#[derive(Debug)]
pub struct Index {
    files: Vec<Vec<u8>>,
    /// In hash order, probed linearly: 16 bits of hash, 16 of file, 32 of offset; 0 is empty.
    slots: Vec<u64>,
    keys: usize,
    /// Of every key and every value: workload W has no others.
    lengths: Option<(usize, usize)>,
}

impl Index {
    /// Reads what recovery would read, and indexes it.
    pub fn read(path: &Path, layout: &Layout) -> Result<Self> {
        let capacity = layout.keys * 8 / 7 + 64;
        let mut index = Self { files: Vec::new(), slots: vec![0; capacity + 1024], keys: 0, lengths: None };
        for (entry, chunks) in &layout.segments {
            let file = File::open(path.join(entry.path()))?;
            let counts = |group: u16| entry.groups.iter().any(|(first, last)| (*first..=*last).contains(&group));
            let wanted: Vec<bool> = (0..=u16::from(u8::MAX)).map(counts).collect();
            let mut content = vec![0; entry.bytes as usize];
            let is_base = entry.kind == SegmentKind::Base;
            if is_base {
                file.read_exact_at(&mut content, 0)?;
            }
            let number = index.files.len() as u64;
            index.files.push(Vec::new());
            for chunk in chunks {
                if !(chunk.first_group()..=chunk.last_group()).any(|group| wanted[usize::from(group)]) {
                    continue;
                }
                let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
                if !is_base {
                    file.read_exact_at(&mut content[range.clone()], chunk.offset)?;
                }
                index.add(number, &content, range, capacity, is_base, &wanted).context("a record is cut short")?;
            }
            index.files[number as usize] = content;
        }
        Ok(index)
    }

    fn add(
        &mut self,
        file: u64,
        content: &[u8],
        range: std::ops::Range<usize>,
        capacity: usize,
        is_base: bool,
        wanted: &[bool],
    ) -> Option<()> {
        let mut at = range.start.max(HEADER_BYTES);
        while at < range.end {
            let (lengths, start) = lengths(content, at, self.lengths)?;
            self.lengths = Some(lengths);
            let key = content.get(start..start + lengths.0)?;
            at = start + lengths.0 + lengths.1;
            let hash = key_hash(key);
            if !wanted[usize::from(group_of(hash))] {
                continue;
            }
            let mut slot = ((u128::from(hash) * capacity as u128) >> 64) as usize;
            let tag = hash >> 16 & 0xffff;
            let found = tag << 48 | (file + 1) << 32 | start as u64;
            loop {
                let held = self.slots[slot];
                let same = |held: u64| {
                    let other = (held >> 32 & 0xffff) as usize - 1;
                    let other = if other as u64 == file { content } else { &self.files[other][..] };
                    let held = (held & 0xffff_ffff) as usize;
                    other.get(held..held + lengths.0) == Some(key)
                };
                // Bases hold each key once: only a delta can meet a key again.
                if held == 0 {
                    self.keys += 1;
                    break;
                }
                if !is_base && held >> 48 == tag && same(held) {
                    break;
                }
                slot += 1;
            }
            self.slots[slot] = found;
        }
        Some(())
    }

    /// Live keys.
    pub fn len(&self) -> usize {
        self.keys
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Every entry: to hold the floor to the same state.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.slots.iter().filter(|slot| **slot != 0).filter_map(|slot| {
            let file = &self.files[(slot >> 32 & 0xffff) as usize - 1];
            let (key_bytes, value_bytes) = self.lengths?;
            let at = (slot & 0xffff_ffff) as usize;
            Some(file.get(at..at + key_bytes + value_bytes)?.split_at(key_bytes))
        })
    }
}

/// Lengths of the record at an offset, all alike and none deleted in workload W, and where its key starts.
#[inline]
fn lengths(content: &[u8], at: usize, all: Option<(usize, usize)>) -> Option<((usize, usize), usize)> {
    let (key, at) = varint(content, at)?;
    if key == 0 {
        return Some((all?, at));
    }
    let (value, at) = varint(content, at)?;
    let found = (key - 1, value.checked_sub(1)?);
    all.is_none_or(|all| all == found).then_some((found, at))
}

#[inline]
fn varint(content: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *content.get(at)?;
        at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, at));
        }
    }
    None
}
