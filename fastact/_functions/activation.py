"""Elementwise functions over the core's ufuncs, with their derivatives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypedDict, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastact import _docs
from fastact._config import _core
from fastact._functions.parameter_gradient import ParameterAlongAxis, ParameterBackward

# What every call of a ufunc takes besides its operands.
_UFUNC_KEYWORDS = [
    inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None),
    inspect.Parameter("where", inspect.Parameter.KEYWORD_ONLY, default=True),
    inspect.Parameter("casting", inspect.Parameter.KEYWORD_ONLY, default="same_kind"),
    inspect.Parameter("order", inspect.Parameter.KEYWORD_ONLY, default="K"),
    inspect.Parameter("dtype", inspect.Parameter.KEYWORD_ONLY, default=None),
]

P = ParamSpec("P")  # an op's arguments after the input, as its definition has them


class UfuncKeywords(TypedDict, total=False):
    """What `_UFUNC_KEYWORDS` is for type checkers."""

    out: Any
    where: ArrayLike
    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"]
    dtype: DTypeLike | None


class Backward(Protocol[P]):
    """A product of `grad_output` and a derivative, as type checkers see it."""

    @overload
    def __call__(
        self, grad_output: ArrayLike, input: ArrayLike, /, *args: P.args, **kwargs: P.kwargs
    ) -> Any: ...
    @overload
    def __call__(self, grad_output: ArrayLike, *, input: ArrayLike, **kwargs: Any) -> Any: ...


Options = dict[str, tuple[Any, tuple[Any, ...]]]  # by name: the default, the allowed values


class Activation(_core.Elementwise, Generic[P]):
    """An elementwise function with its derivatives.

    Attributes
    ----------
    ufunc : numpy.ufunc
        The function as a NumPy ufunc, with the default options: its operands are those of
        a call, the parameters too. (A call that leaves every parameter at its default runs
        ``<name>_default``, in whose loops the defaults are constants; one of contiguous float32 or
        float64 arrays runs its loop directly. The results are the same; but where NumPy, called with a Python
        number beside float16, rounds that to float16, a call of the function uses it as given.)
    backward : callable
        ``backward(grad_output, input, ...)`` is ``grad_output * derivative(input, ...)``. Where a
        parameter is trained it is a pair, and the second its gradient.
    derivative : callable
        ``derivative(input, ..., order=1)``: the first or (``order=2``) second derivative.
    backward_from_output : callable
        ``backward_from_output(grad_output, output, ...)``, where the output alone is
        enough; other activations lack it.
    kinks : tuple of float or str
        Where the value or one of its two derivatives jumps: numbers, or names of parameters,
        "-" before one for its negative.
    """

    kind = "activation"
    kinks: tuple[float | str, ...]

    backward: Backward[P]
    derivative: Callable[..., Any]
    backward_from_output: Callable[Concatenate[ArrayLike, ArrayLike, P], Any]

    if TYPE_CHECKING:  # the call itself is compiled

        @overload
        def __call__(self, input: NDArray[Any], /, *args: P.args, **kwargs: P.kwargs) -> NDArray[Any]: ...
        @overload
        def __call__(self, input: float, /, *args: P.args, **kwargs: P.kwargs) -> np.float64: ...
        @overload
        def __call__(self, input: ArrayLike, /, *args: P.args, **kwargs: P.kwargs) -> Any: ...
        @overload
        def __call__(self, *, input: ArrayLike, **kwargs: Any) -> Any: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[misc]


_core.call_by_vectorcall(Activation)


def _signature(
    names: tuple[str, ...], defaults: tuple[Any, ...], options: Options, axis: tuple[inspect.Parameter, ...]
) -> inspect.Signature:
    kind, empty = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    required = len(names) - len(defaults)
    operands = [
        inspect.Parameter(name, kind, default=defaults[k - required] if k >= required else empty)
        for k, name in enumerate(names)
    ]
    chosen = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, (default, _) in options.items()
    ]
    keywords = [p for p in _UFUNC_KEYWORDS if p.name not in options]  # derivative has its own `order`
    return inspect.Signature([*operands, *chosen, *axis, *keywords])


class _Definition:
    """An activation's definition, from which its functions are made: its operands, their defaults, and
    the forms among which an option chooses."""

    def __init__(self, definition: Callable[..., Any], forms: dict[str, dict[str, str]]) -> None:
        self.op = definition.__name__
        parameters = list(inspect.signature(definition).parameters.values())
        self.operands = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.names = tuple(p.name for p in self.operands)
        self.defaults = tuple(p.default for p in self.operands if p.default is not p.empty)
        # `axis`, if the last operand is a trained parameter, which may lie along one of the input's
        self.axis = tuple(p for p in parameters if p.name == "axis")
        self.options: Options = {
            p.name: (p.default, tuple(forms[p.name])) for p in parameters if p.name in forms
        }
        self._forms = forms
        if self.defaults:
            for core_op in {*forms[next(iter(self.options))].values()} if self.options else {self.op}:
                _core.bind_parameters(core_op, self.defaults)

    def ufunc_name(self, suffix: str, *chosen: Any) -> str:
        """The ufunc's name, for these values of the options."""
        forms = (self._forms[option][value] for option, value in zip(self.options, chosen, strict=True))
        return next(forms, self.op) + suffix

    def derivative_name(self, *chosen: Any) -> str:
        *form, order = chosen
        return self.ufunc_name("_derivative" if order == 1 else "_second_derivative", *form)

    def function(
        self,
        kind: type[_core.Elementwise],
        name: str,
        names: tuple[str, ...],
        ufunc_name: Callable[..., str],
        **extra_options: Any,
    ) -> Any:
        """A function of these operands, with the definition's options and `extra_options`.
        `ufunc_name` is called with a value for each option."""
        options = {**self.options, **extra_options}

        def choices(chosen: tuple[Any, ...], remaining: list[tuple[Any, ...]]) -> Any:
            """Nested by the values of each option; at the end the ufunc of all operands, and that of
            those without defaults."""
            if remaining:
                return {value: choices((*chosen, value), remaining[1:]) for value in remaining[0]}
            core_name = ufunc_name(*chosen)
            ufunc: np.ufunc = getattr(_core, core_name)
            return ufunc, getattr(_core, f"{core_name}_default") if self.defaults else ufunc

        allowed = [values for _, values in options.values()]
        function: Any = kind(name, names, self.defaults, options, choices((), allowed))
        function.__signature__ = _signature(names, self.defaults, options, self.axis)
        if self.axis:
            function.general = ParameterAlongAxis(function, names[-1], len(names) - 1)
        return function

    def attribute(
        self,
        name: str,
        names: tuple[str, ...],
        text: str,
        ufunc_name: Callable[..., str],
        **extra_options: Any,
    ) -> Any:
        """A function that is an attribute of the activation."""
        function = self.function(_core.Elementwise, f"{self.op}.{name}", names, ufunc_name, **extra_options)
        function.__doc__ = f"{text}\n\nSee `fastact.{self.op}` for the formula, errors and bounds."
        return function

    def backward(self) -> Any:
        if hasattr(_core, f"{self.op}_backward_by_parameter"):
            return ParameterBackward(self.op, self.operands[-1])
        text = f"Gradient by the input: ``grad_output * {self.op}.derivative({', '.join(self.names)})``."
        return self.attribute(
            "backward", ("grad_output", *self.names), text, partial(self.ufunc_name, "_backward")
        )

    def derivative(self) -> Any:
        text = f"First (``order=1``) or second (``order=2``) derivative of `{self.op}`."
        return self.attribute("derivative", self.names, text, self.derivative_name, order=(1, (1, 2)))

    def backward_from_output(self) -> Any:
        text = f"Gradient by the input, from ``output = {self.op}(input)``."
        names = ("grad_output", "output", *self.names[1:])
        ufunc_name = partial(self.ufunc_name, "_backward_from_output")
        return self.attribute("backward_from_output", names, text, ufunc_name)


def activation(
    *, kinks: tuple[float | str, ...] = (), **forms: dict[str, str]
) -> Callable[[Callable[Concatenate[ArrayLike, P], Any]], Activation[P]]:
    """Decorate a documented definition into an `Activation`.

    The definition's parameters after `input` are the op's; its body is its docstring.
    `forms`, at most one, is a keyword option and the name of the core's op for each value.
    `kinks`: see `Activation`.
    """

    def decorate(definition: Callable[Concatenate[ArrayLike, P], Any]) -> Activation[P]:
        read = _Definition(definition, forms)
        result: Activation[P] = read.function(Activation, read.op, read.names, partial(read.ufunc_name, ""))
        shared = _docs.activation(read.names[1:], tuple(read.options))
        result.__doc__ = _docs.complete(definition, shared)
        result.kinks = kinks
        result.backward, result.derivative = read.backward(), read.derivative()
        if hasattr(_core, f"{read.op}_backward_from_output"):
            result.backward_from_output = read.backward_from_output()
        return result

    return decorate
