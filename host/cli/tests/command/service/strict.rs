//! `--strict` refuses what a crash may double or lose.

use crate::support::{Bench, fails, ok, text};

#[test]
fn a_pipe_and_the_standard_output_are_refused() {
    let bench = Bench::new();
    let output = text(&bench.path("output.ndjson"));
    let piped = bench.run_over("-".as_ref(), &["--strict", "--output", &output]);
    fails(piped, &bench.dir(), &["standard input: --strict refuses it", "what to do"]);
    let shown = bench.run_arguments(&["--strict"]);
    fails(shown, &bench.dir(), &["standard output: --strict refuses it: after a crash records may be in it twice"]);
    let letters = bench.run_arguments(&["--strict", "--output", &output, "--on-error", "dead-letter=/dev/null"]);
    fails(letters, &bench.dir(), &["/dev/null: --strict refuses it"]);
    ok(bench.run_arguments(&["--strict", "--output", &output, "--stop-after", "2000"]));
    bench.assert_whole();
}
