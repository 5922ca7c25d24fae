# make run   the main job: a real stream, checkpointed by the component, in ./run
# make check format, clippy, the tests of core and of tests/suite
# make test  every test
# make help  the rest

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run check test lint clippy deny doc components test-components programs test-core test-rust test-connectors object-servers nats compilers durable-streams test-wasi test-languages test-operators test-pages test-docs test-web runtimes \
        density bench bench-engine bench-isolate bench-quick bench-peers bench-service bench-streams bench-cluster bench-web torture torture-cluster matrix endurance fuzz cross web demo-kills browser check-tools target-wasi target-browser clean

TARGET := $(or $(CARGO_TARGET_DIR),target)
COMPONENTS := $(TARGET)/wasm32-wasip2/release
export ALLUVIUM_ENGINE := $(abspath $(COMPONENTS)/alluvium_wasm.wasm)
export ALLUVIUM_DELAYS := $(abspath $(COMPONENTS)/delays.wasm)
export ALLUVIUM_ALERTS := $(abspath $(COMPONENTS)/alerts.wasm)
ALLUVIUM := $(TARGET)/debug/alluvium
RUNNER := $(abspath $(TARGET)/debug/alluvium-wasi-runner)

DIR ?= run/checkpoints
EVERY ?= 1000
SEED ?= 1
SEEDS ?= 1
HISTORIES ?= 100
KILLS ?= 300
CELL_KILLS ?= 40
MINUTES ?= 10
RUNS ?= 2000
PORT ?= 8080

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

check-tools:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or later (rustup), then try again" >&2; exit 2; }
	@version=$$(rustc --version | cut -d' ' -f2); \
	 [ "$$(printf '%s\n' 1.95.0 "$${version%%-*}" | sort -V | head -1)" = 1.95.0 ] \
	 || { echo "Rust $$version is too old: 1.95 or later is needed (rustup update)" >&2; exit 2; }

# Adds a Rust target where rustup can, or says what is missing.
define add-target
	@[ -d "$$(rustc --print sysroot)/lib/rustlib/$(1)" ] || { echo "adding the Rust target $(1)"; \
	 command -v rustup >/dev/null && rustup target add $(1) \
	 || { echo "the Rust target $(1) is missing: rustup target add $(1)" >&2; exit 2; }; }
endef

target-wasi: check-tools
	$(call add-target,wasm32-wasip2)

target-browser: check-tools
	$(call add-target,wasm32-unknown-unknown)

components: target-wasi
	cargo build --release --target wasm32-wasip2 -p alluvium-wasm \
	 -p delays -p alerts -p aircraft -p board -p carriers -p fleet -p joined -p overdue -p routes -p unique -p weather \
	 --lib --example carriers_1
	@cmp -s "$(ALLUVIUM_ENGINE)" host/cli/engine/alluvium_wasm.wasm || cp "$(ALLUVIUM_ENGINE)" host/cli/engine/

# What only tests use: the engine without a file system, and a handler of requests.
test-components: components
	cargo build --release --target wasm32-wasip2 -p alluvium-wasm-on-directory -p keyvalue-directory -p request-counter

run: components compilers ## a month of flights through a plugin, with a checkpoint every EVERY=1000 records, in DIR=run/checkpoints
	cargo build $(COMMAND)
	@tests/run.sh "$(ALLUVIUM)" "$(ALLUVIUM_DELAYS)" "$(DIR)" "$(EVERY)"

check: clippy test-core ## format, clippy, and the tests of core and of tests/suite, in minutes

# The tests after one that fails are run, too, so that one run shows all that is wrong.
TIMES := $(TARGET)/times.tsv
PART := tests/timed.sh part "$(TIMES)"
HELD := tests/timed.sh held "$(TIMES)"
REPORT := tests/timed.sh report "$(TIMES)"
MAKE_PART := $(MAKE) --no-print-directory

