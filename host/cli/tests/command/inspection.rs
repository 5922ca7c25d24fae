//! list, show, dump, verify, restore, delete and gc over a directory that a run has written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Bench, alluvium, command, fails, files, golden, ok, sum, text};

#[test]
fn list_tells_newest_first_what_each_wrote() {
    let bench = Bench::with_checkpoints();
    assert_eq!(bench.ids(), [3, 2, 1]);
    let table = ok(bench.over_dir("list", &[]));
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("bytes written") && lines.len() == 4, "{table}");
    assert!(lines[1].trim_start().starts_with("3 ") && lines[1].ends_with("input=1500"), "{table}");
    for checkpoint in bench.list() {
        assert!(checkpoint["alluvium"]["bytes_written"].as_u64().is_some_and(|bytes| bytes > 0), "{checkpoint}");
    }
}

#[test]
fn list_names_what_is_damaged_or_partial() {
    let bench = Bench::with_checkpoints();
    let metadata = bench.dir().join("checkpoint_0000000000000002/metadata.json");
    let text = fs::read_to_string(&metadata).expect("metadata");
    fs::write(&metadata, text.replace("\"epoch\": 2", "\"epoch\": 9")).expect("it writes");
    fs::create_dir(bench.dir().join("checkpoint_0000000000000007")).expect("a directory");
    let list = bench.list();
    assert_eq!(bench.ids(), [7, 3, 2, 1]);
    assert!(list[0]["damage"].as_str().is_some_and(|why| why.contains("partial")), "{}", list[0]);
    assert!(list[2]["damage"].as_str().is_some_and(|why| why.contains("checksum")), "{}", list[2]);
    // The newest whole one is not affected, and the damaged one is never read as if it were whole.
    bench.dump();
    let done = alluvium(bench.over_dir("show", &["2"]));
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("metadata.json"), "{}", done.err);
}

#[test]
fn show_tells_position_and_files() {
    let bench = Bench::with_checkpoints();
    let newest = ok(bench.over_dir("show", &[]));
    for word in ["checkpoint     3", "input at 1,500", "watermark", "UTC", "continues      checkpoint 2", "segments/"] {
        assert!(newest.contains(word), "{word:?} is missing in: {newest}");
    }
    let first: Value = serde_json::from_str(&ok(bench.over_dir("show", &["1", "--json"]))).expect("JSON");
    assert_eq!((&first["id"], &first["source_offsets"]["input"]), (&Value::from(1), &Value::from(500)));
}

#[test]
fn dump_gives_each_checkpoint_as_it_was() {
    let bench = Bench::with_checkpoints();
    for (id, records) in [("1", 500), ("2", 1_000), ("3", 1_500)] {
        let dump = ok(bench.over_dir("dump", &["--id", id]));
        assert_eq!(sum(&dump, "flights"), records);
        let keys: Vec<String> = dump
            .lines()
            .map(|line| {
                let entry: Value = serde_json::from_str(line).expect("a JSON line");
                entry["key"].as_str().expect("text").to_owned()
            })
            .collect();
        assert!(keys.is_sorted(), "in key order");
    }
    assert_eq!(bench.dump(), ok(bench.over_dir("dump", &["--id", "3"])));
}

#[test]
fn verify_finds_any_flipped_byte_and_no_command_returns_wrong_data() {
    let bench = Bench::with_checkpoints();
    let good = bench.dump();
    let whole = files(&bench.dir());
    assert!(bench.assert_whole().starts_with("whole: 3 checkpoints"));
    let mut random = fastrand::Rng::with_seed(3);
    for (path, content) in &whole {
        let mut damaged = content.clone();
        let at = random.usize(..content.len());
        damaged[at] ^= 1 << random.u8(..8);
        fs::write(path, &damaged).expect("it writes");
        let name = text(path.strip_prefix(bench.dir()).expect("below it"));
        let done = alluvium(bench.over_dir("verify", &[]));
        assert_eq!(done.code, Some(1), "{name} at {at}: {}{}", done.out, done.err);
        assert!(
            done.out.contains(&format!("damage {name}: ")) && done.out.contains("DAMAGED"),
            "{name} at {at}: {}",
            done.out
        );
        let json: Value = serde_json::from_str(&alluvium(bench.over_dir("verify", &["--json"])).out).expect("JSON");
        assert_eq!(json["damaged"], true);
        let dump = alluvium(bench.over_dir("dump", &[]));
        assert!(dump.code == Some(2) && dump.out.is_empty() || dump.out == good, "{name} at {at}: wrong data");
        fs::write(path, content).expect("it writes");
    }
    bench.assert_whole();
}

