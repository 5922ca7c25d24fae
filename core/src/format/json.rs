//! Just enough JSON for metadata: written by hand in the bytes that the original's writer gives, and
//! read into fields as they come, without a tree.
//!
//! A general library would take three times the code of all the rest of the format, which every page
//! in a browser would have to load.

use std::collections::BTreeMap;
use std::fmt;

/// Nesting beyond this is refused: hostile depth must not use up the stack.
const DEPTH_MAX: u32 = 128;

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    at: usize,
    what: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON at byte {}: {}", self.at, self.what)
    }
}

type Parsed<T> = Result<T, JsonError>;

/// Takes one member of an object: its name, and the reader before its value.
type Member<'m, 'a> = &'m mut dyn FnMut(&mut Reader<'a>, &str) -> Parsed<()>;

/// A position in a text. Every method reads one value, after any white space.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads an object that is the whole text.
    pub(crate) fn whole(text: &'a str, member: Member<'_, 'a>) -> Parsed<()> {
        let mut reader = Self { text, at: 0, depth: 0 };
        reader.object(member)?;
        match reader.peek() {
            None => Ok(()),
            Some(_) => Err(reader.error("more after the end")),
        }
    }

    pub(crate) fn error(&self, what: &str) -> JsonError {
        JsonError { at: self.at, what: what.into() }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn is_next(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, what: &str) -> Parsed<()> {
        if self.is_next(byte) { Ok(()) } else { Err(self.error(what)) }
    }

    fn is_word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.text[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Items up to `close`, a comma between them.
    fn items(&mut self, close: u8, item: &mut dyn FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("nested too deeply"));
        }
        if !self.is_next(close) {
            loop {
                item(self)?;
                if !self.is_next(b',') {
                    break;
                }
            }
            self.expect(close, "expected a comma or the end of this array or object")?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// An object: `member` reads each value, or [skips](Self::skip) it.
    pub(crate) fn object(&mut self, member: Member<'_, 'a>) -> Parsed<()> {
        self.expect(b'{', "expected an object")?;
        self.items(b'}', &mut |reader| {
            let name = reader.string()?;
            reader.expect(b':', "expected a colon")?;
            member(reader, &name)
        })
    }

    /// An array: `item` reads each value.
    pub(crate) fn array(&mut self, item: &mut dyn FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.expect(b'[', "expected an array")?;
        self.items(b']', item)
    }

    /// What `read` reads, or `null`.
    pub(crate) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<Option<T>> {
        if self.is_word("null") { Ok(None) } else { read(self).map(Some) }
    }

    pub(crate) fn boolean(&mut self) -> Parsed<bool> {
        if self.is_word("true") {
            Ok(true)
        } else if self.is_word("false") {
            Ok(false)
        } else {
            Err(self.error("expected true or false"))
        }
    }

    /// The digits of a number, one at least and no leading zero.
    fn digits(&mut self) -> Parsed<&'a str> {
        let rest = &self.text[self.at..];
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
            return Err(self.error("expected a number"));
        }
        self.at += digits.len();
        Ok(digits)
    }

    /// A whole number of 64 bits and its sign. Fractions and exponents are no whole numbers.
    fn integer(&mut self) -> Parsed<(bool, u64)> {
        let is_negative = self.is_next(b'-');
        let number = self.digits()?.parse();
        match (number, self.text.as_bytes().get(self.at)) {
            (Ok(number), after) if !matches!(after, Some(b'.' | b'e' | b'E')) => Ok((is_negative, number)),
            _ => Err(self.error("expected a whole number of 64 bits")),
        }
    }

    pub(crate) fn unsigned(&mut self) -> Parsed<u64> {
        match self.integer()? {
            (false, number) => Ok(number),
            (true, _) => Err(self.error("expected a number that is not negative")),
        }
    }

    /// A number that fits `T`.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Parsed<T> {
        let number = self.unsigned()?;
        T::try_from(number).map_err(|_| self.error("this number is too large"))
    }

    pub(crate) fn signed(&mut self) -> Parsed<i64> {
        let (is_negative, number) = self.integer()?;
        let signed = if is_negative { 0i64.checked_sub_unsigned(number) } else { i64::try_from(number).ok() };
        signed.ok_or_else(|| self.error("expected a whole number of 64 bits with a sign"))
    }

    pub(crate) fn string(&mut self) -> Parsed<String> {
        self.expect(b'"', "expected a string")?;
        let mut found = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
            found.push_str(&rest[..plain]);
            self.at += plain + 1;
            match rest.as_bytes().get(plain) {
                Some(b'"') => return Ok(found),
                Some(b'\\') => found.push(self.escape()?),
                _ => {
                    self.at -= 1;
                    return Err(self.error("a string with a control character or without an end"));
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let escaped = self.text.as_bytes().get(self.at).copied();
        self.at += usize::from(escaped.is_some_and(|byte| byte.is_ascii()));
        let escape = match escaped {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("unknown escape")),
        };
        Ok(escape)
    }

    /// `\u` and four digits, twice for what lies beyond sixteen bits.
    fn unicode(&mut self) -> Parsed<char> {
        let first = self.unit()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.unit()?;
            second.checked_sub(0xdc00).filter(|low| *low < 0x400).map(|low| 0x10000 + ((first - 0xd800) << 10) + low)
        } else {
            Some(first)
        };
        code.and_then(char::from_u32).ok_or_else(|| self.error("half a character"))
    }

    fn unit(&mut self) -> Parsed<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4 * usize::from(unit.is_some());
        unit.ok_or_else(|| self.error("expected four hexadecimal digits"))
    }

    /// A map; of a name that comes twice the last counts.
    pub(crate) fn map<T>(&mut self, read: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<BTreeMap<String, T>> {
        let mut map = BTreeMap::new();
        self.object(&mut |reader, name| {
            map.insert(name.to_owned(), read(reader)?);
            Ok(())
        })?;
        Ok(map)
    }

    /// Any value, passed over.
    pub(crate) fn skip(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(b'{') => self.object(&mut |reader, _| reader.skip()),
            Some(b'[') => self.array(&mut Self::skip),
            Some(b'"') => self.string().map(drop),
            Some(b't' | b'f') => self.boolean().map(drop),
            Some(b'n') if self.is_word("null") => Ok(()),
            _ => self.number(),
        }
    }

    /// Any number, passed over.
    fn number(&mut self) -> Parsed<()> {
        self.is_next(b'-');
        self.digits()?;
        if self.is_byte(b'.') {
            self.any_digits()?;
        }
        if self.is_byte(b'e') || self.is_byte(b'E') {
            let _ = self.is_byte(b'+') || self.is_byte(b'-');
            self.any_digits()?;
        }
        Ok(())
    }

    /// As `is_next`, without white space before it.
    fn is_byte(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn any_digits(&mut self) -> Parsed<()> {
        let digits = self.text[self.at..].bytes().take_while(u8::is_ascii_digit).count();
        self.at += digits;
        if digits > 0 { Ok(()) } else { Err(self.error("expected a digit")) }
    }
}

