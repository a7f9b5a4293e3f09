"""Runs a project's test files by pytest, as they are installed, and counts how the tests end."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import counts as counting
import pytest
from counts import Counts, Differs

Table = dict[str, str]  # a test's name, with or without its parameters, and why it differs


def run(
    counts: Counts,
    tests: Sequence[str],
    words: str,
    differences: Table,
    replace: Callable[[Sequence[Any]], None] = lambda modules: None,
) -> Counts:
    """Runs `tests`, paths as pytest takes them. `replace` is given the test files' modules once they are
    imported, to put our functions in their places."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())  # whose settings are not the checkout's
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        arguments = ["-c", f"{folder}/pytest.ini", "--import-mode=importlib", "--tb=short"]
        arguments += ["-p", "no:cacheprovider", "-p", "no:xdist"]
        arguments += ["-k", words] if words else []
        os.chdir(folder)  # for what tests write
        plugin = _Plugin(counts, differences, replace, check_table=not words)
        shown = sys.stdout if words else stack.enter_context(open(os.devnull, "w"))
        with contextlib.redirect_stdout(shown):
            status = pytest.main([*arguments, *tests], plugins=[plugin])
        os.chdir("/")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        counts.failed.setdefault("pytest", f"exit code {status}")
    return counts


class _Plugin:
    def __init__(self, counts: Counts, differences: Table, replace: Any, check_table: bool) -> None:
        self._counts, self._differences, self._replace = counts, differences, replace
        self._check_table = check_table
        self._calls: dict[str, int] = {}  # of ours, by a test's name

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._replace(list({id(item.module): item.module for item in items}.values()))  # type: ignore[attr-defined]
        unused = set(self._differences)
        for item in items:
            name = _name(item.nodeid)
            for start, reason in self._differences.items():
                if name == start or name.startswith(f"{start}["):
                    item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
                    item.user_properties.append(("differs", reason))
                    unused.discard(start)
        if self._check_table:
            self._counts.failed.update(dict.fromkeys(unused, "is in the table, but no test"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        before = counting.calls
        try:
            return (yield)
        except Differs as reason:
            item.user_properties.append(("differs", str(reason)))
            pytest.skip(str(reason))
        finally:
            self._calls[item.nodeid] = counting.calls - before

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._counts.failed[report.nodeid] = f"cannot be collected: {_last_line(report)}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        counts, name = self._counts, _name(report.nodeid)
        if report.when != "call":
            if report.failed:
                counts.failed[name] = f"{report.when}: {_last_line(report)}"
            elif report.skipped:
                counts.skipped[_skip_reason(report)] += 1
            return
        differs = dict(report.user_properties).get("differs")
        if not self._calls[report.nodeid] and not differs:
            counts.beside += 1
        elif report.failed:
            counts.failed[name] = _last_line(report)
        elif report.skipped and differs:
            counts.differing[str(differs)] += 1
        elif report.skipped:
            counts.skipped[_skip_reason(report)] += 1
        else:
            counts.passed += 1


def _name(nodeid: str) -> str:
    """The class, the function and its parameters, without the file."""
    return nodeid.partition("::")[2]


def _skip_reason(report: pytest.TestReport) -> str:
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return f"expected to fail: {expected}"
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _last_line(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return " ".join(text.split())[:200]
