"""Threads: many Python threads at once, calls inside calls, floating-point modes."""

import ctypes
import ctypes.util
import platform
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from support import walk

import fastact as fa

SMALL, LARGE = 1037, 300_007


@pytest.fixture
def four_threads(set_threads):
    set_threads(4)


def _jobs():
    """Calls of every kind and size, by name."""
    for n in (SMALL, LARGE):
        for op in walk.maps()[::3]:
            args = walk.map_operands(op, n, np.dtype("f4"))
            yield f"{op.name} {n}", lambda op=op, args=args: op.ufunc(*args)
    for shape in [(20, 10), (30_000, 10), (300, 1001)]:
        for op in walk.rows():
            args = op.operands(shape, np.dtype("f4"))
            yield f"{op.name} {shape}", lambda op=op, args=args: op.function(*args)
        for name, op in walk.losses().items():
            x, t, options = walk.loss_operands(name, shape, np.dtype("f4"))
            yield (
                f"{name} {shape}",
                lambda op=op, x=x, t=t, o=options: np.append(*op.value_and_grad(x, t, **o)),
            )
        x, labels = (
            np.sin(np.arange(np.prod(shape), dtype="f4")).reshape(shape),
            np.arange(shape[0]) % shape[1],
        )
        yield f"plain mse_loss {shape}", lambda x=x: np.append(*fa.mse_loss.value_and_grad(x, x[::-1].copy()))
        yield (
            f"plain cross_entropy {shape}",
            lambda x=x, t=labels: np.append(*fa.cross_entropy.value_and_grad(x, t)),
        )


