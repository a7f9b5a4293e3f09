"""What the maps name is there: csrc/README.md, CONTRIBUTING.md, tests/README.md, and the decisions.

Read is what stands in backticks and in blocks of code. Placeholders are `<family>` in a path, and `op` and
`loss` in the names of bodies: `FN(op_d1)` is there if some `FN(..._d1)` is.
"""

import re
from pathlib import Path

import pytest
from support import ROOT

import fastact

CSRC, DECISIONS = ROOT / "csrc", ROOT / "docs" / "decisions"
MAP = CSRC / "README.md"
PAGES = [MAP, ROOT / "CONTRIBUTING.md", ROOT / "tests" / "README.md", *sorted(DECISIONS.glob("*.md"))]
TOPS = ("csrc", "fastact", "tests", "docs", "benchmarks", "examples")
ALL_PAGES = sorted([*ROOT.glob("*.md"), *(page for top in TOPS for page in (ROOT / top).rglob("*.md"))])

MADE = {"__pycache__", "results"}  # by running
SUFFIXES = {".c", ".h", ".def", ".sollya", ".py", ".pyx", ".pxd", ".pyi", ".pxi", ".sh", ".txt"}
FILES = [
    path.relative_to(ROOT).as_posix()
    for top in TOPS
    for path in (ROOT / top).rglob("*")
    if path.suffix in SUFFIXES and not MADE & {*path.relative_to(ROOT).parts} and path.name != "_core.c"
] + ["setup.py", "pyproject.toml"]
SOURCE = "\n".join(
    (ROOT / file).read_text(encoding="utf-8") for file in FILES if file != "tests/docs/test_maps.py"
)
C_COMMENT = re.compile(r"/\*.*?\*/", flags=re.DOTALL)
OTHER_COMMENT = re.compile(r"(?<!\S)# .*")


def code_of(file):
    """A file without its comments; docstrings stay."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return C_COMMENT.sub("", text) if file.endswith((".c", ".h", ".def")) else OTHER_COMMENT.sub("", text)


CODE = "\n".join(code_of(file) for file in FILES if file != "tests/docs/test_maps.py")
WORDS = set(re.findall(r"\w+", CODE))
TYPED = set(re.findall(r"FN\((\w+)\)", CODE))

# ---- what is named --------------------------------------------------------------------------

PATH = re.compile(
    rf"(?:{'|'.join(TOPS)}|\.ci)/[\w./*<>-]*"  # from the root
    r"|[\w./*<>-]+\.(?:c|h|def|sollya|py|pyx|pxd|pyi|pxi|sh|txt|toml|md)"  # or the end of a file's path
    r"|(?:\w+/)+"  # or of a folder's
)
HIDDEN = re.compile(r"\.[a-z][\w/-]+")
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)


def is_there(path, beside):
    """A path from the root or the page's folder, or the end of one; `*` and <name> stand for anything."""
    pattern = re.sub(r"<\w+>", "*", path.rstrip("/"))
    if any(next(folder.glob(pattern), None) for folder in (ROOT, beside)):
        return True
    if path.endswith("/"):
        return any(f"/{path}" in f"/{file}" for file in FILES)
    return any(Path(file).match(pattern) for file in FILES if file.endswith(Path(pattern).suffix))


def is_word(name):
    """Of the code; or the beginning of some, as FA_ISA_ is. f32_exp is FN(exp), T_ is f32_ and f64_."""
    if name in WORDS or name == "T_" or re.sub(r"^f(32|64)_", "", name) in TYPED:
        return True
    return name.endswith("_") and any(word.startswith(name) for word in WORDS)


def is_typed(name):
    """A name of FN(name)."""
    ending = re.fullmatch(r"(?:op|loss)(_\w+)", name)
    if name in TYPED or name in ("name", "op", "loss"):
        return True
    return ending is not None and any(typed.endswith(ending[1]) for typed in TYPED)


def is_public(chain):
    """fa.softmax.backward, of the installed package."""
    found = fastact
    for name in chain.split(".")[1:]:
        found = getattr(found, name, None)
    return found is not None


def wrong_in(code, beside):
    """Paths and the core's names, wherever they stand in a piece of code."""
    parts = [re.sub(r"^(\.\./)+", "", part.strip("(),;:'\"").rstrip(".")) for part in code.split()]
    wrong = [part for part in parts if PATH.fullmatch(part) and not is_there(part, beside)]
    wrong += [part for part in parts if re.fullmatch(r"\w*##\w*", part) and part not in SOURCE]
    wrong += [name for name in re.findall(r"\b(?:fa|FA)_\w+", code) if not is_word(name)]
    return wrong + [f"FN({name})" for name in re.findall(r"FN\((\w+)\)", code) if not is_typed(name)]


