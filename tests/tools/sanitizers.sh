#!/bin/bash
# The C core and the package under clang's sanitizers: addresses (of memory, leaks too),
# undefined behaviour, data races.
#
#     bash tests/tools/sanitizers.sh            all: 11 minutes
#     bash tests/tools/sanitizers.sh --core     without the Python package: 5 minutes
#
# Ends with "sanitizers: pass", or with "sanitizers: FAIL" and exit code 1; without clang with 77.
# The package needs an environment that has its test dependencies, cython and setuptools.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang=${CLANG:-clang}
failed=0

command -v "$clang" >/dev/null || { echo "sanitizers: clang is needed"; exit 77; }
fail() { echo "FAIL: $*"; failed=1; }

# build NAME KIND: the core and its programs, with -fsanitize=KIND, in $work/NAME.
build() {
    local out=$work/$1 flags=(-O1 -g -fno-omit-frame-pointer "-fsanitize=$2" -fno-sanitize-recover=all)
    mkdir "$out"
    find "$root"/csrc "$root"/tests/tools/{neon_hash,pool_stress}.c "$root/tests/embedding/check_core.c" -name '*.c' |
        xargs -P "$(nproc)" -I{} sh -c "$clang ${flags[*]} -c {} -o $out/\$(basename {}).o" || return 1
    local core
    mapfile -t core < <(printf '%s\n' "$out"/*.o | grep -v -e neon_hash -e pool_stress -e check_core)
    for program in neon_hash pool_stress check_core; do
        "$clang" "${flags[@]}" "${core[@]}" "$out/$program.c.o" -o "$out/$program" -lm -pthread || return 1
    done
}

# run LABEL COMMAND...: 3 is neon_hash's answer to an instruction set this CPU lacks.
run() {
    local label=$1 code
    shift
    "$@" >"$work/out" 2>"$work/err"
    code=$?
    case $code in
    0) echo "ok: $label" ;;
    3) echo "not here: $label" ;;
    *) fail "$label (exit code $code)"; head -60 "$work/err" ;;
    esac
}

# A sanitizer that sees nothing would pass everything.
alive() {
    cat >"$work/fault.c" <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static int shared;
static void *add(void *p) { shared++; return p; }
int main(int count, char **arguments) {
    char *memory = calloc(16, 1), kind = arguments[1][0];
    pthread_t t;
    if (kind == 'a') memory[count * 8] = 1;
    if (kind == 'u') { int x = 0x7fffffff; x += count; memory[0] = (char)x; }
    if (kind == 't') { pthread_create(&t, NULL, add, NULL); shared++; pthread_join(t, NULL); }
    char first = memory[0];
    free(memory);
    return first == 99;
}
END
    "$clang" -g -O0 "-fsanitize=$1" -fno-sanitize-recover=all "$work/fault.c" -o "$work/fault" -pthread || return 1
    shift
    for kind in "$@"; do
        "$work/fault" "$kind" >/dev/null 2>&1 && return 1
    done
    return 0
}

core() {
    build address address,undefined || { fail "build with address,undefined"; return; }
    alive address,undefined a u || fail "the sanitizers do not see a planted fault"
    for isa in avx512 avx2 neon baseline; do
        run "everything the core computes, $isa, addresses and undefined behaviour" "$work/address/neon_hash" $isa 3
    done
    run "an embedder's calls, addresses and undefined behaviour" "$work/address/check_core"
    run "the thread pool, addresses and undefined behaviour" "$work/address/pool_stress"
    build thread thread || { fail "build with thread"; return; }
    alive thread t || fail "the sanitizer does not see a planted race"
    for isa in avx512 avx2 neon baseline; do
        run "everything the core computes, $isa, races" "$work/thread/neon_hash" $isa 4
    done
    run "the thread pool, races" "$work/thread/pool_stress"
}

# Python cannot be linked with the sanitizer: its runtime is preloaded. Undefined behaviour is
# reported and goes on, so that one run tells all of it.
TESTS=(rows/test_row_ops calls/test_{fast_path_losses,errors} accuracy/test_{narrow_types,special_values}
    losses/test_{elementwise,extremes,class_losses,float64_rows,errors} layouts/test_guard_pages processes/test_threads)
package() {
    local copy=$work/package runtime sanitize="-fsanitize=address,undefined -shared-libasan"
    runtime=$("$clang" -print-file-name="libclang_rt.asan-$(uname -m).so")
    mkdir "$copy"
    cp -r "$root"/{csrc,fastact,tests,setup.py,pyproject.toml,README.md,LICENSE} "$copy"
    rm -rf "$copy"/fastact/{*.so,_core.c}
    (cd "$copy" && CC=$clang LDSHARED="$clang -shared" LDFLAGS=$sanitize \
        CFLAGS="-g1 -fno-omit-frame-pointer $sanitize" python setup.py -q build_ext --inplace) \
        >"$work/out" 2>&1 || { fail "build of the package"; tail -20 "$work/out"; return; }
    local log=$work/log layouts=("$copy"/tests/layouts/test_{elementwise,rows}.py) files=()
    for name in "${TESTS[@]}"; do files+=("$copy/tests/$name.py"); done
    # A guard's signal is the sanitizer's own exit: what shows that guards guard cannot run here.
    preloaded() {
        (cd "$copy" && PYTHONPATH=$copy LD_PRELOAD=$runtime PYTHONMALLOC=malloc \
            ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:log_path="$log" \
            UBSAN_OPTIONS=print_stacktrace=0:log_path="$log" \
            python -m pytest -q -n 0 -p no:cacheprovider -k "not guards_guard" "$@") >"$work/out" 2>&1 ||
            { fail "the package's tests"; tail -30 "$work/out"; }
        tail -1 "$work/out"
    }
    preloaded "${layouts[@]}" "${files[@]}"
    FASTACT_ISA=baseline preloaded "${layouts[@]}"
    cat "$log".* 2>/dev/null | grep -e "runtime error" -e "ERROR: " | sed 's/0x[0-9a-f]*/.../' | sort | uniq -c \
        >"$work/reports"
    if [ -s "$work/reports" ]; then fail "the package, addresses and undefined behaviour"; cat "$work/reports"
    else echo "ok: the package, addresses and undefined behaviour"; fi
}

core
[ "${1:-}" = --core ] || package
if [ $failed = 0 ]; then echo "sanitizers: pass"; else echo "sanitizers: FAIL"; fi
exit $failed
