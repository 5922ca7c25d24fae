//! CSV decoded piece by piece: a piece may end anywhere in a record.

use csv_core::ReadRecordResult as Step;

use super::decoder::{BYTE_ORDER_MARK, Decoded};
use super::format::Csv;

/// A decoder between two pieces of text.
pub(super) struct CsvDecoder {
    core: csv_core::Reader,
    fields: Vec<u8>,
    fields_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    /// The record that is decoded next is a new one.
    is_done: bool,
    /// The record ended with a carriage return. A line feed after it belongs to the same line end.
    is_after_cr: bool,
    /// How much of a byte order mark the text may begin with; nothing in the middle of a text.
    mark: Option<usize>,
    /// The line on which the record begins.
    line: u64,
}

impl CsvDecoder {
    /// Returns a decoder for a text from its beginning.
    pub(super) fn at_start(form: Csv) -> Self {
        Self { mark: Some(0), ..Self::after_a_line(form) }
    }

    /// Returns a decoder for the rest of a text, from the beginning of a line.
    pub(super) fn after_a_line(form: Csv) -> Self {
        let mut decoder = Self {
            core: csv_core::ReaderBuilder::new().delimiter(form.delimiter).quote(form.quote).build(),
            fields: vec![0; 1 << 10],
            fields_len: 0,
            ends: vec![0; 32],
            ends_len: 0,
            is_done: false,
            is_after_cr: false,
            mark: None,
            line: 1,
        };
        // At its very first byte it would look for a byte order mark. An empty line is skipped.
        decoder.line_feed();
        decoder.core.set_line(1);
        decoder
    }

    fn line_feed(&mut self) {
        let decoded = self.core.read_record(b"\n", &mut [0], &mut [0]);
        debug_assert_eq!(decoded, (Step::InputEmpty, 1, 0, 0), "between two records");
    }

    /// Takes the rest of a record's line end. Returns how many bytes of `text` it is.
    pub(super) fn end_line(&mut self, text: &[u8]) -> usize {
        let is_after_cr = std::mem::take(&mut self.is_after_cr);
        if !is_after_cr || text.first() != Some(&b'\n') {
            return 0;
        }
        self.line_feed();
        1
    }

    /// Whether more of the record's line end may come.
    pub(super) fn is_after_cr(&self) -> bool {
        self.is_after_cr
    }

    /// Decodes a piece of text; an empty one is the end. Returns how many of its bytes are used up.
    pub(super) fn decode(&mut self, text: &[u8]) -> (Decoded, usize) {
        if self.is_after_cr && self.end_line(text) == 1 {
            return (Decoded::Incomplete, 1);
        }
        if self.is_done {
            (self.fields_len, self.ends_len, self.is_done) = (0, 0, false);
            self.line = self.core.line();
        }
        if let Some(seen) = self.mark {
            if text.first().is_some_and(|byte| BYTE_ORDER_MARK.get(seen) == Some(byte)) {
                self.mark = Some(seen + 1);
                return (Decoded::Incomplete, 1);
            }
            self.mark = None;
            if seen < BYTE_ORDER_MARK.len() && seen > 0 {
                // It was none after all, but the beginning of the first field.
                let decoded = self.decode_all(&BYTE_ORDER_MARK[..seen]);
                debug_assert_eq!(decoded, (Decoded::Incomplete, seen));
            }
        }
        if text.is_empty() { (self.finish(), 0) } else { self.decode_all(text) }
    }

    /// At the end of the text. Outside of quotes a line feed ends a record or an empty line. Between them it
    /// is a byte of the field.
    fn finish(&mut self) -> Decoded {
        let before = self.fields_len;
        match self.decode_all(b"\n").0 {
            Decoded::Incomplete if self.fields_len > before => Decoded::OpenQuote,
            Decoded::Incomplete => Decoded::End,
            decoded => decoded,
        }
    }

    fn decode_all(&mut self, text: &[u8]) -> (Decoded, usize) {
        let mut used = 0;
        loop {
            let (fields, ends) = (&mut self.fields[self.fields_len..], &mut self.ends[self.ends_len..]);
            let (step, read, written, ended) = self.core.read_record(&text[used..], fields, ends);
            used += read;
            self.fields_len += written;
            self.ends_len += ended;
            let decoded = match step {
                Step::InputEmpty => Decoded::Incomplete,
                Step::OutputFull => {
                    self.fields.resize(self.fields.len() * 2, 0);
                    continue;
                }
                Step::OutputEndsFull => {
                    self.ends.resize(self.ends.len() * 2, 0);
                    continue;
                }
                Step::Record => Decoded::Record,
                Step::End => Decoded::End,
            };
            self.is_done = decoded == Decoded::Record;
            self.is_after_cr = self.is_done && text[..used].last() == Some(&b'\r');
            return (decoded, used);
        }
    }

