//! What processes showed one after the other: at least once, in order, and without a gap.

use crate::Outcome;

/// How far the lines were shown.
#[derive(Debug, Default)]
pub struct Shown {
    lines: usize,
}

impl Shown {
    /// Takes what one process showed of `all` lines, of which `least` must have been shown by now.
    pub fn add(&mut self, output: &[u8], all: &[String], least: usize) -> Outcome {
        let text = String::from_utf8_lossy(output);
        // A killed process may have shown a part of its last line.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines: Vec<&str> = whole.lines().collect();
        if let Some(first) = lines.first() {
            let begin = all.iter().position(|line| line == first).ok_or_else(|| format!("nothing says {first:?}"))?;
            let differs =
                lines.iter().enumerate().find(|(at, line)| all.get(begin + at).map(String::as_str) != Some(line));
            if let Some((at, line)) = differs {
                return Err(format!("{line:?} follows {:?}", lines[at - 1]));
            }
            if begin > self.lines {
                return Err(format!("lines {} to {begin} were not shown", self.lines));
            }
            self.lines = self.lines.max(begin + lines.len());
        }
        if self.lines < least {
            return Err(format!("{} lines were shown, and {least} belong to the checkpoint", self.lines));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_come_again_and_none_may_be_left_out() {
        let all: Vec<String> = ["a", "b", "c", "d"].map(Into::into).into();
        let mut shown = Shown::default();
        shown.add(b"a\nb\nc", &all, 2).expect("two lines, and a part of one");
        shown.add(b"b\nc\n", &all, 3).expect("one comes again");
        assert!(shown.add(b"", &all, 4).is_err(), "a line is missing");
        assert!(shown.add(b"b\nd\n", &all, 3).is_err(), "another one follows");
        let mut shown = Shown::default();
        assert!(shown.add(b"b\n", &all, 0).is_err(), "the first is missing");
    }
}
