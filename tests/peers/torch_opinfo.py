"""PyTorch's samples of its activations and losses (OpInfo): ours of them beside its float64 results.

Samples are drawn in each type that both have. Values and gradients are judged in ulp of that type at
PyTorch's results in float64; of what cancels, at the largest of them. Samples that must be errors there
must be errors here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import counts as counting
import ml_dtypes
import numpy as np
import torch
from counts import Counts, Differs
from support import ulp
from torch_calls import FUNCTIONS, NO_ERROR, THEIR_ERRORS, Arguments, Function

TYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int8,
    torch.uint8,
    torch.bool,
)
# In ulp: of values; of values with other parameters than the defaults, and of gradients, which are products;
# of losses, at their largest term. float64 is judged at 1, for PyTorch's own errors are as large.
# Narrow types are rounded once.
VALUE = {"float64": 16.0, "float32": 2.5, "float16": 0.51, "bfloat16": 0.51}
GRADIENT = {"float64": 16.0, "float32": 4.5, "float16": 0.51, "bfloat16": 0.51}
LOSS = {"float64": 64.0, "float32": 8.0, "float16": 1.0, "bfloat16": 1.0}
ROOT = 2.0**-5  # an ulp of a gradient counts as at least that of this


def run(words: str) -> Counts:
    from torch.testing._internal.common_methods_invocations import op_db

    counts, missing = Counts(torch.__version__), set(FUNCTIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's
        for info in op_db:
            missing.discard(info.name)
            if info.name in FUNCTIONS and words in info.full_name:
                _run_op(info, FUNCTIONS[info.name], counts)
    counts.failed.update(dict.fromkeys(missing, "is in the table, but PyTorch has no samples"))
    return counts


def _run_op(info: Any, function: Function, counts: Counts) -> None:
    for dtype in TYPES:
        if dtype not in info.dtypes:
            continue
        for name, sample in _samples(info, dtype):
            before, label = counting.calls, f"{info.full_name} {str(dtype)[6:]} {name}"
            try:
                _check(info, function, sample, dtype)
            except Differs as reason:
                counts.differing[str(reason)] += 1
            except AssertionError as error:
                counts.failed[label] = f"{error}: {_shown(sample)}"
            except Exception as error:
                counts.failed[label] = f"{type(error).__name__}: {error}: {_shown(sample)}"
            else:
                if counting.calls == before:
                    counts.beside += 1
                else:
                    counts.passed += 1
    if info.error_inputs_func is not None:
        for k, wrong in enumerate(info.error_inputs("cpu")):
            _check_error(info, k, wrong, counts)


def _samples(info: Any, dtype: Any) -> Iterator[tuple[str, Any]]:
    torch.manual_seed(0)
    for k, sample in enumerate(info.sample_inputs("cpu", dtype, requires_grad=False)):
        yield f"sample {k}", sample
    if info.reference_inputs_func is not None:
        for k, sample in enumerate(info.reference_inputs("cpu", dtype, requires_grad=False)):
            yield f"reference {k}", sample


def _shown(sample: Any) -> str:
    def short(value: Any) -> str:
        return str(tuple(value.shape)) if isinstance(value, torch.Tensor) else str(value)

    named = (f"{name}={short(value)}" for name, value in sample.kwargs.items())
    return ", ".join([*map(short, (sample.input, *sample.args)), *named])


# ---- one sample ---------------------------------------------------------------------


def _as_numpy(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach()
    if value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.numpy()


def _as_float64(value: Any, dtype: Any) -> Any:
    """What is of the sample's type; labels stay as they are."""
    is_real = isinstance(value, torch.Tensor) and (value.dtype == dtype or value.is_floating_point())
    return value.detach().to(torch.float64) if is_real else value


class Judge:
    """Of one sample: what is compared how."""

    def __init__(self, info: Any, function: Function, given: Arguments, kind: str) -> None:
        self.kind, self.function = kind, function
        self.theirs = THEIR_ERRORS.get(info.name, 0.0)
        self.arguments = {name: _as_numpy(value) for name, value in given.items()}
        self.shown = self.nan = None
        x, mask = self.arguments[function.inputs[0]], self.arguments.get("mask")
        if mask is not None:
            self.shown = np.broadcast_to(mask, x.shape)  # elsewhere theirs are undefined
        if function.kind in ("activation", "loss"):
            names = function.names[: len(function.inputs) + 1] if self.is_loss else function.inputs[:1]
            self.nan = np.isnan(sum(np.asarray(self.arguments[name], np.float64) for name in names))

    @property
    def is_loss(self) -> bool:
        return self.function.kind.endswith("loss")

    def allowance(self) -> float:
        """Of rows, in ulp: for the rounding of differences to the maximum."""
        if self.function.kind != "rows":
            return 0.0
        x = np.asarray(self.arguments["input"], np.float64)
        x = x[np.isfinite(x)]
        return float(np.ptp(x)) if x.size else 0.0

    def check(self, what: str, result: Any, expected: Any, bounds: dict[str, float], scale: float) -> None:
        expected = np.asarray(_as_numpy(expected), np.float64)
        kind, bound = self.kind, bounds[self.kind] + self.allowance()
        if isinstance(result, float):  # a reduced value, computed in float32 at least
            kind = kind if kind == "float64" else "float32"
            bound = bounds[kind]
        else:
            assert str(result.dtype) == kind, f"{what}: {result.dtype}, not {kind}"
        assert np.shape(result) == expected.shape, f"{what}: shape {np.shape(result)}, not {expected.shape}"
        found = np.asarray(result).astype(np.float64)
        expected = self._mapped(found, expected)
        error = _errors(found, expected, kind, max(scale, 1.0) if kind == "float64" else scale)
        near = np.abs(found - expected) <= self.theirs * np.maximum(np.abs(expected), scale)
        error = np.where(near, 0.0, error)
        if error.size and not error.max() <= bound:
            worst = np.unravel_index(np.argmax(error), error.shape)
            raise AssertionError(f"{what}: {found[worst]}, not {expected[worst]} ({error[worst]:.3g} ulp)")

    def _mapped(self, found: Any, expected: Any) -> Any:
        """Theirs, but for what is masked out; where ours comes out as NaN because one went in; and where
        theirs is NaN at an infinite input, of which ours is the limit."""
        if self.shown is not None and np.shape(self.shown) == expected.shape:
            expected = np.where(self.shown, expected, found)
        if self.nan is not None and np.shape(self.nan) == expected.shape:
            expected = np.where(self.nan, np.nan, expected)
            infinite = np.isinf(np.asarray(self.arguments[self.function.inputs[0]], np.float64))
            expected = np.where(np.isnan(expected) & infinite & ~self.nan, found, expected)
        return expected


