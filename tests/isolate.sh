#!/usr/bin/env bash
# What --isolate costs: tests/isolate.sh ALLUVIUM PLUGIN [ROUNDS]
#
# Runs a plugin over the flights without and with it, in turns, and prints the medians: of a start for one record, and of
# a run over the month twenty times over, in records a second.
set -euo pipefail
alluvium=$1 plugin=$2 rounds=${3:-15}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

zcat "$here/data/flights-2013-01.csv.gz" > "$scratch/month.csv"
head -1 "$scratch/month.csv" > "$scratch/long.csv"
for _ in {1..20}; do tail -n +2 "$scratch/month.csv" >> "$scratch/long.csv"; done
records=$(($(wc -l < "$scratch/long.csv") - 1))

# The microseconds of one run in a directory of its own.
run() {
    local begun ended
    begun=$(date +%s%N)
    "$alluvium" run "$plugin" --dir "$scratch/run" --input "$scratch/long.csv" --output "$scratch/output" --overwrite --time-column "" \
        --json "$@" 2> "$scratch/log" || { cat "$scratch/log" >&2; exit 1; }
    ended=$(date +%s%N)
    rm -rf "$scratch/run" "$scratch/output"
    echo $(((ended - begun) / 1000))
}

median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }

run > "$scratch/first"
for ((round = 0; round < rounds; round++)); do
    run --stop-after 1 >> "$scratch/start.here"
    run --stop-after 1 --isolate >> "$scratch/start.isolated"
    run >> "$scratch/all.here"
    run --isolate >> "$scratch/all.isolated"
done
for where in here isolated; do
    start=$(median "$scratch/start.$where") all=$(median "$scratch/all.$where")
    echo "$where: a start takes $((start / 1000)) ms; $((records * 1000000 / (all - start))) records a second"
done
