"""The programs of examples/ run, and find what they say they find."""

import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def regression():
    return runpy.run_path(str(EXAMPLES / "logistic_regression.py"))


@pytest.mark.parametrize("c", [0.1, 1.0])
def test_logistic_regression_finds_scikit_learns_optimum(regression, c):
    x, labels, *_ = regression["digits"]()
    x, labels = x[:400], labels[:400]
    ours = regression["fit"](x, labels, c, 1e-8)
    theirs = regression["fit_scikit_learn"](x, labels, c, 1e-8)
    losses = [regression["objective"](model, x, labels, c) for model in (ours, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-11)
    ours, theirs = map(regression["centred"], (ours, theirs))
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=0, atol=1e-4)
    np.testing.assert_allclose(ours.biases, theirs.biases, rtol=0, atol=1e-4)
    assert np.abs(theirs.weights).max() > 0.3


def test_gradient_of_logistic_regression(regression, rng):
    """By central differences, along a few random directions."""
    x, labels, *_ = regression["digits"]()
    data = (x[:50], labels[:50], 10, 0.5)
    at = 0.3 * rng.standard_normal(65 * 10)
    _, gradient = regression["penalized"](at, *data)
    for _ in range(3):
        step = 1e-5 * rng.standard_normal(at.size)
        rise = regression["penalized"](at + step, *data)[0] - regression["penalized"](at - step, *data)[0]
        assert rise == pytest.approx(2 * gradient @ step, rel=1e-6, abs=1e-12)


def test_logistic_regression_prints_a_table():
    command = [
        sys.executable,
        str(EXAMPLES / "logistic_regression.py"),
        "--repeats",
        "1",
        "--tolerance",
        "1e-4",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in (r"fastact \+ SciPy", "scikit-learn"):
        accuracy = re.search(rf"^{name} .* ([\d.]+)%$", done.stdout, flags=re.MULTILINE)
        assert accuracy and float(accuracy[1]) > 90, done.stdout