    /// Returns the number of fields of the record.
    pub(super) fn width(&self) -> usize {
        self.ends_len
    }

    /// Returns the fields of the record.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends[..self.ends_len].iter().map(move |end| {
            let field = &self.fields[start..*end];
            start = *end;
            field
        })
    }

    /// Returns the line on which the record begins that is decoded, counted from where the decoder began.
    pub(super) fn line(&self) -> u64 {
        self.line
    }
}

/// Returns where the last field begins of a record that is not complete.
pub(super) fn start_of_last_field(text: &[u8], form: Csv) -> usize {
    let mut core = CsvDecoder::after_a_line(form).core;
    let (mut at, mut start) = (0, 0);
    while at < text.len() {
        // With room for one end, it stops after each field.
        let (_, read, _, ended) = core.read_record(&text[at..], &mut [0; 256], &mut [0; 1]);
        at += read;
        if ended == 1 {
            start = at;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a text that comes in pieces of this size, each with the byte at which it ends.
    fn records(text: &[u8], size: usize) -> Vec<(Vec<String>, usize)> {
        let mut decoder = CsvDecoder::at_start(Csv::default());
        let (mut found, mut at) = (Vec::new(), 0_usize);
        loop {
            let (step, used) = decoder.decode(&text[at..text.len().min(at.saturating_add(size))]);
            at += used;
            match step {
                Decoded::Incomplete => {}
                Decoded::Record => {
                    at += decoder.end_line(&text[at..]);
                    let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
                    found.push((decoder.fields().map(text).collect(), at));
                }
                Decoded::End => return found,
                Decoded::OpenQuote => panic!("a quote is open"),
            }
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_records() {
        for text in [
            "a,b\n1,2\n",
            "a,b\r\n1,2\r\n3,4",
            "a,b\r1,2\r3,4",
            "\u{feff}a,b\n\u{feff}1,2\n",
            "\u{fefe}a,b\n1,2\n",
            "a,b\n\n\n\"1\n2\",\"\"\"\"\n,\n",
            "\u{feff}",
            "",
        ] {
            let whole = records(text.as_bytes(), usize::MAX);
            let mut expected = csv::ReaderBuilder::new();
            let expected = expected.has_headers(false).from_reader(text.as_bytes()).into_records();
            let expected: Vec<Vec<String>> =
                expected.map(|record| record.unwrap().iter().map(ToOwned::to_owned).collect()).collect();
            assert_eq!(whole.iter().map(|(fields, _)| fields.clone()).collect::<Vec<_>>(), expected, "{text:?}");
            for size in 1..=text.len() {
                assert_eq!(records(text.as_bytes(), size), whole, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn long_and_wide_records_are_whole() {
        let long = "x".repeat(100_000);
        assert_eq!(records(long.as_bytes(), 1_000)[0].0, [long]);
        let wide = ",".repeat(500);
        assert_eq!(records(wide.as_bytes(), 7)[0].0.len(), 501);
    }

    #[test]
    fn an_open_quote_is_seen_wherever_the_text_ends() {
        let check = |text: &str, expected| {
            let mut decoder = CsvDecoder::at_start(Csv::default());
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                let used = decoder.decode(rest).1;
                rest = &rest[used..];
            }
            assert_eq!(decoder.decode(&[]).0 == Decoded::OpenQuote, expected, "{text:?}");
        };
        for closed in [
            "",
            "a",
            "a,",
            "a,\"b\"",
            "a,\"b\",",
            "a\n",
            "a,b\"c",
            "\"\"",
            "\"a\"\"b\"",
            "a\r",
            "a\r\n\n",
            "a,\"b\"\"\"",
        ] {
            check(closed, false);
        }
        for open in ["\"", "a,\"b", "a,\"b\n", "\"a\"\"", "a\n\"b,c\nd,e\n"] {
            check(open, true);
        }
    }

    #[test]
    fn the_field_of_an_open_quote_is_found() {
        let check = |text: &str, expected: &str| {
            let start = start_of_last_field(text.as_bytes(), Csv::default());
            assert_eq!(&text[start..], expected, "{text:?}");
        };
        check("\"a", "\"a");
        check("a,\"b\nc,d\n", "\"b\nc,d\n");
        check("\"a\nb\",c,\"d\ne\n", "\"d\ne\n");
        check("\"a\n\"\"b\n\",\"\"\"\n", "\"\"\"\n");
        let long = format!("{0},\"{0}", "x".repeat(1_000));
        check(&long, &long[1_001..]);
    }
}