/// A field that must be there once.
pub(crate) struct Field<T>(Option<T>);

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Field<T> {
    /// Sets it, or refuses the second value.
    pub(crate) fn set(&mut self, reader: &Reader<'_>, value: T) -> Parsed<()> {
        match self.0.replace(value) {
            None => Ok(()),
            Some(_) => Err(reader.error("this field comes twice")),
        }
    }

    /// What it was set to.
    pub(crate) fn required(self, name: &str) -> Parsed<T> {
        self.0.ok_or_else(|| JsonError { at: 0, what: format!("field {name} is missing") })
    }
}

impl<T> Field<Option<T>> {
    /// What it was set to, where leaving it out says `null`.
    pub(crate) fn or_null(self) -> Option<T> {
        self.0.flatten()
    }
}

/// Appends a string with what must be escaped, and nothing else, escaped.
pub(crate) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..'\u{20}' => {
                let code = format!("\\u{:04x}", u32::from(character));
                out.push_str(&code);
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// A string as JSON.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_text(&mut out, text);
    out
}

/// What may be null.
pub(crate) fn optional(value: Option<String>) -> String {
    value.unwrap_or_else(|| "null".into())
}

/// Items between `open` and `close`: on lines of their own, each after `indent`, or close together
/// where there is no indent.
pub(crate) fn list(open: char, items: &[String], indent: &str, close: char) -> String {
    if items.is_empty() {
        return format!("{open}{close}");
    }
    let outer = indent.strip_suffix("  ").unwrap_or_default();
    format!("{open}{indent}{}{outer}{close}", items.join(&format!(",{indent}")))
}

