#!/usr/bin/env bash
# Builds a component from app.py: build.sh [OUTPUT.wasm]
set -euo pipefail
output=$(realpath -m "${1:-delays-py.wasm}")
cd "$(dirname "$0")"

# WASI is replaced by a stub, because a plugin has no files, no clock, no randomness and no network.
componentize-py -d ../../wit -w plugin componentize --stub-wasi app -o "$output"
