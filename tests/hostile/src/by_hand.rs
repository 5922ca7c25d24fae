//! Plugins written by hand: a core module, made a component of the plugin's world.

use std::fs;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The core module. A [`Guest`](crate::Guest) fills in what is to be its own.
pub(crate) const TEMPLATE: &str = include_str!("plugin.wat");

/// The interfaces that a plugin need not export.
const OPTIONAL: [&str; 3] = ["migration", "timed", "keyed"];

/// What a plugin by hand may import and export besides the plugin's world: what a language's runtime asks for, and
/// a resource of its own.
const MORE: &str = r"
    package alluvium:by-hand;

    interface things {
        resource thing;
    }
    world plain {
        include alluvium:checkpoint/plugin@0.2.0;
        import wasi:clocks/monotonic-clock@0.2.0;
        import wasi:filesystem/preopens@0.2.0;
        import wasi:cli/stderr@0.2.0;
        export things;
    }
    world chosen {
        include plain;
        EXPORTS
    }
    package wasi:io@0.2.0 {
        interface poll { resource pollable; }
        interface error { resource error; }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream {
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.0 {
        interface stderr {
            use wasi:io/streams@0.2.0.{output-stream};
            get-stderr: func() -> output-stream;
        }
    }
    package wasi:clocks@0.2.0 {
        interface monotonic-clock {
            use wasi:io/poll@0.2.0.{pollable};
            now: func() -> u64;
            subscribe-duration: func(when: u64) -> pollable;
        }
    }
    package wasi:filesystem@0.2.0 {
        interface types { resource descriptor; }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }
    }";

/// Makes a component of a core module in the text format.
pub fn component(core: &str) -> Vec<u8> {
    component_of(core, |wit| wit)
}

/// The same, with interfaces that were changed.
pub fn component_of(core: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_source("alluvium.wit", &change(interfaces())).expect("our interfaces");
    let exported = OPTIONAL.iter().map(|name| format!("alluvium:checkpoint/{name}@0.2.0"));
    let exported = exported.filter(|name| core.contains(&format!("{name}#")));
    let exports = exported.map(|name| format!("export {name};")).collect::<Vec<_>>().concat();
    let package = resolve.push_source("by-hand.wit", &MORE.replace("EXPORTS", &exports)).expect("more interfaces");
    let world = resolve.select_world(&[package], Some("chosen")).expect("a world");
    let mut module = wat::parse_str(core).expect("a core module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a world for the module");
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(true).module(&module).expect("a module of this world");
    encoder.encode().expect("a component")
}

/// All our interfaces as one text, which begins with the name of the package.
fn interfaces() -> String {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wasm/wit");
    let mut files: Vec<PathBuf> = fs::read_dir(wit)
        .expect("the interfaces of the repository")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .collect();
    // The types have the name of the package.
    files.sort_by_key(|path| (!path.ends_with("types.wit"), path.clone()));
    let texts = files.iter().map(|path| fs::read_to_string(path).expect("an interface"));
    texts.collect::<Vec<_>>().join("\n")
}