test: check-tools ## every test, and at its end the seconds of each part
	@tests/timed.sh start "$(TIMES)"
	@$(PART) "build" 1800 $(MAKE_PART) programs nats durable-streams object-servers || { $(REPORT); exit 1; }
	@# Many tests wait, and those of the languages run one program after the other. So two rows of parts fill two processors.
	@# The tests go before the plugins, and the browser package is built long before they need it.
	@{ code=0; \
	 $(HELD) "web" 240 $(MAKE_PART) tested-web || code=1; \
	 $(HELD) "plugins" 900 nice $(MAKE_PART) languages-plugins || code=1; \
	 $(HELD) "languages" 900 $(MAKE_PART) languages-run operators-run || code=1; \
	 exit $$code; } & beside=$$!; code=0; \
	 $(PART) "Rust" 1200 $(MAKE_PART) test-rust || code=1; \
	 $(PART) "WASI" 150 $(MAKE_PART) test-wasi || code=1; \
	 $(PART) "lint" 480 $(MAKE_PART) lint || code=1; \
	 $(PART) "edge" 360 $(MAKE_PART) test-edge || code=1; \
	 $(PART) "browser" 900 $(MAKE_PART) test-web || code=1; \
	 $(PART) "the rest" 240 $(MAKE_PART) --keep-going deny-if-there test-packages bench-quick test-docs || code=1; \
	 wait $$beside || code=1; $(REPORT); exit $$code
	@echo "make test: all of it passed"

clippy: check-tools compilers
	cargo fmt --all --check
	cargo clippy $(COMPILED) --all-targets -- -D warnings

lint: clippy
	RUSTDOCFLAGS="-D warnings" cargo doc $(COMPILED) --no-deps --quiet

# Licences, crates that must not come in, and where crates come from; all of it without a network.
deny: check-tools ## licences, bans and sources of all dependencies (needs cargo-deny)
	@cargo deny --version >/dev/null 2>&1 \
	 || { echo "cargo-deny is missing: cargo install cargo-deny --locked, then try again" >&2; exit 2; }
	cargo deny check licenses bans sources

.PHONY: deny-if-there
deny-if-there: check-tools
	@if cargo deny --version >/dev/null 2>&1; then $(MAKE) --no-print-directory deny; \
	 else echo "SKIPPED: make deny: cargo-deny is not there (cargo install cargo-deny --locked)" >&2; fi

# Installs the packages that one folder names in another one, unless they are there.
define npm-packages
	@mkdir -p "$(2)"
	@cmp -s "$(1)/package-lock.json" "$(2)/.installed" \
	 || { cp $(1)/package.json $(1)/package-lock.json "$(2)/" \
	 && npm ci --prefix "$(2)" --ignore-scripts --no-audit --no-fund --loglevel=error \
	 && cp $(1)/package-lock.json "$(2)/.installed"; }
endef

# What needs no wasmtime, so that the first answer comes soon.
CORE := -p alluvium-core -p alluvium-test-harness -p alluvium-tests

test-core: check-tools ## unit, integration and doc tests of core, and the tests across the layers
	tests/some.sh cargo test $(CORE)

# Everything, with all that it can connect to and the seeded defects. It is one choice of packages and features, because
# cargo builds what they share, such as wasmtime, once more for each other choice.
ALL := --workspace --features alluvium-cli/object,alluvium-cli/cluster,alluvium-cli/kafka,$\
alluvium-connectors/socket,alluvium-connectors/nats,alluvium-connectors/http,alluvium-connectors/kafka,$\
alluvium-torture/seeded-defects
# What is compiled and not run: nothing here answers as the stores of Google and Azure do.
COMPILED := $(ALL),alluvium-object/gcp,alluvium-object/azure
# The command as the tests have it. The example is there, as it is wherever a program is built with ALL, because cargo takes
# the features of development dependencies into account only if it builds one. Without them wasmtime is built once more.
COMMAND := $(ALL) --bin alluvium --example count
# What the blocks of the pages are built with.
export ALLUVIUM_CARGO := $(ALL)

# What connects to something else and needs no wasmtime in any form, for work on these packages.
CONNECTED := alluvium-connectors alluvium-object alluvium-cluster alluvium-test-cluster
CONNECTORS := $(CONNECTED:%=-p %) \
 --features alluvium-connectors/socket,alluvium-connectors/nats,alluvium-connectors/http,alluvium-connectors/kafka

