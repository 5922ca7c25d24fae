//! Rules of the house for every file under version control: words, and the size of the documents.

use std::process::Command;

use alluvium_test_harness::here;

/// Returns the text files of the repository that `is_meant` chooses by their paths.
fn tracked(is_meant: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let root = here("..");
    let listed = Command::new("git").arg("-C").arg(&root).args(["ls-files", "-z"]).output().expect("git runs");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    // A file that git still lists may have been deleted, and not every file is text.
    let read = |path: &str| Some((path.to_owned(), std::fs::read_to_string(root.join(path)).ok()?));
    let files: Vec<_> = paths.split_terminator('\0').filter(|path| is_meant(path)).filter_map(read).collect();
    assert!(files.len() > 1, "only {} files: this test looks in the wrong place", files.len());
    files
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
}

/// Whether `words` stand in `line` as whole words, in capitals or not.
fn has_words(line: &str, words: &str) -> bool {
    let is_letter = |character: char| character.is_alphanumeric() || character == '_';
    let line = line.to_lowercase();
    line.match_indices(words)
        .any(|(at, _)| !line[..at].ends_with(is_letter) && !line[at + words.len()..].starts_with(is_letter))
}

fn check_absent(files: &[(String, String)], is_there: impl Fn(&str) -> bool) {
    let lines = |(path, content): &(String, String)| {
        let found = content.lines().enumerate().filter(|(_, line)| is_there(line));
        found.map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim())).collect::<Vec<_>>()
    };
    let found: Vec<String> = files.iter().flat_map(lines).collect();
    assert!(found.is_empty(), "{} lines:\n{}", found.len(), found.join("\n"));
}

// The words are put together from parts, so that these tests do not find themselves.

#[test]
fn nothing_is_left_of_what_was_done_for_the_size_of_a_page() {
    let gone = [concat!("RUSTC_BOOT", "STRAP"), concat!("alluvium_", "page"), concat!("Set", "Aside")];
    let files = tracked(|path| !has_extension(path, &["md"]));
    check_absent(&files, |line| gone.iter().any(|word| line.contains(word)));
}

#[test]
fn prose_is_plain_english() {
    let archaic = [
        concat!("who", "ever"),
        concat!("an", "ew"),
        concat!("up", "on"),
        concat!("no", "body"),
        concat!("whatever ", "it"),
    ];
    let files = tracked(|path| has_extension(path, &["md", "rs", "wit", "ts"]));
    check_absent(&files, |line| archaic.iter().any(|words| has_words(line, words)));
}

#[test]
fn words_are_found_whole_and_in_any_case() {
    assert!(has_words("Once up a time.", "up") && has_words("UP", "up") && has_words("(up)", "up"));
    assert!(!has_words("upper", "up") && !has_words("set_up", "up") && !has_words("soup", "up"));
    assert!(has_words("soup, up", "up"));
}

#[test]
fn the_readme_is_a_landing_page() {
    let readme = std::fs::read_to_string(here("../README.md")).expect("README.md");
    let characters = readme.chars().count();
    assert!(characters <= 6_500, "README.md has {characters} characters, more than 6,500");
}

#[test]
fn the_documents_are_in_docs() {
    let pages = tracked(|path| path.starts_with("docs/") && has_extension(path, &["md"]));
    let pages: Vec<&String> =
        pages.iter().map(|(path, _)| path).filter(|path| !path.starts_with("docs/decisions/")).collect();
    assert!(pages.len() >= 8, "only {} pages in docs: {pages:?}", pages.len());
}
