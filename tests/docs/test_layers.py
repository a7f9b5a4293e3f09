"""Layers point one way, and rooms stay small.

Each floor of csrc/ includes only floors below it. No module of the package imports, directly or not,
one that imports it: not within functions, nor for type checkers alone.
"""

import ast
import graphlib
import os
import re
from pathlib import Path

import pytest
from support import ROOT

PACKAGE = ROOT / "fastact"
CORE = ROOT / "csrc"

# ---- the C core ---------------------------------------------------------------------

FLOORS = ("simd", "math", "kernels", "runtime", "drivers")  # from the ground up
GROUND = {"core.h", "ops.def", "op_table.c", "include/fastact.h"}  # below them all


def height(file):
    """The floor of a path within csrc/."""
    return -1 if file in GROUND else FLOORS.index(file.split("/")[0])


def climbing(csrc):
    """Includes of a higher floor, or of no file there is."""
    found = []
    for path in sorted([*csrc.rglob("*.[ch]"), *csrc.rglob("*.def")]):
        file, text = path.relative_to(csrc).as_posix(), path.read_text()
        system = re.findall(r"^\s*#\s*include <([^>]+)>", text, flags=re.MULTILINE)
        found += [f"{file} includes <{name}>" for name in system if (csrc / name).exists()]
        for included in re.findall(r'^\s*#\s*include "([^"]+)"', text, flags=re.MULTILINE):
            target = os.path.normpath(path.parent / included)
            name = Path(target).relative_to(csrc).as_posix()
            if not Path(target).is_file() or height(name) > height(file):
                found.append(f"{file} includes {name}")
    return found


def test_each_floor_includes_only_lower_ones():
    assert climbing(CORE) == []


@pytest.mark.parametrize(
    ("file", "line", "seen"),
    [
        ("kernels/a.h", '#include "../drivers/b.h"', True),
        ("core.h", '#  include "simd/b.h"', True),
        ("runtime/a.h", '#include "../kernels/b.h"', False),
        ("kernels/deep/a.h", '#include "../../simd/b.h"', False),
        ("kernels/a.h", '#include "nowhere.h"', True),
        ("kernels/a.h", "#include <math.h>", False),
        ("kernels/a.h", "#include <drivers/b.h>", True),
        ("ops.def", '#include "drivers/b.h"', True),
    ],
)
def test_a_planted_climb_is_seen(file, line, seen, tmp_path):
    for name in (*(f"{floor}/b.h" for floor in FLOORS), file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / file).write_text(f"{line}\n")
    assert bool(climbing(tmp_path)) == seen


def test_no_header_includes_itself():
    """Nor through others: an editor that opens it would have to read it within itself."""
    graph = {}
    for path in sorted(CORE.rglob("*.[ch]")):
        names = re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(), flags=re.MULTILINE)
        graph[path] = {Path(os.path.normpath(path.parent / name)) for name in names}
    graphlib.TopologicalSorter(graph).prepare()


def test_kernels_name_no_job():
    """What a driver is asked to do, and its functions, are not for kernels to know."""
    headers = "\n".join(path.read_text() for path in (CORE / "drivers").glob("*.h"))
    jobs = set(re.findall(r"\} (fa_\w+_job);", headers))
    functions = set(re.findall(r"\b(fa_\w+)\(", headers)) - set(re.findall(r"\b(fa_\w+)\(", contract()))
    assert len(jobs) > 5 and {"fa_rows_run", "fa_column_moments"} <= functions
    for path in sorted((CORE / "kernels").rglob("*.h")):
        assert not (jobs | functions) & set(re.findall(r"\w+", path.read_text())), path


def contract():
    """What kernels may know: the headers of lower floors, and their own contract."""
    lower = [CORE / "core.h", CORE / "kernels" / "contract.h"]
    lower += [path for floor in FLOORS[:2] for path in (CORE / floor).glob("*.h")]
    return "\n".join(path.read_text() for path in lower)