programs: test-components compilers
	cargo test $(ALL) --no-run

# Twice as many tests at once as there are processors, because many of them wait for a server.
test-rust: programs nats durable-streams object-servers ## every test in Rust but those inside WebAssembly: the kill -9 runs, a sample of the matrix, the seeded defects that must be caught, the connectors over real servers, jobs with many workers that are killed and rescaled
	RUST_TEST_THREADS="$${RUST_TEST_THREADS:-$$(( 2 * $$(nproc) ))}" tests/some.sh cargo test --no-fail-fast $(ALL)

# The server that the tests of the connectors and of the service start.
nats:
	@command -v nats-server >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q \
	 && apt-get install -y -q --no-install-recommends nats-server; } \
	 || { echo "nats-server is missing: apt-get install nats-server" >&2; exit 2; }

# What compiles librdkafka, which comes as source.
compilers:
	@missing=$$(for tool in g++ gcc make; do command -v $$tool >/dev/null || printf ' %s' $$tool; done); \
	 [ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q \
	 && apt-get install -y -q --no-install-recommends$$missing; } \
	 || { echo "missing:$$missing (apt-get install$$missing)" >&2; exit 2; }

# The other one comes from npm, in target/durable-streams. Its packages need no script of theirs.
DURABLE_STREAMS := tests/servers
durable-streams:
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20 or later" >&2; exit 2; }
	@mkdir -p "$(TARGET)/durable-streams"
	@cmp -s "$(DURABLE_STREAMS)/package-lock.json" "$(TARGET)/durable-streams/.installed" \
	 || { cp $(DURABLE_STREAMS)/package.json $(DURABLE_STREAMS)/package-lock.json "$(TARGET)/durable-streams/" \
	 && npm install --prefix "$(TARGET)/durable-streams" --ignore-scripts --no-audit --no-fund --loglevel=error \
	 && cp $(DURABLE_STREAMS)/package-lock.json "$(TARGET)/durable-streams/.installed"; }

# The object stores of the tests: moto from PyPI and s3rver from npm, in target/object-servers.
object-servers:
	@tests/servers/object/install.sh "$(TARGET)/object-servers"

test-connectors: check-tools nats compilers durable-streams object-servers ## the part of test-rust that needs no wasmtime: the connectors, over sockets and real servers that are killed: nats-server, and one of Durable Streams; Kafka over a cluster in memory; object stores, over moto; jobs with many workers
	tests/some.sh cargo test $(CONNECTORS)

test-wasi: programs ## core's tests and the component's, inside WebAssembly under wasmtime
	CARGO_TARGET_WASM32_WASIP2_RUNNER="$(RUNNER)" tests/some.sh cargo test --no-fail-fast --target wasm32-wasip2 -p alluvium-core -p alluvium-wasm -p alluvium-wasm-on-directory --lib

# The toolchains come from npm and pip, in target/languages; what is missing is named and skipped.
test-languages: programs languages-plugins languages-run ## plugins in JavaScript, Python and C, with the SDKs and without: the same state and output as in Rust

.PHONY: languages-plugins languages-run operators-run
languages-plugins:
	tests/languages/sdks.sh
	tests/languages/build.sh "$(TARGET)/languages"

languages-run:
	node tests/languages/types.mjs "$(TARGET)/languages"
	node tests/languages/run.mjs "$(ALLUVIUM)" "$(ALLUVIUM_DELAYS)" "$(TARGET)/languages"
	node tests/languages/operators.mjs "$(ALLUVIUM)" "$(TARGET)" "$(TARGET)/languages"
	node tests/languages/migration.mjs "$(ALLUVIUM)" "$(TARGET)" "$(TARGET)/languages"
	node tests/languages/new.mjs "$(ALLUVIUM)" "$(TARGET)/languages"

test-operators: programs operators-run ## the example operators on real data, against references in another language and after kills; and what `alluvium new` leaves

