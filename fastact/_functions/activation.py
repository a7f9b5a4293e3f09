"""What makes an activation of a documented definition and the core's ufuncs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypedDict

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastact import _docs
from fastact._config import _core
from fastact._functions.parameter_gradient import AlongAxis, ParameterBackward

# What every ufunc call takes besides its operands.
_UFUNC_KEYWORDS = [
    inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None),
    inspect.Parameter("where", inspect.Parameter.KEYWORD_ONLY, default=True),
    inspect.Parameter("casting", inspect.Parameter.KEYWORD_ONLY, default="same_kind"),
    inspect.Parameter("order", inspect.Parameter.KEYWORD_ONLY, default="K"),
    inspect.Parameter("dtype", inspect.Parameter.KEYWORD_ONLY, default=None),
]

P = ParamSpec("P")  # an op's arguments, as its definition has them


class UfuncKeywords(TypedDict, total=False):
    """What `_UFUNC_KEYWORDS` is for type checkers."""

    out: Any
    where: ArrayLike
    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"]
    dtype: DTypeLike | None


Options = dict[str, tuple[Any, tuple[Any, ...]]]


class Activation(_core.Elementwise, Generic[P]):
    """An elementwise function with its derivatives.

    Attributes
    ----------
    ufunc : numpy.ufunc
        The function as a NumPy ufunc, with the default options: its operands are those of
        a call, the parameters too. (A call that leaves every parameter at its default runs
        ``<name>_default``, in whose loops the defaults are constants, and one of plain arrays its loop
        directly: the same results.)
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

    backward: Callable[Concatenate[ArrayLike, P], Any]
    derivative: Callable[..., Any]
    backward_from_output: Callable[Concatenate[ArrayLike, P], Any]

    if TYPE_CHECKING:  # the call itself is compiled

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...


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
    """What the functions of an activation are made of: its operands, their defaults, and the
    forms of it that an option chooses among."""

    def __init__(self, definition: Callable[..., Any], forms: dict[str, dict[str, str]]) -> None:
        self.op = definition.__name__
        parameters = list(inspect.signature(definition).parameters.values())
        self.operands = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.names = tuple(p.name for p in self.operands)
        self.defaults = tuple(p.default for p in self.operands if p.default is not p.empty)
        # the argument that says where the last operand, a trained parameter, lies; or none
        self.axis = tuple(p for p in parameters if p.name == "axis")
        self.options: Options = {
            p.name: (p.default, tuple(forms[p.name])) for p in parameters if p.name in forms
        }
        self._forms = forms
        for core_op in next(({*forms[k].values()} for k in self.options), {self.op}) if self.defaults else ():
            _core.bind_parameters(core_op, self.defaults)

    def ufunc_name(self, suffix: str, *chosen: Any) -> str:
        """Of the core's op for these values of the options."""
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
        **more: Any,
    ) -> Any:
        """A function of these operands. `more` are options too; ufunc_name(*their values) is the
        ufunc's name."""
        options = {**self.options, **more}

        def choices(chosen: tuple[Any, ...], left: list[tuple[Any, ...]]) -> Any:
            if left:
                return {value: choices((*chosen, value), left[1:]) for value in left[0]}
            core = ufunc_name(*chosen)
            whole: np.ufunc = getattr(_core, core)
            return whole, getattr(_core, f"{core}_default") if self.defaults else whole

        allowed = [values for _, values in options.values()]
        function: Any = kind(name, names, self.defaults, options, choices((), allowed))
        function.__signature__ = _signature(names, self.defaults, options, self.axis)
        if self.axis:
            function.general = AlongAxis(function, names[-1], len(names) - 1)
        return function

    def part(
        self, name: str, names: tuple[str, ...], text: str, ufunc_name: Callable[..., str], **more: Any
    ) -> Any:
        function = self.function(_core.Elementwise, f"{self.op}.{name}", names, ufunc_name, **more)
        function.__doc__ = f"{text}\n\nSee `fastact.{self.op}` for the formula, errors and bounds."
        return function

    def backward(self) -> Any:
        if hasattr(_core, f"{self.op}_backward_by_parameter"):
            return ParameterBackward(self.op, self.operands[-1])
        text = f"Gradient by the input: ``grad_output * {self.op}.derivative({', '.join(self.names)})``."
        return self.part(
            "backward", ("grad_output", *self.names), text, partial(self.ufunc_name, "_backward")
        )

    def derivative(self) -> Any:
        text = f"First (``order=1``) or second (``order=2``) derivative of `{self.op}`."
        return self.part("derivative", self.names, text, self.derivative_name, order=(1, (1, 2)))

    def backward_from_output(self) -> Any:
        text = f"Gradient by the input, from ``output = {self.op}(input)``."
        names = ("grad_output", "output", *self.names[1:])
        ufunc_name = partial(self.ufunc_name, "_backward_from_output")
        return self.part("backward_from_output", names, text, ufunc_name)


def activation(
    *, kinks: tuple[float | str, ...] = (), **forms: dict[str, str]
) -> Callable[[Callable[P, Any]], Activation[P]]:
    """Decorate a documented definition into an `Activation`.

    The definition's parameters after `input` are the op's; its body is its docstring.
    `forms`, at most one, is a keyword option and the name of the core's op for each value.
    `kinks`: see `Activation`.
    """

    def decorate(definition: Callable[P, Any]) -> Activation[P]:
        of = _Definition(definition, forms)
        result: Activation[P] = of.function(Activation, of.op, of.names, partial(of.ufunc_name, ""))
        shared = _docs.activation(of.names[1:], tuple(of.options))
        result.__doc__ = _docs.complete(definition, shared)
        result.kinks = kinks
        result.backward, result.derivative = of.backward(), of.derivative()
        if hasattr(_core, f"{of.op}_backward_from_output"):
            result.backward_from_output = of.backward_from_output()
        return result

    return decorate
