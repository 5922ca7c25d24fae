//! Just enough JSON for metadata: written by hand in the bytes that the original's writer gives, and
//! read into a tree, whose fields are then taken by name.
//!
//! A general library would take three times the code of all the rest of the format, which every page
//! in a browser would have to load.

use std::collections::BTreeMap;
use std::fmt;

/// Nesting beyond this is refused: hostile depth must not use up the stack.
const DEPTH_MAX: u32 = 128;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    at: usize,
    what: &'static str,
    /// The field that it is about, where one is missing.
    field: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON at byte {}: {}{}", self.at, self.what, self.field)
    }
}

pub(crate) type Parsed<T> = Result<T, JsonError>;

/// A value, and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    at: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    Boolean(bool),
    /// A whole number of 64 bits, and whether it is negative.
    Whole(bool, u64),
    /// Any other number.
    Number,
    Text(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what, field: "" }
    }

    pub(crate) fn unsigned(self) -> Parsed<u64> {
        match self.value {
            Value::Whole(false, number) => Ok(number),
            _ => Err(self.error("expected a whole number of 64 bits that is not negative")),
        }
    }

    pub(crate) fn signed(self) -> Parsed<i64> {
        let signed = match self.value {
            Value::Whole(true, number) => 0i64.checked_sub_unsigned(number),
            Value::Whole(false, number) => i64::try_from(number).ok(),
            _ => None,
        };
        signed.ok_or_else(|| self.error("expected a whole number of 64 bits with a sign"))
    }

    /// A number that fits `T`.
    pub(crate) fn small<T: TryFrom<u64>>(self) -> Parsed<T> {
        let too_large = self.error("this number is too large");
        T::try_from(self.unsigned()?).map_err(|_| too_large)
    }

    pub(crate) fn boolean(self) -> Parsed<bool> {
        match self.value {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.error("expected true or false")),
        }
    }

    pub(crate) fn text(self) -> Parsed<String> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.error("expected a string")),
        }
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn hex(self) -> Parsed<u64> {
        let wrong = self.error("sixteen hexadecimal digits expected");
        crate::format::paths::parse_hex(&self.text()?).ok_or(wrong)
    }

    /// The items of an array.
    pub(crate) fn list<T>(self, read: fn(Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let Value::Array(items) = self.value else {
            return Err(self.error("expected an array"));
        };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(read(item)?);
        }
        Ok(list)
    }

    /// A map; of a name that comes twice the last counts.
    pub(crate) fn map<T>(self, read: fn(Self) -> Parsed<T>) -> Parsed<BTreeMap<String, T>> {
        let mut map = BTreeMap::new();
        for (name, node) in self.object()?.members {
            map.insert(name, read(node)?);
        }
        Ok(map)
    }

    pub(crate) fn object(self) -> Parsed<Object> {
        match self.value {
            Value::Object(members) => Ok(Object { at: self.at, members, wrong: None }),
            _ => Err(self.error("expected an object")),
        }
    }
}

/// The members of an object that have not been taken yet.
///
/// Taking never fails: what is wrong with a field is kept, the first time, and stands in the way of
/// [`check`](Self::check) and [`end`](Self::end). A way out at each field would be most of the code.
#[derive(Debug)]
pub(crate) struct Object {
    at: usize,
    members: Vec<(String, Node)>,
    wrong: Option<JsonError>,
}

impl Object {
    /// Reads an object that is the whole text.
    pub(crate) fn parse(text: &str) -> Parsed<Self> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let object = reader.value()?.object()?;
        match reader.peek() {
            None => Ok(object),
            Some(_) => Err(reader.error("more after the end")),
        }
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.members.iter().position(|member| member.0 == name)?;
        let (_, node) = self.members.remove(at);
        if let Some((_, again)) = self.members.iter().find(|member| member.0 == name) {
            let error = again.error("this field comes twice");
            self.fail(error);
        }
        Some(node)
    }

    fn fail(&mut self, error: JsonError) {
        self.wrong.get_or_insert(error);
    }

    /// A field that must be there.
    pub(crate) fn required<T: Default>(&mut self, name: &'static str, read: fn(Node) -> Parsed<T>) -> T {
        let value = match self.take(name) {
            Some(node) => read(node),
            None => Err(JsonError { at: self.at, what: "missing field ", field: name }),
        };
        value.unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }

    /// A field that may be `null`, or left out, which says the same.
    pub(crate) fn optional<T>(&mut self, name: &str, read: fn(Node) -> Parsed<T>) -> Option<T> {
        let node = self.take(name).filter(|node| !matches!(node.value, Value::Null))?;
        read(node).map_err(|error| self.fail(error)).ok()
    }

    pub(crate) fn unsigned(&mut self, name: &'static str) -> u64 {
        self.required(name, Node::unsigned)
    }

    /// What was wrong with a field.
    pub(crate) fn check(&self) -> Parsed<()> {
        self.wrong.map_or(Ok(()), Err)
    }

    /// The first field that is left and whose name does not say that it may be passed over.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.members.iter().map(|(name, _)| name.as_str()).find(|name| !name.starts_with("x-"))
    }

    /// Nothing may be left in it: `what` says what it would be.
    pub(crate) fn end(&mut self, what: &'static str) -> Parsed<()> {
        self.check()?;
        self.members.first().map_or(Ok(()), |(_, node)| Err(node.error(what)))
    }
}

