//! The attacks of the kit: one plugin for each thing that a plugin can do to its host.

use crate::guest::{Guest, OK};

/// An attack. It is done by one batch of one record, by asking for all results, and by a checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// What it is called in tables.
    pub name: &'static str,
    /// What the error says that ends it: the name of a limit, as a rule.
    pub ends_by: &'static str,
    /// Makes the plugin.
    pub guest: fn() -> Guest,
}

/// Grows the memory to what 65 MiB need, if it may grow.
const GROW: &str = "(drop (memory.grow (i32.const 1060)))";

/// Declares the namespace 1, whose values are appended to.
pub const DECLARE_APPENDED: &str =
    "(i32.store (i32.const 224) (i32.const 1)) (i32.store8 (i32.const 360) (i32.const 0))
    (i32.store8 (i32.const 392) (i32.const 1)) (i32.store8 (i32.const 393) (i32.const 3))";

/// Appends a megabyte to the value of a key there, whose only byte is 1, and does not look whether that was refused.
pub const APPEND: &str = "(i32.store8 (i32.const 8192) (i32.const 2)) (i32.store (i32.const 8196) (i32.const 1))
    (i32.store (i32.const 8200) (i32.const 1000000))
    (call $apply-in (i32.const 1) (i32.const 8192) (i32.const 1) (i32.const 8196) (i32.const 1) (i32.const 8200)
        (i32.const 1) (i32.const 8196) (i32.const 1) (i32.const 65536) (i32.const 1000000) (i32.const 4096))";

/// Declares the namespace 1, which is ordered.
pub const DECLARE_ORDERED: &str = "(i32.store (i32.const 224) (i32.const 1))";

/// Counts at the address of a key of 4 bytes.
const COUNT: &str = "(i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))";

/// Puts a value of so many bytes under the next key of a namespace, and does not look whether that was refused.
fn put_next(namespace: u32, bytes: u32) -> String {
    format!(
        "{COUNT} (call $put-in (i32.const {namespace}) (i32.const 8192) (i32.const 4) (i32.const 65536)
            (i32.const {bytes}) (i32.const 4096))"
    )
}

