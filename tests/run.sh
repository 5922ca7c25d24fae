#!/usr/bin/env bash
# The main job, as `make run` does it: a month of real flights through the delays plugin, its state
# checkpointed by the engine component into a directory. Run it again after killing it: it goes on.
set -euo pipefail

alluvium=$1 plugin=$2 dir=$3 every=$4
input=tests/data/flights-2013-01.csv.gz
results=$(dirname "$dir")/delays.ndjson
mkdir -p "$(dirname "$dir")"

"$alluvium" run "$plugin" --dir "$dir" --input "$input" --checkpoint-every "$every" --output "$results" --overwrite

echo
echo "The ten worst routes, by minutes of arrival delay a flight (at least 20 flights):"
# The results are one JSON object a line, with integers and null only: awk can take them apart.
awk -F'"' '
    function number(name,    at) {
        at = index($0, "\"" name "\":")
        return substr($0, at + length(name) + 3) + 0
    }
    { flights = number("flights"); if (flights >= 20) printf "%8.1f  %-12s %6d flights  %4d cancelled  worst %5d min\n", number("arr_delay_min") / flights, $4, flights, number("cancelled"), number("worst_arr_delay_min") }
' "$results" | sort -rn | sed -n 1,10p

echo
echo "The checkpoints that were kept, and the bytes that each wrote:"
"$alluvium" list "$dir"

cat <<NEXT

What to try next:
  make run                             again: nothing is left to do, and the results are the same
  rm -rf run && make run               and kill it on the way (Ctrl-C, or kill -9), then: make run
  $alluvium dump $dir | head -3
  $alluvium verify $dir
  $alluvium gc $dir --dry-run
  $alluvium --help
NEXT
