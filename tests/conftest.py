"""What the tests share. The helper modules beside this file are imported by name."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    """A generator with the same numbers in every run."""
    return np.random.default_rng(20240229)
