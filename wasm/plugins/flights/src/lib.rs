//! Reads flight records for the example plugins: it finds the columns that matter, and converts the fields of a
//! batch to flights.

/// The columns that the plugins read, in the order of [`Header`]'s positions.
const COLUMNS: [&str; 5] = ["carrier", "origin", "dest", "dep_time", "arr_delay"];

/// The positions of the needed columns in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    width: usize,
    positions: [usize; COLUMNS.len()],
}

/// Why a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The record that is to blame, counted from 0 in the batch, if it is a single one.
    pub record: Option<u32>,
    /// What is wrong.
    pub text: String,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { record: None, text }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A batch as it crosses the component boundary. See `column-batch` in the WIT.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    /// How many records there are.
    pub count: u32,
    /// The length of every field, record by record.
    pub field_lens: &'a [u32],
    /// All fields, one after the other.
    pub fields: &'a [u8],
}

/// One flight, read from a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight<'a> {
    /// The carrier.
    pub carrier: &'a str,
    /// The origin airport.
    pub origin: &'a str,
    /// The destination airport.
    pub dest: &'a str,
    /// Whether the flight has no departure time.
    pub cancelled: bool,
    /// The arrival delay in minutes. It is negative for an early arrival.
    pub arr_delay_min: Option<i64>,
}

impl Header {
    /// Finds the needed columns.
    ///
    /// ```
    /// use flights::Header;
    ///
    /// let header = ["carrier", "origin", "flight"].map(String::from);
    /// assert_eq!(
    ///     Header::find(&header).unwrap_err(),
    ///     "the input has no column dest, dep_time, arr_delay; it has carrier, origin, flight"
    /// );
    /// ```
    pub fn find(header: &[String]) -> Result<Self, String> {
        let mut missing = Vec::new();
        let mut positions = [0; COLUMNS.len()];
        for (position, column) in positions.iter_mut().zip(COLUMNS) {
            let mut found = header.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
            match found.next() {
                Some(at) => *position = at,
                None => missing.push(column),
            }
            // If two columns have the same name, choosing one of them would be a guess.
            if found.next().is_some() {
                return Err(format!("the input has more than one column {column}"));
            }
        }
        if missing.is_empty() {
            return Ok(Self { width: header.len(), positions });
        }
        Err(format!("the input has no column {}; it has {}", missing.join(", "), header.join(", ")))
    }

    /// Calls `each` for every flight of the batch, in order, and stops at the first error.
    pub fn flights<'a>(
        &self,
        records: &Records<'a>,
        mut each: impl FnMut(Flight<'a>) -> Result<(), String>,
    ) -> Result<(), Failure> {
        if (records.count as usize).checked_mul(self.width) != Some(records.field_lens.len()) {
            let fields = records.field_lens.len();
            return Err(format!(
                "{} records with {fields} fields where the header has {} columns",
                records.count, self.width
            )
            .into());
        }
        let mut rest = records.fields;
        let mut fields = vec![[].as_slice(); self.width];
        for (record, lens) in (0..).zip(records.field_lens.chunks_exact(self.width)) {
            let failure = |text| Failure { record: Some(record), text };
            for (field, &len) in fields.iter_mut().zip(lens) {
                let too_short = || failure("its fields are longer than the batch".to_owned());
                (*field, rest) = rest.split_at_checked(len as usize).ok_or_else(too_short)?;
            }
            let flight = self
                .flight(&fields)
                .map_err(|(column, what)| failure(format!("column {}: {what}", COLUMNS[column])))?;
            each(flight).map_err(failure)?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(format!("the batch has {} bytes after its last field", rest.len()).into())
        }
    }

    /// Reads one record. An error has the index of its column in [`COLUMNS`].
    fn flight<'a>(&self, fields: &[&'a [u8]]) -> Result<Flight<'a>, (usize, String)> {
        let text = |column: usize| {
            let field = fields[self.positions[column]];
            std::str::from_utf8(field).map_err(|_| (column, format!("{} is not UTF-8", field.escape_ascii())))
        };
        // With a separator inside a name, two routes could have the same key.
        let name = |column: usize, separator: &str| match text(column)? {
            missing if is_missing(missing) => Err((column, "is missing".to_owned())),
            name if name.contains(separator) => Err((column, format!("{name:?} contains {separator:?}"))),
            name => Ok(name),
        };
        let arr_delay_min = match text(4)? {
            missing if is_missing(missing) => None,
            delay => {
                let wrong = |_| (4, format!("{delay:?} is not a whole number of minutes"));
                Some(delay.parse().map_err(wrong)?)
            }
        };
        Ok(Flight {
            carrier: name(0, ":")?,
            origin: name(1, "-")?,
            dest: name(2, "-")?,
            cancelled: is_missing(text(3)?),
            arr_delay_min,
        })
    }
}

