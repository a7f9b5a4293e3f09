"""What makes an activation of a documented definition and the core's ufuncs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypedDict

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastact._config import _core
from fastact._docs import complete
from fastact._trained import AlongAxis, ParameterBackward

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
        ``<name>_default``, in whose loops the defaults are constants: the same results.)
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


def _function(
    kind: type[_core.Elementwise],
    name: str,
    names: tuple[str, ...],
    defaults: tuple[Any, ...],
    options: Options,
    ufunc_name: Callable[..., str],
    axis: tuple[inspect.Parameter, ...],
) -> Any:
    """ufunc_name(*option values) names the core's ufunc for them. axis: the argument that says
    where the last operand, a trained parameter, lies; or none."""

    def choices(chosen: tuple[Any, ...], left: list[tuple[Any, ...]]) -> Any:
        if left:
            return {value: choices((*chosen, value), left[1:]) for value in left[0]}
        core = ufunc_name(*chosen)
        whole: np.ufunc = getattr(_core, core)
        return whole, getattr(_core, f"{core}_default") if defaults else whole

    allowed = [values for _, values in options.values()]
    function: Any = kind(name, names, defaults, options, choices((), allowed))
    function.__signature__ = _signature(names, defaults, options, axis)
    if axis:
        function.general = AlongAxis(function, names[-1], len(names) - 1)
    return function


def activation(
    *, kinks: tuple[float | str, ...] = (), **forms: dict[str, str]
) -> Callable[[Callable[P, Any]], Activation[P]]:
    """Decorate a documented definition into an `Activation`.

    The definition's parameters after `input` are the op's; its body is its docstring.
    `forms`, at most one, is a keyword option and the name of the core's op for each value.
    `kinks`: see `Activation`.
    """

    def decorate(definition: Callable[P, Any]) -> Activation[P]:
        op = definition.__name__
        parameters = list(inspect.signature(definition).parameters.values())
        positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        names = tuple(p.name for p in positional)
        defaults = tuple(p.default for p in positional if p.default is not p.empty)
        form: Options = {p.name: (p.default, tuple(forms[p.name])) for p in parameters if p.name in forms}
        orders: Options = {**form, "order": (1, (1, 2))}
        axis = tuple(p for p in parameters if p.name == "axis")
        for core_op in next((forms[k].values() for k in form), [op]) if defaults else ():
            _core.bind_parameters(core_op, defaults)

        def core(suffix: str) -> Callable[..., str]:
            return lambda *chosen: next((forms[k][v] for k, v in zip(form, chosen, strict=True)), op) + suffix

        def derivative_of(*chosen: Any) -> str:
            return core("_derivative" if chosen[-1] == 1 else "_second_derivative")(*chosen[:-1])

        def part(
            name: str, names: tuple[str, ...], text: str, options: Options = form, ufunc: Any = None
        ) -> Any:
            ufunc = ufunc or core(f"_{name}")
            function = _function(_core.Elementwise, f"{op}.{name}", names, defaults, options, ufunc, axis)
            function.__doc__ = f"{text}\n\nSee `fastact.{op}` for the formula, errors and bounds."
            return function

        result: Activation[P] = _function(Activation, op, names, defaults, form, core(""), axis)
        result.__doc__ = complete(definition.__doc__ or "", names[1:], tuple(form))
        result.kinks = kinks
        text = f"Gradient by the input: ``grad_output * {op}.derivative({', '.join(names)})``."
        result.backward = part("backward", ("grad_output", *names), text)
        if hasattr(_core, f"{op}_backward_by_parameter"):
            result.backward = ParameterBackward(op, positional[-1])
        text = f"First (``order=1``) or second (``order=2``) derivative of `{op}`."
        result.derivative = part("derivative", names, text, orders, derivative_of)
        if hasattr(_core, f"{op}_backward_from_output"):
            text = f"Gradient by the input, from ``output = {op}(input)``."
            output_names = ("grad_output", "output", *names[1:])
            result.backward_from_output = part("backward_from_output", output_names, text)
        return result

    return decorate
