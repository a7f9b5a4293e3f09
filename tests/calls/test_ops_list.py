"""`list_ops` and `get_op`: everything public is found, and what is not says what is close."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import reference

import fastact as fa
from fastact import _core
from fastact._command import cli

TABLE = _core.table()


KINDS = ("activation", "rows", "loss")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_tables(kind):
    """Less its forms, which are options, and more the ops that are made of other rows of the table."""
    listed = {op.__name__ for op in fa.list_ops(kind)}
    entries = [*reference.ACTIVATIONS.items(), *reference.LOSSES.items()]
    forms = {name for name, entry in entries if getattr(entry, "op", "") not in ("", name)}
    by_row = {*TABLE["class_loss"], *TABLE["float64_row_loss"]}
    other = by_row | reference.OTHER_LOSSES.keys() | {"linear_cross_entropy"}
    composed = {"activation": {"rrelu"}, "rows": set(), "loss": other}
    assert listed == (TABLE[kind].keys() - forms) | composed[kind]


def test_ops_are_the_public_objects_in_order():
    ops = fa.list_ops()
    assert [op is getattr(fa, op.__name__) for op in ops] == [True] * len(ops)
    assert ops == fa.list_ops("activation") + fa.list_ops("rows") + fa.list_ops("loss")
    for kind in KINDS:
        names = [op.__name__ for op in fa.list_ops(kind)]
        assert names == sorted(names)
    assert {op.__name__ for op in ops} == {n for n in fa.__all__ if hasattr(getattr(fa, n), "backward")}


def test_a_list_is_the_callers():
    fa.list_ops().clear()
    assert fa.list_ops()


@pytest.mark.parametrize("kind", ["activations", "", "Loss", 3, ["loss"]])
def test_wrong_kind(kind):
    wanted = f"kind must be one of 'activation', 'rows', 'loss', got {kind!r}"
    with pytest.raises(ValueError, match=re.escape(wanted)):
        fa.list_ops(kind)


def test_every_op_is_found_by_its_name():
    for op in fa.list_ops():
        assert fa.get_op(op.__name__) is op


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GELU", "gelu"),
        ("geluu", "gelu"),
        ("LeakyReLU", "leaky_relu"),
        ("leakyrelu", "leaky_relu"),
        ("log-softmax", "log_softmax"),
        ("LogSoftmax", "log_softmax"),
        ("torch.nn.functional.softplus", "softplus"),
        ("nn.SiLU", "silu"),
        ("NLLLoss", "nll_loss"),
        ("CrossEntropyLoss", "cross_entropy"),
        (" tanh\n", "tanh"),
    ],
)
def test_a_close_name_is_suggested(name, meant):
    whole = f"get_op: name must be that of an op, got {name!r}; did you mean {meant!r}?"
    with pytest.raises(ValueError, match=f"^{re.escape(whole)}$"):
        fa.get_op(name)


@pytest.mark.parametrize("name", ["", "...", "fourier", "__version__", "config"])
def test_nothing_is_suggested_for_what_is_far_off(name):
    whole = f"get_op: name must be that of an op, got {name!r}; fastact.list_ops() has them all"
    with pytest.raises(ValueError, match=f"^{re.escape(whole)}$"):
        fa.get_op(name)


@pytest.mark.parametrize("name", [None, 3, b"gelu", ["gelu"], fa.gelu])
def test_a_name_is_a_string(name):
    with pytest.raises(TypeError, match=f"name must be a str, got {type(name).__name__}"):
        fa.get_op(name)


def test_info_lists_them(capsys):
    cli.main(["info"])
    text = " ".join(capsys.readouterr().out.split())
    for label, kind in (("activations", "activation"), ("row ops", "rows"), ("losses", "loss")):
        assert f"{label} {', '.join(op.__name__ for op in fa.list_ops(kind))}" in text


def test_import_does_without_difflib():
    code = "import numpy, sys; before = set(sys.modules); import fastact; print(*(set(sys.modules) - before))"
    folder = Path(fa.__file__).parents[1]  # not the source folder
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=folder
    )
    assert "fastact._registry" in done.stdout.split()
    assert "difflib" not in done.stdout.split()
