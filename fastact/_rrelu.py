"""Leaky relu of random slopes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastact._arrays import FLOATS, as_array, check_order
from fastact._config import _core
from fastact._method import Method


class RandomizedRelu(_core.Function):
    """`rrelu` with its derivatives: those of `leaky_relu` with its slopes."""

    kind = "activation"
    kinks = (0.0,)

    def __init__(self, definition: Callable[..., Any]) -> None:
        super().__init__(definition.__name__)
        self.__doc__, self.__signature__ = definition.__doc__, inspect.signature(definition)
        self.slopes = Method(f"{self.__name__}.slopes", self._slopes)
        self.backward = Method(f"{self.__name__}.backward", self._backward)
        self.derivative = Method(f"{self.__name__}.derivative", self._derivative)

    def __call__(
        self,
        input: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        training: bool = False,
        *,
        rng: Any = None,
        out: Any = None,
    ) -> Any:
        x = as_array(input)
        return _core.leaky_relu(x, self._slope(x, lower, upper, training, rng), out=out)

    def _slopes(self, input: Any, lower: float = 1 / 8, upper: float = 1 / 3, *, rng: Any = None) -> Any:
        """The random slopes, uniform in [lower, upper) and rounded to the type of an array like
        `input`: what training draws.

        ``leaky_relu(input, slopes)`` and its derivatives are then those of `rrelu`."""
        x = as_array(input)
        _check(lower, upper)
        dtype = x.dtype if x.dtype.name in FLOATS else np.dtype(np.float64)
        with np.errstate(all="ignore"):
            return np.random.default_rng(rng).uniform(lower, upper, x.shape).astype(dtype.newbyteorder("="))

    def _backward(
        self,
        grad_output: Any,
        input: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        training: bool = False,
        *,
        rng: Any = None,
        out: Any = None,
    ) -> Any:
        """Gradient by the input. In training `rng` must be the seed the value was computed with."""
        x = as_array(input)
        slope = self._slope(x, lower, upper, training, _seed(rng, training, "backward"))
        return _core.leaky_relu_backward(grad_output, x, slope, out=out)

    def _derivative(
        self,
        input: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        training: bool = False,
        *,
        rng: Any = None,
        order: int = 1,
        out: Any = None,
    ) -> Any:
        """First (``order=1``) or second (``order=2``) derivative, with a seed as `backward`."""
        check_order(order, "rrelu.derivative")
        x = as_array(input)
        slope = self._slope(x, lower, upper, training, _seed(rng, training, "derivative"))
        ufunc = _core.leaky_relu_derivative if order == 1 else _core.leaky_relu_second_derivative
        return ufunc(x, slope, out=out)

    def _slope(self, x: Any, lower: float, upper: float, training: bool, rng: Any) -> Any:
        _check(lower, upper)
        return self._slopes(x, lower, upper, rng=rng) if training else (lower + upper) / 2


def _check(lower: float, upper: float) -> None:
    if np.ndim(lower) or np.ndim(upper) or not np.isfinite([lower, upper]).all():
        raise ValueError(f"rrelu: lower and upper must be finite numbers, got {lower!r} and {upper!r}")
    if not lower <= upper:
        raise ValueError(f"rrelu: lower must not exceed upper, got {lower!r} and {upper!r}")


def _seed(rng: Any, training: bool, part: str) -> Any:
    """A generator of whatever kind would draw other slopes than it did for the value, and so would none."""
    seeds = (int, np.integer, np.random.SeedSequence, list, tuple, np.ndarray)
    if training and not isinstance(rng, seeds):
        raise ValueError(
            f"rrelu.{part}: rng must be the seed (an int or a SeedSequence) the value was computed with, "
            f"got {type(rng).__name__}; with a generator, draw rrelu.slopes once and use leaky_relu"
        )
    return rng


# which Python's errors about arguments name
RandomizedRelu._slopes.__qualname__ = "rrelu.slopes"
RandomizedRelu._backward.__qualname__ = "rrelu.backward"
RandomizedRelu._derivative.__qualname__ = "rrelu.derivative"


def random_activation(definition: Callable[..., Any]) -> RandomizedRelu:
    """Decorate the documented definition of `rrelu`."""
    return RandomizedRelu(definition)
