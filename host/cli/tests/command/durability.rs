//! A file system without hard links, as strace makes one: refused, or accepted with what is weaker.

use std::process::Command;

use crate::support::{Bench, Done, alluvium, command, ok, text};

/// Whether strace can make system calls fail here; says loudly if it cannot.
fn may_refuse_calls() -> bool {
    let there = Command::new("strace").args(["-f", "-e", "trace=none", "true"]).output();
    let works = there.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("SKIPPED: strace cannot trace here");
    }
    works
}

/// Runs the command on a system whose file systems have no hard links, and no exclusive rename if `renames` is false.
fn without_links(arguments: &[String], renames: bool) -> Done {
    let plain = command(arguments);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-q", "-o", "/dev/null", "-e", "trace=linkat,link,renameat2"]);
    traced.args(["-e", "inject=linkat,link:error=EPERM"]);
    if !renames {
        traced.args(["-e", "inject=renameat2:error=EINVAL"]);
    }
    traced.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        traced.env(name, value.unwrap_or_default());
    }
    traced.output().expect("strace starts").into()
}

fn weaker(arguments: &[String]) -> Vec<String> {
    [arguments, &["--durability".to_owned(), "weaker".to_owned()]].concat()
}

#[test]
fn a_run_is_refused_with_the_way_out_or_says_what_is_weaker() {
    if !may_refuse_calls() {
        return;
    }
    let bench = Bench::new();
    let arguments = bench.run_arguments(&["--stop-after", "1500", "--checkpoint-every", "500"]);
    let refused = without_links(&arguments, true);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for word in ["cannot make hard links", "what to do: ", "--durability weaker"] {
        assert!(refused.err.contains(word), "{word:?}: {refused:?}");
    }
    let accepted = without_links(&weaker(&arguments), true);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    assert!(accepted.err.contains("two writers at the same moment may overwrite each other"), "{accepted:?}");
    assert_eq!(bench.ids(), [3, 2, 1]);
    bench.assert_whole();
    let as_json = [weaker(&arguments), vec!["--json".to_owned()]].concat();
    let accepted = without_links(&as_json, true);
    assert!(accepted.err.contains("\"event\":\"weaker-durability\""), "{accepted:?}");
    // Where every promise is kept, there is nothing to say.
    for isolate in [&[][..], &["--isolate".to_owned()]] {
        let done = alluvium(weaker(&[&arguments, isolate].concat()));
        assert!(done.code == Some(0) && !done.err.contains("overwrite"), "{done:?}");
    }
}

#[test]
fn commands_that_write_files_themselves_do_the_same() {
    if !may_refuse_calls() {
        return;
    }
    let bench = Bench::with_checkpoints();
    let archive = text(&bench.path("archive.tar"));
    ok(bench.over_dir("export", &[&archive]));
    let imported = |n: u32| vec!["import".to_owned(), archive.clone(), text(&bench.path(&format!("import-{n}")))];
    let backed_up = |n: u32| bench.over_dir("backup", &[&text(&bench.path(&format!("backup-{n}")))]);
    let restored = |_| bench.over_dir("restore", &["1"]);
    for (arguments, n) in [(imported(0), 0), (backed_up(1), 1), (restored(2), 2)] {
        let refused = without_links(&arguments, false);
        assert_eq!(refused.code, Some(2), "{n}: {refused:?}");
        for word in ["can neither rename without replacing nor make hard links", "--durability weaker"] {
            assert!(refused.err.contains(word), "{word:?}: {refused:?}");
        }
    }
    for (arguments, n) in [(imported(3), 3), (backed_up(4), 4), (restored(5), 5)] {
        let accepted = without_links(&weaker(&arguments), false);
        assert_eq!(accepted.code, Some(0), "{n}: {accepted:?}");
        assert!(accepted.err.contains("may overwrite each other; this is accepted"), "{accepted:?}");
    }
    for name in ["import-3", "backup-4", "run"] {
        assert!(ok(["verify", &text(&bench.path(name))]).contains("whole: "), "{name}");
    }
}
