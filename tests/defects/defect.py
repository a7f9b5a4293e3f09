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


def defects(tests: str, *places: tuple[str, str, str, str]) -> list[Defect]:
    """Several that the same tests should see: name, path, old and new of each."""
    return [Defect(*place, tests) for place in places]
