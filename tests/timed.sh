#!/usr/bin/env bash
# The parts of `make test`, with the seconds that each took, and the seconds of processors:
#
#   timed.sh start FILE                        forgets the parts of an earlier run
#   timed.sh part FILE NAME BUDGET COMMAND…    runs a part; it should take at most BUDGET seconds
#   timed.sh held FILE NAME BUDGET COMMAND…    runs a part beside others, and prints what it printed when it has ended
#   timed.sh report FILE                       prints one line for each part
#
# A part that takes longer than its budget is no failure, because machines differ. The report says it.
set -euo pipefail

report() {
    local name seconds busy budget outcome
    while IFS=$'\t' read -r name seconds busy budget outcome; do
        [ "$outcome" != passed ] || [ "$seconds" -le "$budget" ] || outcome="OVER BUDGET by $((seconds - budget)) s"
        printf '%-18s %5d s of %4d s, %5d s of processors  %s\n' "$name" "$seconds" "$budget" "$busy" "$outcome"
    done <"$1"
    printf '%-18s %5d s\n' "all parts" $(($(date +%s) - $(cat "$1.began")))
}

part() {
    local file=$1 name=$2 budget=$3 start=$SECONDS outcome=passed code=0 busy
    shift 3
    printf '\n== %s: %s\n' "$name" "$*"
    "$@" || code=$?
    [ "$code" = 0 ] || outcome="FAILED with exit code $code"
    # What processors have done for all that was started here and waited for. A subshell, as in a pipe, would tell of itself;
    # and each part has a file of its own, because parts may run beside each other.
    times >"$file.$$"
    busy=$(awk -F '[ms ]+' 'NR == 2 { printf "%d", $1 * 60 + $2 + $3 * 60 + $4 + 0.5 }' "$file.$$")
    rm "$file.$$"
    printf '%s\t%d\t%d\t%d\t%s\n' "$name" $((SECONDS - start)) "$busy" "$budget" "$outcome" >>"$file"
    return "$code"
}

held() {
    local log=$1.$$.log code=0
    part "$@" >"$log" 2>&1 || code=$?
    cat "$log"
    rm "$log"
    return "$code"
}

case ${1-} in
    start) mkdir -p "$(dirname "$2")" && : >"$2" && date +%s >"$2.began" ;;
    part) shift && part "$@" ;;
    held) shift && held "$@" ;;
    report) report "$2" ;;
    *) sed -n '2,/^set/p' "$0" | grep '^#' >&2; exit 2 ;;
esac
