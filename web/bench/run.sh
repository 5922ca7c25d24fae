#!/usr/bin/env bash
# Builds the package and measures it in Chromium: run.sh [--quick] [--calls].
set -euo pipefail
cd "$(dirname "$0")"
../build.sh
exec node run.mjs "$@"
