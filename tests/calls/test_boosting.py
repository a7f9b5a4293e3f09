"""Objectives of boosting: what they hand over, and what they refuse. No library of boosting is needed."""

import copy
import inspect
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import fastact as fa
from fastact._losses.base import Loss
from fastact._losses.class_rows import ClassLoss
from fastact._losses.elementwise import ElementwiseLoss
from fastact._losses.targets import ANY, Signs, Targets
from fastact.boosting import _UPPER, lightgbm_objective, xgboost_objective

FACTORIES = {"lightgbm": lightgbm_objective, "xgboost": xgboost_objective}
BOTH = pytest.mark.parametrize("objective", FACTORIES.values(), ids=FACTORIES)
ELEMENTWISE = [
    op.__name__
    for op in fa.list_ops("loss")
    if isinstance(op, ElementwiseLoss) and op._operands == ("input", "target")
]
BOUNDED = [name for name in _UPPER if name != "cross_entropy"]


class DataSet:
    """What lightgbm.Dataset and xgboost.DMatrix have in common."""

    def __init__(self, label, weight):
        self.get_label, self.get_weight = lambda: label, lambda: weight


# ---- derivatives ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ELEMENTWISE)
@BOTH
def test_derivatives_are_the_losses_with_the_rows_weights(objective, name, dtype, rng):
    scores = np.concatenate([rng.standard_normal(25) + 2, rng.random(25)]).astype(dtype)
    op = getattr(fa, name)
    target = rng.random(50).astype("f4") if isinstance(op._targets, Targets) else rng.choice([-1.0, 1.0], 50)
    weight = rng.integers(0, 3, 50).astype("f4")
    wanted = op.grad_and_hess(scores, target, weight=weight, reduction="sum")
    got = objective(name)(target, scores, weight)
    assert got[0].dtype == got[1].dtype == dtype and (weight == 0).any()
    np.testing.assert_array_equal(got[0], wanted[0])
    usual = ~(wanted[1] <= 0) | (weight == 0)
    np.testing.assert_array_equal(got[1][usual], wanted[1][usual])
    raised = np.where(wanted[0] == 0, 1e-16, 1.0) * weight.astype(dtype)
    np.testing.assert_array_equal(got[1][~usual], raised[~usual].astype(dtype))
    plain = objective(op)(target, scores)
    np.testing.assert_array_equal(plain[0], op.grad(scores, target, reduction="sum"))


@pytest.mark.parametrize("order", "CF")
@BOTH
def test_derivatives_by_row(objective, order, rng):
    scores = np.asarray(rng.standard_normal((40, 5)), order=order)
    labels, weight = rng.integers(0, 5, 40), 2.0 ** rng.integers(-3, 3, 40)  # which round nothing
    for options in ({}, {"label_smoothing": 0.1, "weight": np.arange(1.0, 6.0)}):
        wanted = fa.cross_entropy.grad_and_hess(scores, labels, reduction="sum", **options)
        got = objective("cross_entropy", **options)(labels.astype("f4"), scores, weight)
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(a, b * weight[:, None])


def test_targets_of_rows_may_be_probabilities(rng):
    scores, shares = rng.standard_normal((6, 3)), fa.softmax(rng.standard_normal((6, 3)))
    got = xgboost_objective("cross_entropy")(shares, scores)
    np.testing.assert_array_equal(got[0], fa.cross_entropy.grad(scores, shares, reduction="sum"))


def test_several_targets_a_row(rng):
    scores, target, weight = rng.standard_normal((6, 3)), rng.random((6, 3)), rng.random(6)
    wanted = fa.mse_loss.grad(scores, target, weight=weight[:, None], reduction="sum")
    for given in (target, target.ravel()):
        got = xgboost_objective("mse_loss")(given, scores, weight)
        np.testing.assert_array_equal(got[0], wanted)
        np.testing.assert_array_equal(got[1], np.broadcast_to(2 * weight[:, None], (6, 3)))


@pytest.mark.parametrize(
    "weight", [None, np.array([]), np.array([1.0, 2.0, 3.0])], ids=["none", "empty", "3"]
)
@BOTH
def test_a_data_set_after_predictions_is_the_same_as_labels_before(objective, weight, rng):
    scores, labels = rng.standard_normal((3, 4)), np.array([0.0, 3.0, 2.0])
    made = objective("cross_entropy")
    for a, b in zip(made(scores, DataSet(labels, weight)), made(labels, scores, weight), strict=True):
        np.testing.assert_array_equal(a, b)


def test_scores_of_one_class_after_those_of_another(rng):
    """As LightGBM before 4 has them: the same, in that layout."""
    scores, labels, weight = rng.standard_normal((6, 3)), rng.integers(0, 3, 6), rng.random(6)
    made = lightgbm_objective("cross_entropy", hess="upper")
    for a, b in zip(
        made(scores.ravel("F"), DataSet(labels, weight)), made(labels, scores, weight), strict=True
    ):
        np.testing.assert_array_equal(a, b.ravel("F"))


