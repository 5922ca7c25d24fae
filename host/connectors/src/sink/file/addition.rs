//! The token of a file sink.

use alluvium_core::model::hash::checksum;

use crate::opaque::{self, Opaque};

/// What a token adds to a file: so many bytes at this offset. They may reach into what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Addition {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    checksum: u64,
    /// What tells the file from others, by what is before the offset. Tokens of earlier versions have none.
    pub(super) fingerprint: Option<u64>,
    /// The largest number of a file that was there under a name of a rotation, if the sink rotates: files with larger
    /// numbers came later. Tokens of earlier versions have none.
    pub(super) rotated: Option<u64>,
}

impl Addition {
    /// These bytes at this offset.
    pub(super) fn of(offset: u64, bytes: &[u8], fingerprint: u64) -> Self {
        let (checksum, fingerprint) = (checksum(bytes, 0), Some(fingerprint));
        Self { offset, bytes: bytes.len() as u64, checksum, fingerprint, rotated: None }
    }

    /// The same, made while `rotated` was the largest number of a file that was moved aside.
    pub(super) fn rotated(self, rotated: Option<u64>) -> Self {
        Self { rotated, ..self }
    }

    pub(super) fn token(self) -> Opaque {
        let fingerprint = self.fingerprint.map_or_else(String::new, |print| format!(" {print:016x}"));
        let rotated = self.rotated.map_or_else(String::new, |number| format!(" {number}"));
        opaque::of_numbers(format!("{} {} {:016x}{fingerprint}{rotated}", self.offset, self.bytes, self.checksum))
    }

    pub(super) fn read(token: &Opaque) -> Option<Self> {
        let mut parts = opaque::as_text(token)?.split(' ');
        let offset = parts.next()?.parse().ok()?;
        let bytes = parts.next()?.parse().ok()?;
        let checksum = u64::from_str_radix(parts.next()?, 16).ok()?;
        let fingerprint = parts.next().map(|part| u64::from_str_radix(part, 16)).transpose().ok()?;
        let rotated = parts.next().map(str::parse).transpose().ok()?;
        let addition = Self { offset, bytes, checksum, fingerprint, rotated };
        // One addition has one form.
        (offset.checked_add(bytes).is_some() && addition.token() == *token).then_some(addition)
    }

    pub(super) fn end(self) -> u64 {
        self.offset + self.bytes
    }

    /// The bytes of the addition at the beginning of `pending`, if they are there.
    pub(super) fn of_pending(self, pending: &[u8]) -> Option<&[u8]> {
        let bytes = pending.get(..usize::try_from(self.bytes).ok()?)?;
        self.are(bytes).then_some(bytes)
    }

    /// Whether these are its bytes.
    pub(super) fn are(self, bytes: &[u8]) -> bool {
        (bytes.len() as u64, checksum(bytes, 0)) == (self.bytes, self.checksum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_form_is_read() {
        let addition = Addition::of(12, b"four", 7);
        assert_eq!(Addition::read(&addition.token()), Some(addition));
        let earlier = Addition { fingerprint: None, ..addition };
        assert_eq!(Addition::read(&earlier.token()), Some(earlier));
        let rotated = Addition { rotated: Some(3), ..addition };
        assert_eq!(Addition::read(&rotated.token()), Some(rotated));
        for text in [
            "",
            "1 2",
            "1 2 x",
            "1 2 3 4",
            "1 2 0000000000000000 4",
            "1 2 0000000000000000 0000000000000004 x",
            "1 2 0000000000000000 0000000000000004 03",
            "1 2 0000000000000000 0000000000000004 3 4",
            "18446744073709551615 1 0000000000000000",
            "1 2 3",
            "+1 2 0000000000000000",
        ] {
            assert_eq!(Addition::read(&Opaque::new(text).unwrap()), None, "{text:?}");
        }
    }

    #[test]
    fn other_bytes_are_not_its_own() {
        let addition = Addition::of(12, b"four", 7);
        assert_eq!(addition.of_pending(b"four and more"), Some(&b"four"[..]));
        assert_eq!(addition.of_pending(b"fou"), None);
        assert_eq!(addition.of_pending(b"five"), None);
    }
}
