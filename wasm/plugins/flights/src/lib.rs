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

/// A batch as it crosses the component boundary. See `records` in the WIT.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    /// The number of the first record, which errors need.
    pub first_record: u64,
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
    ) -> Result<(), String> {
        if (records.count as usize).checked_mul(self.width) != Some(records.field_lens.len()) {
            return Err(format!(
                "records {} to {}: {} fields where the header has {} columns",
                records.first_record,
                records.first_record.saturating_add(records.count.into()).saturating_sub(1),
                records.field_lens.len(),
                self.width
            ));
        }
        let mut rest = records.fields;
        let mut fields = vec![[].as_slice(); self.width];
        for (number, lens) in (records.first_record..).zip(records.field_lens.chunks_exact(self.width)) {
            for (field, &len) in fields.iter_mut().zip(lens) {
                let too_short = || format!("record {number}: its fields are longer than the batch");
                (*field, rest) = rest.split_at_checked(len as usize).ok_or_else(too_short)?;
            }
            let flight = self
                .flight(&fields)
                .map_err(|(column, what)| format!("record {number}, column {}: {what}", COLUMNS[column]))?;
            each(flight).map_err(|what| format!("record {number}: {what}"))?;
        }
        if rest.is_empty() { Ok(()) } else { Err(format!("the batch has {} bytes after its last field", rest.len())) }
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
    fn read(lines: &[&str]) -> Result<Vec<String>, String> {
        let fields: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
        let field_lens: Vec<u32> = fields.iter().map(|field| u32::try_from(field.len()).unwrap()).collect();
        let count = u32::try_from(lines.len()).unwrap();
        let mut read = Vec::new();
        header().flights(
            &Records { first_record: 41, count, field_lens: &field_lens, fields: fields.concat().as_bytes() },
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
        for (bad, error) in [
            ("2,UA,EWR,IAH,517,late", r#"record 42, column arr_delay: "late" is not a whole number of minutes"#),
            ("2,UA,EWR,IAH,517,1.5", r#"record 42, column arr_delay: "1.5" is not a whole number of minutes"#),
            ("2,,EWR,IAH,517,1", "record 42, column carrier: is missing"),
            ("2,UA,NA,IAH,517,1", "record 42, column origin: is missing"),
            ("2,UA,EWR,I-H,517,1", r#"record 42, column dest: "I-H" contains "-""#),
            ("2,U:A,EWR,IAH,517,1", r#"record 42, column carrier: "U:A" contains ":""#),
            ("2,UA,EWR", "records 41 to 42: 9 fields where the header has 6 columns"),
        ] {
            assert_eq!(read(&[good, bad]).unwrap_err(), error);
        }
    }

    #[test]
    fn lengths_that_do_not_fit_the_bytes_are_errors() {
        let check = |field_lens: &[u32], fields: &[u8], error: &str| {
            let records = Records { first_record: 7, count: 1, field_lens, fields };
            assert_eq!(header().flights(&records, |_| Ok(())).unwrap_err(), error);
        };
        check(&[0, 2, 3, 3, 0, u32::MAX], b"UAEWRIAH11", "record 7: its fields are longer than the batch");
        check(&[0, 2, 3, 3, 0, 0], b"UAEWRIAH11", "the batch has 2 bytes after its last field");
        check(&[0, 2, 3, 3, 0, 1], b"UAEWRIAH\xff", r"record 7, column arr_delay: \xff is not UTF-8");
    }

    #[test]
    fn a_doubled_column_is_refused() {
        let header = ["carrier", "origin", "dest", "dep_time", "arr_delay", "dest"].map(String::from);
        assert_eq!(Header::find(&header).unwrap_err(), "the input has more than one column dest");
    }
}