operators-run:
	node tests/operators/run.mjs "$(ALLUVIUM)" "$(TARGET)"
	node tests/operators/divided.mjs "$(ALLUVIUM)" "$(TARGET)"
	node tests/operators/windows.mjs "$(ALLUVIUM)" "$(TARGET)"
	node tests/operators/migration.mjs "$(ALLUVIUM)" "$(TARGET)"

# Apart from make test, because the pages themselves install packages, and Next and Parcel are 440 MB.
test-pages: programs built-web ## the pages on plugins in other languages, done as written from an empty folder; and the recipes for Next and Parcel
	tests/languages/build.sh "$(TARGET)/languages"
	node tests/languages/pages.mjs "$(ALLUVIUM)" "$(TARGET)/languages"
	$(call npm-packages,web/test/frameworks,$(TARGET)/frameworks)
	ALLUVIUM_EDGE="$(abspath $(TARGET))/frameworks" node web/test/frameworks/run.mjs

test-docs: built-web programs object-servers ## every code block of README.md and docs/, the links of all pages, and the tests that they name
	node --test tests/docs/blocks.test.mjs
	node tests/docs/run.mjs "$(ALLUVIUM)" "$(TARGET)"

runtimes: programs ## engine and plugin as one component under wasmtime, wasmtime for Python, jco, and a handler under wasmtime serve that is killed (needs wac: cargo install wac-cli)
	tests/runtimes/build.sh "$(ALLUVIUM_ENGINE)" "$(ALLUVIUM_DELAYS)" "$(TARGET)/runtimes"
	node tests/runtimes/run.mjs "$(ALLUVIUM)" "$(TARGET)/runtimes/driver" "$(TARGET)/runtimes/composed.wasm" "$(TARGET)/runtimes"
	node tests/runtimes/serve.mjs "$(ALLUVIUM)" "$(COMPONENTS)" "$(TARGET)/runtimes"

# The engine component runs beside the native engine.
bench-engine: target-wasi
	cargo build --release --target wasm32-wasip2 -p alluvium-wasm -p delays -p bench-operator

bench: bench-engine ## minutes: the goals for speed, as ratios against floors and maps; table, report.json and plots in target/bench
	cargo run --release -p alluvium-bench -- all

bench-sandbox: components ## minutes: when each attack on the sandbox is stopped, what it takes, and what its neighbours feel
	cargo run --release -p alluvium-bench -- sandbox

bench-isolate: components compilers ## a minute: what it costs to run a plugin in a process of its own
	cargo build $(COMMAND)
	tests/isolate.sh "$(ALLUVIUM)" "$(ALLUVIUM_DELAYS)"

density: components ## minutes: 1,000 plugins in one process, on demand and pooled; and what a looping plugin costs its neighbour
	cargo run --release -p alluvium-host --example density -- "$(ALLUVIUM_ENGINE)" "$(ALLUVIUM_DELAYS)"

# Bytes are the same in every profile.
bench-quick: check-tools compilers ## the same, short: holds bytes to their goals, never times
	cargo build $(ALL) --bin alluvium-bench --example count
	"$(TARGET)/debug/alluvium-bench" quick

bench-peers: check-tools ## RocksDB, fjall, redb, SQLite, LMDB and SlateDB on the same work (builds for a quarter of an hour, needs libclang)
	cargo run --release --manifest-path tests/peers/Cargo.toml -- all
	cargo run --release --manifest-path tests/peers/Cargo.toml -- growth

# Java and PyPI are needed, and nothing here is part of another target.
bench-streams: components ## a quarter of an hour: the same aggregation in Flink and Bytewax, side by side; rows and plots in target/bench
	tests/streams/install.sh "$(TARGET)/streams"
	cargo build --release -p alluvium-cli
	"$(TARGET)/streams/venv/bin/python" tests/streams/run.py --alluvium "$(TARGET)/release/alluvium" --plugin "$(ALLUVIUM_DELAYS)" \
	 --installed "$(TARGET)/streams" --out "$(TARGET)/bench"

# The command as a service. The programs are built with the tests of their package.
matrix: programs nats durable-streams ## RUNS=2000 runs between every source and every sink, each interrupted, from SEED=1; a table of counts
	"$(TARGET)/debug/service-matrix" --runs "$(RUNS)" --seed "$(SEED)"

