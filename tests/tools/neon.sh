#!/bin/bash
# The same bits from NEON as from AVX2, AVX-512 and portable C, and from any compiler
# and flags: builds the C core with neon_hash.c and compares what it prints.
#
#     bash tests/tools/neon.sh           aarch64 under qemu against this machine: 2 minutes on 2 cores
#     bash tests/tools/neon.sh --flags   gcc and clang here, with flags that invite other results
#
# Exit code 0: all equal. Debian packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and
# qemu-user are installed if missing and root runs it; without them it ends with 77.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# build NAME COMPILER [FLAG...]: $work/NAME from every C file of the core.
build() {
    local name=$1 compiler=$2
    shift 2
    mkdir -p "$work/$name.o"
    find "$root/csrc" "$root/tests/tools/neon_hash.c" -name '*.c' |
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

# run_each NAME THREADS: on each instruction set the program can use here.
run_each() {
    local name=$1 threads=$2 reference=$work/reference isa without
    for isa in avx512 avx2 baseline; do
        "$work/$name" $isa "$threads" >"$work/$name.$isa" 2>/dev/null || continue
        [ -s "$reference" ] || cp "$work/$name.$isa" "$reference"
        without=
        [ $isa = baseline ] && without=$BASELINE_DIFFERS
        compare "$name $isa, threads: $threads" "$reference" "$work/$name.$isa" "$without"
    done
}

cross() {
    if ! { command -v aarch64-linux-gnu-gcc && command -v qemu-aarch64 && [ -d /usr/aarch64-linux-gnu/lib ]; } \
        >/dev/null; then
        [ "$(id -u)" = 0 ] || { echo "gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user are needed"; exit 77; }
        apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user \
            >"$work/apt" 2>&1 ||
            { apt-get update && apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu \
                libc6-dev-arm64-cross qemu-user; } >"$work/apt" 2>&1 ||
            { tail -5 "$work/apt"; exit 77; }
    fi
    build aarch64 aarch64-linux-gnu-gcc -O2 -static || exit 1
    build native "${CC:-cc}" -O1 || exit 1
    run_each native 1
    run_each native 7
    qemu-aarch64 "$work/aarch64" neon 2 >"$work/neon" || exit 1
    compare "NEON" "$work/reference" "$work/neon"
}

flags() {
    build gcc-O1 gcc -O1 && run_each gcc-O1 3
    build gcc-contract gcc -O3 -march=x86-64-v3 -ffp-contract=fast && run_each gcc-contract 3
    if command -v clang >/dev/null; then
        build clang clang -O2 && run_each clang 3
        build clang-contract clang -O3 -march=x86-64-v3 -ffp-contract=fast &&
            run_each clang-contract 3
    fi
    [ -s "$work/reference" ] || failed=1
}

if [ "${1:-}" = --flags ]; then flags; else cross; fi
exit $failed
