#!/usr/bin/env bash
# Builds a component from delays.c: build.sh [OUTPUT.wasm]
#
# It needs a C compiler that supports wasm32-wasi. It uses CC, or Zig's compiler if CC is not set (pip install -r
# requirements.txt). It also needs wasm-tools (cargo install wasm-tools), or Node and jco (npm install
# @bytecodealliance/jco@1.35.0).
set -euo pipefail
output=$(realpath -m "${1:-delays-c.wasm}")
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

read -r -a cc <<<"${CC:-python3 -m ziglang cc}"
"${cc[@]}" --target=wasm32-wasi -mexec-model=reactor -std=c11 -O2 -Wall -Wextra -Werror -Wl,--strip-all \
    delays.c flights.c route.c text.c -Wno-unused-parameter bindings/plugin.c bindings/component_type.c \
    -o "$scratch/core.wasm"
if command -v wasm-tools >/dev/null; then
    wasm-tools component embed ../../wit --world plugin "$scratch/core.wasm" -o "$scratch/embedded.wasm"
    wasm-tools component new "$scratch/embedded.wasm" -o "$output"
else
    node component.mjs ../../wit "$scratch/core.wasm" "$output"
fi
echo "$output: $(stat -c %s "$output") bytes"
