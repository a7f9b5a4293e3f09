"""The order of the tests: tests/README.md names every file there is; seeded defects have a place."""

import re

from defects import DEFECTS
from support import ROOT, TESTS

README = (TESTS / "README.md").read_text()
SUFFIXES = {".py", ".c", ".sh"}


def _rows():
    """The files in the first columns of the tables, below the headings of their folders."""
    folder = None
    for line in README.splitlines():
        if heading := re.match(r"## `(\w+/)`$", line):
            folder = heading[1]
        elif folder and (row := re.match(r"\| `([\w/.]+)` \|", line)):
            yield folder + row[1]


def test_every_file_is_named_once():
    files = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*") if path.suffix in SUFFIXES}
    named = [file for file in files if not file.endswith(("__init__.py", "conftest.py"))]
    assert sorted(_rows()) == sorted(named)


def test_what_conftest_keeps_together_exists():
    named = re.findall(r'^    "(tests/[\w/.]+)",$', (TESTS / "conftest.py").read_text(), flags=re.MULTILINE)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_is_named_exists():
    folders = (ROOT, TESTS, *(path for path in TESTS.iterdir() if path.is_dir()))
    names = set(re.findall(r"`((?:tests/)?[\w/]+(?:\.\w+|/))`", README))
    assert [name for name in names if not any((folder / name).exists() for folder in folders)] == []
    assert len(names) > 90


def test_folders_and_files_are_small():
    for folder in (TESTS, *(path for path in TESTS.rglob("*") if path.is_dir())):
        files = [path for path in folder.iterdir() if path.suffix in SUFFIXES | {".md", ".txt"}]
        assert len(files) <= 15, folder
        for path in files:
            assert len(path.read_text().splitlines()) <= 500, path


def test_seeded_defects_have_a_place():
    """Each is planted where its text stands, once, and names tests there are."""
    wrong = []
    for defect in DEFECTS:
        if (ROOT / defect.path).read_text().count(defect.old) != 1:
            wrong.append(f"{defect.name}: not once in {defect.path}")
        tests = [word for word in defect.tests.split() if word.startswith("tests/")]
        wrong += [f"{defect.name}: no {file}" for file in tests or ["tests"] if not (ROOT / file).is_file()]
    assert not wrong, "\n".join(wrong)
