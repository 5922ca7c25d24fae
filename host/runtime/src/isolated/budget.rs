//! Reading an answer within a budget of memory.
//!
//! A text takes as much memory where it arrives as it has bytes on its way. An element of a list may take much more: an
//! empty text is one byte on its way, and 24 bytes in a list. So elements are counted before they are read.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, SeqAccess, VariantAccess, Visitor,
};

use crate::isolated::failure::SentError;
use crate::isolated::frame::Broken;

/// How much an answer may take. In memory it is at most `bytes` as a message, `bytes` of texts, and twice `list_bytes`
/// of lists, since a list grows by doubling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Bytes of the message.
    pub(super) bytes: usize,
    /// Memory of the elements of its lists.
    pub(super) list_bytes: usize,
}

impl Size {
    /// One number or one text. An error is one text.
    pub(super) const SHORT: Self = Self { bytes: 64 << 10, list_bytes: 64 << 10 };

    /// An answer that has so many bytes besides.
    pub(super) fn with(self, bytes: usize) -> Self {
        Self { bytes: self.bytes.saturating_add(bytes), ..self }
    }
}

/// Reads an answer, all of it.
pub(super) fn decode<T: DeserializeOwned>(answer: &[u8], size: Size) -> Result<Result<T, SentError>, Broken> {
    let left = Cell::new(Some(size.list_bytes));
    let mut reader = postcard::Deserializer::from_bytes(answer);
    let read = Result::deserialize(Counted { inner: &mut reader, left: &left, is_list: false });
    match (read, reader.finalize()) {
        (Ok(answer), Ok([])) => Ok(answer),
        (Ok(_), Ok(rest)) => Err(Broken::Form(format!("{} bytes after an answer", rest.len()))),
        _ if left.get().is_none() => {
            Err(Broken::Form(format!("lists that take more than {} bytes of memory", size.list_bytes)))
        }
        (Err(error), _) | (_, Err(error)) => Err(Broken::Form(format!("an answer that cannot be read: {error}"))),
    }
}

/// A part of serde's machinery, whose lists are counted.
struct Counted<'a, T> {
    inner: T,
    /// What lists may still take; none if that was not enough.
    left: &'a Cell<Option<usize>>,
    /// Whether what comes next is a list, and no struct or tuple.
    is_list: bool,
}

impl<'a, T> Counted<'a, T> {
    /// Counts within another part.
    fn around<U>(&self, inner: U) -> Counted<'a, U> {
        Counted { inner, left: self.left, is_list: false }
    }
}

/// Passes methods of a deserializer on.
macro_rules! deserialize {
    ($($method:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            let visitor = self.around(visitor);
            self.inner.$method($($argument,)* visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Counted<'_, D> {
    type Error = D::Error;

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = Counted { is_list: true, ..self.around(visitor) };
        self.inner.deserialize_seq(visitor)
    }

    deserialize! {
        deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(),
        deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_f32(), deserialize_f64(),
        deserialize_char(), deserialize_str(), deserialize_string(), deserialize_bytes(), deserialize_byte_buf(),
        deserialize_option(), deserialize_unit(), deserialize_map(), deserialize_identifier(), deserialize_ignored_any(),
        deserialize_unit_struct(name: &'static str), deserialize_newtype_struct(name: &'static str),
        deserialize_tuple(len: usize), deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]),
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Passes values on.
macro_rules! visit {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

// Messages have no maps.
impl<'de, V: Visitor<'de>> Visitor<'de> for Counted<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64, visit_u8: u8, visit_u16: u16,
        visit_u32: u32, visit_u64: u64, visit_f32: f32, visit_f64: f64, visit_char: char, visit_str: &str,
        visit_borrowed_str: &'de str, visit_string: String, visit_bytes: &[u8], visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let value = self.around(value);
        self.inner.visit_some(value)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let value = self.around(value);
        self.inner.visit_newtype_struct(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        let elements = Counted { is_list: self.is_list, ..self.around(elements) };
        self.inner.visit_seq(elements)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let variant = self.around(variant);
        self.inner.visit_enum(variant)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Counted<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        // The end of a list is no element.
        if self.is_list && self.inner.size_hint() != Some(0) {
            self.left.set(self.left.get().and_then(|left| left.checked_sub(size_of::<S::Value>())));
            self.left.get().ok_or_else(|| A::Error::custom("lists that are too long"))?;
        }
        let seed = self.around(seed);
        self.inner.next_element_seed(seed)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Counted<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<S::Value, D::Error> {
        let value = self.around(value);
        self.inner.deserialize(value)
    }
}

impl<'a, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Counted<'a, A> {
    type Error = A::Error;
    type Variant = Counted<'a, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self { inner, left, .. } = self;
        let (value, variant) = inner.variant_seed(seed)?;
        Ok((value, Counted { inner: variant, left, is_list: false }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Counted<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.around(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}
