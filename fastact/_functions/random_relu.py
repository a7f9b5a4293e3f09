"""Leaky relu of random slopes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastact._arrays import as_array, check_known_length, check_order, is_float
from fastact._config import _core
from fastact._functions.containers import check_containers, plain_array
from fastact._functions.python_function import PythonFunction


class RandomizedRelu(PythonFunction):
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
        grad_output = inspect.Parameter("grad_output", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        order = inspect.Parameter("order", inspect.Parameter.KEYWORD_ONLY, default=1)
        self.slopes = PythonFunction(f"{self.__name__}.slopes", self._slopes)
        self.backward = self._attribute("backward", self._backward, [grad_output, *own])
        self.derivative = self._attribute("derivative", self._derivative, [*own, order])

    def _attribute(self, name: str, function: Any, parameters: list[inspect.Parameter]) -> PythonFunction:
        return PythonFunction(f"{self.__name__}.{name}", function, inspect.Signature(parameters))

    def _value(self, input: Any, *args: Any, out: Any = None, **slope_options: Any) -> Any:
        check_containers(self.__name__, ("input",), (input,), None)
        x = as_array(input)
        slope = self._slope(False, x, *args, **slope_options)
        return _core.ufunc_of(_core.leaky_relu, x, slope)(x, slope, out=out)

    def _slopes(self, input: Any, lower: float = 1 / 8, upper: float = 1 / 3, *, rng: Any = None) -> Any:
        """The random slopes, uniform in [lower, upper) and rounded to the type of an array like
        `input`: what training draws.

        ``leaky_relu(input, slopes)`` and its derivatives are then those of `rrelu`."""
        x = as_array(plain_array("rrelu.slopes", "input", input))
        _core.check_real("rrelu.slopes: input", x)
        _check_bounds(lower, upper)
        check_known_length("rrelu: input", x.shape)
        dtype = x.dtype if is_float(x.dtype) else np.dtype(np.float64)
        with np.errstate(all="ignore"):
            return np.random.default_rng(rng).uniform(lower, upper, x.shape).astype(dtype.newbyteorder("="))

    def _backward(
        self, grad_output: Any, input: Any, *args: Any, out: Any = None, **slope_options: Any
    ) -> Any:
        """Gradient by the input. In training `rng` must be the seed the value was computed with."""
        check_containers(self.backward.__name__, ("grad_output", "input"), (grad_output, input), None)
        x = as_array(input)
        operands = grad_output, x, self._slope(True, x, *args, **slope_options)
        return _core.ufunc_of(_core.leaky_relu_backward, *operands)(*operands, out=out)

    def _derivative(
        self, input: Any, *args: Any, order: int = 1, out: Any = None, **slope_options: Any
    ) -> Any:
        """First (``order=1``) or second (``order=2``) derivative, with a seed as `backward`."""
        check_order(order, "rrelu.derivative")
        check_containers(self.derivative.__name__, ("input",), (input,), None)
        x = as_array(input)
        ufunc = _core.leaky_relu_derivative if order == 1 else _core.leaky_relu_second_derivative
        slope = self._slope(True, x, *args, **slope_options)
        return _core.ufunc_of(ufunc, x, slope)(x, slope, out=out)

    def _slope(
        self,
        for_gradient: bool,
        x: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        training: bool = False,
        *,
        rng: Any = None,
    ) -> Any:
        """The slopes of x: in training random ones. A gradient's are those that the value had."""
        _check_bounds(lower, upper)
        if training and for_gradient:
            _check_seed(rng)
        return self._slopes(x, lower, upper, rng=rng) if training else (lower + upper) / 2


def _check_bounds(lower: float, upper: float) -> None:
    for name, value in (("lower", lower), ("upper", upper)):
        _core.check_real(f"rrelu: {name}", value)
    if np.ndim(lower) or np.ndim(upper) or not np.isfinite([lower, upper]).all():
        raise ValueError(f"rrelu: lower and upper must be finite numbers, got {lower!r} and {upper!r}")
    if not lower <= upper:
        raise ValueError(f"rrelu: lower must not exceed upper, got {lower!r} and {upper!r}")


def _check_seed(rng: Any) -> None:
    """Refuses generators and None: they would draw other slopes than they did for the value."""
    if not isinstance(rng, (int, np.integer, np.random.SeedSequence, list, tuple, np.ndarray)):
        raise ValueError(
            "rrelu: for a gradient rng must be the seed (an int or a SeedSequence) the value was computed "
            f"with, got {type(rng).__name__}; with a generator, draw rrelu.slopes once and use leaky_relu"
        )


def randomized_relu(definition: Callable[..., Any]) -> RandomizedRelu:
    """Decorate the documented definition of `rrelu`."""
    return RandomizedRelu(definition)