/// A position in a text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what, field: "" }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.rest().first().copied()
    }

    /// Whether this byte comes next; then it is passed.
    fn is_byte(&mut self, byte: u8) -> bool {
        let found = self.rest().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// As `is_byte`, after any white space.
    fn is_next(&mut self, byte: u8) -> bool {
        self.peek();
        self.is_byte(byte)
    }

    fn is_word(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Any value.
    fn value(&mut self) -> Parsed<Node> {
        let first = self.peek();
        let at = self.at;
        let value = match first {
            Some(b'{') => {
                let mut members = Vec::new();
                self.items(b'}', &mut |reader| {
                    reader.peek();
                    let name = reader.string()?;
                    if !reader.is_next(b':') {
                        return Err(reader.error("expected a colon"));
                    }
                    members.push((name, reader.value()?));
                    Ok(())
                })?;
                Value::Object(members)
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.items(b']', &mut |reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Value::Array(items)
            }
            Some(b'"') => Value::Text(self.string()?),
            _ if self.is_word("null") => Value::Null,
            _ if self.is_word("true") => Value::Boolean(true),
            _ if self.is_word("false") => Value::Boolean(false),
            _ => self.number()?,
        };
        Ok(Node { at, value })
    }

    /// Items up to `close`, a comma between them.
    fn items(&mut self, close: u8, item: &mut dyn FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.at += 1;
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
            if !self.is_next(close) {
                return Err(self.error("expected a comma or the end of this array or object"));
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn number(&mut self) -> Parsed<Value> {
        let is_negative = self.is_byte(b'-');
        let digits = self.digits()?;
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(self.error("expected a number without leading zeros"));
        }
        let mut whole = digits.parse().ok();
        if self.is_byte(b'.') {
            self.digits()?;
            whole = None;
        }
        if self.is_byte(b'e') || self.is_byte(b'E') {
            let _ = self.is_byte(b'+') || self.is_byte(b'-');
            self.digits()?;
            whole = None;
        }
        Ok(whole.map_or(Value::Number, |whole| Value::Whole(is_negative, whole)))
    }

    /// One digit at least.
    fn digits(&mut self) -> Parsed<&'a str> {
        let start = self.at;
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if self.at > start { Ok(&self.text[start..self.at]) } else { Err(self.error("expected a value")) }
    }

    fn string(&mut self) -> Parsed<String> {
        if !self.is_byte(b'"') {
            return Err(self.error("expected a string"));
        }
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
        let escaped = self.rest().first().copied();
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
        let code = if (0xd800..0xdc00).contains(&first) && self.is_word("\\u") {
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

    fn field(json: &str) -> Parsed<Node> {
        let mut object = Object::parse(&format!("{{\"x\":{json}}}"))?;
        Ok(object.members.remove(0).1)
    }

    /// Whether a text is JSON, to us and to a general library.
    fn check(json: &str, is_sound: bool) {
        let object = format!("{{\"x\":{json}}}");
        let found = Object::parse(&object);
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
        let again = field(&text(&every)).and_then(Node::text);
        assert_eq!(again, Ok(every));
    }

    #[test]
    fn whole_numbers_are_those_that_fit() {
        let unsigned = |json: &str| {
            let found = field(json).and_then(Node::unsigned);
            assert_eq!(found.ok(), serde_json::from_str::<u64>(json).ok(), "{json}");
        };
        ["0", "18446744073709551615", "18446744073709551616", "-1", "1.0", "1e3", "01", "\"1\""]
            .into_iter()
            .for_each(unsigned);
        let signed = |json: &str| {
            let found = field(json).and_then(Node::signed);
            assert_eq!(found.ok(), serde_json::from_str::<i64>(json).ok(), "{json}");
        };
        ["-5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"]
            .into_iter()
            .for_each(signed);
    }

    #[test]
    fn fields_are_taken_once_and_what_is_left_shows() {
        let parse = |json: &str| Object::parse(json).unwrap();
        let mut object = parse(r#"{"a": 1, "x-b": [], "c": null, "twice": 1, "twice": 2, "d": {}}"#);
        assert_eq!(object.unsigned("a"), 1);
        assert_eq!((object.optional("c", Node::unsigned), object.optional("e", Node::unsigned)), (None, None));
        assert_eq!((object.check(), object.unknown()), (Ok(()), Some("twice")));
        let wrong = |json: &str, name: &'static str| {
            let mut object = parse(json);
            let value = object.unsigned(name);
            (value, object.end("unknown field").unwrap_err().to_string())
        };
        assert_eq!(wrong(r#"{"b": 1}"#, "a"), (0, "JSON at byte 0: missing field a".into()));
        assert_eq!(wrong(r#"{"a": 1, "a": 2}"#, "a"), (1, "JSON at byte 14: this field comes twice".into()));
        let what = "expected a whole number of 64 bits that is not negative";
        assert_eq!(wrong(r#"{"a": true}"#, "a"), (0, format!("JSON at byte 6: {what}")));
        assert_eq!(wrong(r#"{"a": 1, "b": 2}"#, "a"), (1, "JSON at byte 14: unknown field".into()));
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let read = |depth| Object::parse(&nested(depth));
        assert_eq!((read(100).is_ok(), read(1_000_000).is_ok()), (true, false));
    }
}
