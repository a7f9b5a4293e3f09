"""What tests share: cases, inputs, layouts, and how results are judged."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent  # of the checkout

__all__ = ["ROOT", "TESTS"]
