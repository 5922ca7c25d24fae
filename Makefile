# make run   the main job: a real stream, checkpointed by the component, in ./run
# make test  every test
# make help  the rest

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test lint deny doc components programs test-native test-wasi test-languages test-pages test-docs test-web runtimes \
        density bench bench-engine bench-quick bench-peers bench-web torture fuzz web demo-kills browser check-tools target-wasi target-browser clean

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
MINUTES ?= 10
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
	cargo build --release --target wasm32-wasip2 -p alluvium-wasm -p delays -p alerts
	@cmp -s "$(ALLUVIUM_ENGINE)" host/cli/engine/alluvium_wasm.wasm || cp "$(ALLUVIUM_ENGINE)" host/cli/engine/

run: components ## a month of flights through a plugin, with a checkpoint every EVERY=1000 records, in DIR=run/checkpoints
	cargo build -p alluvium-cli
	@tests/run.sh "$(ALLUVIUM)" "$(ALLUVIUM_DELAYS)" "$(DIR)" "$(EVERY)"

test: lint deny-if-there test-native test-wasi test-languages bench-quick test-web test-docs ## every test
	@echo "make test: all of it passed"

lint: check-tools
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# Licences, crates that must not come in, and where crates come from; all of it without a network.
deny: check-tools ## licences, bans and sources of all dependencies (needs cargo-deny)
	@cargo deny --version >/dev/null 2>&1 \
	 || { echo "cargo-deny is missing: cargo install cargo-deny --locked, then try again" >&2; exit 2; }
	cargo deny check licenses bans sources

.PHONY: deny-if-there
deny-if-there: check-tools
	@if cargo deny --version >/dev/null 2>&1; then $(MAKE) --no-print-directory deny; \
	 else echo "SKIPPED: make deny: cargo-deny is not there (cargo install cargo-deny --locked)" >&2; fi

# One way to build what tests run: chosen package by package, cargo would build wasmtime once more
# for each choice of features.
programs: components
	cargo test --workspace --no-run

test-native: programs ## unit, integration and doc tests, the kill -9 runs, and the planted defects that must be caught
	cargo test --workspace
	cargo test -p alluvium-torture --features seeded-defects --test seeded_defects

test-wasi: programs ## core's tests and the component's, inside WebAssembly under wasmtime
	CARGO_TARGET_WASM32_WASIP2_RUNNER="$(RUNNER)" cargo test --target wasm32-wasip2 -p alluvium-core -p alluvium-wasm --lib

# The toolchains come from npm and pip, in target/languages; what is missing is named and skipped.
test-languages: programs ## the delays plugin in JavaScript, Python and C: the same state as in Rust
	tests/languages/build.sh "$(TARGET)/languages"
	node tests/languages/run.mjs "$(ALLUVIUM)" "$(ALLUVIUM_DELAYS)" "$(TARGET)/languages"

# Apart from make test, because the pages themselves install packages.
test-pages: programs ## the pages on plugins in other languages, done as written from an empty folder
	tests/languages/build.sh "$(TARGET)/languages"
	node tests/languages/pages.mjs "$(ALLUVIUM)" "$(TARGET)/languages"

# The package is built by `make test-web`; here only if it is missing or older than its sources.
test-docs: browser programs ## every code block of README.md and docs/, the links of all pages, and the tests that they name
	node --test tests/docs/blocks.test.mjs
	[ -e web/dist/node.js ] && [ -z "$$(find core/src wasm/src web/src -newer web/dist/node.js -print -quit)" ] || web/build.sh
	node tests/docs/run.mjs "$(ALLUVIUM)" "$(TARGET)"

runtimes: programs ## engine and plugin as one component under wasmtime, wasmtime for Python, jco (needs wac: cargo install wac-cli)
	tests/runtimes/build.sh "$(ALLUVIUM_ENGINE)" "$(ALLUVIUM_DELAYS)" "$(TARGET)/runtimes"
	node tests/runtimes/run.mjs "$(ALLUVIUM)" "$(TARGET)/runtimes/driver" "$(TARGET)/runtimes/composed.wasm" "$(TARGET)/runtimes"

# The engine component runs beside the native engine.
bench-engine: target-wasi
	cargo build --release --target wasm32-wasip2 -p alluvium-wasm

bench: bench-engine ## minutes: the goals for speed, as ratios against floors and maps; table, report.json and plots in target/bench
	cargo run --release -p alluvium-bench -- all

density: components ## minutes: 1,000 plugins in one process, on demand and pooled; and what a looping plugin costs its neighbour
	cargo run --release -p alluvium-host --example density -- "$(ALLUVIUM_ENGINE)" "$(ALLUVIUM_DELAYS)"

bench-quick: bench-engine ## the same, short: holds bytes to their goals, never times
	cargo run --release -p alluvium-bench -- quick

bench-peers: check-tools ## RocksDB, fjall, redb, SQLite, LMDB and SlateDB on the same work (builds for a quarter of an hour, needs libclang)
	cargo run --release --manifest-path tests/peers/Cargo.toml -- all
	cargo run --release --manifest-path tests/peers/Cargo.toml -- growth

torture: programs ## every fault of the catalogue for MINUTES=10 from SEED=1; counts in target/torture/report.json
	mkdir -p "$(TARGET)/torture" && rm -f "$(TARGET)/torture/others.jsonl"
	ALLUVIUM_REPORT="$(abspath $(TARGET))/torture/others.jsonl" ALLUVIUM_HISTORIES=100 ALLUVIUM_SEED="$(SEED)" \
	 cargo test -p alluvium-wasi-runner --test engine -- --nocapture the_power_fails
	ALLUVIUM_REPORT="$(abspath $(TARGET))/torture/others.jsonl" cargo test -p alluvium-torture --features seeded-defects --test seeded_defects
	cargo run --release -p alluvium-torture -- --minutes "$(MINUTES)" --seed "$(SEED)" \
	 --also "$(TARGET)/torture/others.jsonl" --report "$(TARGET)/torture/report.json"

fuzz: check-tools ## every decoder under a coverage-guided fuzzer for MINUTES=10 from SEED=1 (needs nightly and cargo-fuzz)
	tests/fuzz/run.sh "$(MINUTES)" "$(SEED)"

# The browser tests need Node, and a real Chromium; Firefox joins in where it is installed.
browser: target-browser
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20 or later, then try again" >&2; exit 2; }
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q \
	 && apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; } \
	 || { echo "chromium is missing: apt-get install chromium" >&2; exit 2; }

test-web: browser programs ## the browser package in real browsers: conformance, kills, quotas, tabs, packed projects; and the demo
	ALLUVIUM="$(abspath $(ALLUVIUM))" web/test/run.sh
	web/demo/build.sh
	ALLUVIUM="$(abspath $(ALLUVIUM))" node web/demo/check.mjs

demo-kills: browser ## the demo in each browser that is installed, killed ten times; a line for each, with what was proved
	web/build.sh
	web/demo/build.sh
	node web/demo/kills.mjs

web: browser ## builds the browser package and serves the demo on port PORT=8080
	web/build.sh
	web/demo/build.sh
	node web/demo/serve.mjs "$(PORT)"

bench-web: browser ## the browser package against raw IndexedDB, Dexie and others; rows in target/bench/web-report.json
	web/bench/run.sh

clean: ## what was built and run here
	cargo clean
	rm -rf run web/dist web/node_modules web/demo/dist web/demo/node_modules
