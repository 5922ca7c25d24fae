//! Text of others, made fit to be shown to people and parsed by programs.
//!
//! Names and messages come from components, directories and inputs, and any of them may be written to deceive. They
//! are kept as they are, and made harmless where they are shown.

use std::borrow::Cow;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// A component's words have at most so many bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// Words that were cut have at most so many bytes, if each byte is shown by its code.
#[cfg(target_os = "linux")]
const SHOWN_BYTES_MAX: usize = TEXT_BYTES_MAX * "\\u0000".len() + "... (18446744073709551615 bytes more)".len();

/// Cuts a component's words to a length that a log can hold.
pub(crate) fn cut(mut text: String) -> String {
    let bytes = text.len();
    if bytes > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        return format!("{text}... ({} bytes more)", bytes - text.len());
    }
    text
}

/// Cuts words that should have been cut before, and leaves those that were.
#[cfg(target_os = "linux")]
pub(crate) fn cut_again(text: String) -> String {
    if text.len() <= SHOWN_BYTES_MAX { text } else { cut(text) }
}

/// Makes text fit for one line of a terminal, a log or a message.
///
/// What would move the cursor, turn the direction of writing, begin another line or not be seen at all is shown by
/// its code, as JSON writes it: `\u001b`. Within a JSON document the result means the same as before.
///
/// ```
/// use alluvium_host::text::printable;
///
/// assert_eq!(printable("Zürich"), "Zürich");
/// assert_eq!(printable("gone\u{1b}[2J\nerror: forged"), "gone\\u001b[2J\\nerror: forged");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_printable(c) => shown.push(c),
            c => {
                let mut units = [0; 2];
                shown.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    Cow::Owned(shown)
}

/// Does the same line by line: line ends stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || is_printable(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(printable).collect::<Vec<_>>().join("\n"))
}

fn is_printable(c: char) -> bool {
    use GeneralCategory as Category;
    c.is_ascii_graphic()
        || c == ' '
        || !matches!(
            c.general_category(),
            Category::Control
                | Category::Format
                | Category::LineSeparator
                | Category::ParagraphSeparator
                | Category::PrivateUse
                | Category::Surrogate
                | Category::Unassigned
        )
}

/// Tells whether a text is shown as it is.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(is_printable)
}

/// A line of JSON, fit to be shown and parsed: one cannot pass for two. What JSON itself forbids is refused, with the
/// line's beginning.
pub(crate) fn json_line(line: &str) -> Result<String, String> {
    if line.chars().any(|c| u32::from(c) < 0x20) {
        return Err(line.chars().take(100).collect());
    }
    Ok(printable(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_forge_lines_or_move_the_cursor() {
        let check = |text: &str, expected: &str| assert_eq!(printable(text), expected);
        check("a \"word\", Zürich 'ok' \\ e\u{301} हिन्दी 🦀", "a \"word\", Zürich 'ok' \\ e\u{301} हिन्दी 🦀");
        check("\x1b[2Jgone\r\nerror: forged\t", "\\u001b[2Jgone\\r\\nerror: forged\\t");
        check("abc\u{202e}cba\u{0}\u{7f}\u{9b}", "abc\\u202ecba\\u0000\\u007f\\u009b");
        check("\u{200b}\u{2028}\u{2029}\u{feff}\u{e000}\u{2066}", "\\u200b\\u2028\\u2029\\ufeff\\ue000\\u2066");
        check("\u{e0041}", "\\udb40\\udc41");
        assert_eq!(printable_lines("a\nb\u{1b}\n"), "a\nb\\u001b\n");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(cut("short".to_owned()), "short");
        let long = cut("\u{e9}".repeat(10_000));
        assert_eq!(long, format!("{}... (15904 bytes more)", "\u{e9}".repeat(2_048)));
        assert!(cut(format!("a{}", "\u{e9}".repeat(10_000))).contains("(15906 bytes more)"));
        #[cfg(target_os = "linux")]
        for (words, expected) in [(long.clone(), long.len()), ("\u{e9}".repeat(20_000), 4_096 + 22)] {
            assert_eq!(cut_again(words).len(), expected);
        }
    }

    #[test]
    fn a_result_is_one_line_that_cannot_speak_to_a_terminal() {
        let check = |line: &str, expected: Result<&str, &str>| {
            assert_eq!(json_line(line), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check("{\"key\":\"é\\n\"}", Ok("{\"key\":\"é\\n\"}"));
        check("{\"key\":\"\u{7f}\u{9b}2J\"}", Ok("{\"key\":\"\\u007f\\u009b2J\"}"));
        check("{\"key\":\"\u{202e}\"}", Ok("{\"key\":\"\\u202e\"}"));
        check("{\"key\":1}\n{\"key\":2}", Err("{\"key\":1}\n{\"key\":2}"));
    }
}
