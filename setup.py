"""Builds fastact._core: one Cython module over the C files of csrc/."""

import sys
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent
SOURCES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "csrc").glob("*.c"))
PARTS = [*(ROOT / "csrc").rglob("*.h"), *(ROOT / "csrc").rglob("*.def"), *(ROOT / "fastact").glob("*.px[di]")]

if sys.platform == "win32":
    # GNU vector operators: build with clang-cl (untested)
    compile_args, link_args = ["/O2", "-Wno-unused-function"], []
elif sys.platform == "darwin":
    compile_args, link_args = ["-O2", "-g0", "-fvisibility=hidden", "-fstack-protector-strong"], []
else:
    compile_args = ["-O2", "-g0", "-fvisibility=hidden", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"]
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

setup(ext_modules=cythonize([core], compiler_directives={"embedsignature": False}))
