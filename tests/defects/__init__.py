"""The defects that seeded_defects.py plants, by what they spoil."""

from defects.arguments import ARGUMENTS
from defects.composed import COMPOSED
from defects.ctc import CTC
from defects.defect import Defect
from defects.determinism import DETERMINISM
from defects.leaks import LEAKS
from defects.losses import LOSSES
from defects.memory import MEMORY
from defects.numbers import NUMBERS

DEFECTS = [*LEAKS, *LOSSES, *CTC, *COMPOSED, *MEMORY, *ARGUMENTS, *NUMBERS, *DETERMINISM]

__all__ = ["DEFECTS", "Defect"]