endurance: programs nats ## from one stream to another at full speed for MINUTES=10, with a kill a minute
	"$(TARGET)/debug/service-endurance" --minutes "$(MINUTES)" --seed "$(SEED)"

bench-service: programs ## minutes: how long records are on their way to a synced log, at several rates
	"$(TARGET)/debug/service-latency" --sync-interval 20
	"$(TARGET)/debug/service-latency" --sync-interval 100

torture: programs nats compilers durable-streams ## every fault of the catalogue for MINUTES=10 with SEEDS=1 from SEED=1; counts in target/torture/report.json
	mkdir -p "$(TARGET)/torture" && rm -f "$(TARGET)/torture/others.jsonl"
	ALLUVIUM_REPORT="$(abspath $(TARGET))/torture/others.jsonl" \
	 ALLUVIUM_HISTORIES="$(HISTORIES)" ALLUVIUM_SEED="$(SEED)" ALLUVIUM_SEEDS="$(SEEDS)" \
	 tests/some.sh cargo test -p alluvium-wasi-runner --test engine -- --nocapture the_power_fails
	ALLUVIUM_REPORT="$(abspath $(TARGET))/torture/others.jsonl" tests/some.sh cargo test $(ALL) --test seeded_defects
	ALLUVIUM_DAMAGE_STRIDE=1 tests/some.sh cargo test -p alluvium-tests --test suite -- damage::
	ALLUVIUM_REPORT="$(abspath $(TARGET))/torture/others.jsonl" ALLUVIUM_FLOOD_KEYS=1000000 \
	 tests/some.sh cargo test -p alluvium-tests --test suite -- hostile_keys_cost
	ALLUVIUM_CALLS="$$(( 600 * $(MINUTES) ))" ALLUVIUM_SEED="$(SEED)" tests/some.sh cargo test $(ALL) --test library -- attacks::calls
	ALLUVIUM_CUTS=100 tests/some.sh cargo test $(ALL) --test library -- cuts
	ALLUVIUM_KILLS="$(KILLS)" ALLUVIUM_SEED="$(SEED)" tests/some.sh cargo test $(CONNECTORS) -- --nocapture kills
	ALLUVIUM_WINDOWS=1000000 node tests/operators/windows.mjs "$(ALLUVIUM)" "$(TARGET)"
	tests/languages/build.sh "$(TARGET)/languages"
	ALLUVIUM_EACH=1 node tests/languages/operators.mjs "$(ALLUVIUM)" "$(TARGET)" "$(TARGET)/languages"
	$(MAKE_PART) matrix
	cargo run --release -p alluvium-torture -- --minutes "$(MINUTES)" --seed "$(SEED)" --seeds "$(SEEDS)" \
	 --also "$(TARGET)/torture/others.jsonl" --report "$(TARGET)/torture/report.json"

torture-cluster: check-tools object-servers nats compilers ## jobs with many workers: 100,000 kills in a simulation, and CELL_KILLS=40 of real processes in each of 30 cells, from SEED=1
	ALLUVIUM_JOB_KILLS=100000 ALLUVIUM_SEED="$(SEED)" tests/some.sh cargo test -p alluvium-core --test engine -- --nocapture job::
	cargo build $(CONNECTORS) --bins
	mkdir -p "$(TARGET)/bench"
	"$(TARGET)/debug/cluster-matrix" --kills "$(CELL_KILLS)" --seed "$(SEED)" --report "$(TARGET)/bench/cluster-kills.jsonl"

bench-cluster: check-tools object-servers ## minutes: jobs with many workers: round trips, throughput, stalls, and the time from a kill to the next epoch
	cargo build --release -p alluvium-test-cluster --bins
	"$(TARGET)/release/cluster-bench" --out "$(TARGET)/bench"

fuzz: check-tools ## every decoder under a coverage-guided fuzzer for MINUTES=10 from SEED=1 (needs nightly and cargo-fuzz)
	tests/fuzz/run.sh "$(MINUTES)" "$(SEED)"

