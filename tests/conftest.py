"""What the tests share. The helper modules beside this file are imported by name."""

import numpy as np
import pytest
import reference
from mpmath import mp

import fastact as fa
from fastact import _core


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
