"""The sweep over all float32 numbers: it misses none, sees a function descend, and goes on
after it was killed."""

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from exhaustive import float32_all, ledger
from exhaustive.ledger import Ledger, Task
from support import cases
from support.sweep import KEYS, Found, Function, floats, merge, of_table, sweep

SCRIPT = Path(float32_all.__file__)
TINY, LARGEST = np.float32(2.0**-149), np.finfo(np.float32).max
MIDDLE = KEYS // 2  # +0
INF = KEYS - 2**23  # the key of inf; that of -inf is 2^23 - 1


def bits(x):
    return np.asarray(x, np.float32).view(np.uint32).tolist()


# ---- every number ---------------------------------------------------------------------------


def test_numbers_ascend_through_zero_and_to_both_infinities():
    (around_zero,) = floats(MIDDLE - 3, MIDDLE + 3)
    assert bits(around_zero) == bits([-3 * TINY, -2 * TINY, -TINY, -0.0, 0.0, TINY, 2 * TINY])
    (low,), (high,) = floats(2**23 - 1, 2**23 + 1), floats(INF - 1, INF + 2)
    assert np.isnan(low[0]) and bits(low[1:]) == bits([-np.inf, -LARGEST])
    assert np.isnan(high[-1]) and bits(high[1:-1]) == bits([LARGEST, np.inf])
    assert bits(next(floats(0, 2))) == [0xFFFFFFFF, 0xFFFFFFFE]


@pytest.mark.parametrize("stride", [1, 3, 64])
def test_chunks_and_ranges_overlap_by_one(stride):
    start, middle, stop = MIDDLE - 1000, MIDDLE + 77, MIDDLE + 900
    chunks = [*floats(start, middle, stride, chunk=100), *floats(middle, stop, stride, chunk=100)]
    for before, after in pairwise(chunks):
        assert bits(before[-1]) == bits(after[0])
    together = np.concatenate([chunk[1:] for chunk in chunks])
    (whole,) = floats(start, stop, stride)
    assert bits(together) == bits(whole[1:])
    assert (np.diff(together) >= 0).all()
    assert np.signbit(together).sum() == sum(key % stride == 0 for key in range(start, MIDDLE))


@pytest.mark.parametrize("stride", [1, 977, 2**20 + 7])
def test_parts_hold_every_key_once(stride):
    tasks = [Task("tanh", 0, stride, 64, part) for part in range(64)]
    assert sum(len(task.keys) for task in tasks) == len(range(0, KEYS, stride))
    for task, following in pairwise(tasks):
        assert following.keys[0] - task.keys[-1] == stride


# ---- what is found --------------------------------------------------------------------------


def dented(*places):
    """x itself, but where x is one of the places less than at the number before."""

    def compute(x):
        y = x.copy()
        for place in places:
            at = (x == place) & (np.signbit(x) == np.signbit(place))
            with np.errstate(under="ignore"):
                y[at] = np.nextafter(np.nextafter(np.float32(place), -LARGEST), -LARGEST)
        return y

    return Function(compute, lambda x, y: np.zeros(x.shape), monotone=True)


def around(key, function):
    """What is found over two ranges that meet at a key."""
    return merge([sweep(function, floats(key - 300, key)), sweep(function, floats(key, key + 300))])


@pytest.mark.parametrize(
    ("key", "place"), [(MIDDLE, 0.0), (MIDDLE + 5, 5 * TINY), (MIDDLE - 8, -7 * TINY), (INF, np.inf)]
)
def test_a_descent_is_found_where_ranges_meet(key, place):
    found = around(key, dented(place))
    assert found.falls == 1 and bits(found.falls_at) == bits([place])
    assert around(key, dented()).falls == 0


def test_a_descent_is_found_where_chunks_meet_and_the_first_are_named():
    places = [k * TINY for k in (1, 99, 200, 299)]
    found = sweep(dented(*places), floats(MIDDLE, MIDDLE + 300, chunk=100))
    assert found.falls == 4 and bits(found.falls_at) == bits(places[:3]) and found.deepest == 1


def test_zeros_of_either_sign_are_equal():
    def turned(x):
        return np.where(x == 0, -x, x)

    assert around(MIDDLE, Function(turned, lambda x, y: np.zeros(x.shape), True)).falls == 0


