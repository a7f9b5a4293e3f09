"""Elementwise losses at the corners of their domains: value, gradient and curvature are the limits there.

reference/limits.py lists the corners and finds the limits; NaN is wanted where there is none.
"""

from functools import cache

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from reference import limits
from support import ulp, walk

import fastact as fa
from fastact import _core

FLOATS = ["float32", "float64"]
SECOND = 6  # ulp of derivatives by a second input


@pytest.fixture(params=fa.config()["available_isas"])
def isa(request, set_isa):
    set_isa(request.param)
    return request.param


@cache
def exact(name, dtype):
    """Corners of a loss's arguments, and by result the limits there."""
    entry, points = reference.LOSSES[name], limits.corners(name, dtype)
    with mp.workprec(limits.precision(name)):
        numbers = [tuple(mpf(float(a)) for a in point) for point in points]
        known = {number: limits.wanted(name, number, dtype) for number in dict.fromkeys(numbers)}
        wanted = {r: [known[number][r] for number in numbers] for r in limits.RESULTS if getattr(entry, r)}
    return points, wanted


def called(name, points, dtype):
    """All results at the corners, by name: a call for each form that options give the loss."""
    entry = reference.LOSSES[name]
    op = getattr(fa, entry.op or name)
    first = next(operand for operand in op._operands if operand not in ("target", entry.second))
    names = [first, "target", *([entry.second] if entry.second else []), *entry.parameters]
    columns = dict(zip(names, np.array(points, dtype).T, strict=True))
    forms = [tuple(columns[s]) for s in entry.switches]
    alpha_none = columns["alpha"] < 0 if name == "focal_loss" else np.zeros(len(points), bool)
    results = {r: np.empty(len(points), dtype) for r in limits.RESULTS if getattr(entry, r)}
    for form in sorted({*zip(*forms, alpha_none, strict=True)}):
        there = np.all([np.equal(a, b) for a, b in zip((*forms, alpha_none), form, strict=True)], axis=0)
        options = {key: column[there] for key, column in columns.items()}
        options |= {
            switch: bool(on) for switch, on in zip(entry.switches, form, strict=False)
        } | entry.options
        if form[-1]:
            options["alpha"] = None
        found = {"value": op(**options, reduction="none")}
        grads, hesses = op.grad_and_hess(**options, reduction="sum")
        both = (grads, hesses) if entry.second else ((grads,), (hesses,))
        for (grad, hess), prefix in zip(zip(*both, strict=True), ("", "second_"), strict=False):
            found |= {f"{prefix}grad": grad, f"{prefix}hess": hess}
        for result, values in found.items():
            results[result][there] = values
    return results


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sorted(walk.elementwise_losses()))
def test_limits(name, dtype, isa):
    points, wanted = exact(name, dtype)
    bounds = _core.table()["loss"][name]["ulp"][dtype]
    wrong = []
    for result, found in called(name, points, dtype).items():
        bound = bounds[("value", "grad", "hess").index(result)] if result in limits.RESULTS[:3] else SECOND
        for point, got, limit in zip(points, found, wanted[result], strict=True):
            if isa == "baseline" and dtype == "float64" and any(2.0**900 < abs(a) < np.inf for a in point):
                continue  # its emulated fma is exact for smaller products only
            error = ulp.exact_error(got, limit, dtype)
            if bound < error < np.inf:
                size = max(abs(limit), limits.size(name, result, point, dtype))
                error = abs(mpf(float(got)) - limit) / ulp.exact_spacing(size, dtype)
            if error > bound:
                wrong.append(f"{result} at {[float(a) for a in point]}: {got!r}, not {mp.nstr(limit, 9)}")
    assert not wrong, f"{len(wrong)} of {name} in {dtype}:\n" + "\n".join(wrong[:20])


def test_every_loss_has_its_corners():
    assert sorted(limits.LOSSES) == sorted(walk.elementwise_losses())
    for name, entry in reference.LOSSES.items():
        if name in limits.LOSSES:
            others = len(entry.parameters) + bool(entry.second)
            assert all(len(point) == 2 + others for point in limits.corners(name, "float32")), name


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sorted(walk.elementwise_losses()))
def test_nan_of_an_input_or_target_stays(name, dtype):
    """Whatever the other arguments are, but for weights of 0: a pos_weight, focal_loss's alpha."""
    entry, corners = reference.LOSSES[name], limits.corners(name, dtype)
    for k in range(2 + bool(entry.second)):
        points = {(*point[:k], np.dtype(dtype).type(np.nan), *point[k + 1 :]) for point in corners}
        weightless = name in ("binary_cross_entropy_with_logits", "focal_loss") and k == 0
        points = [point for point in points if not (weightless and point[1] == 1 and point[2] == 0)]
        for result, found in called(name, points, dtype).items():
            kept = [point for point, got in zip(points, found, strict=True) if not np.isnan(got)]
            assert not kept, (result, kept[:5])
