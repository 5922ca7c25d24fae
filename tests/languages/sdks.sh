#!/usr/bin/env bash
# The tests of the SDKs in other languages, natively: none of them needs WebAssembly or a package. What is missing is named
# and skipped.
set -euo pipefail
sdk=$(cd "$(dirname "$0")/../../wasm/sdk" && pwd)
export PYTHONDONTWRITEBYTECODE=1

if command -v node >/dev/null; then
    node --test "$sdk"/js/test/*.test.js
else
    echo "SKIPPED: the SDK for JavaScript: node is not there (Node 20 or later)" >&2
fi
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    (cd "$sdk/python" && python3 -m unittest discover -s tests -t .)
else
    echo "SKIPPED: the SDK for Python: python3 from 3.10 on is not there" >&2
fi
"$sdk/c/tests/run.sh"