@BOTH
def test_inputs_are_left_alone(objective, rng):
    arrays = [rng.standard_normal((4, 3)), np.array([0, 1, 2, 1]), rng.random(4)]
    kept = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    objective("cross_entropy", hess="upper")(arrays[1], arrays[0], arrays[2])
    for a, b in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- Hessians --------------------------------------------------------------------------


@BOTH
def test_losses_that_slope_without_curvature_have_hessian_flat(objective):
    scores, weight = np.array([-3.0, 0.0, 0.5, 3.0]), np.array([1.0, 2.0, 3.0, 4.0])
    target = np.zeros(4)
    np.testing.assert_array_equal(objective("l1_loss")(target, scores)[1], [1, 1e-16, 1, 1])
    made = objective("l1_loss", flat=0.5, floor=0.25)
    np.testing.assert_array_equal(made(target, scores, weight)[1], [0.5, 0.5, 1.5, 2])
    np.testing.assert_array_equal(objective("huber_loss", flat=3.0)(target, scores)[1], [3, 1, 1, 3])


@BOTH
def test_small_hessians_are_raised_to_the_floor(objective):
    scores, target = np.array([-800.0, -40.0, 0.0, 40.0, 800.0]), np.zeros(5)
    name = "binary_cross_entropy_with_logits"
    exact = fa.binary_cross_entropy_with_logits.grad_and_hess(scores, target, reduction="sum")
    _, hess = objective(name)(target, scores)
    np.testing.assert_array_equal(hess, [1e-16, 1e-16, 0.25, 1e-16, 1.0])  # at 800 it slopes: flat
    assert exact[1][1] > 0
    _, hess = objective(name, floor=0.1)(target, scores, np.full(5, 2.0))
    np.testing.assert_array_equal(hess, [0.2, 0.2, 0.5, 0.2, 2.0])


def test_nan_stays():
    grad, hess = lightgbm_objective("mse_loss")([0.0, np.nan], [np.nan, 1.0])
    assert np.isnan(grad).all()
    np.testing.assert_array_equal(
        hess, fa.mse_loss.grad_and_hess([np.nan, 1.0], [0.0, np.nan], reduction="sum")[1]
    )


@pytest.mark.parametrize("name", BOUNDED)
@BOTH
def test_upper_bounds_bound_and_are_reached(objective, name):
    scores = np.linspace(-12, 12, 97)
    exact = getattr(fa, name)
    targets = {"poisson_nll_loss": (0.0, 4.0), "binary_cross_entropy_with_logits": (0.0, 1.0)}
    for target in targets.get(name, (1.0, -1.0) if isinstance(exact._targets, Signs) else (0.0, 1.0, -1.0)):
        grad, upper = objective(name, hess="upper")(np.full(97, target), scores)
        most, _ = exact.grad_and_hess(scores, target, reduction="sum")[::-1]
        np.testing.assert_array_equal(grad, exact.grad(scores, target, reduction="sum"))
        if name == "poisson_nll_loss":  # of a step of up to 0.7
            for step in (-2.0, 0.0, 0.35):
                assert (exact.grad_and_hess(scores + step, target, reduction="sum")[1] < upper).all()
            np.testing.assert_allclose(upper, np.exp(scores + 0.7), rtol=1e-14)
            continue
        assert (upper == upper[0]).all() and (most <= upper).all()
        assert upper[0] == max(most.max(), 1e-16)


def test_upper_bounds_take_options_and_weights():
    scores, target, weight = np.array([[5.0, -3.0]]), np.array([[1.0, 0.0]]), np.array([2.0])
    made = lightgbm_objective("binary_cross_entropy_with_logits", hess="upper", pos_weight=3.0)
    np.testing.assert_array_equal(made(target, scores, weight)[1], [[1.5, 0.5]])
    made = lightgbm_objective("smooth_l1_loss", hess="upper", beta=0.5)
    np.testing.assert_array_equal(made(target, scores, weight)[1], [[4.0, 4.0]])


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_upper_bounds_of_cross_entropy(classes, rng):
    """XGBoost's is no less than the Hessian matrix; LightGBM's is as its documentation has it."""
    scores, labels = 3 * rng.standard_normal((50, classes)), rng.integers(0, classes, 50)
    exact = fa.cross_entropy.grad_and_hess(scores, labels, reduction="sum")[1]
    by_xgboost = xgboost_objective("cross_entropy", hess="upper")(labels, scores)[1]
    by_lightgbm = lightgbm_objective("cross_entropy", hess="upper")(labels, scores)[1]
    np.testing.assert_array_equal(by_xgboost, 2 * exact)
    np.testing.assert_array_equal(by_lightgbm, exact * (classes / (classes - 1)))
    for row, diagonal in zip(fa.softmax(scores), by_xgboost, strict=True):
        matrix = np.diag(row) - np.outer(row, row)
        assert np.linalg.eigvalsh(np.diag(diagonal) - matrix).min() > -1e-15


