#!/usr/bin/env bash
# Builds the program, natively and as a component, and composes it: build.sh ENGINE.wasm DELAYS.wasm FOLDER
#
# FOLDER gets driver (native), composed.wasm, and the runtimes that npm and pip have.
set -euo pipefail
engine=$(realpath "$1") plugin=$(realpath "$2")
mkdir -p "$3"
work=$(cd "$3" && pwd)
cd "$(dirname "$0")"

wac=${WAC:-wac}
command -v "$wac" >/dev/null || { echo "wac is missing: cargo install wac-cli --version 0.12.0" >&2; exit 2; }
cargo build --release --target-dir "$work/build"
cargo build --release --target-dir "$work/build" --target wasm32-wasip2
cp "$work/build/release/driver" "$work/driver"
command -v npm >/dev/null || { echo "npm is missing: install Node 20 or later" >&2; exit 2; }
cp ../languages/package.json ../languages/package-lock.json "$work/"
cmp -s ../languages/package-lock.json "$work/.npm" || npm install --prefix "$work" --no-audit --no-fund --loglevel=error
cp ../languages/package-lock.json "$work/.npm"
"$work/node_modules/.bin/jco" parse clock.wat -o "$work/clock.wasm"
"$wac" compose compose.wac -d "alluvium:engine=$engine" -d "alluvium:plugin=$plugin" -d "alluvium:clock=$work/clock.wasm" \
    -d "alluvium:driver=$work/build/wasm32-wasip2/release/driver.wasm" -o "$work/composed.wasm"

if python3 -c 'import venv, ensurepip' 2>/dev/null; then
    [ -x "$work/venv/bin/python3" ] || python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
else
    echo "python3 with venv is missing, and with it wasmtime for Python (Debian: python3-venv)" >&2
fi
