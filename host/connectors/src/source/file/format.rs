//! How records stand in a text.

/// How records stand in a text.
///
/// ```
/// use alluvium_connectors::source::{Csv, Format};
///
/// let semicolons = Format::Csv(Csv { delimiter: b';', ..Csv::default() });
/// assert_ne!(semicolons, Format::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Fields with separators. The first record names the fields.
    Csv(Csv),
    /// Each line is a raw record, without its line end. Empty lines are none.
    Lines,
}

impl Default for Format {
    /// Returns CSV with commas.
    fn default() -> Self {
        Self::Csv(Csv::default())
    }
}

/// The characters of a CSV text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    /// What is between two fields.
    pub delimiter: u8,
    /// What is around a field that holds delimiters or line breaks. Two of them within such a field are one.
    pub quote: u8,
}

impl Default for Csv {
    /// Returns a comma and the double quote.
    fn default() -> Self {
        Self { delimiter: b',', quote: b'"' }
    }
}
