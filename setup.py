"""Builds fastact._core: one Cython module over the C files of csrc/."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
SOURCES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "csrc").rglob("*.c"))
PARTS = [
    *(ROOT / "csrc").rglob("*.h"),
    *(ROOT / "csrc").rglob("*.def"),
    *(ROOT / "fastact").rglob("*.px[di]"),
]

if sys.platform == "win32":
    # GNU vector operators: build with clang-cl (untested)
    compile_args, link_args = ["/O2", "-Wno-unused-function"], []
elif sys.platform == "darwin":
    compile_args, link_args = ["-O2", "-g0", "-fvisibility=hidden", "-fstack-protector-strong"], []
else:
    compile_args = ["-O2", "-g0", "-fvisibility=hidden", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"]
    compile_args += ["-fno-asynchronous-unwind-tables"]  # 3 % of the file; no exception passes through C
    link_args = ["-pthread", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack", "-Wl,--as-needed", "-s"]

core = Extension(
    "fastact._core",
    sources=["fastact/_core.pyx", *SOURCES],
    depends=sorted(str(path.relative_to(ROOT)) for path in PARTS),
    include_dirs=["csrc", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    extra_compile_args=compile_args,
    extra_link_args=link_args,
)


class SideBySide(build_ext):
    """Compiles several sources at a time: a few of them take most of a minute each."""

    def build_extensions(self):
        self.check_compiler()
        compile_all = self.compiler.compile

        def compile_each(sources, **options):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                largest_first = sorted(sources, key=lambda name: "isa_" not in name)
                made = list(pool.map(lambda source: compile_all([source], **options), largest_first))
            return [path for paths in made for path in paths]

        self.compiler.compile = compile_each
        super().build_extensions()

    def check_compiler(self):
        """Without this the build ends in "No such file or directory" under a long list of frames."""
        command = getattr(self.compiler, "compiler_so", None)  # of Windows' compiler there is none
        if command and not shutil.which(command[0]):
            raise SystemExit(
                f"\nfastact: building needs a C compiler, but {command[0]!r} is not installed.\n"
                "Install gcc or clang (Debian, Ubuntu: apt install gcc; Fedora: dnf install gcc; macOS: "
                "xcode-select --install),\nor name one in the environment variable CC, and build again.\n"
            )


setup(
    cmdclass={"build_ext": SideBySide},
    ext_modules=cythonize([core], compiler_directives={"embedsignature": False}),
)