def test_concurrent_calls(four_threads):
    jobs = [job for _, job in _jobs()]
    wanted = [walk.bits(job()).tobytes() for job in jobs]
    start = threading.Barrier(8, timeout=60)

    def run(thread):
        start.wait()
        order = [(k + thread * len(jobs) // 8) % len(jobs) for k in range(len(jobs))]
        return [k for k in order if walk.bits(jobs[k]()).tobytes() != wanted[k]]

    with ThreadPoolExecutor(8) as pool:
        for wrong in pool.map(run, range(8)):
            assert not wrong


def test_thread_count_changes_meanwhile(four_threads):
    x = walk.values(LARGE, "f4", 1)
    wanted = fa.gelu(x)
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for n in (1, 5, 2, 3):
                fa.set_num_threads(n)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(100):
            walk.assert_same_bits(fa.gelu(x), wanted)
    finally:
        stop.set()
        changer.join()


def test_calls_from_threads_that_end(four_threads):
    """The pool outlives whoever started it."""
    x = walk.values(LARGE, "f4", 1)
    wanted = fa.silu(x)
    for _ in range(20):
        results = []
        thread = threading.Thread(target=lambda results=results: results.append(fa.silu(x)))
        thread.start()
        thread.join()
        walk.assert_same_bits(results[0], wanted)


def test_no_more_threads_than_asked(four_threads):
    x = walk.values(4 * LARGE, "f4", 1)
    process = psutil.Process()
    fa.gelu(x)
    before = process.num_threads()
    for _ in range(50):
        fa.gelu(x)
        fa.softmax(x.reshape(-1, 4))
    assert process.num_threads() <= before + 3


@pytest.fixture
def slow(set_isa, set_threads):
    """One thread of portable C: calls that take long enough to look meanwhile."""
    set_isa("baseline")
    set_threads(1)


F8 = np.dtype("f8")
WITHOUT_THE_GIL = {  # one call of each entry of the C core that takes long
    "elementwise": lambda: (fa.focal_loss, walk.loss_operands("focal_loss", (20_000, 10), F8)[:2]),
    "rows": lambda: (fa.cross_entropy, walk.loss_operands("cross_entropy", (30_000, 10), F8)[:2]),
    "float64 rows": lambda: (
        fa.triplet_margin_loss,
        walk.float64_row_operands("triplet_margin_loss", (200_000, 10), F8)[0],
    ),
    "sequences": lambda: (fa.ctc_loss, walk.ctc_operands(200, 40, 50, F8)),
}


@pytest.mark.parametrize("entry", WITHOUT_THE_GIL)
def test_releases_the_gil(slow, entry):
    """Another thread runs while a loss is computed: it does not wait for most of a call.
    (Ufuncs are called by NumPy.)"""
    op, operands = WITHOUT_THE_GIL[entry]()
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0)

    ticker = threading.Thread(target=tick)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    ticker.start()
    try:
        waited = [1.0]
        while waited[-1] >= 0.5 and len(waited) < 6:  # another process may take the CPU once
            start = time.perf_counter()
            op.grad(*operands)
            end = time.perf_counter()
            inside = [start, *(at for at in ticks if start < at < end), end]
            waited.append(max(np.diff(inside)) / (end - start))
    finally:
        stop.set()
        ticker.join()
        sys.setswitchinterval(interval)
    assert waited[-1] < 0.5, waited


# ---- floating-point modes ---------------------------------------------------------

libm = ctypes.CDLL(ctypes.util.find_library("m"))
X86 = platform.machine() in ("x86_64", "AMD64")
UPWARD = 0x800 if X86 else 0x400000  # FE_UPWARD
ALL_FLAGS = 0x3F if X86 else 0x1F
INEXACT = 0x20 if X86 else 0x10


linux = pytest.mark.skipif(sys.platform != "linux", reason="constants of Linux's fenv.h")


@linux
def test_rounding_mode_neither_used_nor_changed(four_threads):
    assert libm.fegetround() == 0
    for name, job in _jobs():
        wanted = walk.bits(job()).tobytes()
        libm.fesetround(UPWARD)
        try:
            got = job()
            after = libm.fegetround()
        finally:
            libm.fesetround(0)
        assert after == UPWARD, name
        assert walk.bits(got).tobytes() == wanted, name


@linux
@pytest.mark.parametrize("raised", [0, ALL_FLAGS])
def test_flags_unchanged(four_threads, raised):
    """Neither raised nor cleared: what the host's own computation raised stays."""
    for name, job in _jobs():
        libm.feclearexcept(ALL_FLAGS)
        if raised:
            libm.feraiseexcept(raised)
        try:
            with np.errstate(all="ignore"):
                job()
            flags = libm.fetestexcept(ALL_FLAGS)
        finally:
            libm.feclearexcept(ALL_FLAGS)
        # Python's own arithmetic around a loss is inexact, and NumPy clears flags around its ufuncs
        assert not flags & ~raised & ~INEXACT, name


def _calls_that_raise():
    """Of every kind, each with what makes it raise: before, within and behind the core's loops."""
    x, frozen = np.ones((300, 5)), np.empty((300, 5))
    frozen.flags.writeable = False
    for op in fa.list_ops("loss"):
        if op.__name__ in ("cross_entropy", "nll_loss", "multi_margin_loss"):
            for labels in (np.full(300, 5), np.r_[np.zeros(299, int), -7]):
                yield f"{op.__name__}: label", lambda op=op, t=labels: op.value_and_grad(x, t)
                yield f"{op.__name__}: label", lambda op=op, t=labels: op(x, t, reduction="none")
        elif op._operands == ("input", "target"):
            yield f"{op.__name__}: weight", lambda op=op: op(x, np.full(x.shape, -1), weight=np.ones(7))
            yield f"{op.__name__}: out", lambda op=op: op.grad(x, np.full(x.shape, -1), out=frozen)
        yield f"{op.__name__}: shape", lambda op=op: op(*[x] * (len(op._operands) - 1), np.ones((2, 7)))
        yield f"{op.__name__}: option", lambda op=op: op(*[x] * len(op._operands), reduction="no")
    yield "multilabel_margin_loss: label", lambda: fa.multilabel_margin_loss(x, np.full(x.shape, 5))
    yield "ctc_loss: label", lambda: fa.ctc_loss(np.zeros((4, 1, 3)), [[0]], [4], [1])
    yield "linear_cross_entropy: label", lambda: fa.linear_cross_entropy(x, np.ones((3, 5)), np.full(300, 3))
    for op in fa.list_ops("rows"):
        yield f"{op.__name__}: out", lambda op=op: op(x, axis=0, out=frozen)
        yield f"{op.__name__}: axis", lambda op=op: op(x, axis=7)
    for part in walk.parts():
        operands = [x] * (2 if "backward" in part.__name__ else 1) + walk.required(part)
        yield f"{part.__name__}: out", lambda p=part, o=operands: p(*o, out=frozen)
        yield f"{part.__name__}: type", lambda p=part, o=operands: p(x.astype(complex), *o[1:])


@linux
def test_modes_unchanged_by_calls_that_raise(four_threads):
    """Rounding upward before, rounding upward after; nor are flags left raised."""
    for name, call in _calls_that_raise():
        libm.feclearexcept(ALL_FLAGS)
        libm.fesetround(UPWARD)
        try:
            with pytest.raises((TypeError, ValueError, IndexError)):
                call()
            after, flags = libm.fegetround(), libm.fetestexcept(ALL_FLAGS)
        finally:
            libm.fesetround(0)
            libm.feclearexcept(ALL_FLAGS)
        assert after == UPWARD, name
        assert not flags & ~INEXACT, name
