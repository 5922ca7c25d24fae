//! Bytes that only their owner understands: positions in sources, and the tokens of sinks.

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::model::hex_digits::{bytes_to_hex, parse_bytes};

/// The most bytes that an opaque position or token may have: 1 KiB.
pub const OPAQUE_BYTES_MAX: usize = 1 << 10;

/// An opaque position or token of at most [`OPAQUE_BYTES_MAX`] bytes. In JSON it is a string of hexadecimal
/// digits.
///
/// Opaque bytes cannot be compared, so nothing keeps them from going backwards.
///
/// ```
/// use alluvium_core::model::opaque::Opaque;
///
/// assert_eq!(Opaque::new(b"shard-7:49590338")?.as_bytes(), b"shard-7:49590338");
/// assert!(Opaque::new(&[0; 1025]).is_err());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Opaque(Vec<u8>);

impl Opaque {
    /// Wraps bytes. More than [`OPAQUE_BYTES_MAX`] are [`LimitExceeded`](Error::LimitExceeded).
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let bytes = bytes.into();
        if bytes.len() > OPAQUE_BYTES_MAX {
            let what = format!("opaque position or token of {} bytes: at most {OPAQUE_BYTES_MAX}", bytes.len());
            return Err(Error::LimitExceeded(what));
        }
        Ok(Self(bytes))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for Opaque {
    type Error = String;

    fn try_from(digits: String) -> Result<Self, String> {
        let bytes = parse_bytes(&digits).ok_or("an even number of hexadecimal digits expected")?;
        Self::new(bytes).map_err(|error| error.to_string())
    }
}

impl From<Opaque> for String {
    fn from(opaque: Opaque) -> Self {
        bytes_to_hex(&opaque.0)
    }
}
