"""The examples in docstrings, the README and the documentation run and print what they say."""

import doctest
import importlib
import pkgutil
import re
import runpy

import pytest
from support import ROOT

import fastact

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = sorted({m.name for m in pkgutil.walk_packages(fastact.__path__, "fastact.")})
MODULES = [name for name in ["fastact", *MODULES] if name not in ("fastact._core", "fastact.__main__")]
PAGES = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if ">>> " in p.read_text())


def failures(tests):
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report = []
    for test in tests:
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)
    return runner.tries


@pytest.mark.parametrize("name", [n for n in fastact.__all__ if getattr(fastact, n).__doc__])
def test_public_docstrings(name):
    item = getattr(fastact, name)
    text = item.__doc__
    if isinstance(item, str) or ">>> " not in text:
        return
    assert failures([doctest.DocTestParser().get_doctest(text, {}, name, None, 0)]) > 0


@pytest.mark.parametrize("module", MODULES)
def test_module_docstrings(module):
    """Also of what is not public, where it has examples."""
    failures(doctest.DocTestFinder(recurse=True).find(importlib.import_module(module)))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_pages(page):
    """A page's examples are one session."""
    text = page.read_text().replace("```", "")
    failures([doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)])


def test_page_of_activations_is_up_to_date():
    """Its text and special values; and each picture it shows is there, and no other."""
    made = runpy.run_path(str(ROOT / "docs" / "make_activations.py"))
    text = made["PAGE"].read_text()
    assert text == made["page"](), "run python docs/make_activations.py"
    shown = {ROOT / "docs" / name for name in re.findall(r"\]\((plots/\w+\.svg)\)", text)}
    assert shown == {*made["PICTURES"].iterdir()}
    assert len(shown) == 1 + sum(not hasattr(op, "_split") for op in made["ops"]())
