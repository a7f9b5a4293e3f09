"""Objectives of boosting: what they hand over, and that the libraries' trees come out the same."""

import copy
import inspect
import json
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets

import fastact as fa
from fastact._elementwise_loss import ElementwiseLoss
from fastact._row_loss import RowLoss
from fastact.boosting import _UPPER, lightgbm_objective, xgboost_objective

FACTORIES = {"lightgbm": lightgbm_objective, "xgboost": xgboost_objective}
BOTH = pytest.mark.parametrize("objective", FACTORIES.values(), ids=FACTORIES)
ELEMENTWISE = [
    op.__name__
    for op in fa.list_ops("loss")
    if isinstance(op, ElementwiseLoss) and op._operands == ("input", "target")
]
POISSON = pytest.param(
    "poisson_nll_loss",
    marks=pytest.mark.skipif(not hasattr(fa, "poisson_nll_loss"), reason="fastact lacks poisson_nll_loss"),
)
BOUNDED = [POISSON if name == "poisson_nll_loss" else name for name in _UPPER if name != "cross_entropy"]


class DataSet:
    """What lightgbm.Dataset and xgboost.DMatrix have in common."""

    def __init__(self, label, weight):
        self.get_label, self.get_weight = lambda: label, lambda: weight


# ---- derivatives ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ELEMENTWISE)
@BOTH
def test_derivatives_are_the_losses_with_the_rows_weights(objective, name, dtype, rng):
    scores, target = rng.standard_normal(50).astype(dtype) + 2, rng.random(50).astype("f4")
    weight = rng.integers(0, 3, 50).astype("f4")
    op = getattr(fa, name)
    wanted = op.grad_and_hess(scores, target, weight=weight, reduction="sum")
    got = objective(name)(target, scores, weight)
    assert got[0].dtype == got[1].dtype == dtype and (weight == 0).any()
    np.testing.assert_array_equal(got[0], wanted[0])
    usual = (wanted[1] > 0) | (weight == 0)
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
    for target in (0.0, 1.0, -1.0) if name != "poisson_nll_loss" else (0.0, 4.0):
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


def triplet(anchor, positive, negative, *, weight=None, reduction="mean"):
    """Not the package's: whatever losses of several inputs it has, here is one."""


def with_variance(input, target, var, *, weight=None, reduction="mean"):
    """The same, with a target."""


def pair(input, other, *, weight=None, reduction="mean"):
    """The same, of two inputs and without a target."""


OF_SEVERAL = [RowLoss(definition, False) for definition in (triplet, with_variance, pair)]
OF_SEVERAL += [op for op in fa.list_ops("loss") if len(op._operands) != 2]


@pytest.mark.parametrize("op", OF_SEVERAL, ids=lambda op: op.__name__)
@BOTH
def test_losses_of_several_inputs_are_refused(objective, op):
    with pytest.raises(TypeError, match=f"one input and a target, {op.__name__} takes"):
        objective(op)


def test_upper_bound_of_counts_needs_logarithms():
    if not hasattr(fa, "poisson_nll_loss"):
        pytest.skip("fastact lacks poisson_nll_loss")
    with pytest.raises(ValueError, match="log_input=True"):
        lightgbm_objective("poisson_nll_loss", hess="upper", log_input=False)


def test_neither_library_is_imported():
    program = "import sys, fastact; fastact.boosting.xgboost_objective('mse_loss')([0.], [1.]);"
    program += " print({'lightgbm', 'xgboost', 'scipy', 'sklearn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ---- the libraries -------------------------------------------------------------------

