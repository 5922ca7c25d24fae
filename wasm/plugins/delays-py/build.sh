#!/usr/bin/env bash
# Makes a component of app.py: build.sh [OUTPUT.wasm]
set -euo pipefail
output=$(realpath -m "${1:-delays-py.wasm}")
cd "$(dirname "$0")"

# The stub instead of WASI: a plugin has no files, no clock, no chance and no network.
componentize-py -d ../../wit -w plugin componentize --stub-wasi app -o "$output"
