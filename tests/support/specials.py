"""Special values as the references write them: the number an entry stands for, and equality with it."""

import numpy as np


def number(text, dtype):
    """What an entry of the table stands for in a type."""
    info = np.finfo(dtype)
    named = {"max": info.max, "tiny": info.smallest_subnormal, "2tiny": 2 * info.smallest_subnormal}
    named |= {"0.01 max": np.dtype(dtype).type(0.01) * info.max, "max / 4": info.max / 4}
    named |= {"tiny / 2": 0.0, "1 / max": 1 / info.max}  # half of the least: it or 0
    named |= {"selu'(0)": 1.7580993408473768, "selu'(1)": 1.0507009873554805}
    named |= {"1.702/2": 0.851, "about 0.64": 0.64, "1/3": 1 / 3, "1/6": 1 / 6}
    named |= {"0": 0.0, "ln 2": np.log(2.0), "sqrt(2/pi)": np.sqrt(2 / np.pi)}
    if not isinstance(text, str):
        return np.dtype(dtype).type(text)
    value = np.dtype(dtype).type(named[text.lstrip("+-")])
    return -value if text.startswith("-") else value


def same(got, want, dtype):
    """Equal, or both NaN; a zero's sign counts where the table gives it."""
    value = number(want, dtype)
    signed = isinstance(want, str) and want.lstrip("+-") in ("0", "tiny / 2") and want != "0"
    within = np.spacing(abs(value)) if (isinstance(want, str) and " " in want) or "sqrt" in str(want) else 0
    equal = (np.abs(got - value) <= within) if np.isfinite(value) else got == value
    return equal & (np.signbit(got) == np.signbit(value)) if signed else equal
