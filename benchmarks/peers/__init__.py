"""The libraries measured. Each module prepares calls for the cases its library can do."""

from __future__ import annotations

from importlib.util import find_spec

from benchmarks.peers import (
    jax_peer,
    numexpr_peer,
    numpy_peer,
    onnxruntime_peer,
    ours,
    scipy_peer,
    sklearn_peer,
    torch_peer,
)
from benchmarks.peers.base import Candidate, Peer

__all__ = ["ALL", "OURS", "Candidate", "Peer", "installed", "start"]

OURS = "fastact"
ALL: dict[str, type[Peer]] = {
    "numpy": numpy_peer.NumPy,
    "scipy": scipy_peer.SciPy,
    "numexpr": numexpr_peer.NumExpr,
    "torch": torch_peer.Torch,
    "jax": jax_peer.Jax,
    "onnxruntime": onnxruntime_peer.OnnxRuntime,
    "sklearn": sklearn_peer.SciKitLearn,
}


def installed(names: list[str]) -> list[str]:
    return [name for name in names if all(find_spec(needed) for needed in ALL[name].needs)]


def start(names: list[str], threads: int) -> dict[str, Peer]:
    """Our own package and these libraries, each told to use `threads` threads."""
    return {OURS: ours.FastAct(threads), **{name: ALL[name](threads) for name in names}}
