"""LightGBM and XGBoost with losses as objectives: their trees are those of the libraries' own."""

import json
import pickle

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn import datasets

import fastact as fa
from fastact.boosting import lightgbm_objective, xgboost_objective

DATA = {
    "binary": datasets.load_breast_cancer(return_X_y=True),
    "classes": datasets.load_wine(return_X_y=True),
    "ten classes": datasets.load_digits(return_X_y=True),
    "numbers": datasets.load_diabetes(return_X_y=True),
}
DATA["counts"] = (DATA["numbers"][0], DATA["numbers"][1] // 100)
DATA["units"] = (DATA["numbers"][0], DATA["numbers"][1] / 25 - 2)
DATA["positive"] = (DATA["numbers"][0], DATA["numbers"][1] / 100)
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

HALF_TWEEDIE = {"weight": 0.5, "power": 1.3}  # deviances have a factor 2

LIGHTGBM_OWN = [
    ("numbers", {"objective": "regression"}, "half_squared_error", {}),
    ("numbers", {"objective": "huber", "alpha": 40.0}, "huber_loss", {"hess": "upper", "delta": 40.0}),
    ("numbers", {"objective": "huber", "alpha": 40.0}, "huber_loss", {"delta": 40.0}),
    ("binary", {"objective": "binary"}, LOGISTIC, {}),
    ("classes", {"objective": "multiclass", "num_class": 3}, "cross_entropy", {"hess": "upper"}),
    ("ten classes", {"objective": "multiclass", "num_class": 10}, "cross_entropy", {"hess": "upper"}),
    ("counts", {"objective": "poisson"}, "poisson_nll_loss", {"hess": "upper"}),
    ("counts", {"objective": "poisson", "poisson_max_delta_step": 1e-12}, "poisson_nll_loss", {}),
    ("positive", {"objective": "gamma"}, "gamma_deviance", {"weight": 0.5}),
    ("counts", {"objective": "tweedie", "tweedie_variance_power": 1.3}, "tweedie_deviance", HALF_TWEEDIE),
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
    ("positive", {"objective": "reg:gamma", "base_score": 1.0}, "gamma_deviance", {"weight": 0.5}),
    (
        "counts",
        {"objective": "reg:tweedie", "tweedie_variance_power": 1.3, "base_score": 1.0},
        "tweedie_deviance",
        HALF_TWEEDIE,
    ),
]


def own(cases):
    """Which objective of the library's own, and which of ours."""
    return [
        pytest.param(*case, id=f"{case[1]['objective']}-{case[3].get('hess', 'exact')}-{case[0]}")
        for case in cases
    ]


@WEIGHTED
@pytest.mark.parametrize(("kind", "builtin", "name", "options"), own(LIGHTGBM_OWN))
def test_trees_are_lightgbms_own(kind, builtin, name, options, weighted, rng):
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
    x, y, weight = data(kind, weighted, rng)
    delta_step = 0.7 if builtin["objective"] == "count:poisson" else 0.0
    ours = {"max_delta_step": delta_step, **builtin, "base_score": 0.0}
    ours = {key: ours[key] for key in ("num_class", "max_delta_step", "base_score") if key in ours}
    objective = xgboost_objective(name, **options)
    matrix = xgboost.DMatrix(x, y, weight=weight)
    wanted = xgboost.train({**XGBOOST, "base_score": 0.0, **builtin}, matrix, ROUNDS)
    got = xgboost.train({**XGBOOST, **ours}, matrix, ROUNDS, obj=objective)
    assert_same_trees(xgboost_trees(got), xgboost_trees(wanted))


@WEIGHTED
@pytest.mark.parametrize("kind", ["binary", "classes", "numbers"])
def test_lightgbms_estimators(kind, weighted, rng):
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
    ("classes", "multi_margin_loss", {"p": 2}),
    ("counts", "tweedie_deviance", {}),
]


@pytest.mark.parametrize(("kind", "name", "options"), TRAINS)
def test_losses_without_an_own_objective_train(kind, name, options, rng):
    """Twenty rounds of either library leave less than 0.6 of the loss there is without trees."""
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