def is_wrong(span, beside, every_name):
    """A single name or call, or a hidden file."""
    if HIDDEN.fullmatch(span):
        return not is_there(span, beside)
    name, call = re.fullmatch(r"([A-Za-z_][\w.]*)(\(.*\))?", span).groups()
    if name.startswith("fa."):
        return not is_public(name)
    if name == "FN" or PATH.fullmatch(span):
        return False
    return bool(every_name or call == "()") and not all(map(is_word, name.split(".")))


def wrong_names(text, beside=ROOT, every_name=False):
    """Names of what is not there. `every_name`: each single one in backticks must stand in the source, not on
    pages that tell of what was rejected."""
    inline = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    wrong = [name for code in (*inline, *BLOCK.findall(text)) for name in wrong_in(code, beside)]
    single = [span for span in inline if re.fullmatch(rf"[A-Za-z_][\w.]*(\(.*\))?|{HIDDEN.pattern}", span)]
    return sorted({*wrong, *(span for span in single if is_wrong(span, beside, every_name))})


def wrong_places(text):
    """`name` (`file`): names that are not in the code of the file."""
    wrong = []
    for span, file in re.findall(r"`([\w.#()]+)`\s\(`([\w./]+\.\w+)`\)", text):
        name = re.search(r"(\w+)(?:\(\)|\))?$", span.replace("##name", ""))
        paths = [path for path in FILES if f"/{path}".endswith(f"/{file}")]
        code = "".join(code_of(path) for path in paths)
        if name is None or not re.search(rf"\b{name[1]}(\b|##)", code):
            wrong.append(f"{span} ({file})")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_named_is_there(page):
    text = page.read_text()
    rejected_too = page.parent == DECISIONS and page.name != "README.md"
    assert wrong_names(text, page.parent, every_name=not rejected_too) == []
    assert wrong_places(text) == []


def test_a_name_in_the_wrong_file_is_seen():
    right = "`choose_traversal` (`drivers/rows.c`), `FN(gelu)` (`gelu.h`), `fast_call` (`fast_path.pxi`)"
    assert wrong_places(right) == []
    assert wrong_places(right.replace("fast_path", "ufuncs")) == ["fast_call (ufuncs.pxi)"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("`csrc/drivers/rows.c`, `drivers/rows.c` and `rows.c`", []),
        ("`csrc/rows.c`", ["csrc/rows.c"]),
        ("`drivers/softmax.h`", ["drivers/softmax.h"]),
        ("`tests/docs/test_maps.py`, `tests/docs/`, `.clangd`", []),
        ("`pytest tests/docs/test_map.py -k gelu`", ["tests/docs/test_map.py"]),
        ("`.clang`", [".clang"]),
        ("`drivers/`, `_functions/`, `kernels/rows/` and `ops/`", ["ops/"]),
        ("`csrc/kernels/losses/<family>.h`, `csrc/*/*.c`", []),
        ("`csrc/losses/<family>.h`", ["csrc/losses/<family>.h"]),
        ("```sh\ncc -c csrc/*.c csrc/*/*.d\n```", ["csrc/*/*.d"]),
        ("```c\nFN(loss_at)(FA_LOSS_VALUE, FA_LOSS_RISE)\n```", ["FA_LOSS_RISE"]),
        ("`fa_rows_run()` and `fa_rows_walk`", ["fa_rows_walk"]),
        ("`map_##name` and `fold_##name`", ["fold_##name"]),
        ("`FN(gelu)`, `FN(op_d2)`, `FN(loss_d1_second)`", []),
        ("`FN(gelu_d3)`, `FN(op_d3)`, `FN(loss_e1)`", ["FN(gelu_d3)", "FN(loss_e1)", "FN(op_d3)"]),
        ("`choose_traversal()`, `choose_walk()`", ["choose_walk()"]),
        ("`fa.gelu.backward(dy, x)`, `fa.gelu.backwards`", ["fa.gelu.backwards"]),
    ],
)
def test_a_planted_name_is_seen(text, seen):
    assert wrong_names(text) == seen


@pytest.mark.parametrize("name", ["lse_facts", "Loss._plain_path", "map_loop.c", "loops.h", "EXP_UNIT"])
def test_a_name_of_yesterday_is_seen_on_the_map(name):
    assert wrong_names(f"`{name}`", CSRC, every_name=True) == [name]


# ---- the map of csrc/ ------------------------------------------------------------------------


