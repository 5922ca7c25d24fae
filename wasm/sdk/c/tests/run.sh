#!/usr/bin/env bash
# Runs the tests of the SDK, and those of the plugins that are written with it: run.sh [TEST.c…]
#
# Each is a program of one file. It is compiled by CC, or cc, with the sanitizers of addresses and of undefined
# behaviour if the compiler has them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
shopt -s nullglob
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=("$here"/*.c "$here"/../../../plugins/c/*_test.c)

read -r -a cc <<<"${CC:-cc}"
flags=(-std=c11 -g -O1 -Wall -Wextra -Werror -I "$here/.." -I "$here")
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all)
echo 'int main(void) { return 0; }' >"$scratch/try.c"
if "${cc[@]}" "${sanitizers[@]}" "$scratch/try.c" -o "$scratch/try" 2>"$scratch/why" && "$scratch/try" 2>>"$scratch/why"; then
    flags+=("${sanitizers[@]}")
else
    echo "without sanitizers: ${cc[*]} does not have them ($(tail -1 "$scratch/why"))"
fi

# One for each processor at a time. What they say comes in their order.
one() {
    if "${cc[@]}" "${flags[@]}" "${tests[$1]}" -o "$scratch/test$1" -lm && "$scratch/test$1"; then touch "$scratch/passed$1"; fi
}
for number in "${!tests[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc 2>/dev/null || echo 2)" ]; do wait -n || true; done
    one "$number" >"$scratch/said$number" 2>&1 &
done
wait

passed=0 failed=0
for number in "${!tests[@]}"; do
    basename "${tests[$number]}"
    cat "$scratch/said$number"
    if [ -e "$scratch/passed$number" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  FAIL  ${tests[$number]}"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
