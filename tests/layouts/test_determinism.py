"""The same bits from every instruction set, thread count and alignment, in place or not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import TESTS, walk
from tools import determinism

import fastact as fa
from fastact import _core

PROGRAM = TESTS / "tools" / "determinism.py"


def _run(*arguments, **environment):
    result = subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=250,
        cwd=Path(fa.__file__).parents[1],
    )
    assert result.returncode == 0, result.stderr
    return dict(line.rsplit(": ", 1) for line in result.stdout.splitlines())


@pytest.fixture(scope="module")
def ours():
    """This process's hashes: the best instruction set, one thread."""
    before = fa.get_num_threads()
    fa.set_num_threads(1)
    try:
        return determinism.hashes(large=True)
    finally:
        fa.set_num_threads(before)


def _assert_equal(got, wanted):
    different = [name for name in got if got[name] != wanted[name]]
    assert not different, f"{len(different)} of {len(got)} differ: {different[:20]}"


def _assert_baseline_close(got, wanted, what, upstream=1.0):
    """Without fma, float64 products below 2^-960 lose their error term: only results
    that small may differ, times the incoming gradient, and no sign of a zero."""
    different = walk.bits(got).reshape(-1) != walk.bits(wanted).reshape(-1)
    a, b = got.reshape(-1)[different], wanted.reshape(-1)[different]
    largest = np.maximum(np.abs(a), np.abs(b))
    bad = ~((largest < 2.0**-960 * max(1.0, np.abs(upstream).max())) & (largest > 0))
    assert not bad.any(), f"{what}: {a[bad][:3]} instead of {b[bad][:3]}"


@pytest.mark.parametrize("isa", fa.config()["available_isas"])
def test_instruction_sets(ours, isa):
    large = isa not in ("baseline", _core.get_isa())
    got = _run(*["--large"] * large, FASTACT_ISA=isa)
    if isa == "baseline":
        got = {name: h for name, h in got.items() if "float64" not in name}
    assert len(got) > 400
    _assert_equal(got, ours)


@pytest.fixture
def baseline(set_isa):
    """Calls a function on the baseline instruction set."""
    best = _core.get_isa()

    def call(function, *args, **options):
        set_isa("baseline")
        try:
            return function(*args, **options)
        finally:
            set_isa(best)

    return call


@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_baseline_float64(op, baseline):
    dy, x, parameter = determinism.operands(20_011, np.dtype("f8"))
    args = ([dy, x] if op.arrays == 2 else [x]) + [parameter] * op.parameters
    _assert_baseline_close(baseline(op.ufunc, *args), op.ufunc(*args), op.name)


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_baseline_float64_rows(op, baseline):
    for shape in [(5, 17), (33, 67), (33, 167), (20, 10), (3, 1003)]:
        args = op.operands(shape, np.dtype("f8"))
        upstream = args[0] if op.variant else 1.0
        got, wanted = baseline(op.function, *args), op.function(*args)
        _assert_baseline_close(got, wanted, (op.name, shape), upstream)


@pytest.mark.parametrize("name", walk.losses())
def test_baseline_float64_losses(name, baseline):
    op = walk.loss(name)
    for shape in [(5, 17), (33, 67), (33, 167), (20, 10), (3, 1003)]:
        x, t, options = walk.loss_operands(name, shape, np.dtype("f8"))
        got, wanted = baseline(op.value_and_grad, x, t, **options), op.value_and_grad(x, t, **options)
        assert got[0] == wanted[0]
        _assert_baseline_close(got[1], wanted[1], shape)


@pytest.mark.parametrize("threads", [2, pytest.param(3, marks=pytest.mark.slow), 7])
def test_thread_counts(ours, threads, set_threads):
    set_threads(threads)
    assert fa.get_num_threads() == threads
    _assert_equal(determinism.hashes(small=False, large=True), ours)


def test_environment_limits_threads(ours):
    small = _run(FASTACT_NUM_THREADS="1")
    _assert_equal(small, ours)


def _at(offset, like):
    """A copy of `like` that starts `offset` bytes after a 64-byte boundary."""
    room = np.empty(like.nbytes + 128, "u1")
    start = -room.ctypes.data % 64 + offset
    view = room[start : start + like.nbytes].view(like.dtype)
    view[...] = like
    assert view.ctypes.data % 64 == offset or not like.size
    return view


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_alignments(op, dtype):
    for n in (1, 7, 67, 131):
        args = walk.map_operands(op, n, dtype, 3)
        wanted = op.ufunc(*args)
        for offset in range(64):
            moved = [_at((offset + 5 * k) % 64, a) for k, a in enumerate(args)]
            out = _at(63 - offset, wanted)
            walk.assert_same_bits(op.ufunc(*moved), wanted, (n, offset))
            walk.assert_same_bits(op.ufunc(*args, out=out), wanted, (n, offset, "out"))
            walk.assert_same_bits(op.ufunc(*moved, out=moved[0]), wanted, (n, offset, "in place"))


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_alignments(op):
    for dtype in (np.dtype("f4"), np.dtype("f8")):
        for shape in [(3, 67), (17, 10)]:
            args = op.operands(shape, dtype)
            wanted = op.function(*args)
            for offset in range(64):
                moved = [_at(offset, a.reshape(-1)).reshape(a.shape) for a in args]
                walk.assert_same_bits(op.function(*moved), wanted, (shape, offset))


@pytest.mark.parametrize("name", walk.losses())
def test_loss_alignments(name):
    op = walk.loss(name)
    for dtype in (np.dtype("f4"), np.dtype("f8")):
        for shape in [(3, 67), (17, 10)]:
            x, t, options = walk.loss_operands(name, shape, dtype)
            wanted = op.value_and_grad(x, t, **options)
            for offset in range(64):
                out = _at(63 - offset, x.reshape(-1)).reshape(shape)
                moved = _at(offset, x.reshape(-1)).reshape(shape)
                value, grad = op.value_and_grad(moved, t, **options, out=out)
                assert value == wanted[0]
                walk.assert_same_bits(grad, wanted[1], (shape, offset))
