"""Errors speak with one voice: all ops, all their functions, all kinds of mistakes.

A message begins with the function, names the argument, and says what was found; NumPy's own words, which know
neither, do not come through.
"""

import inspect
import re
import warnings

import numpy as np
import pytest

import fastact as fa

X = np.linspace(-2.0, 2.0, 12).reshape(3, 4)
ROWS = {"cross_entropy", "nll_loss", "multi_margin_loss", "linear_cross_entropy"}  # a label a row
METHODS = ("value_and_grad", "grad", "backward", "grad_and_hess")
RAW = re.compile(
    r"operands could not|ufunc|inhomogeneous|dtype\('|got object|<U\d|core dimension|NoneType|"
    r"unexpected keyword|"
    r"positional argument|_default|_derivative\b|could not broadcast|not supported"
)
FOUND = re.compile(r"\bgot\b|is missing|there is no argument|is not in")


def _parts(op):
    names = ("derivative", "backward", "backward_from_output", "jacobian", "slopes")
    return [op, *(getattr(op, name) for name in names if hasattr(op, name))]


FUNCTIONS = [part for kind in ("activation", "rows") for op in fa.list_ops(kind) for part in _parts(op)]
LOSSES = fa.list_ops("loss")


def _loss_operands(op):
    """By name, such that the call is right."""
    by_name = dict.fromkeys(op._operands, X)
    if op.__name__ == "ctc_loss":
        lengths = {"input_lengths": [3, 3], "target_lengths": [1, 1]}
        return {"log_probs": np.zeros((3, 2, 4)), "targets": [[1], [2]], **lengths}
    if op.__name__ in ROWS:
        by_name["target"] = np.array([0, 1, 2])
    elif op.__name__ == "cosine_embedding_loss":
        by_name["target"] = np.ones(3)
    elif op.__name__ == "multilabel_margin_loss":
        by_name["target"] = np.full((3, 4), -1)
    elif "target" in by_name:
        by_name["target"] = np.ones((3, 4))
    return by_name


def _operands(function):
    """By name, such that the call is right: arrays first, then what has no default."""
    op = getattr(fa, function.__name__.partition(".")[0])
    gated, reduced = type(op).__name__ == "Glu", getattr(op, "reduces", False)
    dy = {True: X[:, :2], False: X[:, 0] if reduced else X}[gated]
    found = {}
    for name, p in function.__signature__.parameters.items():
        if name == "grad_output":
            found[name] = dy
        elif name in ("input", "output"):
            found[name] = X
        elif p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD:
            found[name] = 0.75
    return found


def refused(call, function, *words):
    """The message of the error in which `call` ends."""
    before = X.copy()
    with pytest.raises((TypeError, ValueError, IndexError)) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NumPy's, of a mask without out
        call()
    text = str(caught.value)
    assert text.startswith(f"{function}: ") and text.count(f"{function}: ") == 1, text
    assert FOUND.search(text) and not RAW.search(text), text
    assert any(re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", text[len(function) :]) for word in words), (
        text
    )
    np.testing.assert_array_equal(X, before)


WRONG = {
    "None": None,
    "dict": {},
    "text": "abc",
    "complex": X.astype(complex),
    "long double": X.astype(np.longdouble),
    "lists of different lengths": [[1.0], [1.0, 2.0]],
    "objects": X.astype(object),
}


def _bind_mistakes(call, name, operands):
    """Arguments missing, unknown, twice, too many."""
    first, *_, last = (next(iter(operands)), *operands)
    refused(lambda: call(), name, first)
    refused(lambda: call(**{k: v for k, v in operands.items() if k != last}), name, last)
    refused(lambda: call(*[X] * 9), name, "by position")
    refused(lambda: call(**operands, nonsense=1), name, "nonsense")
    refused(lambda: call(*operands.values(), **{first: X}), name, first)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions(function):
    name, operands = function.__name__, _operands(function)
    parameters = function.__signature__.parameters
    function(**operands)
    _bind_mistakes(function, name, operands)
    arrays = [operand for operand in operands if operands[operand] is not X or operand in ("input", "output")]
    for operand in arrays:
        for what in WRONG.values():
            if operand in ("input", "output", "grad_output"):
                refused(lambda o=operand, w=what: function(**{**operands, o: w}), name, operand)
    if len({*operands} & {"grad_output", "input", "output"}) == 2:
        for wrong in (np.ones((7, 4)), np.ones((2, 3, 5))):
            refused(lambda w=wrong: function(**{**operands, "grad_output": w}), name, "grad_output")
    if "out" in parameters:
        _out_mistakes(function, name, operands)
    if "where" in parameters:
        refused(lambda: function(**operands, where=np.ones((3, 4))), name, "where")
        refused(lambda: function(**operands, where=np.ones((5, 4), bool)), name, "where")
    if "axis" in parameters and isinstance(parameters["axis"].default, int):
        for wrong in (17, -3, 1.5, "a", None):
            refused(lambda w=wrong: function(**operands, axis=w), name, "axis")
    for option in {"order", "approximate", "gate"} & {*parameters}:
        if option == "order" and parameters[option].default == "K":
            continue
        refused(lambda o=option: function(**operands, **{o: "wrong"}), name, option)


