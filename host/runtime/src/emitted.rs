//! What a plugin emitted: records, one list for each output.

use crate::description::{Output, OutputFormat};

/// The records that a plugin emitted to one output, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Emitted {
    /// The length of each record, without a line break.
    lens: Vec<u32>,
    /// The records, and after each the output's separator.
    bytes: Vec<u8>,
    /// What stands after each record: a line break, or nothing.
    separator: &'static [u8],
}

impl Emitted {
    /// Begins with nothing.
    pub(crate) fn to(output: &Output) -> Self {
        let separator: &[u8] = match output.format {
            OutputFormat::Lines => b"\n",
            OutputFormat::Records => b"",
        };
        Self { separator, ..Self::default() }
    }

    /// Begins with nothing for each of the outputs.
    pub(crate) fn to_each(outputs: &[Output]) -> Vec<Self> {
        outputs.iter().map(Self::to).collect()
    }

    /// Tells whether nothing was emitted.
    pub fn is_empty(&self) -> bool {
        self.lens.is_empty()
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.lens.len()
    }

    /// Returns all records, one after the other. Each record of an output of lines ends with a line break.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many bytes of memory it takes. A record without bytes takes some, too.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.len() + self.lens.len() * size_of::<u32>()
    }

    /// Returns the records one by one, without line breaks.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        self.lens.iter().map(move |&len| {
            let (record, after) = rest.split_at(len as usize);
            rest = &after[self.separator.len()..];
            record
        })
    }

    /// Adds a record. The error says why it cannot be one.
    pub(crate) fn push(&mut self, record: &[u8]) -> Result<(), String> {
        if !self.separator.is_empty() && record.contains(&b'\n') {
            return Err("a record with a line break in it: emit it line by line, or escape it".to_owned());
        }
        let len = u32::try_from(record.len()).map_err(|_| "a record of more than 4 GiB".to_owned())?;
        self.lens.push(len);
        self.bytes.extend_from_slice(record);
        self.bytes.extend_from_slice(self.separator);
        Ok(())
    }

    /// Returns how far it goes now, for [`truncate`](Self::truncate).
    pub(crate) fn end(&self) -> (usize, usize) {
        (self.lens.len(), self.bytes.len())
    }

    /// Drops what was emitted after `end`.
    pub(crate) fn truncate(&mut self, end: (usize, usize)) {
        self.lens.truncate(end.0);
        self.bytes.truncate(end.1);
    }

    /// Puts what another instance emitted in front.
    pub(crate) fn prepend(&mut self, mut before: Self) {
        before.lens.append(&mut self.lens);
        before.bytes.append(&mut self.bytes);
        (self.lens, self.bytes) = (before.lens, before.bytes);
    }

    /// Does the same for several outputs, by their numbers. An output that there is not gets nothing.
    pub(crate) fn prepend_each(all: &mut [Self], before: Vec<(usize, Self)>) {
        for (number, before) in before {
            if let Some(own) = all.get_mut(number) {
                own.prepend(before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_breaks_and_records_have_none() {
        let output = |format| Output { name: "alerts".to_owned(), format };
        let (mut lines, mut records) =
            (Emitted::to(&output(OutputFormat::Lines)), Emitted::to(&output(OutputFormat::Records)));
        for emitted in [&mut lines, &mut records] {
            assert!(emitted.is_empty());
            emitted.push(b"one").unwrap();
            emitted.push(b"").unwrap();
        }
        assert!(lines.push(b"a\nb").unwrap_err().contains("line break"));
        records.push(b"a\nb").unwrap();
        assert_eq!((lines.bytes(), lines.records().collect::<Vec<_>>()), (&b"one\n\n"[..], vec![&b"one"[..], b""]));
        assert_eq!((records.bytes(), records.len()), (&b"onea\nb"[..], 3));
        assert_eq!(records.records().collect::<Vec<_>>(), [&b"one"[..], b"", b"a\nb"]);
        let end = lines.end();
        lines.push(b"dropped").unwrap();
        lines.truncate(end);
        let mut later = Emitted::to(&output(OutputFormat::Lines));
        later.push(b"two").unwrap();
        later.prepend(lines);
        assert_eq!(later.bytes(), b"one\n\ntwo\n");
    }
}
