#!/usr/bin/env bash
# Builds the package and its engine for tests, then runs everything in the browsers that are installed.
set -euo pipefail
cd "$(dirname "$0")"
../build.sh --testing
exec node run.mjs "$@"
