# The compiled core, for type checkers. The ufuncs and gufuncs are made at import from the op table.
from collections.abc import Callable
from typing import Any, NoReturn, TypedDict

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

class _Bounds(TypedDict):
    float32: tuple[float, float, float]
    float64: tuple[float, float, float]

class _RowBounds(TypedDict):
    float32: float
    float64: float

class _ActivationRow(TypedDict):
    parameters: int
    from_output: bool
    by_parameter: bool
    ulp: _Bounds

class _RowOpRow(TypedDict):
    reduces: bool
    from_output: bool
    ulp: _RowBounds

class _LossRow(TypedDict):
    parameters: int
    index: int
    second_input: bool
    ulp: _Bounds

class _ClassLossRow(TypedDict):
    index: int
    targets: str

class _Float64RowLossRow(TypedDict):
    index: int
    inputs: int
    targets: str

class _Table(TypedDict):
    activation: dict[str, _ActivationRow]
    rows: dict[str, _RowOpRow]
    loss: dict[str, _LossRow]
    class_loss: dict[str, _ClassLossRow]
    float64_row_loss: dict[str, _Float64RowLossRow]

FLOATS: tuple[str, ...]

def rows_along(gufunc: np.ufunc, arrays: list[Any], along: int, out: Any) -> Any: ...
def ufunc_of(ufunc: np.ufunc, *operands: Any) -> np.ufunc: ...
def check_real(name: str, value: Any) -> None: ...
def check_outputs(name: str, out: Any) -> None: ...
def check_call(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]: ...
def extremes_of(a: NDArray[Any]) -> tuple[int, int]: ...
def has_negative(a: NDArray[Any]) -> bool: ...
def rename(name: str, error: Exception) -> None: ...
def describe(value: Any) -> str: ...
def in_the_name_of(name: str, error: Any) -> str: ...
def same_kind(error: Exception) -> type[Exception]: ...
def explain(
    function: Any,
    error: Exception,
    args: tuple[Any, ...],
    keywords: dict[str, Any],
    names: tuple[str, ...],
    reduced: bool | None = None,
) -> NoReturn: ...

@disjoint_base
class Function:
    __name__: str
    __qualname__: str
    def __init__(self, name: str) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __reduce__(self) -> str | tuple[Any, ...]: ...

@disjoint_base
class FastLoop:
    def __init__(self, ufunc: str, bound: tuple[Any, ...]) -> None: ...

@disjoint_base
class FastRows:
    def __init__(self, gufunc: str) -> None: ...

@disjoint_base
class Elementwise(Function):
    @property
    def ufunc(self) -> np.ufunc: ...
    general: Callable[..., Any] | None
    def __init__(
        self,
        name: str,
        names: tuple[str, ...],
        defaults: tuple[Any, ...],
        options: dict[str, tuple[Any, tuple[Any, ...]]],
        choices: Any,
    ) -> None: ...

@disjoint_base
class Rows(Function):
    @property
    def gufunc(self) -> np.ufunc: ...
    def __init__(
        self, name: str, gufunc: np.ufunc, general: Callable[..., Any], row_dy: bool = False
    ) -> None: ...

@disjoint_base
class Gated(Function):
    def __init__(self, name: str, ufunc: np.ufunc, general: Callable[..., Any]) -> None: ...

@disjoint_base
class FastLoss:
    def __call__(
        self, operands: tuple[Any, ...], want_value: bool, want_grad: bool, out: Any
    ) -> tuple[Any, Any]: ...

@disjoint_base
class FastElementwiseLoss(FastLoss):
    def __init__(self, op: int, parameters: tuple[NDArray[Any], ...]) -> None: ...

@disjoint_base
class FastClassLoss(FastLoss):
    def __init__(self, loss: int, ignore_index: int) -> None: ...

@disjoint_base
class LossMethod(Function):
    fast_path: FastLoss | None
    def __init__(self, loss: Any, function: Callable[..., Any]) -> None: ...

def set_container_check(
    function: Callable[[Any, tuple[str, ...], tuple[Any, ...], tuple[str, ...] | None], Any],
) -> None: ...
def call_by_vectorcall(function: type[Function]) -> None: ...
def bind_parameters(op: str, values: tuple[float, ...]) -> None: ...
def table() -> _Table: ...

@disjoint_base
class DefaultFloat:
    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

def parameter_sums(terms: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]: ...
def column_moments(
    p: NDArray[Any], w: NDArray[Any], center: NDArray[Any], first: NDArray[Any], second: NDArray[Any]
) -> None: ...
def may_share_memory(a: NDArray[Any], b: NDArray[Any]) -> bool: ...
def elementwise_loss(
    op: int,
    n: int,
    operands: list[NDArray[Any]],
    results: tuple[NDArray[Any] | None, ...],
    want_total: bool,
) -> float: ...
def class_loss(
    loss: int,
    x: NDArray[Any],
    target: NDArray[Any],
    soft: bool,
    weight: NDArray[Any] | None,
    ignore_index: int,
    smoothing: float,
    z_loss: float,
    grad_output: NDArray[Any],
    mean: bool,
    value: NDArray[Any] | None,
    grad: NDArray[Any] | None,
    hess: NDArray[Any] | None,
    want_total: bool,
) -> float: ...
def ctc_loss(
    x: NDArray[Any],
    targets: NDArray[Any],
    lengths: tuple[NDArray[Any], NDArray[Any]],
    blank: int,
    mean: bool,
    zero_infinity: bool,
    logits: bool,
    grad_output: NDArray[Any],
    weight: NDArray[Any] | None,
    value: NDArray[Any] | None,
    grad: NDArray[Any] | None,
    hess: NDArray[Any] | None,
    want_total: bool,
) -> float: ...
def float64_row_loss(
    loss: int,
    inputs: list[NDArray[Any]],
    labels: NDArray[Any] | None,
    label_lists: NDArray[Any] | None,
    target: NDArray[Any] | None,
    weight: NDArray[Any] | None,
    row_weight: NDArray[Any] | None,
    numbers: tuple[float, float, float, bool],
    grad_output: NDArray[Any],
    mean: bool,
    value: NDArray[Any] | None,
    grads: list[NDArray[Any]],
    hesses: list[NDArray[Any]],
    want_total: bool,
) -> float: ...
def register_bfloat16(dtype: np.dtype[Any]) -> None: ...
def instruction_sets() -> dict[str, bool]: ...
def get_isa() -> str: ...
def set_isa(name: str) -> None: ...
def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def available_cpus() -> int: ...
def __getattr__(name: str) -> np.ufunc: ...