#[test]
fn a_directory_without_checkpoints_is_not_called_whole() {
    let bench = Bench::new();
    fs::create_dir(bench.dir()).expect("a directory");
    let check = |foreign: u64| {
        let before = files(&bench.dir());
        let verified = alluvium(bench.over_dir("verify", &[]));
        assert_eq!(verified.code, Some(1), "{}{}", verified.out, verified.err);
        let last = verified.out.lines().last().expect("a verdict");
        assert!(last.starts_with("no checkpoint: ") && last.contains(&bench.dir_text()), "{last}");
        let verified = alluvium(bench.over_dir("verify", &["--json"]));
        let json: Value = serde_json::from_str(&verified.out).expect("JSON");
        let findings = json["findings"].as_array().expect("findings").len() as u64;
        assert_eq!((verified.code, &json["damaged"], &json["checkpoints"]), (Some(1), &false.into(), &0.into()));
        assert_eq!(findings, foreign, "{json}");
        let listed = alluvium(bench.over_dir("list", &[]));
        assert_eq!((listed.code, listed.out.as_str()), (Some(1), ""));
        assert!(listed.err.contains("no checkpoint"), "{}", listed.err);
        let listed = alluvium(bench.over_dir("list", &["--json"]));
        assert_eq!((listed.code, listed.out.as_str()), (Some(1), "[]\n"));
        fails(bench.over_dir("show", &[]), &bench.dir(), &["holds no checkpoint", "alluvium run"]);
        assert_eq!(files(&bench.dir()), before, "looking changes nothing");
    };
    check(0);
    fs::write(bench.dir().join("notes.txt"), "not a checkpoint").expect("it writes");
    check(1);
}

