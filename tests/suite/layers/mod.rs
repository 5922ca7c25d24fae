//! The layers of core: a folder uses only the folders below it, and imports have no circle.

mod imports;

use std::collections::{BTreeMap, BTreeSet};

use alluvium_test_harness::{here, load};

use imports::{Imports, Segments};

/// The folders of core, from the lowest to the highest. A folder uses itself and those before it.
const FOLDERS: [&str; 14] = [
    "model",
    "directory",
    "format",
    "state",
    "changelog",
    "namespaces",
    "ledger",
    "maintenance",
    "recovery",
    "commit",
    "tools",
    "manager",
    "job",
    "archive",
];

/// The files directly in `src` that every folder may use, each with the files that it may use itself.
const LOWEST: [(&str, &[&str]); 5] = [
    ("clock.rs", &[]),
    ("seeded_defects.rs", &[]),
    ("error.rs", &["directory/error.rs"]),
    ("config.rs", &["error.rs", "open_options.rs"]),
    ("open_options.rs", &["clock.rs", "error.rs"]),
];

const ROOT_FILES_MAX: usize = 6;

/// The source files of a crate, by their path below `src`.
type Sources = BTreeMap<String, String>;

/// A module in a file of its own.
struct Module {
    file: String,
    imports: Imports,
}

fn module_of(file: &str) -> Segments {
    let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

fn modules(sources: &Sources) -> BTreeMap<Segments, Module> {
    let names: BTreeSet<Segments> = sources.keys().map(|file| module_of(file)).collect();
    let module = |(file, source): (&String, &String)| {
        let name = module_of(file);
        let is_child = |other: &&Segments| other.len() == name.len() + 1 && other.starts_with(&name);
        let children = names.iter().filter(is_child).filter_map(|child| child.last().cloned()).collect();
        let imports = Imports::of(source, name.clone(), children).unwrap_or_else(|error| panic!("{file}: {error}"));
        (name, Module { file: file.clone(), imports })
    };
    sources.iter().map(module).collect()
}

/// Returns the file that defines what `path` names, through any number of `pub use`.
fn defining_file<'a>(modules: &'a BTreeMap<Segments, Module>, path: &[String]) -> Option<&'a str> {
    let mut path = path.to_vec();
    for _ in 0..8 {
        let known = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
        let module = &modules[&path[..known]];
        let name = path.get(known);
        match module.imports.re_exports.iter().find(|re_export| Some(&re_export.name) == name) {
            // The root is no place to import from, although everything public can be found there.
            Some(re_export) if known > 0 => path = [&re_export.target, &path[known + 1..]].concat(),
            _ => return Some(&module.file),
        }
    }
    panic!("{path:?} is passed on in a circle");
}

/// Returns which file uses which. A `pub use` of the own folder that the file itself does not need
/// is a sign at the door, not a use.
fn arrows(modules: &BTreeMap<Segments, Module>) -> BTreeSet<(String, String)> {
    let mut arrows = BTreeSet::new();
    for module in modules.values() {
        let passed_on = module.imports.re_exports.iter().filter(|re_export| {
            let is_own = re_export.target.first().is_some_and(|folder| module.file.starts_with(&format!("{folder}/")));
            !is_own || module.imports.identifiers.contains(&re_export.name)
        });
        let paths = module.imports.paths.iter().chain(passed_on.map(|re_export| &re_export.target));
        let files = paths.filter_map(|path| defining_file(modules, path)).filter(|file| *file != module.file);
        arrows.extend(files.map(|file| (module.file.clone(), file.to_owned())));
    }
    arrows
}

fn folder_of(file: &str) -> Option<&str> {
    file.split_once('/').map(|(folder, _)| folder)
}

fn is_downwards(from: &str, to: &str) -> bool {
    let rank = |file: &str| folder_of(file).and_then(|folder| FOLDERS.iter().position(|known| *known == folder));
    if let Some((_, may_use)) = LOWEST.iter().find(|(file, _)| *file == from) {
        return may_use.contains(&to);
    }
    let is_lowest = LOWEST.iter().any(|(file, _)| *file == to);
    from == "lib.rs" || is_lowest || matches!((rank(from), rank(to)), (Some(from), Some(to)) if to <= from)
}

/// Returns a circle that starts and ends at `start`, if there is one.
fn circle(arrows: &BTreeSet<(String, String)>, start: &str) -> Option<Vec<String>> {
    let mut paths = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop() {
        for (_, to) in arrows.iter().filter(|(from, _)| Some(from) == path.last()) {
            let longer = [&path[..], std::slice::from_ref(to)].concat();
            if to == start {
                return Some(longer);
            }
            if seen.insert(to.clone()) {
                paths.push(longer);
            }
        }
    }
    None
}

