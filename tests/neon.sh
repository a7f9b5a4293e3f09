#!/usr/bin/env bash
# NEON against x86-64: the C core built for both, NEON run under qemu, all hashes equal.
#
#     bash tests/neon.sh
#
# Installs the cross compiler and qemu with apt-get if they are missing. On an AArch64
# machine there is nothing to emulate and nothing to compare with: it says so and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(uname -m)" != x86_64 ]; then
    echo "neon.sh: needs an x86-64 machine to compare with" >&2
    exit 1
fi
if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -O2 -o "$work/native" tests/core_hash.c csrc/*.c -lm -pthread &
native=$!
aarch64-linux-gnu-gcc -O2 -static -o "$work/neon" tests/core_hash.c csrc/*.c -lm -pthread
wait "$native"

qemu-aarch64 "$work/neon" neon >"$work/neon.txt"
status=0
for isa in avx512 avx2; do
    if ! "$work/native" "$isa" >"$work/$isa.txt"; then
        echo "neon.sh: this CPU has no $isa" >&2
    elif ! diff "$work/$isa.txt" "$work/neon.txt" >"$work/difference"; then
        echo "neon.sh: $isa (<) and neon (>) differ" >&2
        head -20 "$work/difference" >&2
        status=1
    else
        echo "neon.sh: $(wc -l <"$work/neon.txt") hashes of $isa and neon are equal"
    fi
done
exit $status
