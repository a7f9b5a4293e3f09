#!/bin/bash
# What users install: source archive and wheel, on every Python there is here, with the
# oldest NumPy, built by clang, editable.
#
#     bash tests/tools/packaging.sh            all: 7 minutes on one core
#     bash tests/tools/packaging.sh --quick    this Python only: archive, wheel, editable
#
# Ends with "packaging: pass", or with "packaging: FAIL" and exit code 1. Needs PyPI.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAIL: $*"; failed=1; }
# quietly COMMAND...: its output only if it fails
quietly() { "$@" >"$work/out" 2>&1 || { tail -25 "$work/out"; return 1; }; }

MOST_BYTES=3000000
NEEDED=(pytest pytest-timeout pytest-xdist hypothesis scipy mpmath ml_dtypes 'dask[array]' psutil)
# What an interpreter, a compiler or a NumPy could change; the numbers are the other checks' task.
QUICK=(docs/test_{registry,doctests}.py accuracy/test_{special_values,narrow_types}.py {calls,losses}/test_errors.py
    layouts/test_{elementwise,rows}.py processes)

# environment NAME PYTHON WHAT...: a fresh one with WHAT installed and the tests' needs.
environment() {
    local to=$work/$1 python=$2
    shift 2
    "$python" -m venv "$to" && quietly "$to/bin/pip" install --quiet "${NEEDED[@]}" "$@"
}

# quick NAME: the quick tests, from the source archive, against what the environment has installed.
quick() {
    (cd "$work"/fastact-*/ && quietly "$work/$1/bin/pytest" -q -p no:cacheprovider "${QUICK[@]/#/tests/}") || return 1
    echo "ok: $1: $(tail -1 "$work/out")"
}

check() { # check NAME PYTHON WHAT...
    if environment "$@" && quick "$1"; then return; fi
    fail "$1"
}

archive_and_wheel() {
    python -m venv "$work/tools" && quietly "$work/tools/bin/pip" install --quiet build auditwheel || return 1
    # the wheel is built from the archive, not from the checkout
    quietly "$work/tools/bin/python" -m build --outdir "$work/dist" "$root" || return 1
    wheel=$(echo "$work"/dist/*.whl) archive=$(echo "$work"/dist/*.tar.gz)
    local bytes
    bytes=$(stat -c %s "$wheel")
    echo "$(basename "$wheel"): $bytes bytes; $(basename "$archive"): $(stat -c %s "$archive") bytes"
    [ "$bytes" -lt $MOST_BYTES ] || fail "the wheel has more than $MOST_BYTES bytes"
    "$work/tools/bin/auditwheel" show "$wheel" >"$work/audit" 2>&1 || fail "auditwheel show"
    tr -s '\n ' ' ' <"$work/audit" && echo
    grep -q manylinux "$work/audit" || fail "auditwheel finds no manylinux tag that fits"
    tar xzf "$archive" -C "$work"
}

editable() {
    cp -r "$work"/fastact-*/ "$work/checkout"
    environment editable python --editable "$work/checkout" || return 1
    # changed Python code shows without another install
    echo "seen = 1" >>"$work/checkout/fastact/_version.py"
    (cd / && quietly "$work/editable/bin/python" -c "import fastact._version; fastact._version.seen; \
        import numpy; assert fastact.gelu(numpy.ones(3)).shape == (3,)") && quick editable
}

archive_and_wheel || { fail "source archive and wheel"; echo "packaging: FAIL"; exit 1; }
check wheel python "$wheel"
editable || fail "editable install"
if [ "${1:-}" != --quick ]; then
    if command -v clang >/dev/null; then CC=clang check clang python "$archive"; fi
    # pyenv's commands answer only for the versions that are switched on
    if command -v pyenv >/dev/null; then PYENV_VERSION=$(pyenv versions --bare | paste -sd:) && export PYENV_VERSION; fi
    for version in 3.10 3.12 3.13 3.14; do
        "python$version" -c "" 2>/dev/null && check "python$version" "python$version" "$archive"
    done
    for version in 3.12 3.11; do # built with NumPy 2, run with the oldest
        if "python$version" -c "" 2>/dev/null; then
            check numpy-1.26 "python$version" "$archive" 'numpy==1.26.*'
            break
        fi
    done
fi
if [ $failed = 0 ]; then echo "packaging: pass"; else echo "packaging: FAIL"; fi
exit $failed