def _out_mistakes(function, name, operands):
    result = function(**operands)
    shape = np.shape(result[0] if isinstance(result, tuple) else result)
    frozen = np.full(shape, 7.0)
    frozen.flags.writeable = False
    for wrong in ([0.0], np.full((*shape[:-1], 9), 7.0), np.full(shape, 7), frozen, "abc", {}):
        refused(lambda w=wrong: function(**operands, out=w), name, "out", "out[0]")
        assert not isinstance(wrong, np.ndarray) or (wrong == 7).all()


@pytest.mark.parametrize("op", LOSSES, ids=lambda op: op.__name__)
def test_losses(op):
    name, operands = op.__name__, _loss_operands(op)
    op(**operands)
    _bind_mistakes(op, name, operands)
    for method in METHODS[:2]:
        refused(lambda m=method: getattr(op, m)(), f"{name}.{method}", next(iter(operands)))
        refused(
            lambda m=method: getattr(op, m)(*operands.values(), nonsense=1), f"{name}.{method}", "nonsense"
        )
    refused(lambda: op.backward(), f"{name}.backward", "grad_output")
    for operand in operands:
        for what in WRONG.values():
            refused(lambda o=operand, w=what: op(**{**operands, o: w}), name, operand)
        if operand != next(iter(operands)):
            refused(lambda o=operand: op(**{**operands, o: np.ones((7, 9), int)}), name, *operands)
    shape = next(iter(operands.values())).shape
    for option, default in op._defaults.items():
        for what in ({}, [{}], "abc", np.array([None]), 1j):
            refused(lambda o=option, w=what: op(**operands, **{o: w}), name, option)
        if default is not None and option not in ("alpha", "reduction", "ignore_index"):
            refused(lambda o=option: op(**operands, **{o: None}), name, option)
    refused(lambda: op.backward({}, **operands), f"{name}.backward", "grad_output")
    refused(lambda: op.backward(np.ones((9, 9)), **operands), f"{name}.backward", "grad_output")
    wrong_dy = lambda: op.backward(np.ones((9, 9)), **operands, reduction="none")  # noqa: E731
    refused(wrong_dy, f"{name}.backward", "grad_output")
    for method in METHODS:
        for wrong in ([0.0], np.full((*shape[:-1], 9), 7.0), np.full(shape, 7), "abc", {}):
            call = getattr(op, method)
            given = {"grad_output": 1.0, **operands} if method == "backward" else operands
            count = len(op._inputs)
            out = wrong if count == 1 or not isinstance(wrong, np.ndarray) else (wrong,) * count
            out = (out, None) if method == "grad_and_hess" else out
            if count > 1 and isinstance(wrong, np.ndarray):
                part = (wrong, *[None] * (count - 1))
                out = (part, None) if method == "grad_and_hess" else part
            words = ("out", *(f"out[{k}]" for k in range(3)))
            refused(lambda c=call, g=given, o=out: c(**g, out=o), f"{name}.{method}", *words)
            assert not isinstance(wrong, np.ndarray) or (wrong == 7).all()


def test_what_to_do_is_said():
    x, labels = np.zeros((2, 3, 4, 4)), np.zeros((2, 4, 4), int)
    for call, words in (
        (lambda: fa.softmax(X, dim=1), "softmax: there is no argument 'dim'; say axis="),
        (lambda: fa.logsumexp(X, keepdim=True), "say keepdims="),
        (lambda: fa.mse_loss(X, X, redution="sum"), "say reduction="),
        (lambda: fa.cross_entropy(X, y_true=[0, 1, 2]), "say target="),
        (lambda: fa.prelu(np.ones((2, 4, 5)), np.ones(4)), "say axis=1 if it lies along that axis"),
        (lambda: fa.cross_entropy(x, labels), "say axis=1 if classes are there"),
        (lambda: fa.cross_entropy(X, np.ones(3)), r"got float64; say .astype\(int\)"),
        (lambda: fa.cross_entropy(X, np.ones(3, bool)), r"got bool; say .astype\(int\)"),
        (lambda: fa.gelu(None), "got None"),
        (lambda: fa.gelu({}), "got a dict"),
        (lambda: fa.gelu("abc"), "got a str"),
        (lambda: fa.gelu(2**70), "must fit int64 or uint64"),
        (lambda: fa.gelu(X, dtype="f4", casting="no"), "input must cast to float32, got float64"),
        (lambda: fa.get_op("gel"), "get_op: name"),
        (lambda: fa.list_ops("gel"), "list_ops: kind"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            call()


def test_signatures_are_what_messages_list():
    for function in [*FUNCTIONS, *LOSSES]:
        with pytest.raises(TypeError, match="is missing; it takes") as caught:
            function()
        listed = str(caught.value).partition("it takes ")[2].split(", ")
        assert listed == [*inspect.signature(function).parameters]
