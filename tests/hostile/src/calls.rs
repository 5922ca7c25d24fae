//! Random sequences of calls out of a plugin, legal ones and illegal ones.

use fastrand::Rng;

/// Calls that a plugin may make, with the number of their parameters. The last one is where an answer goes, if there
/// is one.
const CALLS: [(&str, usize); 16] = [
    ("$get-in", 4),
    ("$get-many-in", 6),
    ("$len-in", 2),
    ("$put-in", 6),
    ("$apply-in", 12),
    ("$delete-in", 4),
    ("$iterate-in", 4),
    ("$namespace", 3),
    ("$emit-to", 4),
    ("$scan", 6),
    ("$delete-range", 6),
    ("$set-timer", 5),
    ("$delete-timer", 5),
    ("$directories", 1),
    ("$next", 3),
    ("$drop-cursor", 1),
];

/// The calls at the end of the list that take a cursor.
const CURSOR_CALLS: usize = 2;

/// Returns the body of a `process` that makes `count` calls at random and then returns an empty result.
///
/// Most parameters are such as an honest plugin has: an address within its memory, a short length, the namespace or
/// output 0. The others are anything: lengths past the end of its memory, handles that were never given.
pub fn body(random: &mut Rng, count: usize) -> String {
    let mut body = String::new();
    for _ in 0..count {
        let legal = random.u8(..50) != 0;
        // A cursor that was never given ends the plugin.
        let among = if legal { CALLS.len() - CURSOR_CALLS } else { CALLS.len() };
        let (name, parameters) = CALLS[random.usize(..among)];
        let arguments: String = (0..parameters).map(|at| argument(random, legal, at, parameters)).collect();
        body.push_str(&["(call ", name, " ", &arguments, ")\n"].concat());
    }
    body + "(i32.const 16)"
}

fn argument(random: &mut Rng, legal: bool, at: usize, of: usize) -> String {
    let value = match () {
        () if !legal => match random.u8(..5) {
            0 => u32::MAX,
            1 => random.u32(..),
            2 => 64 * 65_536,
            3 => 64 * 65_536 - 1,
            _ => random.u32(..64),
        },
        // An address for the answer, a namespace or output, and in between addresses and lengths.
        () if at + 1 == of => 4_096,
        // Only the name of a namespace stands first, and is text.
        () if of == 3 => [600, random.u32(..8)][at],
        () if at == 0 => random.u32(..2),
        () if at % 2 == 1 => 8_192 + 8 * random.u32(..512),
        () => random.u32(..200),
    };
    format!("(i32.const {}) ", value.cast_signed())
}
