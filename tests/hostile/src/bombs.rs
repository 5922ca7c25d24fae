//! Components that are small to send and large to compile or to hold.

use std::fmt::Write;

/// Returns a component that is this core module and nothing else.
///
/// # Panics
///
/// Panics if the fields are not those of a module.
pub fn core(fields: &str) -> Vec<u8> {
    let component = wat::parse_str(format!("(component (core module {fields}))"));
    component.unwrap_or_else(|error| panic!("no module: {error}"))
}

/// Returns a module of one function, in which every local may have another value after every loop. With 2,000 locals
/// and 5,000 loops it has 82 KB and takes minutes to compile.
pub fn loops(locals: u32, loops: u32) -> Vec<u8> {
    let mut body = String::new();
    for at in 0..loops {
        let (one, other) = (at % locals, at * 7 % locals);
        let sum = format!("(i32.add (local.get {one}) (local.get {other}))");
        write!(body, "loop (local.set {one} {sum}) (br_if 0 (local.get {one})) ").expect("memory");
    }
    body.push_str(&"end ".repeat(loops as usize));
    core(&format!("(func (result i32) (local {}) {body} local.get 0)", "i32 ".repeat(locals as usize)))
}

/// Returns a component with so many instances of a module of so many globals.
///
/// # Panics
///
/// Never: what it writes is a component.
pub fn globals(instances: u32, globals: u32) -> Vec<u8> {
    let global = "(global v128 (v128.const i64x2 0 0))".repeat(globals as usize);
    let instance = "(core instance (instantiate $many))".repeat(instances as usize);
    wat::parse_str(format!("(component (core module $many {global}) {instance})")).expect("a component")
}
