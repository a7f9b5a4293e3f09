"""The page of worst errors: a row for each function, SciPy beside it, inputs that are what they say."""

import re
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT, ulp
from support.cases import ACTIVATIONS, ORDERS, errors_at

OPS = ("relu", "sigmoid", "silu")


def run(*options):
    command = [sys.executable, "-m", "benchmarks.accuracy_table", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    output = tmp_path_factory.mktemp("page") / "accuracy.md"
    done = run("--ops", ",".join(OPS), "--peers", "scipy", "--points", "64", "--output", str(output))
    assert done.returncode == 0, done.stderr
    return output.read_text()


def cells(page, dtype):
    """The cells of the rows of the type's first table, by (op, order)."""
    table = page.split(f"\n## {dtype}\n\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert rows[0] == ["op", "of", "fastact", "worst input", "bound", "SciPy"]
    return {(op, ORDERS.index(of)): rest for op, of, *rest in rows[2:]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_function_has_a_row(page, dtype):
    rows = cells(page, dtype)
    assert list(rows) == [(op, order) for op in OPS for order in range(3)]
    for (op, order), (ours, at, bound, scipy) in rows.items():
        worst, ordinary = map(float, re.fullmatch(r"(\S+) \((\S+)\)", ours).groups())
        assert float(bound) == ACTIVATIONS[op]["ulp"][dtype][order]
        assert ordinary <= worst <= float(bound) + 0.01
        assert (at == "-") == (op == "relu")
        assert (scipy == "-") == (op == "relu" or order > 0)


def test_worst_inputs_have_the_errors_given(page):
    for (op, order), (ours, at, *_) in cells(page, "float64").items():
        if at != "-":
            (error,) = errors_at(op, order, np.array([float.fromhex(at.strip("`"))]))
            assert f"{error:.2f}" == ours.split()[0]


def test_wrong_results_of_libraries_are_shown(page):
    """SciPy's sigmoid is 0 where it still is a subnormal number: that many ulp."""
    found = re.findall(r"\| sigmoid \| value \| SciPy \| (\S+) \| `(\S+)` \| 0 \| (\S+) \|", page)
    assert len(found) == 2
    for (error, at, exact), dtype in zip(found, ("float32", "float64"), strict=True):
        assert float(exact) == pytest.approx(np.exp(float.fromhex(at)), rel=1e-3)
        assert float(error) == pytest.approx(float(exact) / ulp.spacing(float(exact), dtype), rel=0.05)


def test_unknown_names_are_refused():
    done = run("--ops", "sigmoid,nonsense")
    assert done.returncode != 0 and "--ops nonsense" in done.stderr