def _check(info: Any, function: Function, sample: Any, dtype: Any) -> None:
    given = _with_weights(function, function.bind((sample.input, *sample.args), dict(sample.kwargs)))
    theirs = function.theirs({name: _as_float64(value, dtype) for name, value in given.items()})
    kind = str(dtype)[6:] if dtype.is_floating_point else "float64"
    judge = Judge(info, function, given, kind)
    inputs = {name: theirs[name].requires_grad_() for name in function.inputs if name in theirs}
    expected = _call(info, theirs)
    bounds = LOSS if judge.is_loss else GRADIENT if len(given) > 1 else VALUE
    scale = _largest(_call(info, theirs | {"reduction": "none"})) if judge.is_loss else 0.0
    judge.check("value", function.value(judge.arguments), expected, bounds, scale)
    if dtype.is_floating_point and expected.requires_grad:
        _check_gradients(judge, inputs, expected)


def _with_weights(function: Function, given: Arguments) -> Arguments:
    """Weights that are not negative, which ours refuses in means; theirs draws any."""
    if function.kind.endswith("loss") and isinstance(given.get("weight"), torch.Tensor):
        return given | {"weight": given["weight"].abs()}
    return given


def _call(info: Any, arguments: Arguments) -> Any:
    rest = dict(arguments)
    return info.op(rest.pop(next(iter(rest))), **rest)


def _largest(tensor: Any) -> float:
    finite = tensor[torch.isfinite(tensor)].abs()
    return float(finite.max()) if finite.numel() else 0.0


def _check_gradients(judge: Judge, inputs: Arguments, expected: Any) -> None:
    function, generator = judge.function, torch.Generator().manual_seed(1)
    if function.kind == "rows" and np.isposinf(judge.arguments["input"]).any():
        raise Differs("gradients of rows with infinity: ours are NaN all along the row, as their softmax")
    grad_output = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
    if not judge.is_loss or expected.ndim:
        grad_output = grad_output.to(getattr(torch, judge.kind))
    if judge.shown is not None and judge.shown.shape == tuple(expected.shape):
        grad_output[~torch.from_numpy(judge.shown.copy())] = 0
    gradients = torch.autograd.grad(
        expected, [*inputs.values()], grad_output.to(torch.float64), allow_unused=True
    )
    results = function.gradients(_as_numpy(grad_output), judge.arguments)
    for (name, x), result, gradient in zip(inputs.items(), results, gradients, strict=True):
        gradient = torch.zeros_like(x) if gradient is None else gradient
        largest = _largest(grad_output if function.kind == "rows" else gradient)
        if x.numel() < expected.numel():  # a sum of products
            largest = _largest(grad_output) * _largest(next(iter(inputs.values()))) * expected.numel()
        bounds = LOSS if judge.is_loss else GRADIENT
        scale = ROOT * largest if function.kind == "activation" else largest
        judge.check(f"gradient by {name}", result, gradient, bounds, scale)


def _errors(result: Any, expected: Any, kind: str, scale: float) -> Any:
    """In ulp, at `scale` where the expected is less."""
    error = ulp.errors(result, expected, kind)
    with np.errstate(invalid="ignore"):
        at_scale = np.abs(result - expected) / ulp.spacing(np.float64(scale), kind)
    return np.where((np.abs(expected) < scale) & np.isfinite(result), at_scale, error)


def _check_error(info: Any, number: int, wrong: Any, counts: Counts) -> None:
    function, sample, name = FUNCTIONS[info.name], wrong.sample_input, f"{info.full_name} {number}"
    given = function.bind((sample.input, *sample.args), dict(sample.kwargs))
    before = counting.calls
    try:
        function.value({name: _as_numpy(value) for name, value in given.items()})
    except Differs as reason:
        counts.differing[str(reason)] += 1
    except (TypeError, ValueError, IndexError) as error:
        if counting.calls > before:
            counts.passed += 1
        else:
            counts.failed[f"{name} error"] = f"before ours was called: {error}: {_shown(sample)}"
    else:
        if name in NO_ERROR:
            counts.differing[NO_ERROR[name]] += 1
        else:
            counts.failed[f"{name} error"] = f"none, where theirs is {wrong.error_regex!r}: {_shown(sample)}"