# Apart from make test, because it needs compilers and libraries for other processors.
cross: check-tools cross-check ## alluvium compiled for other systems; the golden directories on aarch64 and s390x under qemu; skips loudly
	tests/cross.sh

# Compiling is all that is checked for macOS and Windows.
OTHER_SYSTEMS := aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-gnu
.PHONY: cross-check package test-packages
cross-check: check-tools
	@for system in $(OTHER_SYSTEMS); do \
	 if [ -d "$$(rustc --print sysroot)/lib/rustlib/$$system" ] || rustup target add "$$system"; \
	 then echo "cargo check for $$system"; cargo check --quiet -p alluvium-core -p alluvium --target "$$system"; \
	 else echo "SKIPPED: cargo check for $$system: the Rust target cannot be added (rustup target add $$system)" >&2; fi; done

test-packages: components
	tests/package.sh lists "$(TARGET)"

# Apart from make test, because it builds wasmtime once more.
package: components ## alluvium and alluvium-cli built and installed from their packaged files, and run in an empty folder
	tests/package.sh install "$(TARGET)" "$(ALLUVIUM_DELAYS)"


# The browser tests need Node, and a real Chromium; Firefox joins in where it is installed.
browser: target-browser
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20 or later, then try again" >&2; exit 2; }
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q \
	 && apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; } \
	 || { echo "chromium is missing: apt-get install chromium" >&2; exit 2; }

test-web: tested-web programs edge-packages ## the browser package in real browsers: conformance, kills, quotas, tabs, packed projects; and the demo
	ALLUVIUM="$(abspath $(ALLUVIUM))" node web/test/run.mjs
	web/demo/build.sh
	ALLUVIUM="$(abspath $(ALLUVIUM))" ALLUVIUM_EDGE="$(abspath $(TARGET))/edge" node web/demo/check.mjs

# The runtimes and bundlers come from npm, in target/edge. Their packages need no script of theirs.
EDGE := web/test/edge
.PHONY: edge-packages built-web tested-web test-edge edge-kills
edge-packages:
	$(call npm-packages,$(EDGE),$(TARGET)/edge)

# Whether a file is there and no older than its sources.
fresh = [ -e $(1) ] && [ -z "$$(find $(2) -newer $(1) -print -quit)" ]

# The package, if it is missing or older than what it is made of; and with the engine that only tests use.
WEB_ENGINE := Cargo.toml Cargo.lock core/Cargo.toml core/src wasm/Cargo.toml wasm/src wasm/bindgen web/build.sh
WEB_FRESH = $(call fresh,web/dist/node.js,$(WEB_ENGINE) web/src web/package.json $(wildcard web/*.mjs web/tsconfig*.json))
built-web: browser
	@$(WEB_FRESH) || web/build.sh

tested-web: browser
	@$(WEB_FRESH) && $(call fresh,web/test/wasm/alluvium_wasm_bg.wasm,$(WEB_ENGINE)) || web/build.sh --testing

test-edge: built-web edge-packages ## the package where no browser is: workers at the edge, Bun, Deno, bundles without modules; and its sources, with their servers
	ALLUVIUM_EDGE="$(abspath $(TARGET))/edge" node $(EDGE)/run.mjs

edge-kills: built-web edge-packages ## workerd, objects and a page that read a stream, killed 50 times each while they take checkpoints; other browsers 10 times
	ALLUVIUM_EDGE="$(abspath $(TARGET))/edge" ALLUVIUM_EDGE_KILLS=50 node $(EDGE)/run.mjs killed

demo-kills: browser ## the demo in each browser that is installed, killed ten times; a line for each, with what was proved
	web/build.sh
	web/demo/build.sh
	node web/demo/kills.mjs

web: browser ## builds the browser package and serves the demo and the inspector (/inspector.html) on port PORT=8080
	web/build.sh
	web/demo/build.sh
	node web/demo/serve.mjs "$(PORT)"

bench-web: browser ## the browser package against raw IndexedDB, Dexie and others; rows in target/bench/web-report.json
	web/bench/run.sh

clean: ## what was built and run here
	cargo clean
	rm -rf run web/dist web/node_modules web/demo/dist web/demo/node_modules
