#!/bin/bash
# The same bits from NEON as from AVX2, AVX-512 and portable C, and from any compiler
# and flags: builds the C core with neon_hash.c and compares what it prints.
#
#     bash tests/neon.sh           aarch64 under qemu against this machine: 3 minutes at most
#     bash tests/neon.sh --flags   gcc and clang here, with flags that invite other results
#
# Exit code 0: all equal. Debian packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and
# qemu-user are installed if missing and root runs it; without them it ends with 77.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# build NAME COMPILER [FLAG...]: $work/NAME from every C file of the core.
build() {
    local name=$1 compiler=$2
    shift 2
    mkdir -p "$work/$name.o"
    printf '%s\n' "$root"/csrc/*.c "$root/tests/neon_hash.c" |
        xargs -P "$(nproc)" -I{} sh -c "$compiler $* -c {} -o $work/$name.o/\$(basename {}).o" &&
        $compiler "$@" "$work/$name.o"/*.o -o "$work/$name" -lm -pthread
}

# compare LABEL REFERENCE RESULT [PATTERN]: lines without PATTERN must be equal.
compare() {
    local label=$1 reference=$2 result=$3 without=${4:-^\$}
    if grep LAYOUT "$result"; then
        echo "$label: results depend on the layout" && failed=1
    fi
    if ! diff <(grep -v "$without" "$reference") <(grep -v "$without" "$result") >"$work/diff"; then
        echo "$label: different results of" && grep '^<' "$work/diff" | sort -u && failed=1
    else
        echo "$label: $(grep -vc "$without" "$result") hashes equal"
    fi
}

# Without fma float64 products below 2^-960 lose bits: see csrc/simd/scalar.h.
BASELINE_DIFFERS=' float64 '

# run_each NAME REFERENCE COMMAND...: on each instruction set the program can use.
run_each() {
    local name=$1 reference=$2 isa without
    shift 2
    for isa in avx512 avx2 neon baseline; do
        "$@" "$work/$name" $isa >"$work/$name.$isa" 2>/dev/null || continue
        [ -s "$reference" ] || cp "$work/$name.$isa" "$reference"
        without=
        [ $isa = baseline ] && without=$BASELINE_DIFFERS
        compare "$name $isa" "$reference" "$work/$name.$isa" "$without"
    done
}

cross() {
    if ! command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null || [ ! -d /usr/aarch64-linux-gnu/lib ]; then
        [ "$(id -u)" = 0 ] || { echo "gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user are needed"; exit 77; }
        apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user \
            >"$work/apt" 2>&1 ||
            { apt-get update && apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu \
                libc6-dev-arm64-cross qemu-user; } >"$work/apt" 2>&1 ||
            { tail -5 "$work/apt"; exit 77; }
    fi
    build aarch64 aarch64-linux-gnu-gcc -O2 -static || exit 1
    build native "${CC:-cc}" -O1 || exit 1
    run_each native "$work/reference"
    run_each aarch64 "$work/reference" qemu-aarch64
    [ -s "$work/aarch64.neon" ] || { echo "NEON did not run"; failed=1; }
}

flags() {
    build gcc-O1 gcc -O1 && run_each gcc-O1 "$work/reference"
    build gcc-contract gcc -O3 -march=x86-64-v3 -ffp-contract=fast && run_each gcc-contract "$work/reference"
    if command -v clang >/dev/null; then
        build clang clang -O2 && run_each clang "$work/reference"
        build clang-contract clang -O3 -march=x86-64-v3 -ffp-contract=fast &&
            run_each clang-contract "$work/reference"
    fi
    [ -s "$work/reference" ] || failed=1
}

if [ "${1:-}" = --flags ]; then flags; else cross; fi
exit $failed