/// Names and values, as [`list`] sets them.
pub(crate) fn map<'a>(members: impl Iterator<Item = (&'a String, String)>, indent: &str) -> String {
    let colon = if indent.is_empty() { ":" } else { ": " };
    let members: Vec<String> = members.map(|(name, value)| format!("{}{colon}{value}", text(name))).collect();
    list('{', &members, indent, '}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text is JSON, to us and to a general library.
    fn check(json: &str, is_sound: bool) {
        let object = format!("{{\"x\":{json}}}");
        let found = Reader::whole(&object, &mut |reader, _| reader.skip());
        assert_eq!(found.is_ok(), is_sound, "{json}: {found:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&object).is_ok(), is_sound, "{json}");
    }

    #[test]
    fn what_is_json_is_passed_over() {
        for json in [
            "1",
            "-1",
            "0",
            "-0",
            "1.5",
            "1e9",
            "1E-9",
            "10.25e+3",
            "\"\"",
            "\"a\\u00e9\\ud83c\\udf0a\\/\"",
            "[]",
            "{}",
            " [ 1 , [ ] , { \"a\" : null } ]\t",
            "true",
            "false",
            "null",
            "\"é🌊\"",
        ] {
            check(json, true);
        }
    }

    #[test]
    fn what_is_not_is_refused() {
        for json in [
            "",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "nullx",
            "truefalse",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud83c\"",
            "\"\\ud83c\\u0041\"",
            "\"\\udf0a\"",
            "\"\n\"",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1",
            "]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "1}",
            "\"\\é\"",
            "\"\\u00é\"",
            "'a'",
            "NaN",
            "\u{a0}1",
        ] {
            check(json, false);
        }
    }

    #[test]
    fn texts_are_escaped_as_the_original_escapes_them() {
        let every: String = ('\0'..'\u{250}').chain(['\u{2028}', '🌊', '"', '\\', '/']).collect();
        assert_eq!(text(&every), serde_json::to_string(&every).unwrap());
        let mut again = None;
        Reader::whole(&format!("{{\"x\":{}}}", text(&every)), &mut |reader, _| {
            again = Some(reader.string()?);
            Ok(())
        })
        .unwrap();
        assert_eq!(again, Some(every));
    }

    #[test]
    fn whole_numbers_are_those_that_fit() {
        let unsigned = |json: &str| {
            let mut found = None;
            let read = Reader::whole(&format!("{{\"x\":{json}}}"), &mut |reader, _| {
                found = Some(reader.unsigned()?);
                Ok(())
            });
            assert_eq!(read.ok().and(found), serde_json::from_str::<u64>(json).ok(), "{json}");
        };
        ["0", "18446744073709551615", "18446744073709551616", "-1", "1.0", "1e3", "01", "\"1\""]
            .into_iter()
            .for_each(unsigned);
        let signed = |json: &str| {
            let mut found = None;
            let read = Reader::whole(&format!("{{\"x\":{json}}}"), &mut |reader, _| {
                found = Some(reader.signed()?);
                Ok(())
            });
            assert_eq!(read.ok().and(found), serde_json::from_str::<i64>(json).ok(), "{json}");
        };
        ["-5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"]
            .into_iter()
            .for_each(signed);
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let read = |depth| Reader::whole(&nested(depth), &mut |reader, _| reader.skip());
        assert_eq!((read(100).is_ok(), read(1_000_000).is_ok()), (true, false));
    }
}