/// Returns everything that is wrong with the layers of a crate.
fn faults(sources: &Sources) -> Vec<String> {
    let mut faults = Vec::new();
    let root: Vec<&String> = sources.keys().filter(|file| folder_of(file).is_none()).collect();
    if root.len() > ROOT_FILES_MAX {
        faults.push(format!("{} files directly in src, more than {ROOT_FILES_MAX}: {root:?}", root.len()));
    }
    let is_known = |file: &str| match folder_of(file) {
        Some(folder) => FOLDERS.contains(&folder),
        None => file == "lib.rs" || LOWEST.iter().any(|(known, _)| *known == file),
    };
    faults
        .extend(sources.keys().filter(|file| !is_known(file)).map(|file| format!("{file} has no place in the layers")));
    let arrows = arrows(&modules(sources));
    faults.extend(
        arrows.iter().filter(|(from, to)| !is_downwards(from, to)).map(|(from, to)| format!("{from} uses {to}")),
    );
    // Each circle once: from its first file on.
    let circles = sources
        .keys()
        .filter_map(|file| circle(&arrows, file).filter(|circle| circle.iter().all(|other| other >= file)));
    faults.extend(circles.map(|circle| circle.join(" → ")));
    faults
}

#[test]
fn core_has_no_arrow_upwards_and_no_circle() {
    let files = load(&here("../core/src"));
    let sources = files.into_iter().filter(|(path, _)| path.ends_with(".rs"));
    let sources: Sources = sources.map(|(path, content)| (path, String::from_utf8(content).expect("UTF-8"))).collect();
    let found = arrows(&modules(&sources));
    for (from, to) in [("manager/checkpoint.rs", "commit/prepared.rs"), ("lib.rs", "config.rs")] {
        assert!(found.contains(&(from.into(), to.into())), "{from} → {to} is not seen: {found:#?}");
    }
    let faults = faults(&sources);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A small crate in order, with `edits` of its files.
fn made_up(edits: &[(&str, &str)]) -> Vec<String> {
    let sound = [
        ("lib.rs", "mod config; mod error; mod model; mod state; pub use state::Table;"),
        ("error.rs", "pub struct Error(crate::directory::error::Kind);"),
        ("config.rs", "use crate::error::Error;"),
        ("directory/mod.rs", "pub mod error; pub use error::Kind;"),
        ("directory/error.rs", "pub enum Kind { Full }"),
        ("model/mod.rs", "pub mod hash;"),
        ("model/hash.rs", "use crate::config; #[cfg(test)] mod tests { use crate::state::table::Table; }"),
        ("state/mod.rs", "mod table; pub use crate::state::table::Table;"),
        ("state/table.rs", "use crate::model; pub struct Table;"),
    ];
    let edited = sound.iter().chain(edits).map(|(file, source)| ((*file).to_owned(), (*source).to_owned()));
    faults(&edited.collect())
}

#[test]
fn a_crate_in_order_has_no_faults() {
    assert_eq!(made_up(&[]), Vec::<String>::new());
}

#[test]
fn an_arrow_upwards_is_found_however_it_is_written() {
    let ways = [
        "use crate::state::table::Table;",
        "use crate::{config, state::{table::{Table as Rows}}};",
        "pub use crate::state::Table;",
        "fn rows() -> usize { crate::state::Table::rows() }",
        "fn rows() { println!(\"{}\", [crate::state::Table::ROWS]) }",
        "fn rows() { super::super::state::Table::new() }",
        "#[derive(Serialize)] struct Row { #[serde(with = \"crate::state::table\")] id: u8 }",
    ];
    for way in ways {
        assert_eq!(made_up(&[("model/hash.rs", way)]), ["model/hash.rs uses state/table.rs"], "{way}");
    }
    assert_eq!(made_up(&[("model/hash.rs", "use crate::Table;")]), ["model/hash.rs uses lib.rs"]);
    assert_eq!(made_up(&[("config.rs", "use crate::model::hash::Hash;")])[0], "config.rs uses model/hash.rs");
}

#[test]
fn a_circle_within_a_folder_is_found() {
    let through_the_folder =
        [("state/mod.rs", "mod table; struct State(table::Table);"), ("state/table.rs", "use super::State;")];
    assert_eq!(made_up(&through_the_folder), ["state/mod.rs → state/table.rs → state/mod.rs"]);
    let three = [
        ("state/a.rs", "use crate::state::b::B;"),
        ("state/b.rs", "use crate::state::c::C;"),
        ("state/c.rs", "use crate::state::a::A;"),
    ];
    assert_eq!(made_up(&three), ["state/a.rs → state/b.rs → state/c.rs → state/a.rs"]);
}

#[test]
fn a_seventh_file_and_an_unknown_folder_are_found() {
    let seventh = [("clock.rs", ""), ("seeded_defects.rs", ""), ("a.rs", ""), ("b.rs", "")];
    let faults = made_up(&seventh);
    assert!(faults[0].starts_with("7 files directly in src, more than 6"), "{faults:?}");
    assert_eq!(faults[1..], ["a.rs has no place in the layers", "b.rs has no place in the layers"]);
    assert_eq!(made_up(&[("utilities/mod.rs", "")]), ["utilities/mod.rs has no place in the layers"]);
}
