#!/usr/bin/env bash
# Installs the object stores of the tests: install.sh DIRECTORY
#
# moto comes from PyPI, and s3rver from npm. If pip is missing, that is said, and the tests over moto are skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

if ! cmp -s "$here/package-lock.json" .installed; then
    command -v npm >/dev/null || { echo "npm is missing: install Node 20 or later" >&2; exit 2; }
    cp "$here/package.json" "$here/package-lock.json" .
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$here/package-lock.json" .installed
fi

cmp -s "$here/requirements.txt" moto/.installed && exit 0
rm -rf moto skipped
if python3 -m venv moto 2>/dev/null && moto/bin/pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"; then
    cp "$here/requirements.txt" moto/.installed
else
    rm -rf moto
    echo "moto could not be installed: python3, its module venv or PyPI is missing" | tee skipped >&2
    echo "SKIPPED: the tests of object stores over moto" >&2
fi
