"""Gated linear units."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from fastact._functions.gated import gated_linear_unit

__all__ = ["geglu", "glu", "reglu", "swiglu"]

Gate = Literal["second", "first"]


@gated_linear_unit
def glu(input: ArrayLike, axis: int = -1, *, gate: Gate = "second", out: Any = None) -> Any:
    r"""Gated linear unit, :math:`a \sigma(b)`.

    Notes
    -----
    The error of `sigmoid`, and a rounding, unless sigmoid(b) is subnormal.

    References
    ----------
    Y. Dauphin, A. Fan, M. Auli, D. Grangier, "Language modeling with gated convolutional
    networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.glu(np.array([3.0, 5.0, 0.0, 1.0]))
    array([1.5       , 3.65529289])
    """


@gated_linear_unit
def swiglu(input: ArrayLike, axis: int = -1, *, gate: Gate = "second", out: Any = None) -> Any:
    r"""Gated linear unit by silu, :math:`a \operatorname{silu}(b)`.

    Notes
    -----
    The error of `silu`, and a rounding, unless silu(b) is subnormal. Where the gate comes
    first, as in the merged projections of many language models, ``gate="first"`` says so.

    References
    ----------
    N. Shazeer, "GLU variants improve transformer", arXiv:2002.05202.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.swiglu(np.array([3.0, 5.0, 0.0, 1.0]))
    array([0.        , 3.65529289])
    """


@gated_linear_unit
def geglu(input: ArrayLike, axis: int = -1, *, gate: Gate = "second", out: Any = None) -> Any:
    r"""Gated linear unit by gelu, :math:`a \operatorname{gelu}(b)`.

    Notes
    -----
    The error of `gelu`, and a rounding, unless gelu(b) is subnormal.

    References
    ----------
    N. Shazeer, "GLU variants improve transformer", arXiv:2002.05202.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.geglu(np.array([3.0, 5.0, 0.0, 1.0]))
    array([0.        , 4.20672373])
    """


@gated_linear_unit
def reglu(input: ArrayLike, axis: int = -1, *, gate: Gate = "second", out: Any = None) -> Any:
    r"""Gated linear unit by relu, :math:`a \max(b, 0)`.

    Notes
    -----
    Rounded once: at most 0.5 ulp. relu'(0) = 0.

    References
    ----------
    N. Shazeer, "GLU variants improve transformer", arXiv:2002.05202.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.reglu(np.array([3.0, 5.0, -1.0, 2.0]))
    array([ 0., 10.])
    """
