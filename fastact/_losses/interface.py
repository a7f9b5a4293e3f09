"""What a call asks of a loss, and what a loss tells of its arrays to whoever computes it block by block."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastact._arrays import check_no_overlap, unpack_out


class Request:
    """Which results a call wants, and where its gradients go."""

    def __init__(self, value: bool = False, grad: bool = False, hess: bool = False, out: Any = None) -> None:
        self.value, self.grad, self.hess = value, grad, hess
        self._out = out
        self.grad_out: Any = unpack_out(out)
        self.hess_out: Any = None
        # Inputs that other blocks share: a block's gradient by them is a part of a sum, and not rounded.
        self.shared_inputs: frozenset[str] = frozenset()

    def split_out(self) -> None:
        """Which output is whose, of gradient and Hessian diagonal."""
        if not self.hess or self._out is None:
            return
        if not (isinstance(self._out, tuple) and len(self._out) == 2):
            number = (
                f"a tuple of {len(self._out)}" if isinstance(self._out, tuple) else type(self._out).__name__
            )
            raise TypeError(
                f"out must be a tuple of two arrays, for the gradient and the Hessian diagonal, got {number}"
            )
        self.grad_out, self.hess_out = map(unpack_out, self._out)
        check_no_overlap([(self.grad_out, "out[0]"), (self.hess_out, "out[1]")])


class Layout(NamedTuple):
    """How a loss's arrays lie along the axes of its input."""

    axes: dict[str, tuple[int, ...]]  # of each array, by the argument's name; its own are numbered last
    loss_axes: tuple[int, ...]  # those of the unreduced loss; a block holds the others whole
    denominator_arguments: tuple[str, ...] = ()  # arrays that decide what a mean divides by
    merge_chunks: bool = False  # whether chunks along the other axes are merged, not refused
    least_length: int = 0  # of arrays' own axes, in a call without rows
