#!/usr/bin/env bash
# Builds the npm package into web/dist and compares its size with the budget.
#
#   web/build.sh            builds the package
#   web/build.sh --testing  also builds web/test/wasm: the same engine with the functions that the
#                           tests in real browsers call
#   web/build.sh --check-size  fails if the package is over its budget
set -euo pipefail
cd "$(dirname "$0")"

target_dir=${CARGO_TARGET_DIR:-$PWD/../target}

# `make` says what everything is built with, and why an example is (COMMAND in the Makefile). By itself it is built in a
# minute, once.
with=(-p alluvium-bindgen)
[ -z "${ALLUVIUM_CARGO:-}" ] || read -r -a with <<<"$ALLUVIUM_CARGO --example count"
cargo build --quiet "${with[@]}" --bin alluvium-bindgen --target-dir "$target_dir"
if [ ! -x node_modules/.bin/tsc ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi

# Panic messages contain source paths. The paths of this machine would tell a user nothing and take space.
flags="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src= --remap-path-prefix=$(cd .. && pwd)=alluvium"

# engine OUT [cargo options]: builds, binds and optimises the engine into OUT.
engine() {
  local out=$1
  shift
  # Only a cdylib is built. If an rlib were built too, cargo would skip link-time optimisation.
  RUSTFLAGS="$flags" cargo rustc --quiet --lib --crate-type cdylib --profile web \
    --target wasm32-unknown-unknown -p alluvium-wasm "$@" --target-dir "$target_dir"
  rm -rf "$out"
  "$target_dir/debug/alluvium-bindgen" "$target_dir/wasm32-unknown-unknown/web/alluvium_wasm.wasm" "$out"
  # These features exist in every browser since 2021. --all-features would write modules that today's
  # browsers cannot read. --low-memory-unused is safe because the engine uses nothing in the first kilobyte
  # of memory. The names of functions go into a file of their own: it tells which function the
  # wasm-function[N] of a stack trace is.
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
