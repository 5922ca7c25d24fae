//! Records decoded from pieces of a text, in any format.

use super::csv::CsvDecoder;
use super::format::Format;
use super::lines::LineDecoder;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A decoder between two pieces of text.
pub(super) enum Decoder {
    Csv(Box<CsvDecoder>),
    Lines(LineDecoder),
}

/// What a piece of text came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    /// More text is needed.
    Incomplete,
    /// A record is complete.
    Record,
    /// The text is over.
    End,
    /// The text is over, and a quote that was opened is not closed.
    OpenQuote,
}

impl Decoder {
    /// Returns a decoder for a text from its beginning.
    pub(super) fn at_start(format: Format) -> Self {
        match format {
            Format::Csv(form) => Self::Csv(Box::new(CsvDecoder::at_start(form))),
            Format::Lines => Self::Lines(LineDecoder::at_start()),
        }
    }

    /// Returns a decoder for the rest of a text, from the beginning of a line.
    pub(super) fn after_a_line(format: Format) -> Self {
        match format {
            Format::Csv(form) => Self::Csv(Box::new(CsvDecoder::after_a_line(form))),
            Format::Lines => Self::Lines(LineDecoder::after_a_line()),
        }
    }

    /// Decodes a piece of text; an empty one is the end. Returns how many of its bytes are used up.
    pub(super) fn decode(&mut self, text: &[u8]) -> (Decoded, usize) {
        match self {
            Self::Csv(csv) => csv.decode(text),
            Self::Lines(lines) => lines.decode(text),
        }
    }

    /// Takes the rest of a record's line end. Returns how many bytes of `text` it is.
    pub(super) fn end_line(&mut self, text: &[u8]) -> usize {
        match self {
            Self::Csv(csv) => csv.end_line(text),
            Self::Lines(_) => 0,
        }
    }

    /// Whether more of the record's line end may come.
    pub(super) fn is_after_cr(&self) -> bool {
        matches!(self, Self::Csv(csv) if csv.is_after_cr())
    }

    /// Returns the number of fields of the record.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Csv(csv) => csv.width(),
            Self::Lines(_) => 1,
        }
    }

    /// Returns the fields of the record.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let (csv, line) = match self {
            Self::Csv(csv) => (Some(csv.fields()), None),
            Self::Lines(lines) => (None, Some(lines.bytes())),
        };
        csv.into_iter().flatten().chain(line)
    }

    /// Returns the line on which the record begins, counted from where the decoder began.
    pub(super) fn line(&self) -> u64 {
        match self {
            Self::Csv(csv) => csv.line(),
            Self::Lines(lines) => lines.number(),
        }
    }
}
