//! What a plugin says of itself, and what it is given: namespaces, parameters, inputs, outputs, refusals.

use std::collections::BTreeMap;

use alluvium_host::{Batch, EngineError, InputFormat, Module, Plugin, PluginOptions, RecordBatch, RuntimeError};

use crate::support::{Bench, OK, flights, refused};
use alluvium_hostile::Guest;

/// The number of declared namespaces and parameters, as the template has them: none.
const NO_NAMESPACE: &str = r#"(i32.const 220) "\60\01\00\00\00"#;
const NO_PARAMETER: &str = r#"(i32.const 228) "\a0\01\00\00\00"#;

fn code(bench: &Bench, process: &str, changes: &[(&str, &str)]) -> Module {
    let mut text = Guest::new().process(process).text();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    bench.text(&text)
}

fn start(bench: &Bench, code: &Module, parameters: &[(&str, &str)]) -> Result<Plugin, RuntimeError> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = PluginOptions { parameters, ..PluginOptions::default() };
    bench.host.start(code, bench.path("one"), &options)
}

const DECLARES: (&str, &str) = (NO_NAMESPACE, r#"(i32.const 220) "\60\01\00\00\01"#);

/// Puts delays = delays into the namespace windows, and counts what is there by its length.
fn puts_into_a_namespace() -> String {
    format!(
        "(call $namespace (i32.const 600) (i32.const 7) (i32.const 4096))
        (if (i32.load8_u (i32.const 4096)) (then (unreachable)))
        (call $put-in (i32.load (i32.const 4100)) (i32.const 160) (i32.const 6) (i32.const 160) (i32.const 6)
            (i32.const 4200))
        (if (i32.load8_u (i32.const 4200)) (then (unreachable)))
        {OK}"
    )
}

#[test]
fn a_declared_namespace_has_keys_of_its_own_through_checkpoints_restarts_and_engines() {
    for (engine, bench) in Bench::both() {
        let code = code(&bench, &puts_into_a_namespace(), &[DECLARES]);
        let mut plugin = start(&bench, &code, &[]).unwrap();
        plugin.feed(0, &flights(1, 1)).unwrap();
        plugin.checkpoint().unwrap();
        plugin.restart().unwrap();
        drop(plugin);
        let mut plugin = start(&bench, &code, &[]).unwrap();
        let found = plugin.with_engine(|engine| {
            Ok((engine.len(0)?, engine.len(1)?, engine.get(1, b"delays")?, engine.get(0, b"delays")?))
        });
        assert_eq!(found.unwrap(), (0, 1, Some(b"delays".to_vec()), None), "{engine}");
        let undeclared = refused(plugin.with_engine(|engine| engine.get(7, b"delays")));
        assert!(matches!(&undeclared, RuntimeError::Engine(EngineError::InvalidInput(text)) if text.contains('7')));
    }
}

/// The declaration of a hashed namespace whose entries expire a second of processing time after their last write, and
/// whose values are added.
const ADDS_AND_EXPIRES: (&str, &str) = (
    r"\07\00\00\00\01\00\00\00\08\00\00\00",
    r"\07\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\e8\03\00\00\00\00\00\00\01\00",
);

#[test]
fn entries_expire_and_values_are_merged_as_declared() {
    // One mutation: 5 is merged into delays.
    let process = format!(
        "(call $namespace (i32.const 600) (i32.const 7) (i32.const 4096))
        (i32.store8 (i32.const 4300) (i32.const 2)) (i32.store (i32.const 4304) (i32.const 6))
        (i32.store (i32.const 4308) (i32.const 8)) (i64.store (i32.const 4312) (i64.const 5))
        (call $apply-in (i32.load (i32.const 4100)) (i32.const 4300) (i32.const 1) (i32.const 4304) (i32.const 1)
            (i32.const 4308) (i32.const 1) (i32.const 160) (i32.const 6) (i32.const 4312) (i32.const 8)
            (i32.const 4200))
        (if (i32.load8_u (i32.const 4200)) (then (unreachable)))
        {OK}"
    );
    for (engine, bench) in Bench::both() {
        let code = code(&bench, &process, &[DECLARES, ADDS_AND_EXPIRES]);
        let mut plugin = start(&bench, &code, &[]).unwrap();
        assert!(plugin.description().needs_processing_time());
        let found = |plugin: &mut Plugin| plugin.with_engine(|engine| engine.get(1, b"delays")).unwrap();
        let move_to = |plugin: &mut Plugin, time_ms| {
            plugin.with_engine(|engine| engine.set_processing_time(time_ms)).unwrap();
        };
        move_to(&mut plugin, 10_000);
        plugin.feed(0, &flights(1, 1)).unwrap();
        plugin.feed(0, &flights(2, 1)).unwrap();
        plugin.checkpoint().unwrap();
        drop(plugin);
        let mut plugin = start(&bench, &code, &[]).unwrap();
        assert_eq!(found(&mut plugin), Some(10_i64.to_le_bytes().to_vec()), "{engine}");
        move_to(&mut plugin, 10_999);
        assert!(found(&mut plugin).is_some(), "{engine}");
        move_to(&mut plugin, 11_000);
        assert_eq!(found(&mut plugin), None, "{engine}");
        assert_eq!(plugin.with_engine(|engine| engine.len(1)).unwrap(), 0, "{engine}");
    }
}

#[test]
fn a_namespace_that_becomes_another_is_refused_by_its_name() {
    for (engine, bench) in Bench::both() {
        let ordered = code(&bench, &puts_into_a_namespace(), &[DECLARES]);
        let mut plugin = start(&bench, &ordered, &[]).unwrap();
        plugin.feed(0, &flights(1, 1)).unwrap();
        plugin.checkpoint().unwrap();
        drop(plugin);
        let hashed = (r"\07\00\00\00\01\00\00\00\08", r"\07\00\00\00\00\00\00\00\08");
        match refused(start(&bench, &code(&bench, OK, &[DECLARES, hashed]), &[])) {
            RuntimeError::Engine(EngineError::InvalidInput(text)) => {
                assert!(text.contains("\"windows\"") && text.contains("Ordered"), "{engine}: {text}");
            }
            error => panic!("{engine}: {error}"),
        }
    }
}

#[test]
fn a_namespace_that_was_not_declared_is_not_found_and_its_number_is_none() {
    let bench = Bench::new();
    // namespace("windows"): not-found. put in namespace 7: invalid-input.
    let process = format!(
        "(call $namespace (i32.const 600) (i32.const 7) (i32.const 4096))
        (if (i32.ne (i32.load (i32.const 4096)) (i32.const 1)) (then (unreachable)))
        (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 0)) (then (unreachable)))
        (call $put-in (i32.const 7) (i32.const 160) (i32.const 6) (i32.const 160) (i32.const 6) (i32.const 4096))
        (if (i32.ne (i32.load8_u (i32.const 4096)) (i32.const 1)) (then (unreachable)))
        (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 6)) (then (unreachable)))
        {OK}"
    );
    let mut plugin = start(&bench, &code(&bench, &process, &[]), &[]).unwrap();
    plugin.feed(0, &flights(1, 1)).unwrap();
    assert_eq!(plugin.with_engine(|engine| engine.len(0)).unwrap(), 0);
}

