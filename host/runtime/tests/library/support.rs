//! A host, plugins by hand and a good neighbour.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use alluvium_host::{
    Batch, Cache, ColumnBatch, Host, HostOptions, Limits, Module, Plugin, PluginOptions, RuntimeError,
};
use tempfile::TempDir;

pub(crate) use alluvium_hostile::OK;
use alluvium_hostile::{Guest, component as component_by_hand};

/// The limit of time of a call that never ends. A call that does takes far less, also beside other work.
pub(crate) const BRIEF: Duration = Duration::from_secs(1);

/// The limit of time of a call that another limit ends.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn component(variable: &str, file: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("wasm32-wasip2/release").join(file);
    let path = std::env::var_os(variable).map_or(built, PathBuf::from);
    assert!(path.is_file(), "{} is not there: `make components` builds it, {variable} names another", path.display());
    path
}

pub(crate) fn engine() -> PathBuf {
    component("ALLUVIUM_ENGINE", "alluvium_wasm.wasm")
}

pub(crate) fn delays() -> PathBuf {
    component("ALLUVIUM_DELAYS", "delays.wasm")
}

/// Directories, and a host whose compiled code the tests share.
pub(crate) struct Bench {
    pub(crate) scratch: TempDir,
    pub(crate) host: Host,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(HostOptions::default())
    }

    /// With these options; the cache is that of all tests.
    pub(crate) fn with(options: HostOptions) -> Self {
        Self::of(|cache| Host::new(engine(), HostOptions { cache, ..options }))
    }

    /// With the native engine.
    pub(crate) fn native() -> Self {
        Self::of(|cache| Host::native(HostOptions { cache, ..HostOptions::default() }))
    }

    /// One for each engine, which keep no compiled code: for many plugins that are loaded once.
    pub(crate) fn both_without_cache() -> [(&'static str, Self); 2] {
        let options = || HostOptions { cache: Cache::none(), ..HostOptions::default() };
        [("component", Self::of(|_| Host::new(engine(), options()))), ("native", Self::of(|_| Host::native(options())))]
    }

    /// One for each engine, by its name.
    pub(crate) fn both() -> [(&'static str, Self); 2] {
        [("component", Self::new()), ("native", Self::native())]
    }

    fn of(host: impl FnOnce(Cache) -> Result<Host, RuntimeError>) -> Self {
        let host = host(Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))).expect("a host");
        #[cfg(target_os = "linux")]
        let host = if crate::isolated::is_asked_for() { crate::isolated::isolated(&host) } else { host };
        Self { scratch: tempfile::tempdir().expect("a temporary directory"), host }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A plugin called delays, of schema version 1, whose `process` has this body.
    pub(crate) fn code(&self, process: &str) -> Module {
        self.guest(&Guest::new().process(process))
    }

    /// The same of another schema version, with a body for `migrate` if it has one.
    pub(crate) fn version(&self, version: u8, process: &str, migrate: Option<&str>) -> Module {
        let guest = Guest::new().process(process).version(version);
        self.guest(&migrate.map_or(guest.clone(), |migrate| guest.migration(migrate)))
    }

    /// A plugin by hand.
    pub(crate) fn guest(&self, guest: &Guest) -> Module {
        self.text(&guest.text())
    }

    /// A file with these bytes.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file");
        path
    }

    /// A plugin whose core module is this text.
    pub(crate) fn text(&self, text: &str) -> Module {
        let path = self.path("plugin.wasm");
        fs::write(&path, component_by_hand(text)).expect("a file");
        self.host.load(path).expect("it loads")
    }

    /// Starts it over the directory of this name, and begins.
    pub(crate) fn start(&self, code: &Module, name: &str, limits: Option<Limits>) -> Plugin {
        let options = PluginOptions { limits, ..PluginOptions::default() };
        let mut plugin = self.host.start(code, self.path(name), &options).expect("it starts");
        plugin.begin(0, &header()).expect("it begins");
        plugin
    }

    /// A real plugin over a directory of its own.
    pub(crate) fn neighbour(&self) -> Plugin {
        let delays = self.host.load(delays()).expect("it loads");
        self.start(&delays, "neighbour", None)
    }

    /// The state's entries, from the directory's newest checkpoint.
    pub(crate) fn state(&self, name: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let directory = alluvium::NativeDirectory::open(self.path(name)).expect("it opens");
        let options = alluvium_core::recovery::RecoverOptions::new();
        let recovered = alluvium_core::recovery::recover(&directory, &options);
        let recovered = alluvium_core::directory::block_on(recovered).expect("it recovers").expect("a checkpoint");
        recovered.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }
}

/// The columns that the neighbour asks for.
pub(crate) fn header() -> Vec<String> {
    ["carrier", "origin", "dest", "dep_time", "arr_delay"].map(String::from).to_vec()
}

/// Flights, numbered from `first` on.
pub(crate) fn flights(first: u64, count: u32) -> Batch {
    let mut batch = ColumnBatch { count, field_lens: vec![], fields: vec![] };
    for number in first..first + u64::from(count) {
        for field in ["UA", "EWR", "IAH", "600", &(number % 90).to_string()] {
            batch.field_lens.push(u32::try_from(field.len()).expect("short"));
            batch.fields.extend_from_slice(field.as_bytes());
        }
    }
    Batch::Columns(batch)
}

/// Every file below a directory with its content, but for the lock.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != ".lock") {
            let content = fs::read(&path).expect("a file");
            found.insert(path, content);
        }
    }
    found
}

/// The error of what must fail.
#[track_caller]
pub(crate) fn refused<T>(result: Result<T, RuntimeError>) -> RuntimeError {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

/// `put` of a key of `key` bytes and a value of `value` bytes, of whatever memory holds; under
/// another key each time.
pub(crate) fn put(key: u32, value: u32) -> String {
    format!(
        "(i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
        (call $put (i32.const 8192) (i32.const {key}) (i32.const 65536) (i32.const {value}) (i32.const 4096))"
    )
}

/// Has this test run again in a process of its own, where no other test changes what is counted there. Returns whether
/// this is that process.
pub(crate) fn is_alone(test: &str) -> bool {
    const VARIABLE: &str = "ALLUVIUM_ALONE";
    if std::env::var(VARIABLE).is_ok_and(|alone| alone == test) {
        return true;
    }
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args([test, "--exact", "--nocapture"]).env(VARIABLE, test).output();
    let output = output.expect("it starts");
    let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}{errors}", output.status);
    false
}
