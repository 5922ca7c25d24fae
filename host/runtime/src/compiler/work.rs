//! How much work one function gives a compiler.

use wasmparser::{BinaryReaderError, FunctionBody, Operator};

/// Returns the length of a function's body, and its locals times its blocks.
pub(super) fn of_body(body: &FunctionBody<'_>) -> Result<(u64, u64), BinaryReaderError> {
    let length = body.range().len() as u64;
    let mut locals = 1_u64;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(group?.0.into());
    }
    let mut blocks = 1_u64;
    for operator in body.get_operators_reader()? {
        use Operator::{Block, BrTable, Else, If, Loop};
        blocks += match operator? {
            Block { .. } | Loop { .. } | If { .. } | Else => 1,
            BrTable { targets } => u64::from(targets.len()),
            _ => 0,
        };
    }
    Ok((length, locals.saturating_mul(blocks)))
}
