#!/usr/bin/env bash
# Builds a component of an operator: build.sh OPERATOR.c [OUTPUT.wasm]
#
# It needs a C compiler that supports wasm32-wasi. It uses CC, or Zig's compiler if CC is not set (pip install
# ziglang==0.17.1). It also needs wasm-tools (cargo install wasm-tools), or Node and jco (npm install
# @bytecodealliance/jco@1.35.0). jco is searched in the folder of the operator, in this one, and in those above them.
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: build.sh OPERATOR.c [OUTPUT.wasm]" >&2
    exit 2
fi
operator=$(realpath "$1")
output=$(realpath -m "${2:-$(basename "${1%.c}").wasm}")
sdk=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wit=$sdk/../../wit
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

read -r -a cc <<<"${CC:-python3 -m ziglang cc}"
flags=(--target=wasm32-wasi -std=c11 -O2 -Wall -Wextra)
# The bindings are generated, and have arguments that they do not need.
for file in keyed_timed_plugin component_type; do
    "${cc[@]}" "${flags[@]}" -Wno-unused-parameter -c "$sdk/bindings/$file.c" -o "$scratch/$file.o"
done
"${cc[@]}" "${flags[@]}" -Werror -I "$sdk" -mexec-model=reactor -Wl,--strip-all \
    "$operator" "$scratch/keyed_timed_plugin.o" "$scratch/component_type.o" -o "$scratch/core.wasm"
# Only ALLUVIUM_MIGRATING_OPERATOR exports this function. A host offers a migration of a component that exports one.
world=keyed-timed-plugin
if grep -qaF 'alluvium:checkpoint/migration@0.2.0#migrate' "$scratch/core.wasm"; then world=migrating-$world; fi
if command -v wasm-tools >/dev/null; then
    wasm-tools component embed "$wit" --world "$world" "$scratch/core.wasm" -o "$scratch/embedded.wasm"
    wasm-tools component new "$scratch/embedded.wasm" -o "$output"
else
    node "$sdk/component.mjs" "$wit" "$world" "$scratch/core.wasm" "$output" "$(dirname "$operator")"
fi
echo "$output: $(stat -c %s "$output") bytes"