fn is_missing(field: &str) -> bool {
    field.is_empty() || field == "NA"
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "flight,carrier,origin,dest,dep_time,arr_delay";

    fn header() -> Header {
        Header::find(&HEADER.split(',').map(String::from).collect::<Vec<_>>()).unwrap()
    }

    /// Returns the flights that are read from a batch of CSV lines, or the error.
    fn read(lines: &[&str]) -> Result<Vec<String>, Failure> {
        let fields: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
        let field_lens: Vec<u32> = fields.iter().map(|field| u32::try_from(field.len()).unwrap()).collect();
        let count = u32::try_from(lines.len()).unwrap();
        let mut read = Vec::new();
        header().flights(
            &Records { count, field_lens: &field_lens, fields: fields.concat().as_bytes() },
            |flight| {
                read.push(format!(
                    "{}:{}-{} {} {:?}",
                    flight.carrier, flight.origin, flight.dest, flight.cancelled, flight.arr_delay_min
                ));
                Ok(())
            },
        )?;
        Ok(read)
    }

    #[test]
    fn flights_are_read_in_order() {
        let lines = ["1,UA,EWR,IAH,517,11", "2,AA,JFK,MIA,NA,NA", "3,B6,JFK,BQN,,", "4,DL,LGA,ATL,554,-25"];
        let flights =
            ["UA:EWR-IAH false Some(11)", "AA:JFK-MIA true None", "B6:JFK-BQN true None", "DL:LGA-ATL false Some(-25)"];
        assert_eq!(read(&lines).unwrap(), flights);
        assert!(read(&[]).unwrap().is_empty());
    }

    #[test]
    fn errors_name_record_and_column() {
        let good = "1,UA,EWR,IAH,517,11";
        for (bad, record, text) in [
            ("2,UA,EWR,IAH,517,late", Some(1), r#"column arr_delay: "late" is not a whole number of minutes"#),
            ("2,UA,EWR,IAH,517,1.5", Some(1), r#"column arr_delay: "1.5" is not a whole number of minutes"#),
            ("2,,EWR,IAH,517,1", Some(1), "column carrier: is missing"),
            ("2,UA,NA,IAH,517,1", Some(1), "column origin: is missing"),
            ("2,UA,EWR,I-H,517,1", Some(1), r#"column dest: "I-H" contains "-""#),
            ("2,U:A,EWR,IAH,517,1", Some(1), r#"column carrier: "U:A" contains ":""#),
            ("2,UA,EWR", None, "2 records with 9 fields where the header has 6 columns"),
        ] {
            assert_eq!(read(&[good, bad]).unwrap_err(), Failure { record, text: text.to_owned() });
        }
    }

    #[test]
    fn lengths_that_do_not_fit_the_bytes_are_errors() {
        let check = |field_lens: &[u32], fields: &[u8], record: Option<u32>, text: &str| {
            let records = Records { count: 1, field_lens, fields };
            let failure = Failure { record, text: text.to_owned() };
            assert_eq!(header().flights(&records, |_| Ok(())).unwrap_err(), failure);
        };
        check(&[0, 2, 3, 3, 0, u32::MAX], b"UAEWRIAH11", Some(0), "its fields are longer than the batch");
        check(&[0, 2, 3, 3, 0, 0], b"UAEWRIAH11", None, "the batch has 2 bytes after its last field");
        check(&[0, 2, 3, 3, 0, 1], b"UAEWRIAH\xff", Some(0), r"column arr_delay: \xff is not UTF-8");
    }

    #[test]
    fn a_doubled_column_is_refused() {
        let header = ["carrier", "origin", "dest", "dep_time", "arr_delay", "dest"].map(String::from);
        assert_eq!(Header::find(&header).unwrap_err(), "the input has more than one column dest");
    }
}
