//! The elements of a JSON array that comes in pieces.

use serde_json::value::RawValue;

/// Bytes that came, from the first element that was not taken yet.
#[derive(Debug)]
pub(super) struct Elements {
    bytes: Vec<u8>,
    /// Where what was not taken begins.
    start: usize,
    place: Place,
    element_bytes_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the array.
    Outside,
    /// Behind its bracket.
    First,
    /// Behind a comma.
    Next,
    /// Behind the array.
    End,
}

/// Why there is no next element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoElement {
    TooLong,
    /// It is no array of JSON.
    Malformed(String),
}

impl Elements {
    pub(super) fn new(element_bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, place: Place::Outside, element_bytes_max }
    }

    /// Adds bytes that came.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether the array is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.place == Place::End
    }

    /// Returns the next element, if all of it came.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, NoElement> {
        loop {
            self.skip_spaces();
            let Some(first) = self.bytes.get(self.start) else { return Ok(None) };
            match (self.place, first) {
                (Place::Outside, b'[') => self.place = Place::First,
                (Place::First, b']') => self.place = Place::End,
                (Place::Outside, _) => return Err(malformed("it is no array")),
                (Place::End, _) => return Err(malformed("something follows the array")),
                (Place::First | Place::Next, _) => return self.element(),
            }
            self.start += 1;
        }
    }

    fn skip_spaces(&mut self) {
        let spaces = self.bytes[self.start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.start += spaces;
    }

    fn element(&mut self) -> Result<Option<&[u8]>, NoElement> {
        let rest = &self.bytes[self.start..];
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let is_too_long = |length: usize| length > self.element_bytes_max;
        let length = match values.next() {
            Some(Ok(value)) => value.get().len(),
            Some(Err(error)) if !error.is_eof() && !ends_within_a_number(rest) => {
                return Err(malformed(&error.to_string()));
            }
            _ if is_too_long(rest.len()) => return Err(NoElement::TooLong),
            _ => return Ok(None),
        };
        // A number may continue in the next piece, so an element is complete only with what follows it.
        let behind = rest[length..].iter().position(|byte| !byte.is_ascii_whitespace());
        let Some(behind) = behind.map(|spaces| length + spaces) else {
            return if is_too_long(length) { Err(NoElement::TooLong) } else { Ok(None) };
        };
        if is_too_long(length) {
            return Err(NoElement::TooLong);
        }
        self.place = match rest[behind] {
            b',' => Place::Next,
            b']' => Place::End,
            _ => return Err(malformed("an element is followed by neither a comma nor the end")),
        };
        let element = self.start..self.start + length;
        self.start += behind + 1;
        Ok(Some(&self.bytes[element]))
    }
}

/// Whether what seems to be wrong is only that a number is cut, as a minus without digits.
fn ends_within_a_number(text: &[u8]) -> bool {
    let continued = [text, b"0"].concat();
    let value = serde_json::from_slice::<&RawValue>(&continued);
    value.as_ref().map_or_else(serde_json::Error::is_eof, |_| true)
}

fn malformed(what: &str) -> NoElement {
    NoElement::Malformed(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &[u8], size: usize) -> Result<(Vec<String>, bool), NoElement> {
        let mut elements = Elements::new(20);
        let mut found = Vec::new();
        for piece in text.chunks(size) {
            elements.add(piece);
            while let Some(element) = elements.next()? {
                found.push(String::from_utf8(element.to_vec()).unwrap());
            }
        }
        Ok((found, elements.is_complete()))
    }

    #[test]
    fn elements_are_the_same_however_they_come() {
        let text = r#" [12 ,{"a":"]},\"["},  [1,[2]],"ä",null,-1.5e3 , ""] "#.as_bytes();
        let expected = ["12", r#"{"a":"]},\"["}"#, "[1,[2]]", "\"ä\"", "null", "-1.5e3", "\"\""];
        for size in 1..=text.len() {
            let (found, is_complete) = elements(text, size).unwrap();
            assert_eq!((&found[..], is_complete), (&expected.map(str::to_owned)[..], true), "in pieces of {size}");
            assert_eq!(elements(b"[ ]", size).unwrap(), (Vec::new(), true));
        }
    }

    #[test]
    fn what_is_no_array_or_too_long_is_told_apart_from_what_is_cut() {
        for size in 1..9 {
            for text in ["{}", "12", "[1 2]", "[tru]", "[1]2", "[,]", "[\"\\x\"]"] {
                assert!(matches!(elements(text.as_bytes(), size), Err(NoElement::Malformed(_))), "{text}");
            }
            for text in ["[\"12345678901234567890", "[123456789012345678901,2]", "[123456789012345678901"] {
                assert_eq!(elements(text.as_bytes(), size), Err(NoElement::TooLong), "{text}");
            }
            for text in ["", "[", "[1", "[1,", "[1,\"a", "[-", "[{\"a\":-1.5e", "[\"123456789012345678\","] {
                assert!(!elements(text.as_bytes(), size).unwrap().1, "{text}");
            }
        }
    }
}
