"""What activations, row ops and settings refuse: the named exception, outputs untouched.
(What losses refuse is in losses/test_errors.py.)"""

import copy
import inspect

import numpy as np
import pytest
from support import walk

import fastact as fa

X = walk.values((3, 4), "f4", 1)


def _refused(error, word, call):
    """`call(out)` raises `error` with `word` in its message and leaves `out` alone."""
    out = np.full((3, 4), 7, np.float32)
    with pytest.raises(error, match=word):
        call(out)
    assert (out == 7).all()


def _activations():
    return [getattr(fa, name) for name in fa.__all__ if hasattr(getattr(fa, name), "ufunc")]


PARTS = walk.parts()


def _inputs(part):
    return [X] * (2 if "backward" in part.__name__ else 1) + walk.required(part)


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.__name__)
def test_activation_arguments(part):
    inputs = _inputs(part)
    _refused(
        TypeError, "must be real.*got complex", lambda out: part(*[X.astype(complex)] * len(inputs), out=out)
    )
    for k in range(len(inputs)):
        operand = list(inspect.signature(part).parameters)[k]
        wrong = [X.astype(complex) if j == k else a for j, a in enumerate(inputs)]
        _refused(
            TypeError, f"{part.__name__}: {operand} must be real", lambda out, w=wrong: part(*w, out=out)
        )
    _refused(TypeError, None, lambda out: part(*[np.array(["a"])] * len(inputs), out=out))
    _refused(TypeError, None, lambda out: part(*[np.array([None])] * len(inputs), out=out))
    _refused(TypeError, None, lambda out: part(*inputs, *[1.0] * 5, out=out))
    _refused(TypeError, "nonsense", lambda out: part(*inputs, nonsense=1, out=out))
    with pytest.raises(TypeError, match="missing"):
        part(*inputs[:-1])
    with pytest.raises(ValueError, match=r"broadcast|shape"):
        part(*inputs, out=np.empty((2, 4), "f4"))
    with pytest.raises(TypeError, match=r"out|cast"):
        part(*inputs, out=np.empty((3, 4), "i4"))
    x = np.ones((2, 3), np.float32)
    for wrong, message in (
        (lambda: fa.relu(x, out=None, wrong=1), "wrong"),
        (lambda: fa.softmax(x, axis="a", out=None), "axis must be an int or a tuple of ints"),
        (lambda: fa.softmax(x, wrong=1), "softmax: there is no argument 'wrong'"),
        (lambda: fa.leaky_relu(x, 2**70, wrong=1), "wrong"),
        (lambda: fa.relu(x, out=([1, 2],)), "out must be an ndarray, got list"),
        (lambda: fa.rrelu(x, out=[1]), "out must be an ndarray, got list"),
        (lambda: fa.rrelu(x, lower=1j), "lower must be real"),
    ):
        with pytest.raises(TypeError, match=message):
            wrong()
    with pytest.raises(TypeError, match="out must be an ndarray, got list"):
        part(*inputs, out=[0.0] * 12)
    fixed = np.full((3, 4), 7, np.float32)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        part(*inputs, out=fixed)
    assert (fixed == 7).all()


@pytest.mark.parametrize("op", _activations(), ids=lambda p: p.__name__)
def test_activation_options(op):
    for order in (0, 3, "1", None, [1], 1.5):
        _refused(
            ValueError,
            "order must be 1 or 2",
            lambda out, order=order: op.derivative(*_inputs(op), order=order, out=out),
        )
    upstream = np.ones((2, 4), "f4")
    _refused(ValueError, "broadcast", lambda out: op.backward(upstream, *_inputs(op), out=out))


def test_gelu_approximate():
    for part in (fa.gelu, fa.gelu.derivative, fa.gelu.backward):
        for value in ("exact", "", None, True, ["tanh"], 1):
            _refused(
                ValueError,
                "approximate must be 'none' or 'tanh'",
                lambda out, part=part, value=value: part(*_inputs(part), approximate=value, out=out),
            )


def test_no_silent_downcast():
    wide = X.astype("f8")
    for part in PARTS:
        inputs = [wide if x is X else x for x in _inputs(part)]
        with pytest.raises(TypeError):
            part(*inputs, dtype="f4", casting="safe")
        out = np.empty((3, 4), "f4")
        part(*inputs, out=out)  # same_kind is allowed, and rounds
        walk.assert_same_bits(out, part(*inputs).astype("f4"), part.__name__)