/// A plugin that puts each parameter, and under its upper-case letters what it was before.
fn with_a_parameter(bench: &Bench) -> Module {
    let open = "#open\") (param i32 i32) (result i32) (i32.const 16))";
    let puts = "#open\") (param i32 i32) (result i32)
        (if (i32.ne (local.get 1) (i32.const 1)) (then (unreachable)))
        (call $put (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))
            (i32.load offset=8 (local.get 0)) (i32.load offset=12 (local.get 0)) (i32.const 4096))
        (if (i32.load8_u offset=16 (local.get 0)) (then
            (call $put (i32.const 160) (i32.const 6)
                (i32.load offset=20 (local.get 0)) (i32.load offset=24 (local.get 0)) (i32.const 4096))))
        (i32.const 16))";
    code(bench, OK, &[(open, puts), (NO_PARAMETER, r#"(i32.const 228) "\a0\01\00\00\01"#)])
}

#[test]
fn parameters_have_a_default_and_a_change_is_told() {
    let bench = Bench::new();
    let code = with_a_parameter(&bench);
    let state = |plugin: &mut Plugin| {
        let mut found = BTreeMap::new();
        for key in ["limit", "delays"] {
            let value = plugin.with_engine(|engine| engine.get(0, key.as_bytes())).unwrap();
            found.extend(value.map(|value| (key, String::from_utf8(value).unwrap())));
        }
        found.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    let mut plugin = start(&bench, &code, &[]).unwrap();
    assert_eq!(state(&mut plugin), "limit=5", "the default, and nothing before");
    assert_eq!(plugin.description().parameters[0].doc, "a number");
    plugin.checkpoint().unwrap();
    plugin.close();
    let mut plugin = start(&bench, &code, &[("limit", "77")]).unwrap();
    assert_eq!(state(&mut plugin), "delays=5 limit=77", "what the checkpoint has is told");
    // What no checkpoint holds was never so.
    plugin.restart().unwrap();
    assert_eq!(state(&mut plugin), "delays=5 limit=77");
    plugin.checkpoint().unwrap();
    plugin.restart().unwrap();
    assert_eq!(state(&mut plugin), "delays=77 limit=77");
    plugin.close();
    let error = refused(start(&bench, &code, &[("limits", "1")])).to_string();
    assert!(error.contains("no parameter \"limits\"; it has limit"), "{error}");
    let error = refused(start(&bench, &code, &[("limit", &"9".repeat(5_000))])).to_string();
    assert!(error.contains("5000 bytes"), "{error}");
}

#[test]
fn a_parameter_without_a_default_must_be_set() {
    let bench = Bench::new();
    let mandatory = (r"\05\00\00\00\01\00\00\00\70\02", r"\05\00\00\00\00\00\00\00\70\02");
    let code = code(&bench, OK, &[mandatory, (NO_PARAMETER, r#"(i32.const 228) "\a0\01\00\00\01"#)]);
    let error = refused(start(&bench, &code, &[])).to_string();
    assert!(error.contains("\"limit\"") && error.contains("must be set: a number"), "{error}");
    start(&bench, &code, &[("limit", "1")]).unwrap();
}

#[test]
fn records_come_as_bytes_to_an_input_that_asks_for_them() {
    let bench = Bench::new();
    // The key is all records one after the other; the value is the lengths.
    let process = "(if (i32.ne (local.get $format) (i32.const 1)) (then (unreachable)))
        (call $put (local.get 4) (local.get 5) (local.get 2) (i32.mul (local.get 3) (i32.const 4)) (i32.const 4096))
        (i32.const 16)";
    let of_records =
        (r#"(i32.const 256) "\40\01\00\00\07\00\00\00\00"#, r#"(i32.const 256) "\40\01\00\00\07\00\00\00\01"#);
    let mut plugin = start(&bench, &code(&bench, process, &[of_records]), &[]).unwrap();
    assert_eq!(plugin.description().inputs[0].format, InputFormat::Records);
    let batch = RecordBatch { lens: vec![2, 0, 3], bytes: b"{}abc".to_vec() };
    plugin.feed(0, &Batch::Records(batch)).unwrap();
    let lens = [2u32, 0, 3].map(u32::to_le_bytes).concat();
    assert_eq!(plugin.with_engine(|engine| engine.get(0, b"{}abc")).unwrap(), Some(lens));
    // Other formats and inputs never reach the plugin.
    assert!(refused(plugin.feed(0, &flights(1, 1))).to_string().contains("Records"));
    assert!(refused(plugin.begin(0, &[])).to_string().contains("\"flights\""));
    assert!(refused(plugin.feed(1, &flights(1, 1))).to_string().contains("no input 1"));
    assert!(plugin.is_running());
}

#[test]
fn a_refusal_names_the_record() {
    let bench = Bench::new();
    // failure { record: some(1), text: "delays" }
    let process = "(i32.store8 (i32.const 32) (i32.const 1)) (i32.store8 (i32.const 36) (i32.const 1))
        (i32.store (i32.const 40) (i32.const 1)) (i32.store (i32.const 44) (i32.const 160))
        (i32.store (i32.const 48) (i32.const 6)) (i32.const 32)";
    let mut plugin = start(&bench, &bench.code(process), &[]).unwrap();
    let error = refused(plugin.feed(0, &flights(1, 2)));
    assert_eq!(error.to_string(), "the plugin refuses its input, record 2 of the batch: delays");
    match refused(plugin.feed(0, &flights(1, 1))) {
        RuntimeError::Refused { record: None, text, .. } => assert_eq!(text, "delays", "there is no second record"),
        error => panic!("{error}"),
    }
}

#[test]
fn what_is_emitted_goes_to_its_output() {
    let bench = Bench::new();
    // One record with a line break in it, to output 0; and one to an output that is not there.
    let process = "(i32.store (i32.const 8192) (i32.const 0x0a626140))
        (call $emit (i32.const 8192) (i32.const 4) (i32.const 4096))
        (if (i32.load8_u (i32.const 4096)) (then (call $put (i32.const 160) (i32.const 1) (i32.const 160) (i32.const 0) (i32.const 4112))))
        (call $emit-to (i32.const 1) (i32.const 160) (i32.const 6) (i32.const 4096))
        (if (i32.eqz (i32.load8_u (i32.const 4096))) (then (unreachable)))
        (call $emit (i32.const 160) (i32.const 6) (i32.const 4096))
        (i32.const 16)";
    let of_records =
        (r#"(i32.const 288) "\50\01\00\00\06\00\00\00\00"#, r#"(i32.const 288) "\50\01\00\00\06\00\00\00\01"#);
    let mut lines = start(&bench, &bench.code(process), &[]).unwrap();
    lines.feed(0, &flights(1, 1)).unwrap();
    assert_eq!(lines.take_emitted()[0].bytes(), b"delays\n", "lines hold no line break");
    assert_eq!(lines.with_engine(|engine| engine.len(0)).unwrap(), 1, "the other was refused");
    lines.close();
    let mut records = start(&bench, &code(&bench, process, &[of_records]), &[]).unwrap();
    records.feed(0, &flights(1, 1)).unwrap();
    let emitted = records.take_emitted();
    assert_eq!(emitted[0].records().collect::<Vec<_>>(), [&b"@ab\n"[..], b"delays"]);
    assert!(records.take_emitted()[0].is_empty());
}
