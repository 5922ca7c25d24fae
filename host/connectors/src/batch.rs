//! Records on their way: out of a source, or into a sink.

/// Records of one partition in order, or records for a sink.
///
/// A record has one field or more. All records of a batch have the same number of fields. A raw record
/// is one field.
///
/// ```
/// use alluvium_connectors::Batch;
///
/// let mut batch = Batch::new(2, 1 << 20);
/// batch.push([&b"UA"[..], b"EWR"]);
/// batch.push([&b"AA"[..], b"JFK"]);
/// assert!(!batch.has_room());
/// let airports: Vec<&[u8]> = batch.records().map(|record| record.field(1).unwrap()).collect();
/// assert_eq!(airports, [b"EWR", b"JFK"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    count: u32,
    width: usize,
    lens: Vec<u32>,
    bytes: Vec<u8>,
    records_max: u32,
    bytes_max: usize,
    is_closed: bool,
}

impl Default for Batch {
    /// Returns an empty batch that always has room.
    fn default() -> Self {
        Self::new(u32::MAX, usize::MAX)
    }
}

impl Batch {
    /// Returns an empty batch. It has room for `records_max` records, and for no further record once its
    /// records have `bytes_max` bytes or more.
    pub fn new(records_max: u32, bytes_max: usize) -> Self {
        Self { count: 0, width: 0, lens: Vec::new(), bytes: Vec::new(), records_max, bytes_max, is_closed: false }
    }

    /// Returns a batch of raw records.
    pub fn of_raw<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut batch = Self::default();
        records.into_iter().for_each(|record| batch.push([record]));
        batch
    }

    /// Whether a source may add a record.
    pub fn has_room(&self) -> bool {
        !self.is_closed && self.count < self.records_max && self.bytes.len() < self.bytes_max
    }

    /// Takes away the room for further records. A source does so when the record that comes next has another schema.
    ///
    /// ```
    /// use alluvium_connectors::Batch;
    ///
    /// let mut batch = Batch::of_raw([&b"a"[..]]);
    /// assert!(batch.has_room());
    /// batch.close();
    /// assert!(!batch.has_room());
    /// ```
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Lowers how many records it may hold.
    pub(crate) fn limit_records(&mut self, records_max: u32) {
        self.records_max = records_max;
    }

    /// Adds a record with these fields.
    ///
    /// # Panics
    ///
    /// Panics if the number of fields is zero or differs from that of the records before, or if a field
    /// has 4 GiB or more. A source checks its records first.
    pub fn push<'a>(&mut self, fields: impl IntoIterator<Item = &'a [u8]>) {
        let before = self.lens.len();
        for field in fields {
            self.lens.push(u32::try_from(field.len()).expect("a field of less than 4 GiB"));
            self.bytes.extend_from_slice(field);
        }
        let width = self.lens.len() - before;
        if self.count == 0 {
            self.width = width;
        }
        assert!(width > 0 && width == self.width, "a record of {width} fields among records of {}", self.width);
        self.count += 1;
    }

    /// Returns how many records there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Cuts off the records from number `at` on, which counts from zero, and returns them.
    ///
    /// ```
    /// use alluvium_connectors::Batch;
    ///
    /// let mut batch = Batch::of_raw([&b"a"[..], b"b", b"c"]);
    /// let rest = batch.split_off(1);
    /// assert_eq!((batch, rest), (Batch::of_raw([&b"a"[..]]), Batch::of_raw([&b"b"[..], b"c"])));
    /// ```
    #[must_use]
    pub fn split_off(&mut self, at: u32) -> Self {
        let at = at.min(self.count);
        let lens = self.lens.split_off(self.width * at as usize);
        let before: usize = self.lens.iter().map(|len| *len as usize).sum();
        let rest = Self {
            count: self.count - at,
            lens,
            bytes: self.bytes.split_off(before),
            width: self.width,
            records_max: self.records_max,
            bytes_max: self.bytes_max,
            is_closed: self.is_closed,
        };
        self.count = at;
        rest
    }

    /// Returns the records, in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut at = 0;
        self.lens.chunks_exact(self.width.max(1)).map(move |lens| {
            let bytes: usize = lens.iter().map(|len| *len as usize).sum();
            let record = Record { lens, bytes: &self.bytes[at..at + bytes] };
            at += bytes;
            record
        })
    }

    /// Returns the number of records, the length of each field, and the bytes of all fields one after the
    /// other: the form in which a plugin takes them.
    pub fn into_parts(self) -> (u32, Vec<u32>, Vec<u8>) {
        (self.count, self.lens, self.bytes)
    }
}

/// One record of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    lens: &'a [u32],
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// Returns a field by its number, which counts from zero.
    pub fn field(&self, number: usize) -> Option<&'a [u8]> {
        let len = *self.lens.get(number)? as usize;
        let before: usize = self.lens[..number].iter().map(|len| *len as usize).sum();
        self.bytes.get(before..before + len)
    }

    /// Returns the bytes of all fields, one after the other. Those of a raw record are the record.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_ends_with_the_records_or_the_bytes() {
        let mut batch = Batch::new(3, 10);
        batch.push([&b"123"[..]]);
        batch.push([&b"123456"[..]]);
        assert!(batch.has_room(), "nine bytes");
        batch.push([&b"a record may go past the bytes"[..]]);
        assert!(!batch.has_room());
        let mut batch = Batch::new(9, 10);
        batch.push([&b"ten bytes!"[..]]);
        assert!(!batch.has_room());
    }

    #[test]
    fn fields_are_found_by_number() {
        let mut batch = Batch::default();
        batch.push([&b"a"[..], b"", b"bc"]);
        batch.push([&b""[..], b"", b""]);
        let records: Vec<Record> = batch.records().collect();
        assert_eq!([0, 1, 2, 3].map(|at| records[0].field(at)), [Some(&b"a"[..]), Some(b""), Some(b"bc"), None]);
        assert_eq!((records[0].bytes(), records[1].bytes()), (&b"abc"[..], &b""[..]));
        assert_eq!(batch.into_parts(), (2, vec![1, 0, 2, 0, 0, 0], b"abc".to_vec()));
        assert_eq!(Batch::default().records().count(), 0);
    }

    #[test]
    #[should_panic(expected = "a record of 1 fields among records of 2")]
    fn records_have_the_same_fields() {
        let mut batch = Batch::default();
        batch.push([&b"a"[..], b"b"]);
        batch.push([&b"a"[..]]);
    }
}
