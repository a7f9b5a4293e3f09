"""What a defect is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """A file, what stands there once, what stands there instead, and the tests (arguments of pytest)
    that should see it."""

    name: str
    path: str
    old: str
    new: str
    tests: str
