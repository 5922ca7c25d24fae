//! What a plugin says, in an error or of itself: cut and made printable.

use alluvium_host::RuntimeError;
use alluvium_hostile::Guest;

use crate::support::{Bench, flights, refused};

#[test]
fn megabytes_of_error_text_are_cut_to_a_few_kilobytes() {
    let bench = Bench::new();
    // A failure without a record, whose text is 60 MiB of zero bytes.
    let refuse = "(drop (memory.grow (i32.const 1000)))
        (i32.store (i32.const 8192) (i32.const 1)) (i32.store (i32.const 8196) (i32.const 0))
        (i32.store (i32.const 8204) (i32.const 65536)) (i32.store (i32.const 8208) (i32.const 62914560))
        (i32.const 8192)";
    let mut plugin = bench.start(&bench.guest(&Guest::new().process(refuse)), "talks", None);
    let error = refused(plugin.feed(0, &flights(1, 1)));
    let RuntimeError::Refused { text, .. } = &error else { panic!("{error}") };
    assert!(text.contains("62910464 bytes more") && text.len() < 30_000, "{} bytes", text.len());
    assert!(text.chars().all(|c| !c.is_control()), "it can be shown");
    plugin.feed(0, &flights(1, 1)).expect_err("it lives, and refuses again");
}
