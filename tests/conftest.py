"""Fixtures that tests share, and how tests are spread over processes. Helpers are in support/."""

import gc

import numpy as np
import pytest
import reference
from mpmath import mp

import fastact as fa
from fastact import _core

MOST_WORKERS = 8  # beyond that they wait for the longest test, and each takes seconds to start
# Files whose tests share what takes long to make, or measure the process they are in: one worker runs all
# of a file, the first of them first. Of other files it takes a function with all of its parameters.
TOGETHER = (
    "embedding/test_core.py",
    "layouts/test_determinism.py",
    "processes/test_leaks.py",
    "processes/test_processes.py",
    "processes/test_threads.py",
    "accuracy/test_elementary.py",
    "docs/test_accuracy_page.py",
    "docs/test_benchmarks.py",
    "docs/test_examples.py",
)


def _place(nodeid):
    """Of a test's file in the above, or behind them all."""
    return next((k for k, name in enumerate(TOGETHER) if f"{name}::" in nodeid), len(TOGETHER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One for each CPU that this process may use; with one CPU none but this process."""
    cpus = _core.available_cpus()
    return min(cpus, MOST_WORKERS) if cpus > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.option.dist != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid.split("::" if _place(nodeid) < len(TOGETHER) else "[")[0]

    config.option.loadscopereorder = False  # ours is the order of the tests
    return Scheduling(config, log)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: _place(item.nodeid))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """The collector of garbage need not look through thousands of tests time and again."""
    gc.collect()
    gc.freeze()


# ---- fixtures --------------------------------------------------------------------------------


@pytest.fixture
def rng():
    """A generator with the same numbers in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def set_threads():
    """Sets the number of threads, until the test ends."""
    before = fa.get_num_threads()
    yield fa.set_num_threads
    fa.set_num_threads(before)


@pytest.fixture
def set_isa():
    """Chooses the instruction set, until the test ends."""
    before = _core.get_isa()
    yield _core.set_isa
    _core.set_isa(before)


@pytest.fixture(params=[1, 2])
def threads(request, set_threads):
    set_threads(request.param)
    return request.param


@pytest.fixture
def row_precision():
    """mpmath computes exact results of rows."""
    with mp.workprec(reference.ROW_PRECISION):
        yield
