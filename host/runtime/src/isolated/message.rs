//! What a host and its worker say to each other.
//!
//! The host asks, and the worker answers each question once. An answer is a `Result` of what the question asks for.

use std::borrow::Cow;
use std::path::PathBuf;

use alluvium_core::Clock;
use serde::{Deserialize, Serialize};

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, PackedKeys};
use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::compiler::features::CompilerSettings;
use crate::engine::{EngineOptions, Range};
use crate::isolated::failure::SentError;
use crate::isolated::records::{SentBatch, SentRecords};
use crate::limits::Limits;
use crate::messages::Message;
use crate::operator::Context;

/// What the host's clock says when it asks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Now {
    pub(super) unix_ms: u64,
    pub(super) monotonic_us: u64,
}

impl Now {
    pub(super) fn of(clock: &(dyn Clock + Send + Sync)) -> Self {
        Self { unix_ms: clock.unix_ms(), monotonic_us: clock.monotonic_us() }
    }
}

/// The first message: everything that a worker needs to lock itself in, and then to start. Its descriptors are the
/// directory, its lock if there is one, the engine's code if there is an engine component, and the plugin's code.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) now: Now,
    /// The process that waits for answers.
    pub(super) host: i32,
    pub(super) wall: Rooms,
    pub(super) trusted: CompilerSettings,
    pub(super) limited: CompilerSettings,
    pub(super) limits: Limits,
    pub(super) counts_fuel: bool,
    pub(super) directory: PathBuf,
    pub(super) has_lock: bool,
    pub(super) accepts_weaker_promises: bool,
    pub(super) engine: EngineKind,
    pub(super) plugin: PathBuf,
    pub(super) options: Opening,
}

/// How much a worker may take.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Rooms {
    pub(super) memory_bytes: u64,
    pub(super) address_bytes: u64,
    pub(super) file_bytes: u64,
    pub(super) descriptors: u64,
}

/// Which engine keeps the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum EngineKind {
    /// The engine component that was in this file.
    Component(PathBuf),
    /// Core.
    Native,
    /// The one inside the plugin.
    Inside,
}

/// [`EngineOptions`] without the clock.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Opening {
    create: bool,
    max_retained: u32,
    store_id: [u8; 16],
    writer: u64,
    allow_fallback: bool,
    memory_limit_bytes: u64,
    max_compaction_bytes: Option<u64>,
}

impl Opening {
    pub(super) fn of(options: &EngineOptions) -> Self {
        let EngineOptions { create, max_retained, store_id, writer, allow_fallback, memory_limit_bytes, .. } = *options;
        let max_compaction_bytes = options.max_compaction_bytes;
        Self { create, max_retained, store_id, writer, allow_fallback, memory_limit_bytes, max_compaction_bytes }
    }

    pub(super) fn with(self, clock: std::sync::Arc<dyn Clock + Send + Sync>) -> EngineOptions {
        let Self { create, max_retained, store_id, writer, allow_fallback, memory_limit_bytes, max_compaction_bytes } =
            self;
        EngineOptions {
            create,
            max_retained,
            store_id,
            writer,
            clock,
            allow_fallback,
            memory_limit_bytes,
            max_compaction_bytes,
            // The wall lets no component start a thread.
            syncs_beside: false,
        }
    }
}

/// A message after the first: the time, the instances that are to be dropped before, and what is asked.
pub(super) type Asked<'a> = (Now, Vec<u32>, Question<'a>);

/// A question after the first message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question<'a> {
    /// Starts another instance over the engine, whose code is the message's descriptor; its [`Plugin`](Self::Plugin)
    /// calls have the number that is given.
    Another { number: u32, file: PathBuf, limits: Limits },
    /// Calls an instance.
    Plugin {
        number: u32,
        #[serde(borrow)]
        call: PluginCall<'a>,
    },
    /// Calls the engine.
    #[serde(borrow)]
    Engine(EngineCall<'a>),
}

/// A call of an instance.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum PluginCall<'a> {
    Accept,
    DeclareNamespaces,
    Open(Cow<'a, Context>),
    Begin {
        input: u32,
        header: Cow<'a, [String]>,
    },
    Process {
        input: u32,
        #[serde(borrow)]
        batch: SentBatch<'a>,
    },
    OnTimers {
        namespace: u32,
        up_to_ms: i64,
        limit: u32,
    },
    Finish,
    Route {
        input: u32,
        #[serde(borrow)]
        batch: SentBatch<'a>,
    },
    Results {
        start: bool,
        limit: u32,
    },
    Migrate {
        from: u32,
    },
    MemoryBytes,
}

/// A call of the engine, named as the method of [`Engine`](crate::Engine).
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum EngineCall<'a> {
    DeclareNamespace(Cow<'a, NamespaceDeclaration>),
    Get(u32, #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>),
    GetMany(u32, Cow<'a, PackedKeys>),
    Apply(u32, Cow<'a, Columns>),
    Put(
        u32,
        #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>,
        #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>,
    ),
    Delete(u32, #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>),
    Scan {
        namespace: u32,
        range: Cow<'a, Range>,
        reverse: bool,
        limit: u32,
    },
    DeleteRange(u32, Cow<'a, Range>),
    SetTimer(u32, i64, #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>),
    DeleteTimer(u32, i64, #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>),
    FirstTimer(u32),
    TakeTimers {
        namespace: u32,
        up_to_ms: i64,
        limit: u32,
    },
    Len(u32),
    Iterate(u32, #[serde(with = "serde_bytes", borrow)] Cow<'a, [u8]>),
    Next {
        walk: u64,
        limit: u32,
    },
    EndWalk(u64),
    BeginBatch,
    RollbackBatch,
    Recovered,
    SourceOffset(&'a str),
    SetSourceOffset(&'a str, u64),
    Position(&'a str, &'a str),
    SetPosition(&'a str, &'a str, SentPosition),
    SinkToken(&'a str),
    SetSinkToken(&'a str, Vec<u8>),
    PartitionWatermark(&'a str, &'a str),
    SetPartitionWatermark(&'a str, &'a str, i64),
    ProcessingTime,
    SetProcessingTime(i64),
    Watermark,
    SetWatermark(i64),
    Epoch,
    SetEpoch(u64),
    Annotation(&'a str),
    SetAnnotation(&'a str, &'a str),
    Sync(u64),
    Checkpoint(u64),
    BeginCheckpoint(u64),
    AdvanceCheckpoints,
    FinishedCheckpoints {
        wait: bool,
    },
    Restore(u64),
    ListCheckpoints,
    WeakerPromises,
    MemoryBytes,
    HoldToDiskLimits(Limits),
}

/// A position in a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SentPosition {
    Offset(u64),
    Opaque(Vec<u8>),
}

/// The answer to a call that lets the plugin work: what it gives, and what it emitted, by output, and said meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Worked<T> {
    pub(super) value: Result<T, SentError>,
    pub(super) messages: Vec<Message>,
    pub(super) emitted: Vec<SentRecords>,
}

/// What a plugin says of itself, before the host has checked it.
pub(super) type Described = operator::Description;