def test_files_and_folders_are_small():
    for top in (CORE, PACKAGE):
        for folder in (
            top,
            *(path for path in top.rglob("*") if path.is_dir() and path.name != "__pycache__"),
        ):
            made = {".so", ".pyd", ".c"} if folder == PACKAGE else {".pyc"}  # by the compiler
            files = [path for path in folder.iterdir() if path.is_file() and path.suffix not in made]
            assert len(files) <= 15, folder
            for path in files:
                assert len(path.read_text().splitlines()) <= 500, path


# ---- the package --------------------------------------------------------------------


def modules_of(package):
    """Paths by module names; a package is its `__init__`, the compiled core its source."""
    names = {}
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.pyx")]):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported_by(name, path, modules):
    """The modules that it names in imports, wherever in the file, and the packages that those lie in. Those
    that it lies in itself count only where it names them: they are being imported already."""
    if path.suffix == ".pyx":  # which imports nothing of the package
        return set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            named = [f"{base}.{alias.name}" for alias in node.names]
            named = [module if module in modules else base for module in named]
        else:
            continue
        for module in named:
            found |= {module} & modules.keys()
            parents = [module.rsplit(".", k)[0] for k in range(1, module.count(".") + 1)]
            found |= {p for p in parents if not f"{name}.".startswith(f"{p}.")} & modules.keys()
    return found


def circle_in(package):
    """The modules of a circle, from one back to itself; or none."""
    modules = modules_of(package)
    imports = {name: imported_by(name, path, modules) for name, path in modules.items()}
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return error.args[1][::-1]  # each imports the next
    return []


def test_the_compiled_core_imports_nothing_of_the_package():
    """So the above need not read its sources; nor do its types."""
    sources = [path for end in ("pyx", "pxi", "pxd", "pyi") for path in PACKAGE.rglob(f"*.{end}")]
    assert len(sources) > 6
    for path in sources:
        imports = r"^\s*(from (fastact|\.)|c?import fastact|.*(import_module|__import__)\()"
        assert not re.search(imports, path.read_text(encoding="utf-8"), flags=re.MULTILINE), path


def test_imports_point_one_way():
    circle = circle_in(PACKAGE)
    assert not circle, " imports ".join(circle)


def test_all_imports_are_read():
    """Those of a few modules, one for each way to import another."""
    modules = modules_of(PACKAGE)
    assert {"fastact", "fastact.activations", "fastact._losses.blocks", "fastact.__main__"} <= modules.keys()

    def read(name):
        return imported_by(name, modules[name], modules)

    assert "fastact._losses.blocks" in read("fastact._losses.base")  # within a function
    assert "fastact._registry" in read("fastact")
    assert "fastact" in read("fastact.demo")
    assert "fastact" not in read("fastact._arrays")  # which names only what lies in it


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("low.py", "import package.high\n"),
        ("low.py", "from package.high import f\n"),
        ("low.py", "from . import high\n"),
        ("low.py", "from .high import f\n"),
        ("low.py", "def g():\n    from package import high\n"),
        ("low.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.high import f\n"),
        ("low.py", "try:\n    import package.high as h\nexcept ImportError:\n    h = None\n"),
        ("__init__.py", "from package.high import f\n"),
        ("inner/__init__.py", "def g():\n    import package.high\n"),
    ],
)
def test_a_planted_circle_is_seen(file, text, tmp_path):
    package = tmp_path / "package"
    sources = {"__init__.py": "", "low.py": "", "high.py": "", "inner/__init__.py": "", "inner/deep.py": ""}
    sources["high.py"] = "import package.low\nfrom package import f\nfrom .inner import deep\n"

    def circle():
        for name, source in sources.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(source)
        return circle_in(package)

    assert circle() == []
    sources[file] = text
    planted = ".".join(["package", *Path(file).with_suffix("").parts]).removesuffix(".__init__")
    found = circle()
    assert found[0] == found[-1]
    assert {planted, "package.high"} <= {*found}
