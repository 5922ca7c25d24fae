#!/usr/bin/env bash
# Reads and rewrites the golden directories on other processors, under qemu: cross.sh
#
# aarch64 is a common one. s390x is big-endian: there a number that goes to disk in the processor's own
# order has other bytes. A processor whose tools are missing is skipped, and the last line says so.
set -euo pipefail
cd "$(dirname "$0")/.."
passed=() skipped=()

golden() { # PROCESSOR PACKAGE: as Rust and qemu call the processor, and as Debian calls its C library
    local processor=$1 libraries=$2 missing=() tool
    local target=$processor-unknown-linux-gnu
    for tool in "qemu-$processor" "$processor-linux-gnu-gcc"; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ -d "/usr/$processor-linux-gnu/lib" ] || missing+=("/usr/$processor-linux-gnu/lib")
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        { command -v rustup >/dev/null && rustup target add "$target"; } || missing+=("the Rust target $target")
    fi
    if [ ${#missing[@]} -gt 0 ]; then
        echo "SKIPPED: golden directories on $processor: missing ${missing[*]}" >&2
        echo "  apt-get install qemu-user gcc-$processor-linux-gnu libc6-dev-$libraries-cross" >&2
        skipped+=("$processor")
        return
    fi
    local variable
    variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")
    env "${variable}_LINKER=$processor-linux-gnu-gcc" "${variable}_RUNNER=qemu-$processor -L /usr/$processor-linux-gnu" \
        tests/some.sh cargo test -p alluvium-tests --test suite --target "$target" -- golden::
    passed+=("$processor")
}

golden aarch64 arm64
golden s390x s390x
echo "golden directories read and rewritten, byte for byte, on: ${passed[*]:-no other processor}${skipped:+; SKIPPED: ${skipped[*]}}"
