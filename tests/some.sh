#!/usr/bin/env bash
# Runs a command that runs Rust tests, and fails if not one test ran: some.sh cargo test …
#
# cargo is content when a filter, or a feature that is missing, leaves no test at all.
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ ! -t 1 ] || export CARGO_TERM_COLOR=always
"$@" 2>&1 | tee "$log"
passed=$({ grep -oE '[0-9]+ passed;' "$log" || true; } | awk '{ sum += $1 } END { print sum + 0 }')
[ "$passed" -gt 0 ] || { echo "no test ran: $*" >&2; exit 1; }
echo "$passed tests passed: $*"
