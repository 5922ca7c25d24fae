//! An operator as a component: the exports of the world, and its imports as a [`Host`].

use std::cell::RefCell;
use std::collections::BTreeMap;

use self::bindings::alluvium::checkpoint::types::{Columns, Error, PackedKeys};
use self::bindings::alluvium::checkpoint::{logging, sink, state, time, types};
use self::bindings::exports::alluvium::checkpoint::{keyed, operator, timed};
use crate::context::Context;
use crate::description::{Description, Domain, Format, Kind, Merge, Namespace};
use crate::host::{Entry, Host, Level, Packed, lens, split};
use crate::operator::{Batch, Failure, Operator};

/// What wit-bindgen generates.
#[allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, unreachable_pub)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "keyed-timed-plugin",
        pub_export_macro: true,
        export_macro_name: "export_component",
    });
}

/// The world of a component that migrates, beside the one above.
#[allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, unreachable_pub)]
pub mod migrating {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package alluvium:sdk; world migrates { export alluvium:checkpoint/migration@0.2.0; }",
        world: "alluvium:sdk/migrates",
        pub_export_macro: true,
        export_macro_name: "export_migration",
    });
}

pub use self::bindings::export_component;
pub use self::migrating::export_migration;

/// A component with one operator, which [`export!`](crate::export) makes.
pub trait Exported {
    /// The name of an operator without one.
    const NAME: &'static str;

    /// Makes the operator.
    fn make() -> Box<dyn Operator>;
}

