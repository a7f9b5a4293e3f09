"""Leaky relu of random slopes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastact._arrays import as_array, check_order, is_float
from fastact._config import _core
from fastact._functions.python_function import Method


class RandomizedRelu(Method):
    """`rrelu` with its derivatives: those of `leaky_relu` with its slopes.

    All take the definition's arguments: `input`, how its slopes are chosen, and `out`.
    """

    kind = "activation"
    kinks = (0.0,)

    def __init__(self, definition: Callable[..., Any]) -> None:
        signature = inspect.signature(definition)
        super().__init__(definition.__name__, self._value, signature)
        self.__doc__ = definition.__doc__
        own = list(signature.parameters.values())
        upstream = inspect.Parameter("grad_output", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        order = inspect.Parameter("order", inspect.Parameter.KEYWORD_ONLY, default=1)
        self.slopes = Method(f"{self.__name__}.slopes", self._slopes)
        self.backward = self._part("backward", self._backward, [upstream, *own])
        self.derivative = self._part("derivative", self._derivative, [*own, order])

    def _part(self, name: str, function: Any, parameters: list[inspect.Parameter]) -> Method:
        return Method(f"{self.__name__}.{name}", function, inspect.Signature(parameters))

    def _value(self, input: Any, *args: Any, out: Any = None, **choice: Any) -> Any:
        x = as_array(input)
        return _core.leaky_relu(x, self._slope(False, x, *args, **choice), out=out)

    def _slopes(self, input: Any, lower: float = 1 / 8, upper: float = 1 / 3, *, rng: Any = None) -> Any:
        """The random slopes, uniform in [lower, upper) and rounded to the type of an array like
        `input`: what training draws.

        ``leaky_relu(input, slopes)`` and its derivatives are then those of `rrelu`."""
        x = as_array(input)
        _check(lower, upper)
        dtype = x.dtype if is_float(x.dtype) else np.dtype(np.float64)
        with np.errstate(all="ignore"):
            return np.random.default_rng(rng).uniform(lower, upper, x.shape).astype(dtype.newbyteorder("="))

    def _backward(self, grad_output: Any, input: Any, *args: Any, out: Any = None, **choice: Any) -> Any:
        """Gradient by the input. In training `rng` must be the seed the value was computed with."""
        x = as_array(input)
        return _core.leaky_relu_backward(grad_output, x, self._slope(True, x, *args, **choice), out=out)

    def _derivative(self, input: Any, *args: Any, order: int = 1, out: Any = None, **choice: Any) -> Any:
        """First (``order=1``) or second (``order=2``) derivative, with a seed as `backward`."""
        check_order(order, "rrelu.derivative")
        x = as_array(input)
        ufunc = _core.leaky_relu_derivative if order == 1 else _core.leaky_relu_second_derivative
        return ufunc(x, self._slope(True, x, *args, **choice), out=out)

    def _slope(
        self,
        again: bool,
        x: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        training: bool = False,
        *,
        rng: Any = None,
    ) -> Any:
        """The slopes of x; `again`: those that were drawn before."""
        _check(lower, upper)
        if training and again:
            _check_seed(rng)
        return self._slopes(x, lower, upper, rng=rng) if training else (lower + upper) / 2


def _check(lower: float, upper: float) -> None:
    for name, value in (("lower", lower), ("upper", upper)):
        _core.check_real(f"rrelu: {name}", value)
    if np.ndim(lower) or np.ndim(upper) or not np.isfinite([lower, upper]).all():
        raise ValueError(f"rrelu: lower and upper must be finite numbers, got {lower!r} and {upper!r}")
    if not lower <= upper:
        raise ValueError(f"rrelu: lower must not exceed upper, got {lower!r} and {upper!r}")


def _check_seed(rng: Any) -> None:
    """A generator of whatever kind would draw other slopes than it did for the value, and so would none."""
    if not isinstance(rng, (int, np.integer, np.random.SeedSequence, list, tuple, np.ndarray)):
        raise ValueError(
            "rrelu: for a gradient rng must be the seed (an int or a SeedSequence) the value was computed "
            f"with, got {type(rng).__name__}; with a generator, draw rrelu.slopes once and use leaky_relu"
        )


def random_activation(definition: Callable[..., Any]) -> RandomizedRelu:
    """Decorate the documented definition of `rrelu`."""
    return RandomizedRelu(definition)
