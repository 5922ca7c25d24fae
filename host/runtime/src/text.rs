//! What components say, made fit to be shown to people and parsed by programs.

/// A component's words, fit for a terminal and a log: what would move the cursor, turn the direction
/// of writing or begin another line is shown by its code.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// A line of JSON, fit to be shown to people and parsed by programs: one cannot pass for two, nor
/// speak to a terminal. What JSON itself forbids is refused, with the line's beginning; the control
/// characters that it allows within strings are written by their codes, which mean the same.
pub(crate) fn json_line(line: String) -> Result<String, String> {
    if !line.chars().any(char::is_control) {
        return Ok(line);
    }
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        match u32::from(c) {
            ..0x20 => return Err(line.chars().take(100).collect()),
            code if c.is_control() => shown.extend(format!("\\u{code:04x}").chars()),
            _ => shown.push(c),
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_forge_lines_or_move_the_cursor() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected);
        check("a \"word\", Zürich 'ok'", "a \"word\", Zürich 'ok'");
        check("\x1b[2Jgone\r\nerror: forged", "\\u{1b}[2Jgone\\r\\nerror: forged");
        check("abc\u{202e}cba\u{0}", "abc\\u{202e}cba\\0");
    }

    #[test]
    fn a_result_is_one_line_that_cannot_speak_to_a_terminal() {
        let check = |line: &str, expected: Result<&str, &str>| {
            assert_eq!(json_line(line.to_owned()), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check("{\"key\":\"é\\n\"}", Ok("{\"key\":\"é\\n\"}"));
        check("{\"key\":\"\u{7f}\u{9b}2J\"}", Ok("{\"key\":\"\\u007f\\u009b2J\"}"));
        check("{\"key\":1}\n{\"key\":2}", Err("{\"key\":1}\n{\"key\":2}"));
    }
}
