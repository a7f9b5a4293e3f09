"""The benchmarks run on the installed package and write what they say they do."""

import json
import re
import subprocess
import sys

import pytest
from support import ROOT

from fastact import _core

COMMAND = [sys.executable, "-m", "benchmarks"]


def run(*options, **keywords):
    return subprocess.run(
        [*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, **keywords
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    selection = [
        "--ops",
        "sigmoid,softmax,mse_loss,cross_entropy",
        "--shapes",
        "16,1x10",
        "--dtype",
        "float32",
    ]
    done = run(
        "--peers", "numpy", "--threads", "1", "--seconds", "0.001", "--output", str(folder), *selection
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "results.json").read_text()), (folder / "results.md").read_text()


def test_every_cell_of_the_selection_is_measured(measured):
    _, results, _ = measured
    cells = {(c["op"], c["variant"], tuple(c["shape"]), c["out"]) for c in results["cells"]}
    for op, shape in (("sigmoid", (16,)), ("softmax", (1, 10))):
        for variant in ("value", "backward", "backward_from_output"):
            assert {(op, variant, shape, True), (op, variant, shape, False)} <= cells
    for op, shape in (("mse_loss", (16,)), ("cross_entropy", (1, 10))):
        assert (op, "value", shape, False) in cells
        assert {(op, "value_and_grad", shape, True), (op, "value_and_grad", shape, False)} <= cells
    assert len(cells) == len(results["cells"]) == 18


def test_a_cell_has_times_errors_and_ratios(measured):
    _, results, _ = measured
    assert results["peers"] == ["numpy"] and set(results["versions"]) == {"fastact", "numpy"}
    for cell in results["cells"]:
        own, numpy = cell["libraries"]["fastact"], cell["libraries"]["numpy"]
        size = 16 if cell["shape"] == [16] else 10
        for library in (own, numpy):
            assert 0 < library["best"] <= library["median"] and library["samples"] >= 4
            assert library["ns_per_element"] == pytest.approx(library["best"] / size * 1e9)
            assert library["ulp"] >= 0
        assert cell["fastest_any"] == "numpy"
        assert cell["ratio_any"] == pytest.approx(numpy["best"] / own["best"])
        assert (cell["ratio_right"] is None) == (numpy["ulp"] > 8)
    assert {g["group"] for g in results["geomeans"]} == {c["group"] for c in results["cells"]}


def test_the_table_and_the_cells_below_one_are_printed_and_written(measured):
    printed, results, markdown = measured
    for cell in results["cells"]:
        name = f"{cell['op']}.{cell['variant']} float32"
        assert name in printed and name in markdown
    below = sum(c["ratio_any"] < 1 for c in results["cells"])
    if below:
        title = f"Cells where a library is faster ({below} of {len(results['cells'])})"
        assert title in printed and title in markdown


def test_every_op_is_measured_beside_numpy_and_right(tmp_path):
    """Each has a reference, by which fastact is right, and NumPy beside it where there is a formula."""
    selection = ["--shapes", "16,2x10", "--dtype", "float32", "--out", "both", "--threads", "1"]
    done = run("--peers", "numpy", "--seconds", "0.001", "--output", str(tmp_path), *selection)
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "results.json").read_text())["cells"]
    listed = "import sys; sys.path.append(sys.path.pop(0)); "  # the installed package first
    listed += "from benchmarks.formulas import FORMULAS as f; print(*('.'.join(key) for key in f))"
    formulas = subprocess.run([sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True).stdout
    assert len(formulas.split()) > 80
    table = _core.table()
    assert {c["op"] for c in cells} >= {*table["activation"], *table["rows"], *table["loss"]}
    for cell in cells:
        name, libraries = f"{cell['op']}.{cell['variant']}", cell["libraries"]
        assert libraries["fastact"]["ulp"] is not None, f"{name} has no reference"
        assert libraries["fastact"]["ulp"] < 8 and not cell["failed"], name
        assert ("numpy" in libraries) == (name in formulas.split()), name


def test_a_kind_stands_for_its_ops(tmp_path):
    selection = [
        "--ops",
        "loss,relu",
        "--shapes",
        "16",
        "--dtype",
        "float32",
        "--threads",
        "1",
        "--out",
        "no",
    ]
    done = run("--peers", "numpy", "--seconds", "0.001", "--output", str(tmp_path), *selection)
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "results.json").read_text())["cells"]
    assert {c["op"] for c in cells} == {"relu", *_core.table()["loss"]}


def test_unknown_names_are_refused():
    done = run("--ops", "sigmoid,nonsense")
    assert done.returncode != 0
    assert "--ops nonsense" in done.stderr


def test_the_source_folder_is_refused(tmp_path):
    """With nothing installed, the checkout's own folder is not measured in its place."""
    program = (
        "import runpy, sys; sys.path[:] = [sys.argv[1]] + [p for p in sys.path if 'lib/python' in p"
        " and 'site-packages' not in p]; runpy.run_module('benchmarks', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(ROOT)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "pip install ." in done.stderr


def test_losses_beside_scikit_learn_are_the_same(tmp_path):
    """The peer's values and gradients are those of the case, but for its own rounding."""
    names = [*_core.table()["loss"], "cross_entropy"]
    selection = ["--ops", ",".join(names), "--shapes", "40,5x10", "--dtype", "float64", "--threads", "1"]
    done = run("--peers", "sklearn", "--seconds", "0.001", "--output", str(tmp_path), *selection)
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "results.json").read_text())["cells"]
    assert not [cell["failed"] for cell in cells if cell["failed"]]
    beside = [cell for cell in cells if "sklearn" in cell["libraries"]]
    assert len({cell["op"] for cell in beside}) >= 9
    for cell in beside:
        assert cell["libraries"]["sklearn"]["ulp"] < 8, f"{cell['op']}.{cell['variant']}"


def test_linear_maps():
    options = ("--rows", "64", "--features", "8", "--classes", "100", "--rounds", "2")
    command = [sys.executable, "-m", "benchmarks.linear", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^time over that of its parts \d+\.\d{3} \(<= 1\.1; ", done.stdout, re.MULTILINE)
    assert re.search(r"^memory \d+\.\d MiB \(<= 64\)$", done.stdout, re.MULTILINE)


def test_layouts_are_walked_and_slow_ones_named():
    command = [sys.executable, "-m", "benchmarks.layouts", "--seconds", "0.001", "--match"]

    def output(match, most):
        done = subprocess.run(
            [*command, match, "--most", most], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        return done.stdout, done.returncode

    text, code = output("relu float32, ", "0")
    assert code == 1
    assert "2 cells, 2 slower than 0.0 times" in text
    assert re.search(r"^ *\d+\.\d\d .* relu float32, random mask: np.copyto$", text, re.MULTILINE)
    text, code = output("relu float32, ", "1000")
    assert (text, code) == ("2 cells, 0 slower than 1000.0 times the way around\n", 0)
