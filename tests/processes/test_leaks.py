"""No call keeps memory: neither Python's nor the C core's, nor references to what it was given."""

import ctypes
import gc
import pickle
import sys
import tracemalloc
from functools import partial

import numpy as np
import pytest
from support import walk

import fastact as fa

CALLS = 100  # a round
ROUNDS = 15  # a leak grows in each; what caches and other threads take does not
LIMITS = {"bytes": 5, "bytes by malloc": 5}  # a call; of references 1


class _Heap(ctypes.Structure):
    """struct mallinfo2"""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks")
    _fields_ = [(name, ctypes.c_size_t) for name in (*_names, "keepcost")]


def _c_heap():
    """Bytes that malloc has given away, where the C library tells."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, TypeError):
        return lambda: 0
    mallinfo.restype = _Heap

    def used():
        heap = mallinfo()
        return heap.uordblks + heap.hblkhd

    return used


def _meters(kept):
    """What grows with a leak: bytes of Python and of the C library, references to what lives on."""
    held = {f"references to {name}": partial(sys.getrefcount, value) for name, value in kept.items()}
    return {"bytes": lambda: tracemalloc.get_traced_memory()[0], "bytes by malloc": _c_heap(), **held}


def _leak(call, meters):
    """What grows in every round, and by how much at least for each call."""
    least = np.full(len(meters), np.iinfo(int).max)
    limits = CALLS * np.array([LIMITS.get(name, 1) for name in meters])
    readings = np.zeros((2, len(meters)), int)  # takes no memory by being written to
    for number in range(ROUNDS):
        for _ in range(CALLS):
            call()
        gc.collect()
        for k, read in enumerate(meters.values()):
            readings[1, k] = read()
        if number:
            np.minimum(least, readings[1] - readings[0], out=least)
        readings[0] = readings[1]
        if (least < limits).all():
            return {}
    grown = zip(meters, least, limits, strict=True)
    return {name: f"{n / CALLS:g}" for name, n, limit in grown if n >= limit}


def _refused(op, *args, **options):
    with pytest.raises((TypeError, ValueError, IndexError)):
        op(*args, **options)


def _options(options):
    return "".join(f", {name}={value}" for name, value in options.items() if np.ndim(value) == 0)


def _maps(x):
    for op in walk.maps():
        yield op.name, lambda op=op: op.ufunc(*[x] * op.arrays, *[x] * op.parameters)
    yield "gelu with out", lambda: fa.gelu(x, approximate="tanh", out=x.copy())
    yield "leaky_relu with a slope", lambda: fa.leaky_relu(x, negative_slope=0.5)
    yield "softplus.derivative", lambda: fa.softplus.derivative(x, order=2)
    yield "prelu.backward", lambda: fa.prelu.backward(x, x, x[0])
    yield "swiglu", lambda: fa.swiglu(x)
    yield "swiglu.backward", lambda: fa.swiglu.backward(x[:, :3], x)
    yield "swiglu with out", lambda: fa.swiglu(x, axis=0, gate="first", out=x[:2].copy())
    yield "swiglu of float16", lambda: fa.swiglu(x.astype("f2"))
    yield "rrelu", lambda: fa.rrelu(x, training=True, rng=np.random.default_rng(1))
    yield "pickle", lambda: pickle.loads(pickle.dumps(fa.gelu.backward))
    yield "config", lambda: fa.config()


def _rows(x):
    yield "softmax", lambda: fa.softmax(x)
    yield "softmax by name", lambda: fa.softmax(x, axis=-1, out=x.copy())
    yield "softmax with where", lambda: fa.softmax(x, axis=0, where=x > 0, out=x.copy())
    yield "log_softmax.backward", lambda: fa.log_softmax.backward(x, x, axis=(0, 1))
    yield "softmax of panels of rows", lambda: fa.softmax(np.ones((100, 64), "f4"), axis=0)
    yield "logsumexp.backward", lambda: fa.logsumexp.backward(x[:, 0], x)


def _losses(x, labels, out):
    for name, op in walk.losses().items():
        target = labels if name in walk.class_losses() else x
        yield f"{name}.value_and_grad", lambda op=op, t=target: op.value_and_grad(x, t, out=out)
        yield f"{name}.backward", lambda op=op, t=target: op.backward(0.5, x, t)
        yield f"{name}.grad_and_hess", lambda op=op, t=target: op.grad_and_hess(x, t, reduction="none")
    for name, op in walk.float64_row_losses().items():
        operands, options = walk.float64_row_operands(name, x.shape, "f4")
        for each in options:
            call = f"{name}.grad_and_hess{_options(each)}"
            yield call, lambda op=op, o=operands, each=each: op.grad_and_hess(*o, **each)
    for soft in (x, labels):
        kind = "soft targets" if soft is x else "labels"
        call = {"weight": np.abs(x[0]), "label_smoothing": 0.1, "z_loss": 0.1}
        yield f"cross_entropy of {kind}", lambda t=soft, c=call: fa.cross_entropy.value_and_grad(x, t, **c)
    linear, weights = fa.linear_cross_entropy, x.T.copy() @ x
    yield "linear_cross_entropy", lambda: linear.value_and_grad(x, weights, labels)
    yield "linear_cross_entropy.grad_and_hess", lambda: linear.grad_and_hess(x, weights, labels)
    yield "ctc_loss", lambda: fa.ctc_loss.grad_and_hess(x, [1, 2], 4, 2, logits=True)


def _errors(x, labels):
    bad = np.zeros(x.shape, complex)
    for name, op in walk.losses().items():
        yield f"{name} refuses complex", lambda op=op: _refused(op, bad, labels)
    yield "cross_entropy refuses a label", lambda: _refused(fa.cross_entropy, x, labels + 6)
    yield "multi_margin_loss refuses a label", lambda: _refused(fa.multi_margin_loss, x, labels + 6)
    yield "ctc_loss refuses a label", lambda: _refused(fa.ctc_loss, x, [1, 9], 4, 2)
    yield "ctc_loss refuses lengths", lambda: _refused(fa.ctc_loss, x, [1, 2], 5, 2)
    yield "gelu refuses complex", lambda: _refused(fa.gelu, bad)
    yield "gelu refuses an option", lambda: _refused(fa.gelu, x, approximate="no")
    yield "gelu refuses a keyword", lambda: _refused(fa.gelu, x, no=1)
    yield "softmax refuses an axis", lambda: _refused(fa.softmax, x, axis=5)
    yield "swiglu refuses a gate", lambda: _refused(fa.swiglu, x, gate="no")


def test_no_leaks():
    x, labels = walk.values((4, 6), "f4", 1), np.zeros(4, int)
    out = np.empty_like(x)
    calls = [*_maps(x), *_rows(x), *_losses(x, labels, out), *_errors(x, labels)]
    meters = _meters({"input": x, "labels": labels, "out": out, "None": None, "float32": x.dtype})
    for _, call in calls:
        call()
    gc.collect()
    gc.freeze()  # the rest of the process, for the sake of time
    tracemalloc.start()
    try:
        leaks = {name: leak for name, call in calls if (leak := _leak(call, meters))}
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    assert not leaks, "\n".join(f"each call of {name} leaves {leak}" for name, leak in leaks.items())
