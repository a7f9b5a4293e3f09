"""What type checkers say of calls, and what an editor completes."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastact as fa

CALLS = Path(__file__).with_name("typed_calls.py")
LINES = CALLS.read_text(encoding="utf-8").splitlines()
WRONG = {k for k, line in enumerate(LINES, 1) if line.endswith("# wrong")}
TYPES = {k: line.split("# type: ")[1] for k, line in enumerate(LINES, 1) if "# type: " in line}
METHODS = ["value_and_grad", "grad", "backward", "grad_and_hess"]


def revealing(tmp_path):
    """The calls, each whose type is named inside `reveal_type`."""
    lines = [
        f"reveal_type({line.split('  #')[0]})" if k in TYPES else line.split("  #")[0]
        for k, line in enumerate(LINES, 1)
    ]
    made = tmp_path / "calls.py"
    made.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made


def plain(found):
    """A checker's name of a type in the words of typed_calls.py."""
    found = found.replace("builtins.", "").replace("numpy.float64", "float64")
    array = r"(?:numpy\.)?ndarray\[(?:tuple\[Any, \.\.\.\]|Any), (?:numpy\.)?dtype\[Any\]\]"
    return re.sub(r"tuple\[", "[", re.sub(array, "array", found)).replace("[", "(").replace("]", ")")


def check(errors, types):
    assert errors == WRONG
    assert {line: plain(found) for line, found in types.items()} == TYPES


def test_mypy(tmp_path):
    command = [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", tmp_path / "cache"]
    done = subprocess.run([*command, revealing(tmp_path)], capture_output=True, text=True, cwd=tmp_path)
    errors = {int(line) for line in re.findall(r":(\d+): error: ", done.stdout)}
    types = {int(k): t for k, t in re.findall(r':(\d+): note: Revealed type is "(.*)"', done.stdout)}
    check(errors, types)


def test_pyright(tmp_path):
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, revealing(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    errors = {int(line) for line in re.findall(r":(\d+):\d+ - error: ", done.stdout)}
    types = dict(re.findall(r':(\d+):\d+ - information: Type of ".*" is "(.*)"', done.stdout))
    check(errors, {int(k): t for k, t in types.items()})


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("loss", fa.list_ops("loss"), ids=lambda loss: loss.__name__)
def test_methods_have_the_loss_own_arguments(loss, name):
    method = getattr(loss, name)
    before = ["grad_output"] if name == "backward" else []
    given = list(inspect.signature(method).parameters.values())
    own = inspect.signature(loss).parameters
    assert [p.name for p in given] == [*before, *own, "out"]
    assert [p.default for p in given[len(before) : -1]] == [p.default for p in own.values()]
    assert method.__qualname__ == f"{loss.__name__}.{name}" and method.__doc__


def test_no_module_of_definitions_is_in_the_way():
    assert dir(fa) == sorted(fa.__all__)
    modules = {name for name in fa.__all__ if inspect.ismodule(getattr(fa, name))}
    assert modules == {"boosting"}
    for name in ("linear", "margin", "distance", "hard", "binary"):
        assert not hasattr(fa, name)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fa.cross_entropy.value_and_grad(x, y, la", "label_smoothing="),
        ("fa.huber_loss(x, y, de", "delta="),
        ("fa.gelu(x, appr", "approximate="),
        ("fa.softmax(x, ax", "axis="),
        ("fa.cross_ent", "cross_entropy"),
    ],
)
def test_completion(text, wanted):
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.push({"fa": fa, "x": [1.0], "y": [0]})
    with provisionalcompleter():
        assert wanted in {c.text.rpartition(".")[2] for c in shell.Completer.completions(text, len(text))}
