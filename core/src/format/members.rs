//! The members of a JSON object, before anything is made of their values. So a reader can refuse members that it
//! does not know, whatever they hold. A value is skipped without recursion, however deep it is.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of an object, in their order.
pub(super) struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Members<'t> {
    /// Reads the members of the object that `text` is.
    pub(super) fn read(text: &'t str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Returns the text of a member, or of `null` if there is none of this name.
    pub(super) fn text(&self, name: &str) -> &'t str {
        self.0.iter().find(|(other, _)| other == name).map_or("null", |(_, value)| value.get())
    }

    /// Returns the first name that is neither among `known` nor marked as an extension by `x-`.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<&str> {
        let names = self.0.iter().map(|(name, _)| name.as_str());
        names.into_iter().find(|name| !known.contains(name) && !name.starts_with("x-"))
    }
}

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'t> Visitor<'t> for Reader {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