# ---- the objects ---------------------------------------------------------------------


@BOTH
def test_objects(objective):
    made = objective(fa.huber_loss, hess="upper", floor=1e-3, flat=2, delta=2.0)
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), eval(repr(made), {"fastact": fa})):
        assert repr(other) == repr(made) and vars(other) == vars(made) and other.loss is fa.huber_loss
        np.testing.assert_array_equal(other([0.0], [5.0]), made([0.0], [5.0]))
    assert repr(objective("l1_loss")) == f"fastact.boosting.{objective.__name__}('l1_loss')"
    # LightGBM counts them, XGBoost looks for the last one's name
    assert [*inspect.signature(made).parameters] == ["y_true", "y_pred", "sample_weight"]
    for function in (objective, type(made), made.__call__):
        assert inspect.getdoc(function)


REFUSED = [
    (TypeError, "gelu", lambda f: f("gelu")),
    (TypeError, "loss", lambda f: f(np.square)),
    (ValueError, "huber_loss", lambda f: f("huber_lose")),
    (TypeError, "delta", lambda f: f("mse_loss", delta=1.0)),
    (TypeError, "reduction", lambda f: f("mse_loss", reduction="mean")),
    (TypeError, "axis", lambda f: f("cross_entropy", axis=0)),
    (ValueError, "hess", lambda f: f("mse_loss", hess="lower")),
    (ValueError, "l1_loss", lambda f: f("l1_loss", hess="upper")),
    (ValueError, "floor", lambda f: f("mse_loss", floor=0)),
    (ValueError, "floor", lambda f: f("mse_loss", floor=np.nan)),
    (ValueError, "flat", lambda f: f("mse_loss", flat=-1.0)),
    (ValueError, "flat", lambda f: f("mse_loss", flat="1")),
    (ValueError, "y_true", lambda f: f("mse_loss")([], [1.0])),
    (ValueError, "mse_loss", lambda f: f("mse_loss")([1.0, 2.0], np.zeros((2, 3)))),
    (ValueError, "y_pred", lambda f: f("cross_entropy")([1.0, 2.0], np.zeros(5))),
    (ValueError, "num_class", lambda f: f("cross_entropy")([1.0, 0.0], np.zeros(2))),
    (ValueError, "0.5", lambda f: f("cross_entropy")([1.0, 0.5], np.zeros((2, 3)))),
    (ValueError, "nan", lambda f: f("cross_entropy")([1.0, np.nan], np.zeros((2, 3)))),
    (IndexError, "3", lambda f: f("cross_entropy")([1.0, 3.0], np.zeros((2, 3)))),
    (ValueError, "sample_weight", lambda f: f("mse_loss")([1.0, 2.0], [1.0, 2.0], [1.0])),
]


@pytest.mark.parametrize(("error", "word", "call"), REFUSED)
@BOTH
def test_what_is_refused(objective, error, word, call):
    with pytest.raises(error, match=re.escape(word)):
        call(objective)


# What the libraries' own objectives refuse, or would train nonsense on: by loss, a label among good ones.
WRONG_LABELS = {
    "binary_cross_entropy_with_logits": (-1.0, 2.0),
    "focal_loss": (-1.0, 1.5),
    "gamma_deviance": (-1.0,),
    "tweedie_deviance": (-0.5,),
    "poisson_nll_loss": (-1.0,),
    "msle_loss": (-2.0,),
    "hinge_loss": (0.5, 2.0, -3.0),
    "squared_hinge_loss": (0.5, 2.0),
    "exponential_loss": (2.0,),
    "soft_margin_loss": (2.0, -0.25),
    "hinge_embedding_loss": (3.0,),
}


@pytest.mark.parametrize("name", WRONG_LABELS)
@BOTH
def test_labels_without_a_meaning_are_refused(objective, name):
    made, scores = objective(name), np.full(200, 0.25)
    for wrong in WRONG_LABELS[name]:
        for place in (0, 199):
            labels = np.ones(200, "f4")
            made(labels, scores)
            labels[place] = wrong
            with pytest.raises(ValueError, match=rf"^{objective.__name__}: y_true must be .*, got {wrong}"):
                made(labels, scores)
            with pytest.raises(ValueError, match="y_true must be"):
                made(scores, DataSet(labels, None))