def files_on_map(text):
    """In the first column of the table of files; a room is in bold."""
    table = text.split("\n## Rooms and files\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ((?:`[\w./]+`(?:, )?)+) \|", table, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([\w./]+)`", cell)]


def test_every_file_is_on_the_map_once():
    there = [file.removeprefix("csrc/") for file in FILES if file.startswith("csrc/")]
    assert len(there) > 90
    assert sorted(files_on_map(MAP.read_text())) == sorted(there)


def test_every_room_is_on_the_map():
    rooms = {path.parent.relative_to(CSRC).as_posix() for path in CSRC.rglob("*.[ch]")} - {".", "include"}
    assert {*re.findall(r"^\| \*\*`([\w/]+)/`\*\* \|", MAP.read_text(), flags=re.MULTILINE)} == rooms | {
        "tools"
    }


def test_all_that_an_instruction_set_defines_is_listed():
    headers = ("avx512.h", "avx2.h", "neon.h", "scalar.h")
    named = [
        {*re.findall(r"(?:\w+ |#define )(\w+)\(|(?:#define|typedef .*) (\w+)", text)}
        for text in ((CSRC / "simd" / header).read_text() for header in headers)
    ]
    everywhere = {max(pair) for pair in set.intersection(*named)}
    assert {"f32_fma", "f64_add_across", "FA_WIDEN", "i32_store_u16"} <= everywhere and len(everywhere) > 90
    section = MAP.read_text().split("\n## Add an instruction set\n")[1].split("\n## ")[0]
    listed = {*re.findall(r"\w+", section)}
    assert not {name for name in everywhere if not {name, re.sub("^f(32|64)_", "", name)} & listed}


# ---- decisions and links ---------------------------------------------------------------------


def wrong_decisions(index, titles):
    """Of an index and of the pages' first lines by their files' names."""
    rows = re.findall(r"^\| \[(\d+)\]\((\S+)\) \|", index, flags=re.MULTILINE)
    wrong = (
        []
        if [file for _, file in rows] == sorted(titles)
        else ["the index does not list every page once, in order"]
    )
    wrong += [f"the index calls {file} {number}" for number, file in rows if int(file[:4]) != int(number)]
    return wrong + [
        f"{file}: {title}" for file, title in titles.items() if not title.startswith(f"# {int(file[:4])}. ")
    ]


def test_decisions_are_indexed():
    titles = {page.name: page.read_text().partition("\n")[0] for page in DECISIONS.glob("0*.md")}
    assert len(titles) > 20
    assert wrong_decisions((DECISIONS / "README.md").read_text(), titles) == []


@pytest.mark.parametrize(
    ("index", "title"),
    [
        ("| [1](0001-a.md) | a |\n| [2](0002-b.md) | b |", "# 3. B"),
        ("| [1](0001-a.md) | a |\n| [3](0002-b.md) | b |", "# 2. B"),
        ("| [2](0002-b.md) | b |\n| [1](0001-a.md) | a |", "# 2. B"),
        ("| [1](0001-a.md) | a |", "# 2. B"),
        ("| [1](0001-a.md) | a |\n| [2](0002-b.md) | b |\n| [2](0002-b.md) | b |", "# 2. B"),
    ],
)
def test_a_wrong_index_is_seen(index, title):
    right = "| [1](0001-a.md) | a |\n| [2](0002-b.md) | b |"
    titles = {"0001-a.md": "# 1. A", "0002-b.md": "# 2. B"}
    assert wrong_decisions(right, titles) == []
    assert len(wrong_decisions(index, titles | {"0002-b.md": title})) == 1


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(text, page):
    """Relative links to what is not there, and to headings that are not."""
    broken = []
    for link in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "``", text, flags=re.DOTALL)):
        target, _, heading = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        path = page.parent / target if target else page
        if not path.exists():
            broken.append(link)
        elif heading and path.suffix == ".md":
            read = text if path == page else path.read_text()
            if heading not in map(anchor, re.findall(r"^#+ (.+)$", read, flags=re.MULTILINE)):
                broken.append(link)
    return broken


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page):
    assert broken_links(page.read_text(encoding="utf-8"), page) == []


def test_a_broken_link_is_seen():
    text = "# A page\n[a](csrc/README.md) [b](csrc/READ.md) [c](#a-page) [d](#no-page)"
    text += (
        " [e](csrc/README.md#glossary) [f](csrc/README.md#glossaries) [g](https://example.org/x) `[h](no.md)`"
    )
    broken = ["csrc/READ.md", "#no-page", "csrc/README.md#glossaries"]
    assert broken_links(text, ROOT / "CONTRIBUTING.md") == broken
