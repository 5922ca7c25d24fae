#!/usr/bin/env bash
# Builds the demo and the inspector into web/demo/dist. The result is static files, for any host that serves .wasm and .gz files
# unchanged. If the package is missing, it is built first. `web/build.sh` rebuilds it.
set -euo pipefail
cd "$(dirname "$0")"

[ -f ../dist/index.js ] && [ -f ../dist/wasm/alluvium_wasm_bg.wasm ] || ../build.sh
if [ ! -x node_modules/.bin/esbuild ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
node_modules/.bin/tsc -p .

rm -rf dist
mkdir -p dist/wasm
# The scripts fetch the engine and the flights from their own directory.
cp ../dist/wasm/alluvium_wasm_bg.wasm dist/wasm/
cp ../../tests/data/flights-2013-01.csv.gz dist/
node page.mjs
node_modules/.bin/esbuild src/main.ts src/worker.ts src/ten-lines.ts src/style.css --bundle --format=esm --target=es2022 --minify \
  --sourcemap --alias:alluvium=../dist/index.js --outdir=dist --log-level=warning
node inspector/build.mjs
echo "the demo is in web/demo/dist; serve it with: node web/demo/serve.mjs"