#[test]
fn a_run_over_a_damaged_newest_checkpoint_stops_unless_allowed() {
    let bench = Bench::with_checkpoints();
    let newest = bench.dir().join("checkpoint_0000000000000003/metadata.json");
    fs::write(&newest, &fs::read(&newest).expect("metadata")[..100]).expect("it writes");
    let done = alluvium(bench.run_arguments(&[]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("checkpoint_0000000000000003") && done.err.contains("alluvium verify"), "{}", done.err);
    let done = alluvium(bench.run_arguments(&["--allow-fallback"]));
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(
        done.err.contains("skipped checkpoint 3") && done.err.contains("continuing from checkpoint 2"),
        "{}",
        done.err
    );
    assert_eq!(sum(&bench.dump(), "flights"), crate::support::FLIGHTS);
}

#[test]
fn restore_makes_an_older_one_the_newest() {
    let bench = Bench::with_checkpoints();
    let first = ok(bench.over_dir("dump", &["--id", "1"]));
    let said = ok(bench.over_dir("restore", &["1"]));
    assert_eq!(said, "checkpoint 4 is checkpoint 1 again, and the newest\n");
    assert_eq!(bench.ids(), [4, 3, 2, 1], "nothing else goes");
    assert!(bench.dump() == first);
    let newest: Value = serde_json::from_str(&ok(bench.over_dir("show", &["--json"]))).expect("JSON");
    assert_eq!(newest["source_offsets"]["input"], 500);
    // The run continues from there, to the same end.
    ok(bench.run_arguments(&["--stop-after", "1000", "--max-retained", "10"]));
    assert!(bench.dump() == ok(bench.over_dir("dump", &["--id", "3"])));
}

#[test]
fn delete_takes_one_and_never_gives_its_id_again() {
    let bench = Bench::with_checkpoints();
    let second = ok(bench.over_dir("dump", &["--id", "2"]));
    ok(bench.over_dir("delete", &["3"]));
    assert!(bench.dump() == second, "the newest is the one before");
    assert!(bench.assert_whole().starts_with("whole: 2 checkpoints"));
    ok(bench.run_arguments(&["--stop-after", "1", "--max-retained", "10"]));
    assert_eq!(bench.list()[0]["id"], 4);
    ok(bench.over_dir("delete", &["1", "--json"]));
    assert!(ok(bench.over_dir("dump", &["--id", "2"])) == second, "files that others share stay");
}

#[test]
fn keep_and_release_say_what_retention_leaves() {
    let bench = Bench::with_checkpoints();
    let (first, newest) = (ok(bench.over_dir("dump", &["--id", "1"])), bench.dump());
    assert_eq!(ok(bench.over_dir("keep", &["1"])), "checkpoint 1 is kept; checkpoint 4 says so\n");
    assert_eq!(ok(bench.over_dir("keep", &["1"])), "checkpoint 1 is kept already\n");
    assert!(bench.dump() == newest, "the new checkpoint is of the same moment");
    let table = ok(bench.over_dir("list", &[]));
    let kept: Vec<&str> = table.lines().filter(|line| line.contains(" kept ")).collect();
    assert!(kept.len() == 1 && kept[0].trim_start().starts_with("1 "), "{table}");
    assert_eq!(bench.list()[3]["kept"], true);
    assert!(ok(bench.over_dir("show", &[])).contains("keeps          checkpoints 1"));
    fails(bench.over_dir("delete", &["1"]), &bench.dir(), &["checkpoint 1 is kept"]);
    for (command, id, word) in [("keep", "99", "does not exist"), ("release", "2", "is not kept")] {
        fails(bench.over_dir(command, &[id]), &bench.dir(), &[word, id]);
    }
    // The run continues after the new checkpoint, and its retention leaves what is kept.
    ok(bench.run_arguments(&["--stop-after", "1000", "--max-retained", "1"]));
    assert_eq!(bench.ids().last(), Some(&1));
    assert_eq!(bench.ids().len(), 2);
    assert!(ok(bench.over_dir("dump", &["--id", "1"])) == first);
    ok(bench.over_dir("release", &["1", "--json"]));
    ok(bench.run_arguments(&["--stop-after", "1000", "--max-retained", "1"]));
    assert_eq!(bench.ids().len(), 1);
}

#[test]
fn gc_says_why_and_spares_what_is_foreign() {
    let bench = Bench::with_checkpoints();
    let at = |name: &str| bench.dir().join(name);
    fs::write(at("segments/00000000000000aa.delta"), b"no checkpoint names it").expect("a file");
    fs::write(at("segments/.tmp-1-0"), b"half").expect("a file");
    fs::write(at("notes.txt"), b"mine").expect("a file");
    let before = files(&bench.dir());
    let plan = ok(bench.over_dir("gc", &["--dry-run"]));
    assert_eq!(files(&bench.dir()), before, "a dry run deletes nothing");
    for line in ["delete segments/00000000000000aa.delta", "delete segments/.tmp-1-0", "keep   notes.txt"] {
        assert!(plan.contains(line), "{line:?} is missing in: {plan}");
    }
    assert!(
        plan.lines().filter(|line| line.starts_with("keep   segments/")).all(|line| line.contains("needs it")),
        "{plan}"
    );
    let done: Value = serde_json::from_str(&ok(bench.over_dir("gc", &["--json"]))).expect("JSON");
    assert!(done["reclaimed_bytes"].as_u64() >= Some(19), "{done}");
    assert!(!at("segments/00000000000000aa.delta").exists() && !at("segments/.tmp-1-0").exists());
    assert_eq!(fs::read(at("notes.txt")).expect("still there"), b"mine");
    assert!(ok(bench.over_dir("verify", &[])).contains("foreign notes.txt"));
    bench.dump();
}

#[test]
fn diff_is_what_the_dumps_differ_in() {
    let bench = Bench::with_checkpoints();
    let dump = |id: &str| -> BTreeMap<String, Value> {
        let entries = ok(bench.over_dir("dump", &["--id", id]));
        let entry = |line: &str| {
            let entry: Value = serde_json::from_str(line).expect("a JSON line");
            (entry["key"].as_str().expect("text").to_owned(), entry["value"].clone())
        };
        entries.lines().map(entry).collect()
    };
    for (from, to) in [("1", "3"), ("3", "1"), ("2", "3"), ("2", "2")] {
        let mut state = dump(from);
        let changes = ok(bench.over_dir("diff", &[from, to, "--json"]));
        for line in changes.lines() {
            let change: Value = serde_json::from_str(line).expect("a JSON line");
            let (key, value) = (change["key"].as_str().expect("a key").to_owned(), |name| change.get(name).cloned());
            assert_eq!(state.get(&key).cloned(), value("before"), "{line}");
            assert_ne!(value("before"), value("after"), "{line}");
            match value("after") {
                Some(after) => state.insert(key, after),
                None => state.remove(&key),
            };
        }
        assert_eq!(state, dump(to), "{from} to {to}");
    }
    let shown = ok(bench.over_dir("diff", &["2", "--prefix", "AA:"]));
    let (summary, lines) =
        shown.lines().rev().collect::<Vec<_>>().split_first().map(|(a, b)| (*a, b.to_vec())).expect("lines");
    assert!(summary.starts_with("checkpoint 2 → 3, input 1,000 → 1,500: "), "{summary}");
    assert!(lines.iter().all(|line| line[2..].starts_with("AA:")), "{shown}");
    let missing = alluvium(["diff", &text(&bench.dir()), "1", "9"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("checkpoint 9 does not exist"), "{}", missing.err);
}

#[test]
fn top_adds_up_to_the_state() {
    let bench = Bench::with_checkpoints();
    let keys = bench.dump().lines().count();
    let shown = ok(bench.over_dir("top", &["--limit", "2"]));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 1 + 2 + 1 + 1, "header, two prefixes, the others, the sum: {shown}");
    let number = |line: &str, column: usize| -> usize {
        let cells: Vec<&str> = line.split_whitespace().filter(|cell| *cell != "%").collect();
        cells[column].replace(',', "").parse().expect("a number")
    };
    assert_eq!(number(lines[4], 2), keys, "{shown}");
    for column in [0, 2] {
        let parts: usize = lines[1..4].iter().map(|line| number(line, column)).sum();
        assert_eq!(parts, number(lines[4], column), "{shown}");
    }
    assert!(number(lines[1], 0) >= number(lines[2], 0), "largest first: {shown}");

    let json: Value = serde_json::from_str(&ok(bench.over_dir("top", &["--limit", "2", "--json"]))).expect("JSON");
    let prefixes = json["prefixes"].as_array().expect("an array");
    assert_eq!((&json["id"], prefixes.len()), (&Value::from(3), 2), "{json}");
    for (column, name) in [(0, "bytes"), (2, "keys")] {
        let shown: Vec<usize> = lines[1..].iter().map(|line| number(line, column)).collect();
        let told: Vec<Value> = prefixes.iter().chain([&json["others"], &json]).map(|one| one[name].clone()).collect();
        assert_eq!(shown.into_iter().map(Value::from).collect::<Vec<_>>(), told, "{name}: {json}");
    }
    assert!(lines[1].ends_with(prefixes[0]["prefix"].as_str().expect("text")), "{shown}{json}");
}

#[test]
fn watch_tells_of_the_newest_and_takes_no_lock() {
    let bench = Bench::with_checkpoints();
    let _owner = alluvium::NativeDirectory::open_exclusive(bench.dir()).expect("no other owner");
    let shown = ok(bench.over_dir("watch", &["--count", "1"]));
    assert!(shown.contains("  checkpoint 3, epoch "), "{shown}");
    assert!(shown.trim_end().ends_with("input=1,500"), "{shown}");
    let told: Value =
        serde_json::from_str(&ok(bench.over_dir("watch", &["--count", "1", "--json"]))).expect("one line");
    assert_eq!(told, bench.list()[0], "the same metadata as of `list`");
}

#[test]
fn watch_ends_when_nobody_reads_any_more() {
    let bench = Bench::with_checkpoints();
    let mut watch = command(bench.over_dir("watch", &["--interval", "1", "--json"]));
    let mut watch = watch.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut reader = BufReader::new(watch.stdout.take().expect("a pipe"));
    reader.read_line(&mut String::new()).expect("the newest checkpoint");
    drop(reader);
    // The next one finds the pipe closed.
    ok(bench.run_arguments(&["--stop-after", "1", "--max-retained", "10"]));
    assert_eq!(watch.wait().expect("it ends").code(), Some(0));
}

#[test]
fn namespaces_timers_and_entries_that_expire_are_shown_as_what_they_are() {
    let timed = text(&golden("timed"));
    let dump = ok(["dump", &timed]);
    for line in [
        r#"{"namespace":"ends","at_ms":210000,"key":"JFK","value":""}"#,
        r#"{"namespace":"seen","key":"flight 3","value":"seen","expires_ms":210000}"#,
    ] {
        assert!(dump.lines().any(|found| found == line), "{line} in\n{dump}");
    }
    let diff = ok(["diff", &timed, "1", "2"]);
    assert!(
        diff.contains("- [ends] JFK at 90000") && diff.contains("+ [seen] flight 2  seen until 150000\n"),
        "{diff}"
    );
    let json = ok(["diff", "--json", &timed, "1", "2"]);
    let expected = r#"{"change":"removed","namespace":"ends","at_ms":90000,"key":"JFK","before":""}"#;
    assert!(json.lines().any(|line| line == expected), "{json}");
    let top = ok(["top", &timed]);
    assert!(top.contains("[stops] route") && top.contains("[ends] JFK") && !top.contains("0x"), "{top}");
    // A key may be the same in several namespaces.
    let named = ok(["dump", &text(&golden("namespaced"))]);
    assert!(named.contains(r#"{"namespace":"planes","key":"JF","value":"an equal key"}"#), "{named}");
    assert!(named.contains(r#"{"namespace":"routes","key":"JF","value":"flight 2"}"#), "{named}");
}

#[test]
fn namespaces_are_never_left_out_of_an_export() {
    let bench = Bench::new();
    let (named, to) = (text(&golden("namespaced")), text(&bench.path("laminar")));
    let done = alluvium(["export", "--format", "laminardb", &named, &to]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("namespace") && done.err.contains("--format alluvium"), "{}", done.err);
}
