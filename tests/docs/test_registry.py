"""Every op has what an op needs: a row of the table, a documented definition, a reference.

An op that lacks one of them fails here, by name.
"""

import inspect
import re

import numpy as np
import pytest
import reference

import fastact as fa
from fastact import _core

TABLE = _core.table()
SECTIONS = ["Parameters", "Returns", "Raises", "Notes", "Examples"]
OF_ROWS = {n for n, entry in reference.LOSSES.items() if isinstance(entry, reference.RowLoss)}
BY_KIND = {
    "activation": reference.ACTIVATIONS,
    "rows": reference.ROWS,
    "loss": {n: entry for n, entry in reference.LOSSES.items() if n not in OF_ROWS},
    "class_loss": {n: reference.LOSSES[n] for n in OF_ROWS & TABLE["class_loss"].keys()},
    "float64_row_loss": {n: reference.LOSSES[n] for n in OF_ROWS - TABLE["class_loss"].keys()},
}
UNTABLED = sorted(reference.OTHER_LOSSES)  # with drivers of their own
OPS = [(kind, name) for kind in TABLE for name in TABLE[kind]] + [("loss", name) for name in UNTABLED]


def public_name(kind, name):
    """A form of an op has the op's name: gelu_tanh is gelu(approximate="tanh")."""
    return getattr(BY_KIND[kind].get(name), "op", "") or name


LOSSES = {public_name(kind, name) for kind, name in OPS if kind.endswith("loss")}
COMPOSED = {"rrelu", "linear_cross_entropy"}  # of other ops, in Python: with tests of their own
PUBLIC = sorted({public_name(kind, name) for kind, name in OPS})


@pytest.mark.parametrize("kind", TABLE)
def test_every_op_has_a_reference_and_every_reference_an_op(kind):
    assert TABLE[kind].keys() - BY_KIND[kind].keys() == set(), "ops without an entry in tests/reference"
    assert BY_KIND[kind].keys() - TABLE[kind].keys() == set(), "entries of tests/reference without an op"


def test_every_op_is_public_and_every_public_op_is_known():
    assert set(PUBLIC) <= set(fa.__all__)
    ops = {n for n in fa.__all__ if hasattr(getattr(fa, n), "backward")}
    assert ops == set(PUBLIC) | COMPOSED, "public ops that no test knows"
    assert fa.__all__ == sorted(fa.__all__)


@pytest.mark.parametrize(("kind", "name"), OPS)
def test_parameters_and_forms_match_the_table(kind, name):
    if name in UNTABLED:
        return
    row, entry, op = TABLE[kind][name], BY_KIND[kind][name], getattr(fa, public_name(kind, name))
    if kind == "activation":
        assert len(entry.parameters) == row["parameters"]
        if entry.splits:
            return
        names = [p for p in inspect.signature(op).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        defaults = tuple(p.default for p in names[1:])
        assert defaults == (inspect.Parameter.empty,) * entry.required + entry.parameters[entry.required :]
        assert all(k in inspect.signature(op).parameters for k in entry.options)
        assert (entry.from_output is not None) == row["from_output"] == hasattr(op, "backward_from_output")
    elif kind == "rows":
        assert (entry.backward_from_output is not None) == row["from_output"]
        assert hasattr(op, "backward_from_output") == row["from_output"]
    elif kind == "class_loss":
        assert row["targets"].startswith("labels")
    elif kind == "float64_row_loss":
        arrays = [p for p in inspect.signature(op).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert len([p for p in arrays if p.name != "target"]) == row["inputs"]
        assert ("target" in [p.name for p in arrays]) == (row["targets"] != "none")
    else:
        assert len(entry.parameters) + bool(entry.second) == row["parameters"]
        assert bool(entry.second) == row["second_input"]
        assert all(p in inspect.signature(op).parameters for p in entry.parameters)


@pytest.mark.parametrize("name", PUBLIC + sorted(COMPOSED))
def test_docstring(name):
    """The sections of a numpydoc docstring, every argument described, an example that uses the op."""
    op = getattr(fa, name)
    doc = inspect.getdoc(op)
    assert doc, f"{name} has no docstring"
    first, *rest = doc.splitlines()
    assert first.endswith(".") or not rest[0], f"{name}: the first line is a sentence of its own"
    headed = re.findall(r"^(\w[\w ]*)\n-+$", doc, flags=re.MULTILINE)
    assert [s for s in headed if s in SECTIONS] == SECTIONS
    assert "References" in headed or name in LOSSES, f"{name}: no reference"
    described = re.findall(r"^(\w[\w, ]*?)(?: :.*)?$", section(doc, "Parameters"), flags=re.MULTILINE)
    described = {argument.strip() for line in described for argument in line.split(",")}
    missing = inspect.signature(op).parameters.keys() - described
    assert not missing, f"{name}: not described: {missing}"
    assert described <= inspect.signature(op).parameters.keys(), f"{name}: described, but no argument"
    assert re.search(rf"fa\.{name}\b", section(doc, "Examples"))
    assert ":math:" in doc or ".. math::" in doc, f"{name}: no formula"


def section(doc, title):
    body = doc.split(f"{title}\n{'-' * len(title)}\n", 1)[1]
    return re.split(r"^\w[\w ]*\n-+$", body, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    "name", sorted({public_name("activation", n) for n, e in reference.ACTIVATIONS.items() if not e.splits})
)
def test_documented_bound_is_the_tables(name):
    """ "Error at most 2 ulp; derivatives at most 3 and 6." says what the table says."""
    notes = " ".join(section(inspect.getdoc(getattr(fa, name)), "Notes").split())
    for of_type in TABLE["activation"][name]["ulp"].values():
        value, first, second = of_type
        if value == 0:
            assert "Exact" in notes
        elif first == 0:
            assert f"at most {value:g} ulp" in notes
        else:
            assert f"Error at most {value:g} ulp; derivatives at most {first:g} and {second:g}" in notes


@pytest.mark.parametrize("name", PUBLIC)
def test_parts_are_documented(name):
    op = getattr(fa, name)
    for part in ("backward", "derivative", "backward_from_output", "value_and_grad", "grad", "grad_and_hess"):
        if hasattr(op, part):
            assert inspect.getdoc(getattr(op, part)), f"{name}.{part}"
            assert inspect.signature(getattr(op, part))


def test_bounds_are_positive_and_finite():
    for kind, rows in TABLE.items():
        for name, row in rows.items():
            for bounds in row.get("ulp", {}).values():  # of rows: in the losses' docstrings
                assert np.isfinite(bounds).all(), (kind, name)
                assert np.max(bounds) <= 6
