#!/usr/bin/env bash
# Builds plugins in JavaScript, Python and C: `delays`, written against the interfaces, and the operators `weather`,
# `aircraft`, `routes`, `unique`, `fleet`, `joined`, `board` and `carriers`, written with the SDKs: build.sh FOLDER
#
# `carriers_1`, whose state `carriers` migrates, is built in C, and with ALLUVIUM_OLD_VERSIONS=1 in JavaScript and Python
# too: each of those is large, and would make the tests half a minute longer. The tests of the SDKs run them natively.
#
# It works in FOLDER alone: a copy of the sources, the toolchains (from npm and pip), and the components. What
# cannot be built here is named in FOLDER/missing, one line each; what was tried and failed ends the script.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)

# The sources as they are now; the toolchains stay from one run to the next.
wasm=$here/../../wasm
rm -rf "$work/wit" "$work/plugins" "$work/sdk" "$work"/*.wasm "$work/missing"
cp -r "$wasm/wit" "$work/wit"
mkdir "$work/plugins" "$work/sdk"
cp -r "$wasm"/plugins/{delays-*,javascript,python,c} "$work/plugins/"
cp -r "$wasm"/sdk/{js,python,c} "$work/sdk/"
# What was installed in the checkout is not what is tested.
rm -rf "$work/sdk/js/node_modules"
: >"$work/missing"
missing() { printf '%s\n' "$1" >>"$work/missing"; }

# Installs once for each list of packages: `once NAME LIST COMMAND…`.
once() {
    local stamp="$work/.$1"
    cmp -s "$2" "$stamp" && return
    "${@:3}"
    cp "$2" "$stamp"
}

with_npm() {
    # componentize-js needs preview2-shim at the top, of the version in package.json, and does not say so.
    # Not `npm ci`: it asks for the locked form of packages that are only for other systems.
    cp "$here/package.json" "$here/package-lock.json" "$work/"
    npm install --prefix "$work" --no-audit --no-fund --loglevel=error
}
with_pip() {
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
}

has_npm= has_pip=
if command -v npm >/dev/null; then
    once npm "$here/package-lock.json" with_npm
    # Projects in this folder find the SDK as if it had been installed.
    ln -sfn ../sdk/js "$work/node_modules/alluvium-plugin"
    has_npm=1
fi
if python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    once pip "$here/requirements.txt" with_pip
    export PATH="$work/venv/bin:$PATH"
    # And so do modules, for mypy: it takes a package in a folder of PYTHONPATH for one without types.
    python3 -c 'import sys, sysconfig; print(sys.argv[1], file=open(sysconfig.get_path("purelib") + "/alluvium_plugin.pth", "w"))' "$work/sdk/python"
    has_pip=1
fi

operators="weather aircraft routes unique fleet joined board carriers"
old=${ALLUVIUM_OLD_VERSIONS:+carriers_1}
javascript() {
    node "$work/plugins/delays-js/build.mjs" "$work/delays-js.wasm"
    for operator in $operators $old; do
        node "$work/sdk/js/src/cli.js" build "$work/plugins/javascript/$operator.js" -o "$work/$operator-js.wasm"
    done
}
python() {
    "$work/plugins/delays-py/build.sh" "$work/delays-py.wasm"
    for operator in $operators $old; do
        PYTHONPATH=$work/sdk/python python3 -m alluvium_plugin build "$work/plugins/python/$operator.py" -o "$work/$operator-py.wasm"
    done
}
c() {
    "$work/plugins/delays-c/build.sh" "$work/delays-c.wasm"
    for operator in $operators carriers_1; do
        "$work/sdk/c/build.sh" "$work/plugins/c/$operator.c" "$work/$operator-c.wasm"
    done
}

# Two at a time, because each uses one processor. JavaScript takes as long as Python and C one after the other.
python_and_c() {
    if [ "$has_pip" ]; then
        python
    else
        missing "Python: python3 from 3.10 on with venv is not there (Debian: python3-venv)"
    fi
    if [ "$has_npm" ] && [ "$has_pip" ]; then
        c
    else
        missing "C: npm and python3 with venv are needed, for jco and for Zig's C compiler"
    fi
}
javascript_if_there() {
    if [ "$has_npm" ]; then
        javascript
    else
        missing "JavaScript: npm is not there (Node 20 or later)"
    fi
}
jobs=()
javascript_if_there & jobs+=($!)
python_and_c & jobs+=($!)
for job in "${jobs[@]}"; do wait "$job"; done