def test_nan_and_infinity_are_judged():
    judge, x = of_table("tanh", 0), np.array([np.nan, np.inf, -np.inf, 0.5], np.float32)
    np.testing.assert_array_equal(judge.errors(x, judge.compute(x)) < 2, True)
    np.testing.assert_array_equal(judge.errors(x, np.float32([0, 2, np.nan, np.inf])), np.inf)


def test_an_op_that_descends_where_parts_meet_is_reported(monkeypatch):
    """Through the whole program but its processes: tanh with a dent, far under its bound."""
    tasks = [Task("tanh", 0, 65537, 64, part) for part in range(64)]
    ((place,),) = (x[1:] for x in floats(tasks[40].keys[0], tasks[40].keys[0] + 1, 65537))
    right = cases.function("tanh", 0)
    monkeypatch.setattr(cases, "function", lambda *_: lambda x: right(x) - (x == place) * np.float32(1e-3))
    known = dict(map(float32_all.measure, tasks))
    row = float32_all.Row("tanh", 0, tasks, type("Known", (), {"known": known}))
    assert row.found.falls == 1 and bits(row.found.falls_at) == bits([place])
    assert not row.holds and "**over**" in row.markdown() and "OVER" in row.line()
    assert row.inputs == len(range(0, KEYS, 65537))


# ---- results are kept ---------------------------------------------------------------------------


def command(folder, *more):
    options = ["--stride", "2003", "--results", str(folder / "results"), "--report", str(folder / "report")]
    return [sys.executable, str(SCRIPT), "tanh", "gelu", *options, *more]


def test_goes_on_after_being_killed(tmp_path):
    uninterrupted, interrupted = tmp_path / "uninterrupted", tmp_path / "interrupted"
    uninterrupted.mkdir(), interrupted.mkdir()
    subprocess.run(command(uninterrupted), check=True, capture_output=True, timeout=300)
    with subprocess.Popen(command(interrupted), stdout=subprocess.DEVNULL) as process:
        results, deadline = interrupted / "results", time.monotonic() + 300
        while (
            not results.exists() or results.read_bytes().count(b"\n") < 30
        ) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
    kept = results.read_bytes().splitlines()[:30]
    results.write_bytes(b"\n".join(kept)[:-9])  # the last line half written
    done = subprocess.run(command(interrupted), check=True, capture_output=True, text=True, timeout=300)

    assert (interrupted / "report").read_text() == (uninterrupted / "report").read_text()
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        [op, order] for op in ("tanh", "gelu") for order in ("value", "first")
    ]
    lines = results.read_bytes().splitlines()
    assert lines[:29] == kept[:29] and lines[29] == kept[29][:-9]
    tasks = [tuple(json.loads(line)["task"].values()) for line in lines[:29] + lines[30:]]
    assert len(set(tasks)) == len(tasks) == 2 * 2 * 64, "no part is missing, none done twice"


def test_results_come_back_as_they_were(tmp_path):
    kept, task = Ledger(tmp_path / "results"), Task("tanh", 0, 1, 64, 3)
    found = Found(np.inf, np.float32(-0.1), 5, (np.float32(-0.0), TINY), 1.5)
    kept.add(task, found)
    again = Ledger(tmp_path / "results").known
    assert again == {task: found} and bits(again[task].falls_at) == bits(found.falls_at)


@pytest.mark.parametrize("what", ["core", "isa", "version", "judges"])
def test_results_of_another_build_are_not_mixed_in(what, tmp_path, monkeypatch):
    path, task = tmp_path / "results", Task("tanh", 0, 1, 64, 3)
    Ledger(path).add(task, Found(1.0, TINY))
    mine = ledger.build()
    monkeypatch.setattr(ledger, "build", lambda: mine | {what: "another"})
    assert Ledger(path).known == {}
    Ledger(path).add(task, Found(2.0, TINY))
    monkeypatch.undo()
    assert Ledger(path).known == {task: Found(1.0, TINY)}


@pytest.mark.parametrize("wrong", [["nonsense"], ["--orders", "value,third"]])
def test_unknown_names_are_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        float32_all.main(wrong)
    assert wrong[-1].split(",")[-1] in capsys.readouterr().err
