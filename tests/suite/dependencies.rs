//! The crates that the workspace depends on: each is used, and the ones that the project was asked to be
//! built with are there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use alluvium_test_harness::here;
use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;

/// Workspaces of the repository: the main one, and those that are built by themselves.
const MANIFESTS: [&str; 4] =
    ["Cargo.toml", "tests/fuzz/Cargo.toml", "tests/peers/Cargo.toml", "tests/runtimes/Cargo.toml"];

/// Dependencies that no source names, each with the reason why it is there.
const EXCEPTIONS: [(&str, &str, &str); 8] = [
    ("alluvium-docs-test", "alluvium", "the Rust blocks of the pages use it"),
    ("alluvium-docs-test", "alluvium-connectors", "the Rust blocks of the pages use it"),
    ("alluvium-docs-test", "alluvium-core", "the Rust blocks of the pages use it"),
    ("alluvium-docs-test", "alluvium-host", "the Rust blocks of the pages use it"),
    ("alluvium-docs-test", "alluvium-plugin", "the Rust blocks of the pages use it"),
    ("alluvium-docs-test", "serde", "the Rust blocks of the pages use it"),
    ("alluvium-docs-test", "tempfile", "the Rust blocks of the pages use it"),
    ("alluvium-object", "reqwest", "its features are those of the client that object_store makes"),
];

/// Returns the packages of a workspace, as cargo describes them.
fn packages(manifest: &str) -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = here("..").join(manifest);
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(&manifest)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}: {}", manifest.display(), String::from_utf8_lossy(&output.stderr));
    let described: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    described["packages"].as_array().expect("packages").clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Adds the Rust files below `folder`, without those of packages inside of it.
fn add_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.join("Cargo.toml").exists() && !path.ends_with("target") {
            add_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

fn add_identifiers(tokens: TokenStream, identifiers: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => drop(identifiers.insert(ident.to_string())),
            TokenTree::Group(group) => add_identifiers(group.stream(), identifiers),
            _ => {}
        }
    }
}

/// Returns the identifiers in the code of the sources that `is_meant` chooses. Comments have none.
fn identifiers(sources: &[PathBuf], is_meant: impl Fn(&Path) -> bool) -> BTreeSet<String> {
    let mut identifiers = BTreeSet::new();
    for path in sources.iter().filter(|path| is_meant(path)) {
        let source = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tokens: TokenStream = source.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        add_identifiers(tokens, &mut identifiers);
    }
    identifiers
}

/// Returns the dependencies of a package that its sources do not name.
fn unused(package: &Value) -> Vec<String> {
    let folder = Path::new(text(&package["manifest_path"])).parent().expect("a folder").to_owned();
    let mut sources = Vec::new();
    add_sources(&folder, &mut sources);
    // A package may be made of the sources of another one.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let targets = package["targets"].as_array().into_iter().flatten();
    let targets = targets.map(|target| real(Path::new(text(&target["src_path"]))));
    let elsewhere: BTreeSet<PathBuf> = targets
        .filter(|path| !path.starts_with(real(&folder)))
        .filter_map(|path| Some(path.parent()?.to_owned()))
        .collect();
    for folder in &elsewhere {
        add_sources(folder, &mut sources);
    }
    let build = folder.join("build.rs");
    let in_tests = identifiers(&sources, |_| true);
    // The fuzz targets are programs of their package, beside `src`.
    let is_program = |path: &Path| {
        !path.starts_with(&folder) || ["src", "fuzz_targets"].iter().any(|name| path.starts_with(folder.join(name)))
    };
    let in_programs = identifiers(&sources, is_program);
    let in_build = identifiers(&sources, |path| path == build);
    let is_used = |dependency: &&Value| {
        let name = dependency["rename"].as_str().unwrap_or(text(&dependency["name"])).replace('-', "_");
        match dependency["kind"].as_str() {
            Some("dev") => in_tests.contains(&name),
            Some("build") => in_build.contains(&name),
            _ => in_programs.contains(&name),
        }
    };
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    dependencies
        .iter()
        .filter(|dependency| !is_used(dependency))
        .map(|dependency| text(&dependency["name"]).into())
        .collect()
}

#[test]
fn every_dependency_is_used() {
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for package in MANIFESTS.iter().flat_map(|manifest| packages(manifest)) {
        found.extend(unused(&package).into_iter().map(|dependency| (text(&package["name"]).to_owned(), dependency)));
    }
    for (package, dependency, reason) in EXCEPTIONS {
        let is_needed = found.remove(&(package.to_owned(), dependency.to_owned()));
        assert!(is_needed, "{package} names {dependency} by now: the exception ({reason}) can go");
    }
    assert!(found.is_empty(), "dependencies that no source uses: {found:#?}");
}

#[test]
fn a_dependency_in_comments_and_strings_alone_is_unused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("src")).expect("src");
    let source = "//! Uses fastrand.\n/// And `csv::Reader`.\nfn main() { serde_json::from_str(\"flate2\") }\n";
    std::fs::write(folder.path().join("src/main.rs"), source).expect("main.rs");
    let dependency = |name: &str| serde_json::json!({ "name": name, "kind": null, "rename": null });
    let dependencies = ["csv", "fastrand", "flate2", "serde-json"].map(dependency);
    let package = serde_json::json!({
        "manifest_path": folder.path().join("Cargo.toml"),
        "dependencies": dependencies,
    });
    assert_eq!(unused(&package), ["csv", "fastrand", "flate2"]);
}

/// Checks that `package` depends on `names` for all targets, or for those whose condition has `target`.
fn check_depends(package: &str, target: Option<&str>, names: &[&str]) {
    let packages = packages("Cargo.toml");
    let package = packages.iter().find(|found| found["name"] == package).expect(package);
    let is_meant = |dependency: &&Value| {
        let condition = dependency["target"].as_str();
        dependency["kind"].is_null()
            && dependency["optional"] == false
            && target.map_or(condition.is_none(), |target| condition.is_none_or(|condition| condition.contains(target)))
    };
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter().filter(is_meant);
    let found: BTreeSet<&str> = dependencies.map(|dependency| text(&dependency["name"])).collect();
    for name in names {
        assert!(found.contains(name), "{} does not depend on {name}: {found:?}", package["name"]);
    }
}

#[test]
fn core_is_built_with_serde_serde_json_and_rustc_hash() {
    check_depends("alluvium-core", None, &["serde", "serde_json", "rustc-hash"]);
}

#[test]
fn the_browser_package_is_built_with_wasm_bindgen_js_sys_and_serde_wasm_bindgen() {
    let browser = Some("target_os = \"unknown\"");
    check_depends("alluvium-wasm", browser, &["serde-wasm-bindgen", "js-sys", "wasm-bindgen"]);
}

#[test]
fn the_host_is_built_with_wasmtime() {
    check_depends("alluvium-host", None, &["wasmtime", "wasmtime-wasi"]);
}
