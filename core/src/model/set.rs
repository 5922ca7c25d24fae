//! Sets as values, for namespaces that merge by union. A set is its elements in ascending order of their bytes, each
//! behind its length as LEB128. The empty set has no bytes.

use std::collections::BTreeSet;

/// Returns the value that is a set of these elements.
///
/// ```
/// use alluvium_core::model::set;
///
/// let planes = set::of([&b"N2"[..], b"N1", b"N2"]);
/// assert_eq!(planes, b"\x02N1\x02N2");
/// assert_eq!(set::elements(&planes).unwrap().collect::<Vec<_>>(), [b"N1", b"N2"]);
/// ```
pub fn of<'e>(elements: impl IntoIterator<Item = &'e [u8]>) -> Vec<u8> {
    let elements: BTreeSet<&[u8]> = elements.into_iter().collect();
    let mut value = Vec::new();
    for element in elements {
        push(&mut value, element);
    }
    value
}

/// Returns the elements of a set, or says what is wrong with the value.
pub fn elements(value: &[u8]) -> Result<impl Iterator<Item = &[u8]>, &'static str> {
    check(value)?;
    Ok(Elements { rest: value }.map_while(Result::ok))
}

/// Says what is wrong with a value that should be a set.
pub(crate) fn check(value: &[u8]) -> Result<(), &'static str> {
    let mut before = None;
    for element in (Elements { rest: value }) {
        let element = element?;
        if before.is_some_and(|before| before >= element) {
            return Err("not a set: its elements do not ascend");
        }
        before = Some(element);
    }
    Ok(())
}

/// Returns the union of two sets that were checked.
pub(crate) fn union(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(a.len() + b.len());
    let [mut a, mut b] = [a, b].map(|rest| Elements { rest }.map_while(Result::ok).peekable());
    while let Some(element) = match (a.peek(), b.peek()) {
        (Some(of_a), Some(of_b)) if of_a == of_b => {
            b.next();
            a.next()
        }
        (Some(of_a), Some(of_b)) if of_a > of_b => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    } {
        push(&mut value, element);
    }
    value
}

fn push(value: &mut Vec<u8>, element: &[u8]) {
    let mut length = element.len();
    while length >= 0x80 {
        value.push(length as u8 | 0x80);
        length >>= 7;
    }
    value.push(length as u8);
    value.extend_from_slice(element);
}

/// The elements of a value. After an error, there are no more.
struct Elements<'a> {
    rest: &'a [u8],
}

impl Elements<'_> {
    /// Takes a length in its shortest form.
    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for shift in (0..28).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return (*byte > 0 || shift == 0).then_some(length);
            }
        }
        None
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a [u8], &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let element = self.length().and_then(|length| self.rest.split_at_checked(length));
        let Some((element, rest)) = element else {
            self.rest = &[];
            return Some(Err("not a set: an element reaches past its end, or a length is malformed"));
        };
        self.rest = rest;
        Some(Ok(element))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_come_back() {
        let long = vec![7; 300];
        let value = of([&long[..], b"", b"a"]);
        assert_eq!(elements(&value).unwrap().collect::<Vec<_>>(), [&b""[..], &long, b"a"]);
        assert_eq!(union(&value, &of([])), value);
        assert_eq!(
            union(&of([&b"b"[..], b"d"]), &of([&b"a"[..], b"b", b"c", b"e"])),
            of([&b"a"[..], b"b", b"c", b"d", b"e"])
        );
    }

    #[test]
    fn what_is_no_set_is_found() {
        for wrong in [&b"\x02a"[..], b"\x01b\x01a", b"\x01a\x01a", b"\x80\x00", b"\x81", b"\xff\xff\xff\xff\xff\x01"] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