/// All of them.
pub const ATTACKS: [Attack; 24] = [
    Attack { name: "loop", ends_by: "time", guest: || Guest::new().process("(loop $again (br $again)) (unreachable)") },
    Attack {
        name: "memory",
        ends_by: "memory",
        // Each page that it gets is written to.
        guest: || {
            let grow = "(local.tee $input (memory.grow (i32.const 16)))";
            let touch =
                "(memory.fill (i32.mul (local.get $input) (i32.const 65536)) (i32.const 1) (i32.const 1048576))";
            Guest::new().process(&format!(
                "(loop $more (if (i32.ne {grow} (i32.const -1)) (then {touch} (br $more)))) (unreachable)"
            ))
        },
    },
    Attack {
        name: "tables",
        ends_by: "tables",
        guest: || {
            let grow = "(table.grow $table (ref.null func) (i32.const 10000))";
            Guest::new().process(&format!("(loop $more (br_if $more (i32.ne {grow} (i32.const -1)))) (unreachable)"))
        },
    },
    Attack {
        name: "recursion",
        ends_by: "stack",
        guest: || {
            let again = "(call $process (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
                (local.get 5) (local.get 6))";
            Guest::new().process(&format!("{again} (i32.add (i32.const 1))"))
        },
    },
    Attack {
        name: "huge_value",
        ends_by: "call bytes",
        guest: || {
            let all = "(i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536))";
            let put = format!("(call $put (i32.const 8192) (i32.const 4) (i32.const 65536) {all} (i32.const 4096))");
            Guest::new().process(&format!("{GROW} {put} (unreachable)"))
        },
    },
    Attack {
        name: "cursors",
        ends_by: "handles",
        guest: || {
            let open = "(call $iterate (i32.const 0) (i32.const 0) (i32.const 4096))";
            Guest::new().process(&format!("(loop $more {open} (br $more)) (unreachable)"))
        },
    },
    Attack {
        name: "handles",
        ends_by: "handles",
        guest: || Guest::new().process("(loop $more (drop (call $thing (i32.const 1))) (br $more)) (unreachable)"),
    },
    Attack {
        name: "output",
        ends_by: "output",
        guest: || {
            let emit = "(call $emit (i32.const 65536) (i32.const 60000) (i32.const 4096))";
            Guest::new().process(&format!("(loop $more {emit} (br $more)) (unreachable)"))
        },
    },
    Attack {
        name: "error_text",
        ends_by: "refuses its input",
        // A failure without a record, whose text is all of the memory but a page, up to 60 MiB.
        guest: || {
            Guest::new().process(&format!(
                "{GROW} (i32.store (i32.const 8192) (i32.const 1)) (i32.store (i32.const 8196) (i32.const 0))
                (i32.store (i32.const 8204) (i32.const 65536))
                (i32.store (i32.const 8208) (select (i32.const 62914560) (i32.const 1000000)
                    (i32.gt_u (memory.size) (i32.const 1000))))
                (i32.const 8192)"
            ))
        },
    },
    Attack {
        name: "long_name",
        ends_by: "refuses its input",
        // The name of a namespace, of control characters: the error quotes it.
        guest: || {
            Guest::new().process(&format!(
                "{GROW} (memory.fill (i32.const 65536) (i32.const 1)
                    (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
                (call $namespace (i32.const 65536) (select (i32.const 62914560) (i32.const 1000000)
                    (i32.gt_u (memory.size) (i32.const 1000))) (i32.const 4096))
                (i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)"
            ))
        },
    },
    Attack {
        name: "endless_results",
        ends_by: "does not come after",
        guest: || {
            let page = "(i32.store (i32.const 8464) (i32.const 0)) (i32.store (i32.const 8468) (i32.const 8448))
                (i32.store (i32.const 8472) (i32.const 1)) (i32.store (i32.const 8448) (i32.const 700))
                (i32.store (i32.const 8452) (i32.const 11)) (return (i32.const 8464))";
            Guest::new().more("(data (i32.const 700) \"{\\\"key\\\":\\\"a\\\"}\")").results(page)
        },
    },
    Attack {
        name: "many_lines",
        ends_by: "call bytes",
        // One page of millions of lines, which are all the same two bytes.
        guest: || {
            let page = format!(
                "(local $at i32) (local $end i32) {GROW}
                (local.set $at (i32.const 65536))
                (local.set $end (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
                (loop $more
                    (i32.store (local.get $at) (i32.const 700))
                    (i32.store offset=4 (local.get $at) (i32.const 2))
                    (local.set $at (i32.add (local.get $at) (i32.const 8)))
                    (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
                (i32.store (i32.const 8464) (i32.const 0)) (i32.store (i32.const 8468) (i32.const 65536))
                (i32.store (i32.const 8472) (i32.div_u (i32.sub (local.get $end) (i32.const 65536)) (i32.const 8)))
                (return (i32.const 8464))"
            );
            Guest::new().more("(data (i32.const 700) \"{}\")").results(&page)
        },
    },
    Attack {
        name: "disk",
        ends_by: "disk bytes",
        // Within every limit but that of the disk, and never written.
        guest: || {
            let put = put_next(0, 900_000);
            Guest::new().process(&format!("{} {OK}", put.repeat(8)))
        },
    },
    Attack {
        name: "walks",
        ends_by: "time",
        // One pass over the whole state after the other.
        guest: || {
            let walk = "(call $iterate (i32.const 0) (i32.const 0) (i32.const 4096))
                (local.set $count (i32.load (i32.const 4100)))
                (call $next (local.get $count) (i32.const 1) (i32.const 4096))
                (call $next (local.get $count) (i32.const 1) (i32.const 4096))
                (call $drop-cursor (local.get $count))";
            Guest::new().process(&format!("(loop $more {walk} (br $more)) (unreachable)"))
        },
    },
    Attack {
        name: "state",
        ends_by: "time",
        // Values under other keys, until it gets no more memory for them, and after that.
        guest: || {
            let put = put_next(0, 1_000);
            Guest::new()
                .process(&format!("(loop $more {put} (global.set $free (i32.const 131072)) (br $more)) (unreachable)"))
        },
    },
    Attack {
        name: "append",
        ends_by: "time",
        // A megabyte behind what is there, again and again, also when the value has become as long as it may.
        guest: || {
            Guest::new().describe(DECLARE_APPENDED).process(&format!(
                "(loop $more {APPEND} (global.set $free (i32.const 131072)) (br $more)) (unreachable)"
            ))
        },
    },
    Attack {
        name: "timers",
        ends_by: "time",
        // Timers of one instant, until there is no memory for them, and after that.
        guest: || {
            let set = "(call $set-timer (i32.const 1) (i32.const 1) (i32.const 8192) (i32.const 4) (i32.const 4096))";
            Guest::new().timers(OK).process(&format!("(loop $more {COUNT} {set} (br $more)) (unreachable)"))
        },
    },
    Attack {
        name: "scan",
        ends_by: "time",
        // All entries of a range, without a limit, again and again.
        guest: || {
            let put = put_next(1, 1_000);
            let all =
                "(call $scan-in (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const -1) (i32.const 4096)) (global.set $free (i32.const 131072))";
            Guest::new().describe(DECLARE_ORDERED).process(&format!(
                "(loop $fill {put} (br_if $fill (i32.lt_u (i32.load (i32.const 8192)) (i32.const 500))))
                (loop $more {all} (br $more)) (unreachable)"
            ))
        },
    },
    Attack {
        name: "delete_range",
        ends_by: "time",
        // A thousand keys, and then a deletion of everything, again and again: each of them must be undone.
        guest: || {
            let put = put_next(1, 10);
            let all = "(call $delete-range-in (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 4096))";
            Guest::new().describe(DECLARE_ORDERED).process(&format!(
                "(loop $more {put}
                (br_if $more (i32.rem_u (i32.load (i32.const 8192)) (i32.const 1000))) {all} (br $more)) (unreachable)"
            ))
        },
    },
    Attack {
        name: "log",
        ends_by: "time",
        guest: || {
            let say = "(call $log (i32.const 2) (i32.const 160) (i32.const 6))";
            Guest::new().process(&format!("(loop $more {say} (br $more)) (unreachable)"))
        },
    },
    Attack {
        name: "undo",
        ends_by: "refuses its input",
        // Much work, and then a refusal, so that all of it is undone.
        guest: || {
            let put = put_next(0, 10);
            Guest::new().process(&format!(
                "(loop $more {put} (br_if $more (i32.lt_u (i32.load (i32.const 8192)) (i32.const 30000))))
                (i32.store (i32.const 8192) (i32.const 0))
                (i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)"
            ))
        },
    },
    Attack { name: "trap", ends_by: "unreachable", guest: || Guest::new().process("(unreachable)") },
    Attack {
        name: "timer",
        ends_by: "it set a timer",
        guest: || Guest::new().process("(drop (call $timer (i64.const 1000000000))) (unreachable)"),
    },
    Attack {
        name: "cursor_of_none",
        ends_by: "ended in mid-call",
        guest: || Guest::new().process("(call $next (i32.const 77) (i32.const 1) (i32.const 4096)) (unreachable)"),
    },
];
