//! The names of keys, and of directories.

/// The number of bytes of a part. Few stores refuse values of this length.
pub const PART_BYTES: usize = 256 << 10;

/// Where the files of a directory are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the bucket.
    pub bucket: String,
    /// What the keys begin with, without the slash behind it.
    pub prefix: String,
    /// Whether the user knows that the store keeps what the interface does not promise.
    pub is_trusted: bool,
}

impl Place {
    /// Parses `BUCKET/PREFIX?trusted`, in which only the bucket is necessary.
    ///
    /// ```
    /// use keyvalue_directory::keys::Place;
    ///
    /// let place = Place::parse("default/orders?trusted").unwrap();
    /// assert_eq!((&*place.bucket, &*place.prefix, place.is_trusted), ("default", "orders", true));
    /// assert!(Place::parse("default?fast").is_err());
    /// ```
    pub fn parse(name: &str) -> Result<Self, String> {
        let (name, is_trusted) = match name.split_once('?') {
            None => (name, false),
            Some((name, "trusted")) => (name, true),
            Some((_, option)) => return Err(format!("the only option is ?trusted, not ?{option}")),
        };
        let (bucket, prefix) = name.split_once('/').unwrap_or((name, "alluvium"));
        // With a slash in it, keys of one directory could be taken for those of another.
        if prefix.is_empty() || prefix.contains('/') {
            return Err(format!("{prefix:?} is not a prefix: it must have characters, and no slash"));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned(), is_trusted })
    }

    /// Returns the key of the counter.
    pub fn count(&self) -> String {
        format!("{}/count", self.prefix)
    }

    /// Returns a key that the store is tried out with.
    pub fn probe(&self, name: &str) -> String {
        format!("{}/probe/{name}", self.prefix)
    }

    /// Returns the key of a file.
    pub fn file(&self, path: &str, count: u64, bytes: u64) -> String {
        format!("{}/file/{path}/{count:016x}-{bytes:016x}", self.prefix)
    }

    /// Returns the key of a part of a file.
    pub fn part(&self, path: &str, count: u64, number: u64) -> String {
        format!("{}/part/{path}/{count:016x}-{number:016x}", self.prefix)
    }

    /// Parses a key. One that is not of a file of this directory is none.
    pub fn parse_key<'k>(&self, key: &'k str) -> Option<Key<'k>> {
        let (kind, rest) = key.strip_prefix(&*self.prefix)?.strip_prefix('/')?.split_once('/')?;
        let (path, numbers) = rest.rsplit_once('/')?;
        let (count, number) = numbers.split_once('-')?;
        let (count, number) = (u64::from_str_radix(count, 16).ok()?, u64::from_str_radix(number, 16).ok()?);
        match kind {
            "file" => Some(Key::File { path, count, bytes: number }),
            "part" => Some(Key::Part { path, count }),
            _ => None,
        }
    }
}

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'k> {
    /// A file exists.
    File {
        /// Its path.
        path: &'k str,
        /// The number of the batch that created it.
        count: u64,
        /// Its length.
        bytes: u64,
    },
    /// A part of a file, which may exist or not.
    Part {
        /// The path of the file.
        path: &'k str,
        /// The number of the batch that wrote it.
        count: u64,
    },
}

/// Returns the name by which what is left of an interrupted creation is listed.
///
/// It is in the directory of the file and begins with a dot, so it is never the path of a file.
///
/// ```
/// use keyvalue_directory::keys::leftover;
///
/// assert_eq!(leftover("segments/1.delta", 7), "segments/.1.delta-0000000000000007");
/// ```
pub fn leftover(path: &str, count: u64) -> String {
    match path.rsplit_once('/') {
        Some((directory, name)) => format!("{directory}/.{name}-{count:016x}"),
        None => format!(".{path}-{count:016x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed_as_they_are_made() {
        let place = Place::parse("bucket/ab").unwrap();
        for path in ["plain", "checkpoint_0000000000000001/metadata.json"] {
            let (file, part) = (place.file(path, 7, 1 << 40), place.part(path, 7, 300));
            assert_eq!(place.parse_key(&file), Some(Key::File { path, count: 7, bytes: 1 << 40 }));
            assert_eq!(place.parse_key(&part), Some(Key::Part { path, count: 7 }));
        }
        let file = place.file("plain", 1, 2);
        let other = Place::parse("bucket/a").unwrap();
        for foreign in [&*place.count(), &*place.probe("x"), "", "ab/file/x", "ab/file/x/1", "ab/file/x/1-g"] {
            assert_eq!(place.parse_key(foreign), None, "{foreign}");
        }
        assert_eq!(other.parse_key(&file), None, "another directory has other keys");
    }

    #[test]
    fn a_name_has_a_bucket_a_prefix_and_an_option() {
        let place = |name| Place::parse(name).map(|place| (place.bucket, place.prefix, place.is_trusted));
        assert_eq!(place(""), Ok((String::new(), "alluvium".to_owned(), false)));
        assert_eq!(place("b?trusted"), Ok(("b".to_owned(), "alluvium".to_owned(), true)));
        assert_eq!(place("b/x"), Ok(("b".to_owned(), "x".to_owned(), false)));
        for wrong in ["b/x/y", "b/", "b?trusted=1"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