def test_every_domain_is_tried():
    held = {op.__name__ for op in map(fa.get_op, ELEMENTWISE) if op._targets != ANY}
    assert held - {"binary_cross_entropy", "kl_div"} == WRONG_LABELS.keys()


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if isinstance(fa.get_op(n)._targets, Signs)])
@BOTH
def test_labels_of_classifiers(objective, name, rng):
    """0 and 1 are -1 and 1 where the loss wants these; both in one array are neither."""
    labels, scores, made = rng.integers(0, 2, 60).astype("f4"), rng.standard_normal(60), objective(name)
    for got, wanted in zip(made(labels, scores), made(2 * labels - 1, scores), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert (made(np.zeros(60), scores)[0] == made(-np.ones(60), scores)[0]).all()
    with pytest.raises(ValueError, match="y_true must be -1 or 1, got -1 and 0"):
        made(np.resize([-1.0, 0.0, 1.0], 60), scores)


@BOTH
def test_negative_weights_are_refused(objective):
    for name in ("mse_loss", "cross_entropy"):
        scores = np.zeros((3, 2)) if name == "cross_entropy" else np.zeros(3)
        with pytest.raises(ValueError, match=r"sample_weight must be at least 0, got -1\.0"):
            objective(name)(np.zeros(3), scores, np.array([1.0, -1.0, 1.0]))
        with pytest.raises(ValueError, match=r"weight must be at least 0, got -2\.0"):
            objective(name, weight=np.array([1.0, -2.0]))


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("huber_loss", {"delta": -1}, ValueError),
        ("focal_loss", {"alpha": -1}, ValueError),
        ("focal_loss", {"gamma": "much"}, TypeError),
        ("pinball_loss", {"quantile": 1.5}, ValueError),
        ("tweedie_deviance", {"power": 0.5}, ValueError),
        ("poisson_nll_loss", {"log_input": 1}, TypeError),
        ("cross_entropy", {"label_smoothing": 2}, ValueError),
        ("cross_entropy", {"z_loss": -1}, ValueError),
        ("nll_loss", {"ignore_index": 0.5}, TypeError),
        ("multi_margin_loss", {"p": 3}, ValueError),
        ("multi_margin_loss", {"margin": None}, TypeError),
    ],
)
@BOTH
def test_options_are_checked_when_the_objective_is_made(objective, name, options, error):
    with pytest.raises(error, match=rf"^{objective.__name__}: {next(iter(options))} must be .*, got"):
        objective(name, **options)


def test_objectives_are_equal_if_their_calls_are():
    weights = [np.array([1.0, 2.0]), np.array([1.0, 3.0])]
    made = [
        factory(name, **options)
        for factory in FACTORIES.values()
        for name, options in (
            ("huber_loss", {}),
            ("huber_loss", {"delta": 2.0}),
            ("huber_loss", {"delta": 2.0, "hess": "upper"}),
            ("huber_loss", {"delta": 2.0, "floor": 1e-3}),
            ("huber_loss", {"delta": 2.0, "flat": 0.5}),
            ("mse_loss", {}),
            ("cross_entropy", {"weight": weights[0]}),
            ("cross_entropy", {"weight": weights[1]}),
        )
    ]
    for k, one in enumerate(made):
        for j, other in enumerate(made):
            assert (one == other) == (j == k), (one, other)
        for same in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
            assert same == one and hash(same) == hash(one)
    assert made[0] != "huber_loss" and lightgbm_objective("mse_loss") == lightgbm_objective(fa.mse_loss)


def triplet(anchor, positive, negative, *, weight=None, reduction="mean"):
    """Not the package's: whatever losses of several inputs it has, here is one."""


def with_variance(input, target, var, *, weight=None, reduction="mean"):
    """The same, with a target."""


def pair(input, other, *, weight=None, reduction="mean"):
    """The same, of two inputs and without a target."""


class OfSeveral(ClassLoss):
    """Not in the op table."""

    def __init__(self, definition):
        Loss.__init__(self, definition)


OF_SEVERAL = [OfSeveral(definition) for definition in (triplet, with_variance, pair)]
OF_SEVERAL += [op for op in fa.list_ops("loss") if len(op._operands) != 2]


@pytest.mark.parametrize("op", OF_SEVERAL, ids=lambda op: op.__name__)
@BOTH
def test_losses_of_several_inputs_are_refused(objective, op):
    with pytest.raises(TypeError, match=f"one input and a target, {op.__name__} takes"):
        objective(op)


def test_upper_bound_of_counts_needs_logarithms():
    with pytest.raises(ValueError, match="log_input must be True"):
        lightgbm_objective("poisson_nll_loss", hess="upper", log_input=False)


def test_neither_library_is_imported():
    program = "import sys, fastact; fastact.boosting.xgboost_objective('mse_loss')([0.], [1.]);"
    program += " print({'lightgbm', 'xgboost', 'scipy', 'sklearn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
