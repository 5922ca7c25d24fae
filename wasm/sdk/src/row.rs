//! Rows: records whose fields have names and types.

use std::marker::PhantomData;

use crate::codec::quoted;
use crate::operator::{Batch, Failure};
use crate::time::Time;

/// A record that is read by the names of its columns. The derive macro of the same name implements it: each field is
/// read from the column of its name, or of the one that `#[row(column = "…")]` names.
///
/// ```
/// use alluvium_plugin::{Row, Time};
///
/// #[derive(Row)]
/// struct Reading {
///     station: String,
///     #[row(column = "time_hour")]
///     at: Time,
///     celsius: Option<f64>,
/// }
///
/// assert_eq!(Reading::COLUMNS, ["station", "time_hour", "celsius"]);
/// ```
pub trait Row: Sized {
    /// The columns that it reads.
    const COLUMNS: &'static [&'static str];

    /// Reads the fields of its columns. The error says which one is wrong.
    fn read(fields: &Fields<'_>) -> Result<Self, String>;

    /// Returns the time of the record. The derive macro takes it from the field of the type [`Time`], or `Option<Time>`,
    /// if there is one such field.
    fn time(&self) -> Option<Time> {
        None
    }
}

/// The fields of a record, in the order of [`Row::COLUMNS`].
#[derive(Debug)]
pub struct Fields<'a>(Vec<&'a [u8]>);

impl Fields<'_> {
    /// Reads a field, whose column has this name.
    pub fn read<T: Column>(&self, index: usize, name: &str) -> Result<T, String> {
        let bytes = self.0.get(index).ok_or_else(|| format!("there is no field {name}"))?;
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{name} is no UTF-8"))?;
        T::read(text).map_err(|what| format!("{name}: {what}"))
    }
}

/// What a field can be.
pub trait Column: Sized {
    /// Reads it. The error says what is wrong.
    fn read(text: &str) -> Result<Self, String>;
}

impl Column for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Column for Time {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

/// Nothing and `NA` are none.
impl<T: Column> Column for Option<T> {
    fn read(text: &str) -> Result<Self, String> {
        if matches!(text, "" | "NA") { Ok(None) } else { T::read(text).map(Some) }
    }
}

macro_rules! parsed {
    ($($of:ty: $what:literal),*) => {
        $(impl Column for $of {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("{} is no {}", quoted(text), $what))
            }
        })*
    };
}

parsed! {
    i32: "number", i64: "number", u32: "number without a sign", u64: "number without a sign", bool: "true or false"
}

/// Infinities and what is no number are refused, because no JSON can say them.
impl Column for f64 {
    fn read(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number: &Self| number.is_finite());
        number.ok_or_else(|| format!("{} is no number", quoted(text)))
    }
}

/// Reads the rows of an input.
#[derive(Debug)]
pub struct Rows<R> {
    /// Where the columns are, and how many there are in all.
    columns: Option<(Vec<usize>, usize)>,
    row: PhantomData<fn() -> R>,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { columns: None, row: PhantomData }
    }
}

impl<R: Row> Rows<R> {
    /// Finds the columns in a header. The error names those that are missing.
    pub fn begin(&mut self, header: &[String]) -> Result<(), String> {
        let find = |name: &&str| header.iter().position(|column| column == name);
        let missing: Vec<_> = R::COLUMNS.iter().filter(|name| find(name).is_none()).copied().collect();
        if !missing.is_empty() {
            let has = header.join(", ");
            return Err(format!("the columns {} are missing; there are {has}", missing.join(", ")));
        }
        self.columns = Some((R::COLUMNS.iter().filter_map(find).collect(), header.len()));
        Ok(())
    }

    /// Reads a batch.
    pub fn read(&self, batch: &Batch) -> Result<Vec<R>, Failure> {
        let (columns, width) = self.columns.as_ref().ok_or("the input was not begun")?;
        let Batch::Columns { count, field_lens, fields } = batch else {
            return Err("the input has columns, and came without".into());
        };
        let lens = field_lens.chunks_exact((*width).max(1));
        if lens.len() != *count as usize || !lens.remainder().is_empty() {
            return Err("a batch with other columns than its header".into());
        }
        let mut rest = fields.as_slice();
        let mut rows = Vec::with_capacity(*count as usize);
        for (number, lens) in (0..).zip(lens) {
            let mut record = Vec::with_capacity(*width);
            for &len in lens {
                let (field, after) =
                    rest.split_at_checked(len as usize).ok_or("a batch that is shorter than its lengths say")?;
                record.push(field);
                rest = after;
            }
            let fields = Fields(columns.iter().map(|&column| record[column]).collect());
            rows.push(R::read(&fields).map_err(|text| Failure { record: Some(number), text })?);
        }
        Ok(rows)
    }

    /// Reads a batch whose records must have [times](Row::time).
    pub(crate) fn timed(&self, batch: &Batch) -> Result<Vec<(Time, R)>, Failure> {
        let timed = |(number, row): (u32, R)| Ok((row.time().ok_or_else(|| Failure::without_time(number))?, row));
        (0..).zip(self.read(batch)?).map(timed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_without_columns_is_refused_and_not_a_panic() {
        struct Nothing;
        impl Row for Nothing {
            const COLUMNS: &'static [&'static str] = &[];
            fn read(_: &Fields<'_>) -> Result<Self, String> {
                Ok(Self)
            }
        }
        let mut rows = Rows::<Nothing>::default();
        rows.begin(&[]).unwrap();
        let batch = |count| Batch::Columns { count, field_lens: vec![], fields: vec![] };
        assert_eq!(rows.read(&batch(0)).map(|rows| rows.len()), Ok(0));
        let refused = rows.read(&batch(1)).map(|rows| rows.len()).unwrap_err();
        assert_eq!(refused.text, "a batch with other columns than its header");
    }

    #[test]
    fn fields_are_read_or_the_error_quotes_them_as_json() {
        for (text, number) in [("1", 1.0_f64), ("+.5", 0.5), ("5.", 5.0), ("-1e3", -1000.0), ("-0", -0.0)] {
            assert_eq!(f64::read(text).map(f64::to_bits), Ok(number.to_bits()), "{text}");
        }
        for text in ["", ".", "1_0", "inf", "-Infinity", "NaN", "1e999", "0x1", " 1", "1 "] {
            assert_eq!(f64::read(text), Err(format!("\"{text}\" is no number")));
        }
        assert_eq!(i64::read("\u{7f}\"\t").unwrap_err(), "\"\u{7f}\\\"\\t\" is no number");
        assert_eq!(bool::read("yes").unwrap_err(), "\"yes\" is no true or false");
        assert_eq!(Time::read("'").unwrap_err(), "\"'\" is no time, as 2013-01-01T05:00:00Z");
        assert_eq!(Option::<f64>::read("NA"), Ok(None));
    }
}
