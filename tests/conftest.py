"""Fixtures that tests share, and how tests are spread over processes. Helpers are in support/."""

import gc
import os

import numpy as np
import pytest
import reference
from mpmath import mp

import fastact as fa
from fastact import _core

MOST_WORKERS = 8  # more would wait for the longest test, and each takes seconds to start
# What one worker runs, one test after another: files whose tests share what takes long to make, and the
# folder of tests that measure threads, memory and time. They come first, in this order. Of other files a
# worker takes a function with all of its parameters.
TOGETHER = (
    "tests/embedding/test_core.py",
    "tests/layouts/test_determinism.py",
    "tests/processes/",
    "tests/accuracy/test_elementary.py",
    "tests/docs/test_accuracy_page.py",
    "tests/docs/test_benchmarks.py",
    "tests/docs/test_examples.py",
)


def _unit(nodeid):
    """What of the tests one worker takes."""
    return next((start for start in TOGETHER if nodeid.startswith(start)), nodeid.split("[")[0])


def pytest_collection_modifyitems(items):
    places = {start: k for k, start in enumerate(TOGETHER)}
    items.sort(key=lambda item: places.get(_unit(item.nodeid), len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One for each CPU that this process may use; with one CPU none but this process."""
    cpus = _core.available_cpus()
    return min(cpus, MOST_WORKERS) if cpus > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Workers, and what they start, get one thread each for NumPy's products and other libraries: with more
    they would wait for each other. The threads of fastact are not meant."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("FASTACT_NUM_THREADS", str(_core.available_cpus()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """What `--dist loadscope` means here."""
    if config.option.dist != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _unit(nodeid)

    config.option.loadscopereorder = False  # ours is the order of the tests
    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """What has been collected stays: the garbage collector need not look through it time and again."""
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