ROWS = [op for op in walk.rows() if not op.variant]


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_op_arguments(op):
    f, args = op.function, op.operands((3, 4), np.dtype("f4"))
    value = op.reduces and not op.variant
    room = {} if value else {"shape": (3, 4)}
    for axis in (2, -3, 17):
        _refused(ValueError, "axis", lambda out, axis=axis: f(*args, axis=axis))
    _refused(ValueError, "axis", lambda out: f(*args, axis=(0, 0)))
    _refused(ValueError, "axis", lambda out: f(*args, axis=(0, -2)))
    for axis in (1.0, "1", True, None, [0], (0, 1.0)):
        _refused(TypeError, "axis", lambda out, axis=axis: f(*args, axis=axis))
    for where in (np.ones((3, 4)), np.ones((3, 4), int), 1, "yes"):
        _refused(TypeError, "where", lambda out, where=where: f(*args, where=where))
    _refused(ValueError, "where", lambda out: f(*args, where=np.ones(3, bool)))
    _refused(ValueError, "where", lambda out: f(*args, where=np.ones((2, 3, 4), bool)))
    with pytest.raises(TypeError, match=r"must be real .* got complex"):
        f(*[a.astype(complex) for a in args])
    with pytest.raises(TypeError):
        f(*args, nonsense=1)
    with pytest.raises(ValueError, match=r"scalar|dimension"):
        f(*[np.float32(1)] * op.arrays)
    wanted = f(*args).shape
    assert wanted == room.get("shape", (3,))
    for axis in (-1, (-1,)):
        for bad, error in [(np.full(7, 7.0, "f4"), ValueError), (np.full(wanted, 7, "i4"), TypeError)]:
            with pytest.raises(error):
                f(*args, axis=axis, out=bad)
            assert (bad == 7).all()
        fixed = np.full(wanted, 7, "f4")
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            f(*args, axis=axis, out=fixed)
        assert (fixed == 7).all()


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_op_tuple_axis_out(op):
    args = op.operands((3, 4, 5), np.dtype("f4"), (1, 2))
    wanted = op.function(*args, axis=(1, 2)).shape
    for bad, error in [(np.full((7, 7), 7.0, "f4"), ValueError), (np.full(wanted, 7, "i4"), TypeError)]:
        with pytest.raises(error):
            op.function(*args, axis=(1, 2), out=bad)
        assert (bad == 7).all()
    with pytest.raises(TypeError, match="out"):
        op.function(*args, axis=(1, 2), out=[1.0])
    good = np.empty(wanted, "f4")
    assert op.function(*args, axis=(1, 2), out=(good,)) is good


@pytest.mark.parametrize(
    "op", [op for op in walk.rows() if op.variant and not op.reduces], ids=lambda op: op.name
)
def test_row_gradient_shapes(op):
    for shape in [(3, 5), (2, 4), (4,) * 3, (3,)]:
        for axis in (-1, 0, (0, 1)):
            with pytest.raises(ValueError, match="grad_output"):
                op.function(np.ones(shape, "f4"), X, axis=axis)


def test_reducing_gradient_shapes():
    for dy in (np.ones((3, 4), "f4"), np.ones(4, "f4"), np.ones((3, 1), "f4")):
        with pytest.raises(ValueError):
            fa.logsumexp.backward(dy, X)
    with pytest.raises((ValueError, TypeError)):
        fa.logsumexp.backward(np.ones(3, "f4"), X, keepdims=True)


def test_set_num_threads(set_threads):
    before = fa.get_num_threads()
    for bad in (0, -1, -(2**70), 257, 10**6, 2**70):
        with pytest.raises(ValueError, match="set_num_threads: n must be from 1 to 256, got"):
            fa.set_num_threads(bad)
    for bad in (1.0, "2", None, True, [1], np.ones(2)):
        with pytest.raises(TypeError, match="set_num_threads: n must be an integer"):
            fa.set_num_threads(bad)
    assert fa.get_num_threads() == before
    for good in (1, 3, np.int8(2)):
        set_threads(good)
        assert fa.get_num_threads() == good
    set_threads(256)
    assert fa.get_num_threads() == 256


def test_config():
    config = fa.config()
    assert config["version"] == fa.__version__
    assert config["isa"] in config["available_isas"]
    assert config["available_isas"][-1] == "baseline"
    assert config["num_threads"] == fa.get_num_threads()
    assert config["cpus"] >= 1
    assert config["cpu"]
    changed = copy.deepcopy(config)
    config["available_isas"].clear()
    assert fa.config() == changed  # each call's own


HARD = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1e38,
    -1e38,
    3.4e38,
    1e-45,
    -1e-45,
    1e-38,
    88.8,
    -104.0,
    709.9,
    -745.2,
]


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_no_floating_point_warnings(dtype):
    """No call raises a flag for what its own steps did."""
    with np.errstate(all="ignore"):
        x = np.array([*HARD, 1e308, -1e308, 5e-324], "f8").astype(dtype)
        big = np.resize(x, 300_001)
    matrix = np.resize(x, (20, 17))
    with np.errstate(all="raise"):
        for op in walk.maps():
            for a in (x, big, x[::2]):
                op.ufunc(*[a] * op.arrays, *[walk.positive(a.shape, dtype, 1)] * op.parameters)
                op.ufunc(*[a] * (op.arrays + op.parameters))
        for op in walk.rows():
            args = [matrix[:, 0]] * (op.reduces and op.arrays > 1) or [matrix] * (op.arrays - 1)
            for axis in (0, 1):
                first = [a if a.ndim == 2 else np.resize(a, matrix.shape[1 - axis]) for a in args]
                op.function(*first, matrix, axis=axis)
                op.function(*first, matrix, axis=axis, where=np.isfinite(matrix.astype("f8")))
        for name, op in walk.losses().items():
            _, t, options = walk.loss_operands(name, matrix.shape, dtype)
            for reduction in ("none", "mean", "sum"):
                op.value_and_grad(matrix, t, **options, reduction=reduction)
                op.grad_and_hess(matrix, t, reduction=reduction)
        fa.cross_entropy.value_and_grad(matrix, walk.positive(matrix.shape, dtype, 3), label_smoothing=0.3)
