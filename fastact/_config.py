"""Loads the compiled core, and what can be set: instruction set and threads."""

from __future__ import annotations

import os
import platform
import sys
from operator import index
from typing import Any, TypedDict

from fastact._version import __version__

try:
    from fastact import _core as _core  # the other modules take it from here
except ImportError as error:
    if not os.path.isdir(os.path.join(os.path.dirname(__file__), "..", "csrc")):
        raise
    raise ImportError(
        "fastact was imported from its source folder, where nothing is compiled: run Python from another "
        "folder to use the installed package ('pip install .'), or make an editable install "
        "('pip install -e .')"
    ) from error


_MOST_THREADS = 256  # as in csrc/runtime/parallel.c


class Config(TypedDict):
    """What `config` returns."""

    version: str
    isa: str
    available_isas: list[str]
    num_threads: int
    cpus: int
    cpu: str


def set_num_threads(n: int) -> None:
    """Set how many threads a call may use.

    Results are the same bits for any number. Small arrays use one thread always.
    The default is the number of CPUs this process may run on (affinity, cgroup),
    or the environment's ``FASTACT_NUM_THREADS`` if that is less. Where that is not set, ``OMP_NUM_THREADS``
    counts in its place (of "4,2" the 4), by which joblib and the like keep their workers' threads apart;
    one that is no number is passed over.

    Parameters
    ----------
    n : int
        From 1 to 256, the calling thread included.

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer, or less than 1 or more than 256.

    Examples
    --------
    >>> import fastact as fa
    >>> before = fa.get_num_threads()
    >>> fa.set_num_threads(1)
    >>> fa.get_num_threads()
    1
    >>> fa.set_num_threads(before)
    """
    try:
        if isinstance(n, bool):
            raise TypeError
        n = index(n)
    except TypeError:
        raise TypeError(f"set_num_threads: n must be an integer, got {n!r}") from None
    if not 1 <= n <= _MOST_THREADS:
        raise ValueError(f"set_num_threads: n must be from 1 to {_MOST_THREADS}, got {n}")
    _core.set_num_threads(n)


def get_num_threads() -> int:
    """Return how many threads a call may use.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


_registered: list[Any] = []  # threadpoolctl's modules


def register_threadpoolctl() -> None:
    """Let threadpoolctl see and limit fastact's threads, as it does those of BLAS and OpenMP.

    Importing fastact does so if threadpoolctl is imported already. Call this if it is imported later;
    a second call does nothing. The limits of `threadpoolctl.threadpool_limits` are those of
    `set_num_threads`; ``user_api="fastact"`` chooses these threads alone.

    Raises
    ------
    ModuleNotFoundError
        If threadpoolctl is not installed.

    Examples
    --------
    >>> import fastact as fa, threadpoolctl
    >>> fa.register_threadpoolctl()
    >>> with threadpoolctl.threadpool_limits(1):
    ...     fa.get_num_threads()
    1
    """
    import threadpoolctl  # type: ignore[import-untyped]

    if threadpoolctl in _registered:
        return

    class FastactController(threadpoolctl.LibController):  # type: ignore[misc]
        user_api = internal_api = "fastact"
        filename_prefixes = ("_core.",)
        check_symbols = ("fa_get_threads",)

        def get_num_threads(self) -> int:
            return get_num_threads()

        def set_num_threads(self, num_threads: int) -> None:
            set_num_threads(min(num_threads, _MOST_THREADS))

        def get_version(self) -> str:
            return __version__

    threadpoolctl.register(FastactController)
    _registered.append(threadpoolctl)


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def config() -> Config:
    """Describe this installation: version, instruction set, threads, CPU.

    Returns
    -------
    dict
        ``version``; ``isa``, the instruction set in use (the environment's
        ``FASTACT_ISA`` chooses one); ``available_isas``, best first;
        ``num_threads``; ``cpus``, how many this process may use; ``cpu``, its name.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.config()["isa"] in fa.config()["available_isas"]
    True
    """
    return {
        "version": __version__,
        "isa": _core.get_isa(),
        "available_isas": [name for name, supported in _core.instruction_sets().items() if supported],
        "num_threads": _core.get_num_threads(),
        "cpus": _core.available_cpus(),
        "cpu": _cpu_name(),
    }


def _apply_environment() -> None:
    """FASTACT_ISA and FASTACT_NUM_THREADS, refused if they make no sense."""
    isa = os.environ.get("FASTACT_ISA")
    if isa:
        try:
            _core.set_isa(isa)
        except ValueError as error:
            raise ImportError(f"environment variable FASTACT_ISA: {error}") from None
    threads = os.environ.get("FASTACT_NUM_THREADS")
    if threads and not (threads.isdecimal() and int(threads) >= 1):
        raise ImportError(
            f"environment variable FASTACT_NUM_THREADS must be an integer of at least 1, got {threads!r}"
        )


def _register_bfloat16() -> None:
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        return
    import numpy as np

    _core.register_bfloat16(np.dtype(bfloat16))


_apply_environment()
_register_bfloat16()
if "threadpoolctl" in sys.modules:
    register_threadpoolctl()
