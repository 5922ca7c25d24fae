#!/usr/bin/env bash
# Builds the npm package into web/dist and holds its size to the budget.
#
#   web/build.sh            the package
#   web/build.sh --testing  the package, and beside it web/test/wasm: the same engine with the
#                           functions that the tests in real browsers call
#   web/build.sh --check-size  the package; fails when it is over its budget
set -euo pipefail
cd "$(dirname "$0")"

bindgen_version=0.2.130
target_dir=${CARGO_TARGET_DIR:-$PWD/../target}
cache=${ALLUVIUM_CACHE:-$HOME/.cache/alluvium}
bindgen=$cache/wasm-bindgen-$bindgen_version/bin/wasm-bindgen

# The version of the command must be that of the crate in Cargo.lock, exactly.
if [ "$("$bindgen" --version 2>/dev/null || true)" != "wasm-bindgen $bindgen_version" ]; then
  echo "installing wasm-bindgen $bindgen_version into $cache (once, some minutes)" >&2
  cargo install wasm-bindgen-cli --version "$bindgen_version" --root "${bindgen%/bin/wasm-bindgen}"
fi
if [ ! -x node_modules/.bin/tsc ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi

# The paths of this machine say nothing to a user who reads a panic's place, and take room.
flags="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src= --remap-path-prefix=$(cd .. && pwd)=alluvium"
flags="$flags --remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust/library=std"

# engine OUT [cargo options]: builds, binds and optimises the engine into OUT.
engine() {
  local out=$1
  shift
  # As a cdylib alone: beside an rlib, cargo would leave out the optimisation across crates.
  RUSTFLAGS="$flags" cargo rustc --quiet --lib --crate-type cdylib --profile web \
    --target wasm32-unknown-unknown -p alluvium-wasm "$@" --target-dir "$target_dir"
  rm -rf "$out"
  "$bindgen" "$target_dir/wasm32-unknown-unknown/web/alluvium_wasm.wasm" --target web --out-dir "$out" \
    --remove-producers-section --experimental-reset-state-function
  # Features that every browser since 2021 has, and no newer encoding: --all-features writes modules
  # that today's browsers cannot read. Nothing of ours lies in the first kilobyte of memory. Names of
  # functions go into a file of their own, for whoever reads a stack trace with wasm-function[N] in it.
  node_modules/.bin/wasm-opt -Oz --low-memory-unused --enable-bulk-memory --enable-mutable-globals \
    --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext --enable-multivalue \
    --symbolmap="$out/alluvium_wasm_bg.symbols" --strip-debug \
    "$out/alluvium_wasm_bg.wasm" -o "$out/optimised.wasm"
  mv "$out/optimised.wasm" "$out/alluvium_wasm_bg.wasm"
}

if [ "${1:-}" = --testing ]; then
  engine test/wasm --features testing
fi
engine src/wasm

rm -rf dist
mkdir -p dist/wasm
cp src/wasm/* dist/wasm/
node inline.mjs
node_modules/.bin/tsc -p .
node minify.mjs
cp ../LICENSE .
node size.mjs $([ "${1:-}" = --check-size ] && echo --check)
