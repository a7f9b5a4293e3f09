"""The command: what it prints, its exit codes, and the demo's claims."""

import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest

import fastact as fa
from fastact import demo
from fastact._command import cli, comparison
from fastact._command.demo_peers import PlainNumPy


def test_info_names_everything(capsys):
    assert cli.main(["info"]) == 0
    text = capsys.readouterr().out
    config = fa.config()
    for word in (config["version"], config["isa"], str(config["num_threads"]), config["cpu"].split()[0]):
        assert word in text
    listed = set(re.findall(r"\w+", text))
    others = {"__version__", "boosting", "config", "get_num_threads", "get_op", "list_ops"}
    others |= {"register_threadpoolctl", "set_num_threads"}
    assert set(fa.__all__) - others <= listed


def test_module_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fastact", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"fastact {fa.__version__}\n", "")


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for command in ("info", "demo", "plot"):
        assert command in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "command"),
        (["nonsense"], "nonsense"),
        (["info", "extra"], "extra"),
        (["demo", "--plit", "x.png"], "--plit"),
        (["demo", "--plot"], "--plot"),
        (["plot", "gelu"], "--output"),
        (["plot", "gelu", "extra", "-o", "x.png"], "extra"),
        (["plot", "gelu", "--set", "approximate", "-o", "x.png"], "must be NAME=VALUE, got 'approximate'"),
        (["plot", "gelu", "--set", "=tanh", "-o", "x.png"], "must be NAME=VALUE, got '=tanh'"),
        (["plot", "gelu", "--range", "0", "one", "-o", "x.png"], "'one'"),
    ],
)
def test_unknown_input_is_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert named in capsys.readouterr().err


def test_demo(capsys, tmp_path):
    """The demo's own checks (accuracy, peers equal within rounding) decide its exit code."""
    threads = fa.get_num_threads()
    file = tmp_path / "loss.png"
    plots = importlib.util.find_spec("matplotlib") is not None
    assert cli.main(["demo", *(["--plot", str(file)] if plots else [])]) == 0
    captured = capsys.readouterr()
    accuracy = re.search(r"Test accuracy: ([\d.]+)%", captured.out)
    assert accuracy is not None
    assert float(accuracy[1]) >= 97
    assert "plain NumPy" in captured.out
    torch_missing = importlib.util.find_spec("torch") is None
    assert ("PyTorch is not installed" in captured.out) == torch_missing
    assert "training: 100%" in captured.err
    assert not plots or file.read_bytes().startswith(b"\x89PNG")
    assert fa.get_num_threads() == threads


@pytest.mark.parametrize("missing", ["sklearn", "tqdm", "threadpoolctl"])
def test_demo_names_what_is_missing(missing, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, missing, None)  # importing it is an ImportError
    assert cli.main(["demo"]) == 1
    text = capsys.readouterr().err
    assert f"pip install {({'sklearn': 'scikit-learn'}).get(missing, missing)}\n" in text


def test_demo_names_all_that_is_missing(monkeypatch, capsys):
    """Not one at a time, and by names that PyPI knows."""
    for module in ("sklearn", "tqdm", "threadpoolctl", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    assert cli.main(["demo", "--plot", "loss.png"]) == 1
    text = capsys.readouterr().err
    assert "this needs tqdm, scikit-learn, threadpoolctl, matplotlib (" in text
    assert text.endswith("pip install tqdm scikit-learn threadpoolctl matplotlib\n")


def test_demo_help(capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    text = capsys.readouterr().out
    assert "97%" in text and "97 %%" not in text and "97%%" not in text


def test_plot_names_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["demo", "--plot", "loss.png"]) == 1
    assert "pip install matplotlib\n" in capsys.readouterr().err


@pytest.mark.parametrize(("file", "why"), [("loss.xyz", "must end in"), ("no/such/loss.png", "no folder")])
def test_plot_is_refused_before_training(file, why, tmp_path, capsys):
    assert cli.main(["demo", "--plot", str(tmp_path / file)]) == 1
    captured = capsys.readouterr()
    assert why in captured.err
    assert captured.out == ""


def test_demo_fails_on_a_wrong_result():
    right, wrong = (
        comparison.Run(demo.Perceptron(demo.initial_weights()), losses=[1.0], seconds=[1.0]) for _ in "ab"
    )
    comparison.check([right, wrong], 0.98)
    with pytest.raises(comparison.DemoError, match="below 97%"):
        comparison.check([right], 0.96)
    wrong.network.weights[0][0, 0] += 1e-3
    with pytest.raises(comparison.DemoError, match="more than rounding"):
        comparison.check([right, wrong], 0.98)
    wrong.network.weights[0][0, 0] = np.nan
    with pytest.raises(comparison.DemoError, match="more than rounding"):
        comparison.check([right, wrong], 0.98)


@pytest.mark.parametrize("kind", [demo.Perceptron, PlainNumPy])
def test_network_gradients(kind):
    """Against central differences, in float64."""
    rng = np.random.default_rng(1)
    network = kind([w.astype(np.float64) for w in demo.initial_weights()])
    x, t = rng.random((8, 64)), rng.integers(0, 10, 8)
    h1, a1, h2, a2, z = network.forward(x)
    _, dz = network.loss_and_grad(z, t)
    grads = network.backward(dz, x, h1, a1, h2, a2)

    def loss():
        return network.loss_and_grad(network.forward(x)[-1], t)[0]

    for w, dw in zip(network.weights, grads, strict=True):
        at = tuple(rng.integers(0, n) for n in w.shape)
        kept, step = w[at], 1e-5
        w[at] = kept + step
        above = loss()
        w[at] = kept - step
        below = loss()
        w[at] = kept
        assert dw[at] == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-9)
