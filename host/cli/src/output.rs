//! What commands print.

use std::borrow::Cow;
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use alluvium_connectors::files::{directory_of, resolve_link};
use alluvium_host::text::printable;
use comfy_table::CellAlignment;
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::shown::Shown;

/// Standard output, which a reader may close early (`| head`): that is its business, not an error.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    print_while_read(write).map(drop)
}

/// Does the same, and returns whether the output is still read.
pub(crate) fn print_while_read(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<bool, Failure> {
    let mut out = Shown::new(io::BufWriter::new(io::stdout().lock()));
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::at("standard output", error)),
    }
}

/// Writes a file so that at any moment there is the old one or the whole new one, with the mode that it had.
/// A link is followed. A device or a pipe is written to as it is.
pub(crate) fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::file(path, error);
    path.file_name().ok_or_else(|| Failure::at(path.display(), "names no file"))?;
    // A link that leads to nothing stays as it is: what it names is created.
    let real = resolve_link(path);
    let there = std::fs::metadata(&real).ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        let mut out = File::options().write(true).open(&real).map_err(|error| failed(&error))?;
        write(&mut out)?;
        return out.flush().map_err(|error| failed(&error));
    }
    let above = directory_of(&real);
    // A new file is readable by others as any is: the umask decides. Dropped before it has its name, it is deleted.
    let mut builder = tempfile::Builder::new();
    builder.permissions(Permissions::from_mode(0o666));
    let mut out = io::BufWriter::new(builder.tempfile_in(above).map_err(|error| failed(&error))?);
    write(&mut out)?;
    let file = out.into_inner().map_err(|error| failed(error.error()))?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions()).map_err(|error| failed(&error))?;
    }
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(&real).map_err(|error| failed(&error.error))?;
    File::open(above).and_then(|above| above.sync_all()).map_err(|error| failed(&error))
}

/// A number as people read it: 12,345.
pub(crate) fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// How many there are of something, as people read it: 1 record, 12,345 records.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(number))
}

/// The verb for so many of something.
pub(crate) fn were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// A moment in UTC, to the second.
pub(crate) fn time(unix_ms: u64) -> String {
    let timestamp = i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    timestamp.map_or_else(|| format!("{unix_ms} ms"), |timestamp| timestamp.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Bytes as a member of a JSON object: `name` with the text that they are, or `name_hex`.
fn member<'a>(name: &'a str, bytes: &'a [u8]) -> (Cow<'a, str>, Cow<'a, str>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (name.into(), text.into()),
        Err(_) => (format!("{name}_hex").into(), hex(bytes).into()),
    }
}

/// Adds bytes to a JSON object, as text or in `name_hex`.
pub(crate) fn insert_bytes(object: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    let (name, text) = member(name, bytes);
    object.insert(name.into_owned(), Value::from(text));
}

/// A member of a JSON object that is being written, if there is one.
pub(crate) fn write_if<M: SerializeMap>(
    object: &mut M,
    name: &str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| object.serialize_entry(name, &value))
}

/// The bytes of a key as a member of a JSON object that is being written.
pub(crate) fn write_key<M: SerializeMap>(object: &mut M, name: &str, bytes: &[u8]) -> Result<(), M::Error> {
    let (name, text) = member(name, bytes);
    object.serialize_entry(&name, &text)
}

/// The bytes of a value as a member of a JSON object that is being written. A value that is a JSON object or array is
/// that, byte for byte, and any other is what a key would be. So a JSON string always stands for the text of the value.
pub(crate) fn write_value<M: SerializeMap>(object: &mut M, name: &str, bytes: &[u8]) -> Result<(), M::Error> {
    match json(bytes) {
        Some(json) => object.serialize_entry(name, json),
        None => write_key(object, name, bytes),
    }
}

/// The JSON object or array that bytes are, if they are one that every reader knows and have no line ends or tabs.
fn json(bytes: &[u8]) -> Option<&RawValue> {
    let may_be = matches!(bytes, [b'{' | b'[', ..]) && !bytes.iter().any(u8::is_ascii_control);
    // Without this, half a surrogate pair and numbers out of range would count as JSON.
    let is_known = may_be && serde_json::from_slice::<Value>(bytes).is_ok();
    is_known.then(|| serde_json::from_slice(bytes).ok()).flatten()
}

/// Bytes for people, on one line: text with control characters escaped, cut after `limit`
/// characters, or hexadecimal digits.
pub(crate) fn readable(bytes: &[u8], limit: usize) -> String {
    let text =
        std::str::from_utf8(bytes).map_or_else(|_| format!("0x{}", hex(bytes)), |text| printable(text).into_owned());
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Columns as wide as their widest cell: numbers to the right, the last column as it is.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING).set_header(header);
        let last = header.len() - 1;
        for (index, column) in table.column_iter_mut().enumerate() {
            let is_last = index == last;
            column.set_padding((0, if is_last { 0 } else { 2 }));
            column.set_cell_alignment(if is_last { CellAlignment::Left } else { CellAlignment::Right });
        }
        Self(table)
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.0.add_row(cells.into_iter().map(|cell| printable(&cell).into_owned()));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.0.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let mut table = Table::new(&["id", "bytes", ""]);
        table.row(vec!["10".into(), "1,234".into(), "a=1".into()]);
        table.row(vec!["9".into(), "7".into(), String::new()]);
        assert_eq!(table.to_string(), "id  bytes\n10  1,234  a=1\n 9      7\n");
    }

    #[test]
    fn bytes_are_readable_on_one_line() {
        let check = |bytes: &[u8], expected| assert_eq!(readable(bytes, 6), expected);
        check(b"AA:JFK", "AA:JFK");
        check(b"AA:JFK-", "AA:JFK…");
        check("ééé\n".as_bytes(), "ééé\\n");
        check(b"\x1b[2J", "\\u001b…");
        check(b"\xff\x00", "0xff00");
        check(b"", "");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(1_357_034_400_000), "2013-01-01 10:00:00");
        assert_eq!(time(u64::MAX), "18446744073709551615 ms");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let check = |number, expected| assert_eq!(grouped(number), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(27_004, "27,004");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let path = scratch.path().join("results");
        replace_file(&path, |out| out.write_all(b"old").map_err(|error| Failure::plain(error.to_string())))
            .expect("it writes");
        replace_file(&path, |_| Err(Failure::plain("no results"))).expect_err("it fails");
        assert_eq!(std::fs::read(&path).expect("it reads"), b"old");
        assert_eq!(std::fs::read_dir(scratch.path()).expect("it lists").count(), 1);
    }

    #[test]
    fn links_and_modes_stay_and_devices_are_no_files() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| scratch.path().join(name);
        let write = |path: &Path| {
            replace_file(path, |out| out.write_all(b"new").map_err(|error| Failure::plain(error.to_string())))
                .expect("it writes");
        };
        std::fs::write(at("secret"), b"old").expect("a file");
        std::fs::set_permissions(at("secret"), Permissions::from_mode(0o600)).expect("a mode");
        std::os::unix::fs::symlink("secret", at("link")).expect("a link");
        std::os::unix::fs::symlink("missing", at("dangling")).expect("a link");
        for path in ["link", "dangling"] {
            write(&at(path));
            assert!(at(path).symlink_metadata().expect("it is there").is_symlink());
            assert_eq!(std::fs::read(at(path)).expect("it reads"), b"new");
        }
        let mode = std::fs::metadata(at("secret")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        write(Path::new("/dev/null"));
        assert!(!std::fs::metadata("/dev/null").expect("it is there").is_file());
    }
}
