//! Names that are written to deceive the people who read them: nothing that any command prints can move a cursor, turn the
//! direction of writing, or begin a line of its own.

use std::fs;
use std::path::Path;

use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
use alluvium_hostile::Guest;
use serde_json::Value;

use crate::support::{Bench, alluvium, text};

/// Every kind of character that may deceive, and a line that is not ours.
const HOSTILE: &str = "a\u{1b}[2J\u{7f}\u{9b}m\u{202e}\u{200b}\u{2028}\u{feff}\t\r\nerror: forged";

/// A directory whose every name that a writer chooses is hostile, with foreign files beside it.
fn directory(bench: &Bench) -> Vec<u64> {
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(&bench.dir())).expect("a manager");
    let mut ids = Vec::new();
    for round in 0..3_u8 {
        manager.put(&[HOSTILE.as_bytes(), &[round]].concat(), HOSTILE.as_bytes()).expect("a key");
        manager.set_source_offset(HOSTILE.to_owned(), u64::from(round) + 1).expect("an offset");
        manager.set_annotation(HOSTILE, HOSTILE);
        ids.push(manager.create_checkpoint(u64::from(round)).expect("a checkpoint").id);
    }
    drop(manager);
    for place in ["", "segments/", "wal/"] {
        let path = bench.dir().join(format!("{place}{HOSTILE}"));
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, "foreign").expect("a file");
    }
    ids
}

/// Whether every character may stand on a terminal.
#[track_caller]
fn check(arguments: &[String]) {
    let done = alluvium(arguments);
    for printed in [&done.out, &done.err] {
        let harms = |c: &char| (c.is_control() && *c != '\n') || "\u{202e}\u{200b}\u{2028}\u{feff}".contains(*c);
        assert_eq!(printed.chars().find(harms), None, "{arguments:?}: {printed:?}");
        let forged = printed.lines().find(|line| line.starts_with("error: forged"));
        assert_eq!(forged, None, "{arguments:?}: {printed:?}");
    }
    if arguments.iter().any(|argument| argument == "--json") && done.code == Some(0) {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&done.out).into_iter().collect();
        let shown = values.expect("JSON").iter().map(Value::to_string).collect::<String>();
        let decoded = shown.contains("error: forged") || done.out.is_empty() || arguments[0] != "dump";
        assert!(decoded, "what was escaped means the same as before: {shown}");
    }
}

#[test]
fn no_command_over_a_directory_prints_them_raw() {
    let bench = Bench::new();
    let ids = directory(&bench);
    let (first, last) = (ids[0].to_string(), ids[2].to_string());
    let (copy, archive) = (text(&bench.path("copy")), text(&bench.path("archive.tar")));
    let backup = text(&bench.path(HOSTILE));
    let commands: [(&str, Vec<&str>); 16] = [
        ("list", vec![]),
        ("show", vec![]),
        ("dump", vec![]),
        ("diff", vec![&first, &last]),
        ("top", vec![]),
        ("watch", vec!["--count", "1"]),
        ("verify", vec![]),
        ("gc", vec!["--dry-run"]),
        ("gc", vec![]),
        ("backup", vec![&backup]),
        ("backup", vec![&backup, "--verify"]),
        ("keep", vec![&first]),
        ("release", vec![&first]),
        ("restore", vec![&first]),
        ("export", vec![&archive]),
        ("import", vec![&archive]),
    ];
    for (verb, more) in commands {
        for json in [&["--json"][..], &[]] {
            let mut arguments = if verb == "import" {
                let _ = fs::remove_dir_all(&copy);
                vec!["import".to_owned(), archive.clone(), copy.clone()]
            } else {
                bench.over_dir(verb, &more)
            };
            arguments.extend(json.iter().map(|&argument| argument.to_owned()));
            let _ = (verb == "export").then(|| fs::remove_file(&archive));
            check(&arguments);
        }
    }
}

#[test]
fn no_command_prints_the_name_of_a_file_raw() {
    let bench = Bench::new();
    let hostile = text(&bench.path(HOSTILE));
    for verb in ["list", "show", "dump", "top", "verify", "gc", "migrate"] {
        check(&[verb.to_owned(), hostile.clone()]);
    }
    fs::create_dir(&hostile).expect("a directory");
    let whole = Bench::with_checkpoints();
    let archive = text(&bench.path("\u{202e}\narchive.tar"));
    check(&["verify".to_owned(), hostile.clone()]);
    check(&whole.over_dir("export", &[&archive]));
    check(&["import".to_owned(), archive, hostile.clone()]);
    fs::remove_dir_all(&hostile).expect("it was there");
    let input = bench.path("in.csv");
    fs::write(&input, format!("{HOSTILE},b\n1,2\n")).expect("a file");
    check(&bench.run_over(&input, &[]));
    fs::write(&input, format!("carrier,origin,dest,dep_time,arr_delay\n{HOSTILE}\n")).expect("a file");
    check(&bench.run_over(&input, &[]));
    check(&bench.run_over(Path::new(&hostile), &[]));
}

#[test]
fn no_component_prints_its_own_words_raw() {
    let bench = Bench::new();
    let run = |file: &Path| {
        let input = bench.path("in.csv");
        fs::write(&input, "a,b\n1,2\n").expect("a file");
        ["run", &text(file), "--dir", &bench.dir_text(), "--input", &text(&input)].map(str::to_owned)
    };
    let file = bench.path("hostile.wasm");
    // An import that is not given, whose name is chosen by the stranger.
    let escaped = HOSTILE.bytes().fold(String::new(), |text, byte| text + &format!("\\{byte:02x}"));
    let import = format!("(component (core module (import \"{escaped}\" \"{escaped}\" (func))))");
    if let Ok(bytes) = wat::parse_str(import) {
        fs::write(&file, bytes).expect("a file");
        check(&run(&file));
    }
    // A name of its own, and what it says when it refuses.
    let named =
        Guest::new().text().replace("(data (i32.const 160) \"delays\")", "(data (i32.const 160) \"de\\1b[2J\")");
    fs::write(&file, alluvium_hostile::component(&named)).expect("a file");
    check(&run(&file));
    let says = format!(
        "(i32.store (i32.const 8192) (i32.const 1)) (i32.store (i32.const 8196) (i32.const 0))
        (i32.store (i32.const 8204) (i32.const 700)) (i32.store (i32.const 8208) (i32.const {}))
        (i32.const 8192)",
        HOSTILE.len()
    );
    let words = Guest::new().process(&says).more(&format!("(data (i32.const 700) \"{escaped}\")"));
    fs::write(&file, words.component()).expect("a file");
    check(&run(&file));
}
