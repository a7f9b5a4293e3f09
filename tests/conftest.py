"""What the tests share. The helper modules beside this file are imported by name."""

import numpy as np
import pytest

import fastact as fa


@pytest.fixture
def rng():
    """A generator with the same numbers in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture(params=[1, 2])
def threads(request):
    """That many threads, until the test ends."""
    before = fa.get_num_threads()
    fa.set_num_threads(request.param)
    yield request.param
    fa.set_num_threads(before)
