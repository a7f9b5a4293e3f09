"""The elementary functions under the ops, which Python does not see: compiled alone by
the system's compiler, once for each instruction set, and judged in ulp.

Over every 977th float32 and over hard float64 points, tails and subnormal results
included; and the same bits at every instruction set, with fma in hardware or not.
"""

import os
import shlex
import shutil
import subprocess

import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf
from support import ROOT, ulp
from support.sweep import ORACLE, sample

from fastact import _core

COMPILER = shlex.split(os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc") or "")
LEVELS = {
    "avx512": [
        "-DFA_ISA_AVX512",
        "-mavx512f",
        "-mavx512bw",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx2",
        "-mfma",
        "-mf16c",
    ],
    "avx2": ["-DFA_ISA_AVX2", "-mavx2", "-mfma", "-mf16c"],
    "neon": ["-DFA_ISA_NEON"],
    "baseline": [],
}
AVAILABLE = [name for name, supported in _core.instruction_sets().items() if supported]
INF = np.inf

# Function: float64 NumPy and mpmath definitions, domain (closed), values at special arguments.
FUNCTIONS = {
    "exp": (np.exp, mp.exp, (-INF, INF), {-INF: 0, INF: INF, 0.0: 1}),
    "expm1": (np.expm1, mp.expm1, (-INF, INF), {-INF: -1, INF: INF, -0.0: -0.0}),
    "log": (np.log, mp.log, (0, INF), {0.0: -INF, INF: INF, 1.0: 0, -1.0: np.nan}),
    "log1p": (np.log1p, mp.log1p, (-1, INF), {-1.0: -INF, INF: INF, -0.0: -0.0, -2.0: np.nan}),
    "tanh": (np.tanh, mp.tanh, (-INF, INF), {-INF: -1, INF: 1, -0.0: -0.0}),
    "erfc": (scipy.special.erfc, mp.erfc, (-INF, INF), {-INF: 2, INF: 0, 0.0: 1}),
    "exp_nonpos": (np.exp, mp.exp, (-INF, 0), {-INF: 0, 0.0: 1}),
    "log1p_unit": (np.log1p, mp.log1p, (0, 1), {0.0: 0}),
}
# In ulp. 1 is the contract's for exp, expm1, log, log1p and erfc; tanh is an op of its own
# and log1p_unit a part of ops whose bounds hold: 2.
BOUND = dict.fromkeys(FUNCTIONS, 1.0) | {"tanh": 2.0, "log1p_unit": 2.0}

pytestmark = pytest.mark.skipif(not COMPILER, reason="needs a C compiler")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The check program for each instruction set this CPU has."""
    folder, made = tmp_path_factory.mktemp("vmath"), {}
    for level in AVAILABLE:
        made[level] = folder / level
        flags = ["-O2", "-Wall", "-Wextra", "-Wno-unused-function", *LEVELS[level], f"-I{ROOT / 'csrc'}"]
        source = str(ROOT / "tests" / "tools" / "check_elementary.c")
        subprocess.run([*COMPILER, *flags, source, "-o", str(made[level]), "-lm"], check=True)
    return made


def run(program, name, x):
    kind = {"float32": "f32", "float64": "f64"}[x.dtype.name]
    result = subprocess.run([program, kind, name], input=x.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout, x.dtype)


def within(x, domain):
    return x[(x >= domain[0]) & (x <= domain[1])]


def hard_points(domain, rng, count=900):
    """Reductions by ln 2 that round either way, tails, ends of the domain, tiny and huge."""
    share = count // 6
    sign = rng.choice([-1.0, 1.0], share)
    near = domain[0] if np.isfinite(domain[0]) else 0.0
    parts = [
        rng.uniform(-2, 2, 2 * share),
        rng.uniform(-30, 30, share),
        (rng.integers(-1080, 1024, share) + 0.5) * np.log(2) * (1 + rng.normal(size=share) * 1e-15),
        sign * np.exp2(rng.uniform(-1074, 1023, share)),
        rng.uniform(-746, -700, share // 2),
        rng.uniform(26, 27.3, share // 2),
        near + 10.0 ** rng.uniform(-16, 0, share // 2),
        1 + sign * 10.0 ** rng.uniform(-16, -1, share),
        [np.sqrt(2), np.sqrt(0.5), 0.55, 0.5, 1.0, 709.7, -708.4, -745.1],
    ]
    return within(np.concatenate(parts), domain)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32(name, programs):
    fast, _, domain, _ = FUNCTIONS[name]
    best, *others = AVAILABLE
    for x in sample(chunk=1 << 19):
        x = within(x, domain)
        y = run(programs[best], name, x)
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            f = fast(x.astype(np.float64))
        error = ulp.errors(y, f, "float32")
        assert error.max(initial=0) <= BOUND[name] + ORACLE, ulp.report(name, error, x, BOUND[name])
        for other in others:
            some = np.ascontiguousarray(x[::7])
            np.testing.assert_array_equal(
                run(programs[other], name, some).view(np.uint32), y[::7].view(np.uint32)
            )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64(name, programs, rng):
    _, exact, domain, _ = FUNCTIONS[name]
    x = hard_points(domain, rng)
    best, *others = [run(programs[level], name, x) for level in AVAILABLE]
    if name == "erfc":  # mpmath's has no answer at 1e300; 1e3 is as good as 0
        truth = [exact(mpf(min(v, 1e3))) for v in x.tolist()]
    else:
        truth = [exact(mpf(v)) if v > domain[0] else mp.ninf for v in x.tolist()]
    error = [ulp.exact_error(y, f, "float64") for y, f in zip(best.tolist(), truth, strict=True)]
    print(f"{name}: {max(error):.3f} ulp")
    assert max(error) <= BOUND[name], ulp.report(name, error, x, BOUND[name])
    for other in others:
        np.testing.assert_array_equal(other.view(np.uint64), best.view(np.uint64))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, dtype, programs):
    special = FUNCTIONS[name][3] | {np.nan: np.nan}
    x, want = np.array(list(special), dtype), np.array(list(special.values()), dtype)
    for level in AVAILABLE:
        got = run(programs[level], name, x)
        np.testing.assert_array_equal(got, want)
        zeros = want == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(want[zeros]))
