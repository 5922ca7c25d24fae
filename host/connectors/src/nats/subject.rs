//! Names of streams and subjects.

/// Checks the name of a stream.
pub(crate) fn check_stream_name(name: &str) -> Result<(), String> {
    let is_allowed = |character: char| !character.is_whitespace() && !".*>/\\".contains(character);
    match name {
        "" => Err("the name of the stream is missing".to_owned()),
        _ if name.chars().all(is_allowed) => Ok(()),
        _ => Err(format!("{name:?} is no name of a stream: it has a space or one of . * > / \\")),
    }
}

/// Checks a subject that messages are published to.
pub(crate) fn check_subject(subject: &str) -> Result<(), String> {
    check_filter(subject)?;
    if subject.split('.').any(|token| matches!(token, "*" | ">")) {
        return Err(format!("{subject:?} has a wildcard, and messages are published to one subject"));
    }
    Ok(())
}

/// Checks a subject that may have wildcards.
pub(crate) fn check_filter(subject: &str) -> Result<(), String> {
    let tokens: Vec<&str> = subject.split('.').collect();
    let is_token = |token: &&str| !token.is_empty() && !token.contains(char::is_whitespace);
    if !tokens.iter().all(is_token) {
        return Err(format!("{subject:?} is no subject: a part of it is empty or has a space"));
    }
    if tokens.iter().rev().skip(1).any(|token| *token == ">") {
        return Err(format!("{subject:?} is no subject: > is only at its end"));
    }
    Ok(())
}

/// Whether there are subjects that both filters let through.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (None, other) | (other, None) => return other.is_none(),
            (Some(one), Some(other)) if one == ">" || other == ">" => return true,
            (Some(one), Some(other)) if one != other && one != "*" && other != "*" => return false,
            (Some(_), Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_overlap_if_a_subject_passes_both() {
        for (one, other, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.*", "a.c", true),
            ("a.*", "*.c", true),
            ("a.*", "a.b.c", false),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "x", true),
            ("a.*.c", "a.b.*", true),
            ("a.*.c", "a.b.d", false),
        ] {
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} and {other}");
        }
    }

    #[test]
    fn names_are_checked() {
        for filter in ["a", "a.b", "*", "a.*.b", ">", "a.>", "ä.b"] {
            check_filter(filter).unwrap();
        }
        for filter in ["", ".", "a.", ".a", "a..b", "a b", ">.a", "a.>.b", "a\tb"] {
            check_filter(filter).unwrap_err();
        }
        check_subject("a.b").unwrap();
        for subject in ["a.*", ">", "", "a b"] {
            check_subject(subject).unwrap_err();
        }
        check_stream_name("ORDERS-2").unwrap();
        for name in ["", "a.b", "a b", "a/b", "*"] {
            check_stream_name(name).unwrap_err();
        }
    }
}
