//! Looks at the code of a component, in one pass and without compiling it: what its size will be in memory, and how
//! much work it gives a compiler.

use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Parser, Payload, TypeRef,
};

use crate::compiler::work;

/// What a runtime keeps for each of these in an instance of a module, in bytes, rounded up.
const GLOBAL_BYTES: u64 = 16;
const FUNCTION_BYTES: u64 = 32;
const IMPORT_BYTES: u64 = 48;
const MODULE_BYTES: u64 = 1_024;

/// How large the code of a component is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The length of the file.
    pub(crate) bytes: u64,
    /// Functions of all modules.
    pub(crate) functions: u64,
    /// The longest body of a function.
    pub(crate) function_bytes: u64,
    /// The most locals times blocks of one function.
    pub(crate) function_work: u64,
    /// Locals times blocks of all functions together.
    pub(crate) work: u64,
    /// The squares of all bodies' lengths together.
    pub(crate) body_squares: u64,
    /// The most globals of one module.
    pub(crate) globals: u64,
    /// The most imports or exports of one module or component.
    pub(crate) names: u64,
    /// Memories of all modules.
    pub(crate) memories: u64,
    /// The most memories of one module, with those that it imports.
    pub(crate) module_memories: u64,
    /// What the instances of all modules take, each counted as often as it is made.
    pub(crate) instance_bytes: u64,
}

/// What a component is made of. Each kind is numbered by itself.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Module,
    Component,
}

/// A module or component that is being looked at.
#[derive(Default)]
struct Frame {
    /// What an instance of it takes.
    bytes: u64,
    /// What an instance of each of its modules takes, and of each of its components.
    parts: [Vec<u64>; 2],
    memories: u64,
    is_component: bool,
}

impl Frame {
    /// Returns what an instance of a part takes.
    fn part(&self, kind: Kind, index: u32) -> Option<u64> {
        self.parts[kind as usize].get(index as usize).copied()
    }

    /// Gives a part the next number of its kind.
    fn add(&mut self, kind: Kind, bytes: u64) {
        self.parts[kind as usize].push(bytes);
    }

    /// Makes an instance of a part.
    fn instantiate(&mut self, kind: Kind, index: u32) {
        self.bytes = self.bytes.saturating_add(self.part(kind, index).unwrap_or(MODULE_BYTES));
    }
}

/// Looks at the component in `bytes`. What is not valid is an error here or, later, in the compiler.
pub(crate) fn shape(bytes: &[u8]) -> Result<Shape, BinaryReaderError> {
    let mut shape = Shape { bytes: bytes.len() as u64, ..Shape::default() };
    let mut frames: Vec<Frame> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                let is_component = encoding == Encoding::Component;
                let bytes = if is_component { 0 } else { MODULE_BYTES };
                frames.push(Frame { bytes, is_component, ..Frame::default() });
            }
            Payload::End(_) => {
                let Some(done) = frames.pop() else { continue };
                match frames.last_mut() {
                    Some(above) if done.is_component => above.add(Kind::Component, done.bytes),
                    Some(above) => above.add(Kind::Module, done.bytes),
                    None => shape.instance_bytes = done.bytes,
                }
            }
            payload => look_at(payload, &mut shape, &mut frames)?,
        }
    }
    Ok(shape)
}

