#!/usr/bin/env bash
# fuzz/run.sh MINUTES [SEED]: every fuzz target for its share of so many minutes. What it finds new is
# kept below fuzz/target/corpus, what breaks it below fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:?give the minutes: fuzz/run.sh 10}
seed=${2:-1}
cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 2; }
rustc +nightly --version >/dev/null 2>&1 || { echo "the sanitizers need nightly: rustup toolchain install nightly" >&2; exit 2; }
targets=$(cargo +nightly fuzz list)
seconds=$((minutes * 60 / $(wc -w <<<"$targets")))
for target in $targets; do
    mkdir -p "fuzz/target/corpus/$target"
    echo "$target: $seconds seconds from seed $seed"
    cargo +nightly fuzz run "$target" "fuzz/target/corpus/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 2>&1 \
        | { grep -E "DONE|stat::number|SUMMARY|panicked|Test unit|^error|ERROR:" || true; }
done
