#!/usr/bin/env bash
# tests/fuzz/run.sh MINUTES [SEED]: runs every fuzz target; they share the minutes equally.
# New inputs are kept in tests/fuzz/target/corpus, inputs that fail in tests/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"
minutes=${1:?give the minutes: tests/fuzz/run.sh 10}
seed=${2:-1}
cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 2; }
rustc +nightly --version >/dev/null 2>&1 || { echo "the sanitizers need nightly: rustup toolchain install nightly" >&2; exit 2; }
targets=$(cargo +nightly fuzz list --fuzz-dir .)
seconds=$((minutes * 60 / $(wc -w <<<"$targets")))
for target in $targets; do
    mkdir -p "target/corpus/$target"
    echo "$target: $seconds seconds from seed $seed"
    cargo +nightly fuzz run --fuzz-dir . "$target" "target/corpus/$target" "corpus/$target" -- \
        -max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 2>&1 \
        | { grep -E "DONE|stat::number|SUMMARY|panicked|Test unit|^error|ERROR:" || true; }
done