fn look_at(payload: Payload<'_>, shape: &mut Shape, frames: &mut [Frame]) -> Result<(), BinaryReaderError> {
    let Some((frame, above)) = frames.split_last_mut() else { return Ok(()) };
    match payload {
        Payload::FunctionSection(functions) => {
            shape.functions = shape.functions.saturating_add(functions.count().into());
            frame.bytes += FUNCTION_BYTES * u64::from(functions.count());
        }
        Payload::GlobalSection(globals) => {
            shape.globals = shape.globals.max(globals.count().into());
            frame.bytes += GLOBAL_BYTES * u64::from(globals.count());
        }
        Payload::MemorySection(memories) => {
            shape.memories = shape.memories.saturating_add(memories.count().into());
            frame.memories = frame.memories.saturating_add(memories.count().into());
            shape.module_memories = shape.module_memories.max(frame.memories);
        }
        Payload::ImportSection(imports) => {
            shape.names = shape.names.max(imports.count().into());
            frame.bytes += IMPORT_BYTES * u64::from(imports.count());
            for import in imports.into_imports() {
                frame.memories += u64::from(matches!(import?.ty, TypeRef::Memory(_)));
            }
            shape.module_memories = shape.module_memories.max(frame.memories);
        }
        Payload::ExportSection(exports) => shape.names = shape.names.max(exports.count().into()),
        Payload::CodeSectionEntry(body) => {
            let (length, work) = work::of_body(&body)?;
            shape.function_bytes = shape.function_bytes.max(length);
            shape.function_work = shape.function_work.max(work);
            shape.work = shape.work.saturating_add(work);
            shape.body_squares = shape.body_squares.saturating_add(length.saturating_mul(length));
        }
        Payload::InstanceSection(instances) => {
            for instance in instances {
                if let Instance::Instantiate { module_index, .. } = instance? {
                    frame.instantiate(Kind::Module, module_index);
                }
            }
        }
        Payload::ComponentInstanceSection(instances) => {
            for instance in instances {
                if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                    frame.instantiate(Kind::Component, component_index);
                }
            }
        }
        Payload::ComponentAliasSection(aliases) => {
            for alias in aliases {
                alias_of(&alias?, frame, above);
            }
        }
        Payload::ComponentImportSection(imports) => {
            shape.names = shape.names.max(imports.count().into());
            for import in imports {
                // The host gives neither modules nor components: such an import fails when it is linked.
                match import?.ty {
                    ComponentTypeRef::Module(_) => frame.add(Kind::Module, 0),
                    ComponentTypeRef::Component(_) => frame.add(Kind::Component, 0),
                    _ => {}
                }
            }
        }
        Payload::ComponentExportSection(exports) => {
            shape.names = shape.names.max(exports.count().into());
            // What is exported gets another number in its kind.
            for export in exports {
                let export = export?;
                if let Some(kind) = kind_of(export.kind) {
                    frame.add(kind, frame.part(kind, export.index).unwrap_or(0));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn kind_of(external: ComponentExternalKind) -> Option<Kind> {
    match external {
        ComponentExternalKind::Module => Some(Kind::Module),
        ComponentExternalKind::Component => Some(Kind::Component),
        _ => None,
    }
}

/// A module or component under another number. One that comes out of an instance counts as the largest that is known.
fn alias_of(alias: &ComponentAlias<'_>, frame: &mut Frame, above: &[Frame]) {
    let found = match *alias {
        ComponentAlias::InstanceExport { kind, .. } => kind_of(kind).map(|kind| {
            let known = above.iter().chain([&*frame]).flat_map(|frame| &frame.parts[kind as usize]);
            (kind, known.copied().max().unwrap_or(0))
        }),
        ComponentAlias::Outer { kind, count, index } => {
            let kind = match kind {
                ComponentOuterAliasKind::CoreModule => Some(Kind::Module),
                ComponentOuterAliasKind::Component => Some(Kind::Component),
                _ => None,
            };
            // No levels up is the frame itself.
            let owner = [&*frame].into_iter().chain(above.iter().rev()).nth(count as usize);
            kind.map(|kind| (kind, owner.and_then(|frame| frame.part(kind, index)).unwrap_or(MODULE_BYTES)))
        }
        ComponentAlias::CoreInstanceExport { .. } => None,
    };
    if let Some((kind, bytes)) = found {
        frame.add(kind, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Shape {
        shape(&wat::parse_str(text).expect("text")).expect("a component")
    }

    #[test]
    fn a_function_is_measured_by_what_it_gives_a_compiler_to_do() {
        let found = of("(component (core module
            (memory 1) (memory 2) (global i32 (i32.const 0))
            (func (local i32 i64 i64 f32) (loop (block) (if (i32.const 1) (then) (else))))
            (func)))");
        assert_eq!((found.functions, found.memories, found.globals), (2, 2, 1));
        assert_eq!(found.module_memories, 2);
        // Five for four locals, and five for a loop, a block, an if and an else.
        assert_eq!((found.function_work, found.work), (25, 26));
        assert!(found.function_bytes >= 14 && found.body_squares >= 14 * 14, "{found:?}");
    }

    #[test]
    fn memories_count_in_their_module_if_they_are_imported_too() {
        let own = "(core module (memory 1))";
        assert_eq!(of(&format!("(component {own} {own})")).module_memories, 1);
        assert_eq!(of("(component (core module (import \"a\" \"b\" (memory 1)) (memory 1)))").module_memories, 2);
    }

    #[test]
    fn an_instance_counts_as_often_as_it_is_made() {
        let globals = "(global i32 (i32.const 0))".repeat(100);
        let once = of(&format!("(component (core module $m {globals}) (core instance (instantiate $m)))"));
        assert_eq!(once.instance_bytes, MODULE_BYTES + 100 * GLOBAL_BYTES);
        let thrice = of(&format!(
            "(component (core module $m {globals})
                (component $c (alias outer 1 $m (core module $n)) (core instance (instantiate $n)))
                (core instance (instantiate $m)) (instance (instantiate $c)) (instance (instantiate $c)))"
        ));
        assert_eq!(thrice.instance_bytes, 3 * once.instance_bytes);
        assert_eq!(of(&format!("(component (core module {globals}))")).instance_bytes, 0);
    }

    #[test]
    fn a_tower_of_components_cannot_overflow() {
        let mut text = "(core module $m) (core instance (instantiate $m))".to_owned();
        for level in 0..40 {
            let twice = format!("(instance (instantiate $c{level}))").repeat(4);
            text = format!("(component $c{level} {text}) {twice}");
        }
        assert!(of(&format!("(component {text})")).instance_bytes > 1 << 60);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let bytes = wat::parse_str("(component (core module (func)))").expect("text");
        assert!(shape(&bytes[..bytes.len() - 3]).is_err());
    }
}
