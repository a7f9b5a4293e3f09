"""The C core alone, as an embedder compiles it: no warning, right results, and the bits
of every other compiler and flag."""

import os
import platform
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
import yaml
from support import ROOT

from fastact import _core

SOURCES = sorted((ROOT / "csrc").rglob("*.c"))
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
OURS = ["-O2", *STRICT]
EMBEDDERS = ["-O3", "-ffp-contract=fast", *STRICT]  # what could give other bits
# One of each compiler: a build takes more than a minute, and gcc's -O2 contracts as its -O3 does.
_CHOSEN = zip([*COMPILERS[:1], *COMPILERS[-1:]], [OURS, EMBEDDERS], strict=False)
BUILDS = {f"{compiler} {flags[0]}": (compiler, flags) for compiler, flags in _CHOSEN}
ISAS = [name for name, supported in _core.instruction_sets().items() if supported]

pytestmark = pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")


def _compile(*command):
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[:4000]


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """Compiles the core once for each build: the object files by build."""

    @cache
    def built(build):
        compiler, flags = BUILDS[build]
        folder = tmp_path_factory.mktemp("core")
        made = [folder / f"{source.stem}.o" for source in SOURCES]
        commands = [
            (compiler, *flags, "-c", source, "-o", o) for source, o in zip(SOURCES, made, strict=True)
        ]
        with ThreadPoolExecutor(_core.available_cpus()) as pool:
            list(pool.map(lambda command: _compile(*command), commands))
        return made

    return built


def _program(build, objects, source):
    compiler, flags = BUILDS[build]
    program = objects[0].with_name(source.stem)
    _compile(compiler, *flags, source, *objects, "-o", program, "-lm", "-pthread")
    return program


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDS)
def test_core_compiles_alone_and_computes(build, objects):
    """Without Python, without a flag that says which instruction sets to build for."""
    program = _program(build, objects(build), ROOT / "tests" / "embedding" / "check_core.c")
    result = subprocess.run([program], capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    assert result.stderr.split("instruction set ")[1:] == [f"{isa}\n" for isa in ISAS]


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
def test_same_bits_from_every_build(isa, objects):
    """Everything the core computes, by hash; bash tests/tools/neon.sh --flags compares more builds."""
    results = {}
    for build in BUILDS:
        program = _program(build, objects(build), ROOT / "tests" / "tools" / "neon_hash.c")
        done = subprocess.run([program, isa], capture_output=True, text=True, timeout=100, check=True)
        results[build] = done.stdout.splitlines()
    wanted = next(iter(results.values()))
    assert len(wanted) > 200
    assert not [line for line in wanted if "LAYOUT" in line]
    for build, lines in results.items():
        different = sorted(set(lines) ^ set(wanted))
        assert not different, f"{build}: {different[:10]}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_core_compiles_without_a_warning(source):
    _compile(COMPILERS[0], *OURS, "-fsyntax-only", source)


def test_core_knows_nothing_of_python():
    for path in (ROOT / "csrc").rglob("*.[ch]"):
        assert "Python.h" not in path.read_text(), path
        assert "numpy/" not in path.read_text(), path


def _editor_flags(header):
    """What .clangd has an editor open it with."""
    flags = []
    for part in yaml.safe_load_all((ROOT / ".clangd").read_text()):
        pattern, chosen = part.get("If", {}).get("PathMatch", ".*"), part["CompileFlags"]
        if re.fullmatch(pattern, header):
            flags = [flag for flag in flags if flag not in chosen.get("Remove", [])] + chosen["Add"]
    return flags


def _opening(flags):
    """A compiler and an editor's flags: for another architecture than this machine's a cross compiler."""
    marks = {"aarch64": "--target=aarch64", "x86_64": "-mavx"}
    meant = [name for name, mark in marks.items() if any(flag.startswith(mark) for flag in flags)]
    plain = [flag for flag in flags if not flag.startswith("--target")]  # gcc does not know it
    here = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if not meant or here in meant:
        return [COMPILERS[0], *plain]
    if gcc := shutil.which(f"{meant[0]}-linux-gnu-gcc"):
        return [gcc, *plain]
    if "clang" in COMPILERS:
        return ["clang", f"--target={meant[0]}-linux-gnu", *plain]
    pytest.skip(f"needs clang or {meant[0]}-linux-gnu-gcc")


HEADERS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*.h"))


@pytest.mark.parametrize("header", HEADERS)
def test_headers_stand_alone(header, tmp_path):
    """Each can be the first that is included, and opens in an editor without an error."""
    command = _opening(_editor_flags(header))
    source = tmp_path / "first.c"
    source.write_text(f'#include "{ROOT / header}"\n#include "{ROOT / header}"\nint unused;\n')
    _compile(*command, "-fsyntax-only", source)


INEXACT = {
    "clang": ["-ffast-math", "-ffinite-math-only"],
    "gcc": [
        "-ffast-math",
        "-ffinite-math-only",
        "-funsafe-math-optimizations",
        "-freciprocal-math",
        "-fno-signed-zeros",
    ],
}


@pytest.mark.parametrize(("compiler", "option"), [(c, o) for c in COMPILERS for o in INEXACT[Path(c).name]])
def test_inexact_arithmetic_is_refused(compiler, option):
    command = [compiler, "-O2", option, "-fsyntax-only", str(ROOT / "csrc" / "drivers" / "class_loss.c")]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert result.returncode != 0
    assert "change floating-point results" in result.stderr
