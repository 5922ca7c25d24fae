//! The id of a worker's directory, as it is written down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::hex_digits::parse_store_id;

/// The id of a directory. As text it has thirty-two hexadecimal digits, by which the directory is found.
///
/// ```
/// use alluvium_core::job::StoreId;
///
/// let id = StoreId([7; 16]);
/// assert_eq!(id.to_string(), "07070707070707070707070707070707");
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(pub [u8; 16]);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for StoreId {
    type Err = String;

    fn from_str(digits: &str) -> Result<Self, String> {
        let id = parse_store_id(digits).map(Self);
        id.ok_or_else(|| format!("{digits:?}: thirty-two hexadecimal digits expected"))
    }
}

impl TryFrom<String> for StoreId {
    type Error = String;

    fn try_from(digits: String) -> Result<Self, String> {
        digits.parse()
    }
}

impl From<StoreId> for String {
    fn from(id: StoreId) -> Self {
        id.to_string()
    }
}