/// The operator of this component, and what it keeps between calls.
struct Running {
    operator: Box<dyn Operator>,
    parameters: BTreeMap<String, (String, Option<String>)>,
    imports: Imports,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// Calls the operator, and writes what it has changed.
fn with<C: Exported, T, E: From<String>>(
    call: impl FnOnce(&mut dyn Operator, &mut Context<'_>) -> Result<T, E>,
) -> Result<T, E> {
    RUNNING.with_borrow_mut(|running| {
        let Running { operator, parameters, imports } = running.get_or_insert_with(|| Running {
            operator: C::make(),
            parameters: BTreeMap::new(),
            imports: Imports::default(),
        });
        let mut context = Context::new(imports, parameters);
        let value = call(&mut **operator, &mut context)?;
        context.flush()?;
        Ok(value)
    })
}

impl<C: Exported> operator::Guest for C {
    fn describe() -> operator::Description {
        let described = with::<C, _, String>(|operator, _| Ok(operator.describe()));
        let described = described.unwrap_or_else(|text| panic!("{text}"));
        let name = if described.name.is_empty() { C::NAME.to_owned() } else { described.name.clone() };
        described_of(Description { name, ..described })
    }

    fn open(context: operator::Context) -> Result<(), String> {
        let settings = context.settings.into_iter();
        let parameters = settings.map(|setting| (setting.name, (setting.value, setting.previous))).collect();
        with::<C, _, String>(|_, _| Ok(()))?;
        RUNNING.with_borrow_mut(|running| {
            if let Some(running) = running {
                running.parameters = parameters;
            }
        });
        with::<C, _, _>(|operator, context| operator.open(context))
    }

    fn begin(input: u32, header: Vec<String>) -> Result<(), String> {
        with::<C, _, _>(|operator, _| operator.begin(input, &header))
    }

    fn process(input: u32, batch: operator::Batch) -> Result<(), operator::Failure> {
        let batch = batch_of(batch);
        let processed = with::<C, _, Failure>(|operator, context| operator.process(input, &batch, context));
        processed.map_err(|Failure { record, text }| operator::Failure { record, text })
    }

    fn results(start: bool, limit: u32) -> Result<Vec<String>, String> {
        with::<C, _, _>(|operator, context| operator.results(start, limit, context))
    }
}

impl<C: Exported> migrating::exports::alluvium::checkpoint::migration::Guest for C {
    fn migrate(from_version: u32) -> Result<(), String> {
        with::<C, _, _>(|operator, context| operator.migrate(from_version, context))
    }
}

impl<C: Exported> timed::Guest for C {
    fn on_timers(namespace: u32, at_ms: i64, keys: timed::PackedKeys) -> Result<(), String> {
        let keys = split(&keys.lens, &keys.bytes)?;
        with::<C, _, _>(|operator, context| {
            let timers = operator.describe().namespaces.into_iter().filter(|it| matches!(it.kind, Kind::Timers(_)));
            for Namespace { name, .. } in timers {
                if context.namespace(&name)? == namespace {
                    return operator.on_timers(&name, at_ms, &keys, context);
                }
            }
            Err(format!("there is no namespace of number {namespace} that holds timers"))
        })
    }

    fn finish() -> Result<(), String> {
        with::<C, _, _>(|operator, context| operator.finish(context))
    }
}

impl<C: Exported> keyed::Guest for C {
    fn route(input: u32, batch: operator::Batch) -> Result<PackedKeys, operator::Failure> {
        let batch = batch_of(batch);
        let keys = with::<C, _, Failure>(|operator, _| operator.route(input, &batch));
        let keys = keys.map_err(|Failure { record, text }| operator::Failure { record, text })?;
        Ok(PackedKeys { lens: lens(keys.iter().map(Vec::as_slice)), bytes: keys.concat() })
    }
}

fn batch_of(batch: operator::Batch) -> Batch {
    match batch {
        operator::Batch::Columns(operator::ColumnBatch { count, field_lens, fields }) => {
            Batch::Columns { count, field_lens, fields }
        }
        operator::Batch::Records(operator::RecordBatch { lens, bytes }) => Batch::Records { lens, bytes },
    }
}

/// The imports of the component.
#[derive(Default)]
struct Imports {
    numbers: BTreeMap<String, u32>,
    walk: Option<state::Cursor>,
}

impl Host for Imports {
    fn namespace(&mut self, name: &str) -> Result<u32, String> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = state::namespace(name).map_err(text)?;
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    fn get_many(&mut self, namespace: u32, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, String> {
        let packed = PackedKeys { lens: lens(keys.iter().copied()), bytes: keys.concat() };
        let found = state::get_many(namespace, &packed).map_err(text)?;
        let values = split(&found.lens, &found.bytes)?;
        let value = |(value, present): (&[u8], u8)| (present == 1).then(|| value.to_vec());
        Ok(values.into_iter().zip(found.present).map(value).collect())
    }

    fn apply(&mut self, namespace: u32, changes: &[(&[u8], Option<&[u8]>)]) -> Result<(), String> {
        let ops = changes.iter().map(|(_, value)| u8::from(value.is_none())).collect();
        let changes: Vec<_> = changes.iter().map(|(key, value)| (*key, value.unwrap_or_default())).collect();
        state::apply(namespace, &columns(ops, &changes)).map(drop).map_err(text)
    }

    fn merge(&mut self, namespace: u32, changes: &[(&[u8], &[u8])]) -> Result<(), String> {
        state::apply(namespace, &columns(vec![2; changes.len()], changes)).map(drop).map_err(text)
    }

    fn scan(
        &mut self,
        namespace: u32,
        from: &[u8],
        to: Option<&[u8]>,
        reverse: bool,
        limit: u32,
    ) -> Result<Vec<Entry>, String> {
        entries(&state::scan(namespace, from, to, reverse, limit).map_err(text)?)
    }

    fn delete_range(&mut self, namespace: u32, from: &[u8], to: Option<&[u8]>) -> Result<u64, String> {
        state::delete_range(namespace, from, to).map_err(text)
    }

    fn page(&mut self, namespace: u32, start: bool, limit: u32) -> Result<Vec<Entry>, String> {
        if start {
            self.walk = Some(state::iterate(namespace, &[]).map_err(text)?);
        }
        let walk = self.walk.as_ref().ok_or("the next page was asked for before the first")?;
        entries(&walk.next(limit).map_err(text)?)
    }

    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), String> {
        time::set_timer(namespace, at_ms, key).map_err(text)
    }

    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, String> {
        time::delete_timer(namespace, at_ms, key).map_err(text)
    }

    fn watermark(&mut self) -> Option<i64> {
        time::watermark()
    }

    fn processing_time(&mut self) -> Option<i64> {
        time::processing_time()
    }

    fn emit(&mut self, output: u32, record: &[u8]) -> Result<(), String> {
        sink::emit(output, record)
    }

    fn log(&mut self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => logging::Level::Debug,
            Level::Info => logging::Level::Info,
            Level::Warn => logging::Level::Warn,
            Level::Error => logging::Level::Error,
        };
        logging::log(level, message);
    }
}

fn columns(ops: Vec<u8>, changes: &[(&[u8], &[u8])]) -> Columns {
    let Packed { key_lens, value_lens, keys, values } = Packed::of(changes);
    Columns { ops, key_lens, value_lens, keys, values }
}

fn entries(page: &Columns) -> Result<Vec<Entry>, String> {
    let (keys, values) = (split(&page.key_lens, &page.keys)?, split(&page.value_lens, &page.values)?);
    Ok(keys.into_iter().zip(values).map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
}

/// Returns the error's text, which says where it is.
fn text(error: Error) -> String {
    match error {
        Error::NotFound(text)
        | Error::AlreadyExists(text)
        | Error::Corruption(text)
        | Error::Fenced(text)
        | Error::NoSpace(text)
        | Error::LimitExceeded(text)
        | Error::InvalidInput(text)
        | Error::Backpressure(text)
        | Error::Reopen(text)
        | Error::Unsupported(text)
        | Error::Io(text)
        | Error::Other(text) => text,
    }
}

fn described_of(description: Description) -> operator::Description {
    let Description { name, schema_version, inputs, outputs, namespaces, parameters } = description;
    let input = |port: crate::Port| operator::Input {
        name: port.name,
        format: match port.format {
            Format::Lines => operator::InputFormat::Columns,
            Format::Records => operator::InputFormat::Records,
        },
    };
    let output = |port: crate::Port| operator::Output {
        name: port.name,
        format: match port.format {
            Format::Lines => operator::OutputFormat::Lines,
            Format::Records => operator::OutputFormat::Records,
        },
    };
    let parameter = |crate::Parameter { name, default, doc }| operator::Parameter { name, default, doc };
    operator::Description {
        name,
        schema_version,
        inputs: inputs.into_iter().map(input).collect(),
        outputs: outputs.into_iter().map(output).collect(),
        namespaces: namespaces.into_iter().map(declared).collect(),
        parameters: parameters.into_iter().map(parameter).collect(),
    }
}

fn declared(Namespace { name, kind, expires, merge }: Namespace) -> types::NamespaceDeclaration {
    types::NamespaceDeclaration {
        name,
        kind: match kind {
            Kind::Hashed => types::NamespaceKind::Hashed,
            Kind::Ordered(bytes) => types::NamespaceKind::Ordered(bytes),
            Kind::Timers(clock) => types::NamespaceKind::Timers(domain(clock)),
        },
        expires: expires.map(|(clock, after_ms)| types::Expiry { domain: domain(clock), after_ms }),
        merge: merge.map(|operator| match operator {
            Merge::Add => types::MergeOperator::Add,
            Merge::Min => types::MergeOperator::Min,
            Merge::Max => types::MergeOperator::Max,
            Merge::Append => types::MergeOperator::Append,
            Merge::SetUnion => types::MergeOperator::SetUnion,
        }),
    }
}

fn domain(clock: Domain) -> types::TimeDomain {
    match clock {
        Domain::Event => types::TimeDomain::Event,
        Domain::Processing => types::TimeDomain::Processing,
    }
}
