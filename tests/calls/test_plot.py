"""`fastact plot`: where lines break, what is drawn where, files, errors."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import fastact as fa
from fastact._command import cli, plot

GATED = {"glu", "swiglu", "geglu", "reglu"}
OPS = {op.__name__: op for op in fa.list_ops("activation") if op.__name__ not in GATED}
LABELS = ["value", "first derivative", "second derivative"]
MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def subject(name, x_range=None, **given):
    op = OPS[name]
    return plot.choose(op, {**plot.examples(op), **given}, x_range)


def lines(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def dots(axes):
    """Of every colour, as (x, y)."""
    drawn = [line for line in axes.lines if line.get_marker() == "o"]
    return sorted(tuple(map(float, xy)) for line in drawn for xy in zip(*line.get_data(), strict=True))


JUMPS = [  # op, what is set, order of the derivative, {kink: value there}
    ("relu", {}, 0, {}),
    ("relu", {}, 1, {0: 0}),
    ("relu", {}, 2, {}),
    ("leaky_relu", {}, 1, {0: 0.01}),
    ("leaky_relu", {"negative_slope": "-0.5"}, 1, {0: -0.5}),
    ("leaky_relu", {"negative_slope": "1"}, 1, {}),
    ("prelu", {"weight": "0.25"}, 1, {0: 0.25}),
    ("relu6", {}, 1, {0: 0, 6: 0}),
    ("rrelu", {"lower": "0.25", "upper": "0.75"}, 1, {0: 0.5}),
    ("elu", {"alpha": "2"}, 1, {0: 2}),
    ("elu", {}, 1, {}),
    ("elu", {}, 2, {0: 1}),
    ("relu_squared", {}, 1, {}),
    ("relu_squared", {}, 2, {0: 0}),
    ("hardtanh", {}, 0, {}),
    ("hardtanh", {"min_val": "-2.5", "max_val": "0.1"}, 1, {-2.5: 0, 0.1: 0}),
    ("hardtanh", {"max_val": "inf"}, 1, {-1: 0}),
    ("hardswish", {}, 1, {-3: 0, 3: 1}),
    ("hardshrink", {}, 0, {-0.5: 0, 0.5: 0}),
    ("hardshrink", {"lambd": "2"}, 1, {-2: 0, 2: 0}),
    ("hardshrink", {"lambd": "0"}, 0, {}),
    ("threshold", {"threshold": "1", "value": "-2"}, 0, {1: -2}),
    ("threshold", {"threshold": "20", "value": "20"}, 0, {}),
    ("threshold", {"threshold": "20", "value": "20"}, 1, {20: 0}),
    ("step", {}, 0, {0: 0}),
    ("softsign", {}, 1, {}),
    ("softsign", {}, 2, {0: 0}),
    ("gelu", {"approximate": "tanh"}, 2, {}),
]


@pytest.mark.parametrize(("name", "given", "order", "jumps"), JUMPS)
def test_lines_break_where_they_jump(name, given, order, jumps):
    curve = subject(name, **given).curve(order)
    assert dict(zip(*curve.dots.tolist(), strict=True)) == jumps
    assert curve.x[np.isnan(curve.y)].tolist() == list(jumps)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", OPS)
def test_lines_are_the_ops_and_nowhere_upright(name, order):
    drawn = subject(name)
    curve, op = drawn.curve(order), OPS[name]
    y = op.derivative(curve.x, order=order, **drawn.values) if order else op(curve.x, **drawn.values)
    solid = ~np.isnan(curve.y)
    np.testing.assert_array_equal(curve.y[solid], y[solid])
    np.testing.assert_array_equal(curve.dots, [curve.x[~solid], y[~solid]])
    assert (np.diff(curve.x) > 0).all()
    steepest = np.nanmax(abs(np.diff(curve.y)))
    assert steepest <= 0.1 * np.ptp(y), "a jump that op.kinks does not tell of"
    beside = np.diff(curve.x) < 1e-9
    assert np.nanmax(abs(np.diff(curve.y))[beside], initial=0) <= 1e-6 * np.ptp(y)
    for kink in drawn.kinks:  # the line goes up to it
        assert {kink, np.nextafter(kink, -np.inf), np.nextafter(kink, np.inf)} <= set(curve.x)


@pytest.mark.parametrize(
    ("name", "given", "x_range", "wanted", "kinks"),
    [
        ("gelu", {}, None, (-5, 5), []),
        ("relu6", {}, None, (-5, 7), [0, 6]),
        ("hardshrink", {"lambd": "7"}, None, (-8, 8), [-7, 7]),
        ("hardtanh", {"min_val": "-inf"}, None, (-5, 5), [1]),
        ("hardtanh", {"min_val": "1", "max_val": "-1"}, None, (-5, 5), [-1, 1]),
        ("relu6", {}, (-1.0, 1.0), (-1, 1), [0]),
        ("relu6", {}, (0.0, 6.0), (0, 6), [0, 6]),
        ("relu6", {}, (1.0, 2.0), (1, 2), []),
    ],
)
def test_range_and_kinks_within(name, given, x_range, wanted, kinks):
    drawn = subject(name, x_range, **given)
    assert drawn.x_range == wanted
    assert drawn.kinks == kinks
    x = drawn.curve(1).x
    assert (x[0], x[-1]) == wanted


def test_jump_at_the_edge_of_the_range():
    curve = subject("relu", (0.0, 1.0)).curve(1)
    assert curve.dots.tolist() == [[0], [0]]
    assert np.isnan(curve.y[0])
    assert (curve.x[1], curve.y[1]) == (np.nextafter(0, 1), 1)


def test_what_is_not_finite_is_not_drawn():
    curve = subject("leaky_relu", negative_slope="1e308").curve(0)
    assert np.isnan(curve.y[curve.x < -1e-200]).all()
    np.testing.assert_array_equal(curve.y[curve.x >= 0], curve.x[curve.x >= 0])


def test_one_plot():
    figure = Figure()
    plot.draw_one(figure, subject("hardshrink", lambd="2"), (0, 1, 2))
    (axes,) = figure.axes
    for order, label in enumerate(LABELS):
        (line,) = lines(axes, label)
        breaks = line.get_xdata()[np.isnan(line.get_ydata())]
        assert breaks.tolist() == ([] if order == 2 else [-2, 2])
    kinks = lines(axes, "kink")
    assert [line.get_xdata() for line in kinks] == [[-2, -2], [2, 2]]
    assert all(line.is_dashed() and line.get_linewidth() < 1 for line in kinks)
    assert dots(axes) == [(-2, 0), (-2, 0), (2, 0), (2, 0)]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [*LABELS, "kink", "value at a jump"]
    assert axes.get_title() == "hardshrink (lambd = 2)"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "hardshrink(x)")
    assert axes.get_xlim() == (-5, 5)
    assert all(line.get_visible() for line in axes.get_xgridlines())


def test_one_plot_of_what_has_no_kink():
    figure = Figure()
    plot.draw_one(figure, subject("gelu", approximate="tanh"), (0,))
    (axes,) = figure.axes
    assert axes.get_title() == "gelu (approximate = tanh)"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["value"]
    assert dots(axes) == []


def test_derivative_is_of_the_parameter_that_is_set():
    figure = Figure()
    plot.draw_one(figure, subject("leaky_relu", negative_slope="0.2"), (0, 1))
    value, first = (lines(figure.axes[0], label)[0] for label in LABELS[:2])
    assert value.get_ydata()[0] == pytest.approx(-1)
    assert first.get_ydata()[0] == pytest.approx(0.2)


def test_sheet_has_them_all():
    figure, subjects = Figure(), [subject(name) for name in OPS]
    columns = next(n for n in range(2, 99) if len(OPS) % n)  # so that places are left over
    plot.draw_sheet(figure, subjects, (0, 1, 2), columns)
    assert [axes.get_title() for axes in figure.axes] == list(OPS)
    for axes, drawn in zip(figure.axes, subjects, strict=True):
        assert [line.get_xdata()[0] for line in lines(axes, "kink")] == drawn.kinks
        assert [len(lines(axes, label)) for label in LABELS] == [1, 1, 1]
        assert dots(axes) == sorted(xy for k in range(3) for xy in zip(*drawn.curve(k).dots, strict=True))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [*LABELS, "kink", "value at a jump"]
    settings = {axes.get_title(): axes.get_xlabel() for axes in figure.axes}
    assert settings["relu"] == ""
    assert settings["prelu"] == "weight = 0.25"
    assert settings["hardtanh"] == "min_val = -1, max_val = 1"


def test_what_can_be_set_and_what_a_sheet_takes():
    def op(input, weight, unheard_of, b=2.0, flag=False, *, form="a", axis=None, casting="no", order="K"):
        return input

    assert plot.examples(op) == {"weight": "0.25", "unheard_of": "0.5"}
    values = plot.set_values(op, {"weight": "-1e-3", "unheard_of": "inf", "form": "b"})
    assert values == {"weight": -1e-3, "unheard_of": np.inf, "b": 2.0, "form": "b"}


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_files_are_the_same_every_time(suffix, tmp_path):
    files = [tmp_path / f"{k}{suffix}" for k in "ab"]
    before = dict(matplotlib.rcParams)
    for file in files:
        assert cli.main(["plot", "hardswish", "--derivatives", "-o", str(file)]) == 0
    a, b = (file.read_bytes() for file in files)
    assert a == b
    assert a.startswith(MAGIC[suffix.lower()])
    assert b"Date" not in a  # the files may be of the same second
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", [["gelu"], []])
def test_derivatives_are_drawn_if_asked_for(name, tmp_path):
    for flags, wanted in (([], LABELS[:1]), (["--derivatives"], LABELS)):
        file = tmp_path / "x.svg"  # which has each text as a comment
        assert cli.main(["plot", *name, *flags, "-o", str(file)]) == 0
        assert [label for label in LABELS if f"<!-- {label} -->" in file.read_text()] == wanted


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(fa.__file__).parents[1],  # not the source folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_neither_display_nor_settings_matter(tmp_path):
    ours, theirs, settings = tmp_path / "a.svg", tmp_path / "b.svg", tmp_path / "matplotlibrc"
    settings.write_text("lines.linewidth: 9\nfont.size: 30\ntext.usetex: True\nsvg.fonttype: none\n")
    assert cli.main(["plot", "-o", str(ours)]) == 0
    code = f"""if True:
        import sys
        from fastact._command import cli
        assert cli.main(["plot", "-o", {str(theirs)!r}]) == 0
        assert "matplotlib.pyplot" not in sys.modules, "which would choose a backend"
    """
    run(code, MPLBACKEND="TkAgg", DISPLAY="", MATPLOTLIBRC=str(settings))
    assert ours.read_bytes() == theirs.read_bytes()


def test_other_commands_do_without_matplotlib():
    code = """if True:
        import sys
        sys.modules["matplotlib"] = None
        from fastact._command import cli, plot
        assert cli.main(["info"]) == 0
    """
    assert "gelu" in run(code)


def test_missing_matplotlib_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # importing it is an ImportError
    assert cli.main(["plot", "gelu", "-o", str(tmp_path / "x.png")]) == 1
    text = capsys.readouterr().err
    assert "this needs matplotlib" in text
    assert "pip install matplotlib" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("softmax", "name must be that of an activation, got the row op 'softmax'"),
        ("mse_loss", "name must be that of an activation, got the loss 'mse_loss'"),
        ("swiglu", "name must be that of a function of one number: 'swiglu' is of two, a and b"),
        ("LeakyReLU", "name must be that of an op, got 'LeakyReLU'; did you mean 'leaky_relu'?"),
        ("gelu --set beta=1", "gelu has no 'beta' to set; it has approximate"),
        ("gelu --set order=2", "gelu has no 'order' to set; it has approximate"),
        ("prelu --set axis=1", "prelu has no 'axis' to set; it has weight"),
        ("relu --set input=1", "relu has no 'input' to set; it has nothing to set"),
        ("rrelu --set training=1", "rrelu has no 'training' to set; it has lower, upper"),
        ("rrelu --set lower=1", "rrelu: lower must not exceed upper, got 1.0 and 0.3333333333333333"),
        ("gelu --set approximate=no", "gelu: approximate must be 'none' or 'tanh', got 'no'"),
        ("leaky_relu --set negative_slope=steep", "negative_slope must be a number, got 'steep'"),
        ("leaky_relu --set negative_slope=", "negative_slope must be a number, got ''"),
        ("leaky_relu --set negative_slope=nan", "negative_slope must be a number, got 'nan'"),
        ("prelu", "prelu needs weight: --set weight=NUMBER"),
        ("threshold", "threshold needs threshold and value: --set threshold=NUMBER --set value=NUMBER"),
        ("threshold --set value=1", "threshold needs threshold: --set threshold=NUMBER"),
        ("--set negative_slope=1", "--set negative_slope=1 is for one activation: name it"),
        ("relu --range 5 -5", "--range must be a number and a larger one, got 5 -5"),
        ("relu --range 1 1", "--range must be a number and a larger one, got 1 1"),
        ("relu --range 1 nan", "--range must be a number and a larger one, got 1 nan"),
        ("--range 1 inf", "--range must be a number and a larger one, got 1 inf"),
    ],
)
def test_errors_name_what_was_found_and_wanted(arguments, message, tmp_path, capsys):
    assert cli.main(["plot", *arguments.split(), "-o", str(tmp_path / "x.png")]) == 1
    captured = capsys.readouterr()
    assert captured.err == f"fastact plot: {message}\n"
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("x.jpg", "must end in one of .png, .svg, .pdf"),
        ("x", "must end in one of .png, .svg, .pdf"),
        ("no/x.png", "there is no folder"),
        ("folder.png", "Is a directory"),
    ],
)
@pytest.mark.parametrize("name", [["gelu"], []])
def test_files_that_cannot_be_written(name, file, why, tmp_path, capsys):
    (tmp_path / "folder.png").mkdir()
    assert cli.main(["plot", *name, "-o", str(tmp_path / file)]) == 1
    text = capsys.readouterr().err
    assert text.startswith(f"fastact plot: cannot plot to {tmp_path / file}: ")
    assert why in text


def test_last_setting_counts(tmp_path):
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file, earlier in zip(files, ([], ["--set", "beta=9"]), strict=True):
        assert cli.main(["plot", "softplus", *earlier, "--set", "beta=2", "-o", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert "beta = 2" in files[0].read_text()
