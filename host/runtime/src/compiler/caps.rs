//! How large the code of a component may be.
//!
//! The time that compiling takes does not follow from a file's length: 82 KB in one function, with 2,000 locals and
//! 5,000 loops, took 167 seconds. What it follows from is capped here, and none of it needs more than one pass over
//! the file.

use crate::compiler::shape::Shape;

/// Caps on the code of one component, held before anything is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLimits {
    /// The length of the file in bytes.
    pub bytes: u64,
    /// Functions of all its modules together.
    pub functions: u64,
    /// The length of one function's body in bytes.
    pub function_bytes: u64,
    /// What one function gives a compiler to do: its locals times its blocks. Every local may have another value
    /// after every block.
    pub function_work: u64,
    /// The same for all functions together.
    pub work: u64,
    /// The squares of the bodies' lengths, summed up. Allocating registers takes so long in the worst case.
    pub body_squares: u64,
    /// Globals of one module.
    pub globals: u64,
    /// Imports and exports of one module, each.
    pub names: u64,
    /// Memories of all its modules together.
    pub memories: u64,
    /// Memories of one module, with those that it imports. No toolchain that we know makes more than one.
    pub module_memories: u64,
    /// The instances of all its modules, without their memories and tables, in bytes.
    pub instance_bytes: u64,
}

impl Default for CodeLimits {
    /// The caps that hold in this process and in a compiler process. Components that hold a whole language, as those in JavaScript and
    /// Python do, stay well below them.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            functions: 100_000,
            function_bytes: 1 << 20,
            function_work: 1_000_000,
            work: 10_000_000,
            body_squares: 1_000_000_000_000,
            globals: 10_000,
            names: 20_000,
            memories: 4,
            module_memories: 1,
            instance_bytes: 32 << 20,
        }
    }
}

impl CodeLimits {
    /// The caps for what is compiled within the host's own process, where nothing can stop a compiler: some seconds
    /// in the worst case. Plugins in Rust and C stay well below them.
    pub fn in_process() -> Self {
        Self {
            bytes: 8 << 20,
            functions: 10_000,
            function_bytes: 64 << 10,
            function_work: 100_000,
            work: 1_000_000,
            body_squares: 2_000_000_000,
            ..Self::default()
        }
    }

    /// Says which cap the code exceeds, if it does.
    pub(crate) fn check(&self, shape: &Shape) -> Result<(), String> {
        let rows = [
            (shape.bytes, self.bytes, "bytes"),
            (shape.functions, self.functions, "functions"),
            (shape.function_bytes, self.function_bytes, "bytes in one function"),
            (shape.function_work, self.function_work, "locals times blocks in one function"),
            (shape.work, self.work, "locals times blocks in all functions together"),
            (shape.body_squares, self.body_squares, "for the squares of its functions' lengths together"),
            (shape.globals, self.globals, "globals in one module"),
            (shape.names, self.names, "imports or exports in one module"),
            (shape.memories, self.memories, "memories"),
            (shape.module_memories, self.module_memories, "memories in one module"),
            (shape.instance_bytes, self.instance_bytes, "bytes for the instances of its modules"),
        ];
        match rows.into_iter().find(|(has, cap, _)| has > cap) {
            Some((has, cap, what)) => Err(format!("has {has} {what}; at most {cap} are allowed")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cap_holds_and_is_named() {
        let limits = CodeLimits::in_process();
        let at_most = Shape {
            bytes: limits.bytes,
            functions: limits.functions,
            function_bytes: limits.function_bytes,
            function_work: limits.function_work,
            work: limits.work,
            body_squares: limits.body_squares,
            globals: limits.globals,
            names: limits.names,
            memories: limits.memories,
            module_memories: limits.module_memories,
            instance_bytes: limits.instance_bytes,
        };
        assert_eq!(limits.check(&at_most), Ok(()));
        let check = |grow: fn(&mut Shape) -> &mut u64, expected: &str| {
            let mut shape = at_most.clone();
            *grow(&mut shape) += 1;
            let error = limits.check(&shape).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        };
        check(|shape| &mut shape.bytes, "has 8388609 bytes;");
        check(|shape| &mut shape.functions, "10001 functions");
        check(|shape| &mut shape.function_bytes, "bytes in one function");
        check(|shape| &mut shape.function_work, "locals times blocks in one function");
        check(|shape| &mut shape.work, "all functions together");
        check(|shape| &mut shape.body_squares, "squares");
        check(|shape| &mut shape.globals, "globals");
        check(|shape| &mut shape.names, "imports or exports");
        check(|shape| &mut shape.memories, "5 memories");
        check(|shape| &mut shape.module_memories, "2 memories in one module");
        check(|shape| &mut shape.instance_bytes, "instances");
    }
}