DATA = {
    "binary": datasets.load_breast_cancer(return_X_y=True),
    "classes": datasets.load_wine(return_X_y=True),
    "ten classes": datasets.load_digits(return_X_y=True),
    "numbers": datasets.load_diabetes(return_X_y=True),
}
DATA["counts"] = (DATA["numbers"][0], DATA["numbers"][1] // 100)
DATA["units"] = (DATA["numbers"][0], DATA["numbers"][1] / 25 - 2)
DATA["signs"] = (DATA["binary"][0], 2 * DATA["binary"][1] - 1)
WEIGHTED = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
LOGISTIC = "binary_cross_entropy_with_logits"
ROUNDS = 12


def data(name, weighted, rng):
    x, y = DATA[name]
    return x, y, rng.uniform(0.5, 2, len(y)) if weighted else None


def assert_same_trees(got, wanted):
    """The same splits; leaves to the rounding of float32, of the largest leaf's where one nearly cancels."""
    assert len(got) == len(wanted) >= ROUNDS
    for a, b in zip(got, wanted, strict=True):
        assert a.keys() == b.keys() and len(a) > 2
        np.testing.assert_allclose(
            [a[k] for k in b], [*b.values()], rtol=0, atol=2e-6 * max(map(abs, b.values()))
        )


def lightgbm_trees(booster):
    """Of each tree its leaves, by the path to them."""

    def leaves(node, path=()):
        if "split_feature" not in node:
            return {path: node["leaf_value"]}
        here = (node["split_feature"], node["threshold"])
        return leaves(node["left_child"], (*path, here, "<=")) | leaves(
            node["right_child"], (*path, here, ">")
        )

    return [leaves(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]


def xgboost_trees(booster):
    def leaves(node, path=()):
        if "leaf" in node:
            return {path: node["leaf"]}
        here, (yes, no) = (node["split"], node["split_condition"]), node["children"]
        assert yes["nodeid"] == node["yes"]
        return leaves(yes, (*path, here, "<")) | leaves(no, (*path, here, ">="))

    return [leaves(json.loads(tree)) for tree in booster.get_dump(dump_format="json")]


LIGHTGBM = {"verbosity": -1, "num_leaves": 8, "boost_from_average": False, "num_threads": 1, "seed": 1}
XGBOOST = {"max_depth": 3, "nthread": 1, "seed": 1}

LIGHTGBM_OWN = [
    ("numbers", {"objective": "regression"}, "half_squared_error", {}),
    ("numbers", {"objective": "huber", "alpha": 40.0}, "huber_loss", {"hess": "upper", "delta": 40.0}),
    ("numbers", {"objective": "huber", "alpha": 40.0}, "huber_loss", {"delta": 40.0}),
    ("binary", {"objective": "binary"}, LOGISTIC, {}),
    ("classes", {"objective": "multiclass", "num_class": 3}, "cross_entropy", {"hess": "upper"}),
    ("ten classes", {"objective": "multiclass", "num_class": 10}, "cross_entropy", {"hess": "upper"}),
    ("counts", {"objective": "poisson"}, "poisson_nll_loss", {"hess": "upper"}),
    ("counts", {"objective": "poisson", "poisson_max_delta_step": 1e-12}, "poisson_nll_loss", {}),
]
XGBOOST_OWN = [
    ("numbers", {"objective": "reg:squarederror"}, "half_squared_error", {}),
    ("binary", {"objective": "binary:logistic", "base_score": 0.5}, LOGISTIC, {}),
    ("classes", {"objective": "multi:softprob", "num_class": 3}, "cross_entropy", {"hess": "upper"}),
    ("ten classes", {"objective": "multi:softprob", "num_class": 10}, "cross_entropy", {"hess": "upper"}),
    ("counts", {"objective": "count:poisson", "base_score": 1.0}, "poisson_nll_loss", {"hess": "upper"}),
    (
        "counts",
        {"objective": "count:poisson", "base_score": 1.0, "max_delta_step": 0},
        "poisson_nll_loss",
        {},
    ),
]


def own(cases):
    """Which objective of the library's own, and which of ours."""
    return [
        pytest.param(
            *case, id=f"{case[1]['objective']}-{case[3].get('hess', 'exact')}-{case[0]}", marks=skip(case[2])
        )
        for case in cases
    ]


def skip(name):
    return [] if hasattr(fa, name) else [pytest.mark.skip(reason=f"fastact lacks {name}")]


@WEIGHTED
@pytest.mark.parametrize(("kind", "builtin", "name", "options"), own(LIGHTGBM_OWN))
def test_trees_are_lightgbms_own(kind, builtin, name, options, weighted, rng):
    lightgbm = pytest.importorskip("lightgbm", reason="needs LightGBM")
    x, y, weight = data(kind, weighted, rng)
    ours = {**builtin, "objective": lightgbm_objective(name, **options)}
    wanted, got = (
        lightgbm.train({**LIGHTGBM, **parameters}, lightgbm.Dataset(x, y, weight=weight), ROUNDS)
        for parameters in (builtin, ours)
    )
    assert_same_trees(lightgbm_trees(got), lightgbm_trees(wanted))


@WEIGHTED
@pytest.mark.parametrize(("kind", "builtin", "name", "options"), own(XGBOOST_OWN))
def test_trees_are_xgboosts_own(kind, builtin, name, options, weighted, rng):
    xgboost = pytest.importorskip("xgboost", reason="needs XGBoost")
    x, y, weight = data(kind, weighted, rng)
    delta_step = 0.7 if builtin["objective"] == "count:poisson" else 0.0
    ours = {"max_delta_step": delta_step, **builtin, "base_score": 0.0}
    del ours["objective"]
    objective = xgboost_objective(name, **options)
    matrix = xgboost.DMatrix(x, y, weight=weight)
    wanted = xgboost.train({**XGBOOST, "base_score": 0.0, **builtin}, matrix, ROUNDS)
    got = xgboost.train({**XGBOOST, **ours}, matrix, ROUNDS, obj=objective)
    assert_same_trees(xgboost_trees(got), xgboost_trees(wanted))


@WEIGHTED
@pytest.mark.parametrize("kind", ["binary", "classes", "numbers"])
def test_lightgbms_estimators(kind, weighted, rng):
    lightgbm = pytest.importorskip("lightgbm", reason="needs LightGBM")
    x, y, weight = data(kind, weighted, rng)
    made, name, hess = {
        "binary": (lightgbm.LGBMClassifier, LOGISTIC, "exact"),
        "classes": (lightgbm.LGBMClassifier, "cross_entropy", "upper"),
        "numbers": (lightgbm.LGBMRegressor, "half_squared_error", "upper"),
    }[kind]
    fixed = {
        "n_estimators": ROUNDS,
        "num_leaves": 8,
        "boost_from_average": False,
        "verbosity": -1,
        "n_jobs": 1,
    }
    wanted = made(**fixed).fit(x, y, sample_weight=weight)
    got = made(objective=lightgbm_objective(name, hess=hess), **fixed).fit(x, y, sample_weight=weight)
    got = pickle.loads(pickle.dumps(got))
    assert_same_trees(lightgbm_trees(got.booster_), lightgbm_trees(wanted.booster_))


@WEIGHTED
@pytest.mark.parametrize("kind", ["binary", "classes", "numbers"])
def test_xgboosts_estimators(kind, weighted, rng):
    xgboost = pytest.importorskip("xgboost", reason="needs XGBoost")
    x, y, weight = data(kind, weighted, rng)
    made, name, hess = {
        "binary": (xgboost.XGBClassifier, LOGISTIC, "exact"),
        "classes": (xgboost.XGBClassifier, "cross_entropy", "upper"),
        "numbers": (xgboost.XGBRegressor, "half_squared_error", "upper"),
    }[kind]
    fixed = {"n_estimators": ROUNDS, "max_depth": 3, "n_jobs": 1, "base_score": 0.5}
    wanted = made(**fixed).fit(x, y, sample_weight=weight)
    got = made(objective=xgboost_objective(name, hess=hess), **fixed).fit(x, y, sample_weight=weight)
    got = pickle.loads(pickle.dumps(got))
    assert_same_trees(xgboost_trees(got.get_booster()), xgboost_trees(wanted.get_booster()))


def test_several_targets_of_xgboost(rng):
    xgboost = pytest.importorskip("xgboost", reason="needs XGBoost")
    x, y, weight = data("numbers", True, rng)
    matrix = xgboost.DMatrix(x, np.stack([y, y**2 / 100], 1), weight=weight)
    wanted = xgboost.train({**XGBOOST, "base_score": 0.0}, matrix, ROUNDS)
    objective = xgboost_objective("half_squared_error")
    got = xgboost.train({**XGBOOST, "base_score": 0.0}, matrix, ROUNDS, obj=objective)
    assert_same_trees(xgboost_trees(got), xgboost_trees(wanted))


TRAINS = [
    ("units", "l1_loss", {}),
    ("units", "huber_loss", {"delta": 0.5}),
    ("units", "smooth_l1_loss", {"beta": 0.5}),
    ("units", "log_cosh_loss", {"floor": 0.1}),
    ("units", "pinball_loss", {"quantile": 0.8}),
    ("signs", "hinge_loss", {}),
    ("signs", "squared_hinge_loss", {}),
    ("signs", "exponential_loss", {}),
    ("signs", "soft_margin_loss", {"hess": "upper"}),
    ("binary", "focal_loss", {}),
    ("classes", "cross_entropy", {"label_smoothing": 0.1}),
    ("classes", "cross_entropy", {"weight": np.array([1.0, 2.0, 0.5])}),
    ("counts", "tweedie_deviance", {}),
]


@pytest.mark.parametrize(("kind", "name", "options"), [pytest.param(*t, marks=skip(t[1])) for t in TRAINS])
def test_losses_without_an_own_objective_train(kind, name, options, rng):
    """Twenty rounds of either library leave less than 0.6 of the loss there is without trees."""
    lightgbm = pytest.importorskip("lightgbm", reason="needs LightGBM")
    xgboost = pytest.importorskip("xgboost", reason="needs XGBoost")
    x, y, weight = data(kind, True, rng)
    classes = {"num_class": 3} if kind == "classes" else {}
    ours = lightgbm_objective(name, **options)
    booster = lightgbm.train(
        {**LIGHTGBM, **classes, "objective": ours, "learning_rate": 0.3},
        lightgbm.Dataset(x, y, weight=weight),
        20,
    )
    loss, own_options = getattr(fa, name), ours.options
    shape = (len(y), 3) if classes else (len(y),)
    scale = weight if not classes else 1.0

    def total(scores):
        values = loss(scores, y.astype(int) if classes else y, **{**own_options, "reduction": "none"})
        return float(np.sum(values * scale))

    start = total(np.zeros(shape))
    assert total(booster.predict(x, raw_score=True)) < 0.6 * start
    objective = xgboost_objective(name, **options)
    matrix = xgboost.DMatrix(x, y, weight=weight)
    booster = xgboost.train({**XGBOOST, **classes, "base_score": 0.0}, matrix, 20, obj=objective)
    assert total(booster.predict(matrix, output_margin=True)) < 0.6 * start
