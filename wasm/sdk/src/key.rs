//! Keys: values whose bytes have their order.

use serde::Serialize;

use crate::time::Time;

/// A key of the state. Its bytes are in the order of the keys.
///
/// The last part of a key takes the rest of the bytes, so a text alone is its UTF-8. A text before another part
/// ends with the bytes 0 and 1, and a zero byte in it is written as 0 and 2. Numbers have eight bytes, big-endian, and signed
/// ones have their sign bit flipped.
///
/// ```
/// use alluvium_plugin::Key;
///
/// assert_eq!("JFK".to_owned().bytes(), b"JFK");
/// assert_eq!(("JFK".to_owned(), 7_u64).bytes(), b"JFK\0\x01\0\0\0\0\0\0\0\x07");
/// assert_eq!(<(String, u64)>::of_bytes(b"JFK\0\x01\0\0\0\0\0\0\0\x07"), Some(("JFK".to_owned(), 7)));
/// assert!((-1_i64).bytes() < 0_i64.bytes());
/// ```
pub trait Key: Sized + Serialize {
    /// Writes it, as the last part of a key or as one before.
    fn write(&self, is_last: bool, bytes: &mut Vec<u8>);

    /// Reads it from the front of the bytes, and takes them.
    fn read(is_last: bool, bytes: &mut &[u8]) -> Option<Self>;

    /// Returns its bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(true, &mut bytes);
        bytes
    }

    /// Reads it from its bytes.
    fn of_bytes(mut bytes: &[u8]) -> Option<Self> {
        let key = Self::read(true, &mut bytes)?;
        bytes.is_empty().then_some(key)
    }
}

/// Reads the keys that timers carry.
pub(crate) fn of_timers<K: Key>(keys: &[&[u8]]) -> Result<Vec<K>, String> {
    let read = |key: &&[u8]| K::of_bytes(key).ok_or_else(|| "a timer for a key that is none".to_owned());
    keys.iter().map(read).collect()
}

/// What stands behind the zero byte at the end of a text, and behind one within it. So a text comes before those that
/// continue it.
const END: u8 = 1;
const ZERO: u8 = 2;

impl Key for String {
    fn write(&self, is_last: bool, bytes: &mut Vec<u8>) {
        if is_last {
            bytes.extend_from_slice(self.as_bytes());
            return;
        }
        for &byte in self.as_bytes() {
            bytes.push(byte);
            if byte == 0 {
                bytes.push(ZERO);
            }
        }
        bytes.extend([0, END]);
    }

    fn read(is_last: bool, bytes: &mut &[u8]) -> Option<Self> {
        if is_last {
            return Self::from_utf8(std::mem::take(bytes).to_vec()).ok();
        }
        let mut text = Vec::new();
        loop {
            let (&byte, mut rest) = bytes.split_first()?;
            let mut is_end = false;
            if byte == 0 {
                let (&what, after) = rest.split_first().filter(|(what, _)| [END, ZERO].contains(*what))?;
                (is_end, rest) = (what == END, after);
            }
            *bytes = rest;
            if is_end {
                return Self::from_utf8(text).ok();
            }
            text.push(byte);
        }
    }
}

impl Key for u64 {
    fn write(&self, _is_last: bool, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }

    fn read(_is_last: bool, bytes: &mut &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_be_bytes(*number))
    }
}

impl Key for i64 {
    fn write(&self, is_last: bool, bytes: &mut Vec<u8>) {
        (self.cast_unsigned() ^ (1 << 63)).write(is_last, bytes);
    }

    fn read(is_last: bool, bytes: &mut &[u8]) -> Option<Self> {
        u64::read(is_last, bytes).map(|number| (number ^ (1 << 63)).cast_signed())
    }
}

/// As its milliseconds.
impl Key for Time {
    fn write(&self, is_last: bool, bytes: &mut Vec<u8>) {
        self.as_ms().write(is_last, bytes);
    }

    fn read(is_last: bool, bytes: &mut &[u8]) -> Option<Self> {
        i64::read(is_last, bytes).map(Self::from_ms)
    }
}

macro_rules! tuples {
    ($(($($name:ident)* / $last:ident)),*) => {
        $(impl<$($name: Key,)* $last: Key> Key for ($($name,)* $last,) {
            #[allow(non_snake_case, reason = "a part and its type have the same name")]
            fn write(&self, is_last: bool, bytes: &mut Vec<u8>) {
                let ($($name,)* $last,) = self;
                $($name.write(false, bytes);)*
                $last.write(is_last, bytes);
            }

            fn read(is_last: bool, bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::read(false, bytes)?,)* $last::read(is_last, bytes)?,))
            }
        })*
    };
}

tuples! { (A / B), (A B / C), (A B C / D) }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_have_their_order() {
        let texts = ["", "a", "a\0", "a\0b", "ab", "b"].map(str::to_owned);
        let mut keys = Vec::new();
        for text in &texts {
            for number in [i64::MIN, -1, 0, 1, i64::MAX] {
                keys.push((text.clone(), number));
            }
        }
        for key in &keys {
            assert_eq!(<(String, i64)>::of_bytes(&key.bytes()).as_ref(), Some(key));
        }
        let mut bytes: Vec<_> = keys.iter().map(Key::bytes).collect();
        keys.sort();
        bytes.sort();
        assert_eq!(keys.iter().map(Key::bytes).collect::<Vec<_>>(), bytes);
    }

    #[test]
    fn bytes_of_another_key_are_refused() {
        assert_eq!(u64::of_bytes(b"123456789"), None);
        assert_eq!(u64::of_bytes(b"1234567"), None);
        assert_eq!(<(String, String)>::of_bytes(b"no end"), None);
        assert_eq!(String::of_bytes(b"\xff"), None);
    }
}
