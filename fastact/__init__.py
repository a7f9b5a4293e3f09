"""Activation and loss functions for NumPy arrays, forward and backward.

Names and arguments are those of ``torch.nn.functional``; each op is one object
with its derivatives attached:

>>> import numpy as np, fastact as fa
>>> x = np.array([-1.0, 0.0, 2.0])
>>> fa.relu(x)
array([0., 0., 2.])
>>> fa.relu.derivative(x)
array([0., 0., 1.])
"""

from fastact import boosting
from fastact import rows as _rows
from fastact._config import config, get_num_threads, register_threadpoolctl, set_num_threads
from fastact._registry import get_op, list_ops
from fastact._version import __version__
from fastact.activations import exponential as _exponential
from fastact.activations import gated as _gated
from fastact.activations import hard as _hard
from fastact.activations import linear_units as _linear_units
from fastact.activations import rectifiers as _rectifiers
from fastact.activations import sigmoids as _sigmoids
from fastact.activations import smooth as _smooth
from fastact.activations.exponential import *  # noqa: F403
from fastact.activations.gated import *  # noqa: F403
from fastact.activations.hard import *  # noqa: F403
from fastact.activations.linear_units import *  # noqa: F403
from fastact.activations.rectifiers import *  # noqa: F403
from fastact.activations.sigmoids import *  # noqa: F403
from fastact.activations.smooth import *  # noqa: F403
from fastact.losses import binary as _binary
from fastact.losses import classification as _classification
from fastact.losses import deviance as _deviance
from fastact.losses import distance as _distance
from fastact.losses import likelihood as _likelihood
from fastact.losses import linear as _linear
from fastact.losses import margin as _margin
from fastact.losses import regression as _regression
from fastact.losses import sequence as _sequence
from fastact.losses.binary import *  # noqa: F403
from fastact.losses.classification import *  # noqa: F403
from fastact.losses.deviance import *  # noqa: F403
from fastact.losses.distance import *  # noqa: F403
from fastact.losses.likelihood import *  # noqa: F403
from fastact.losses.linear import *  # noqa: F403
from fastact.losses.margin import *  # noqa: F403
from fastact.losses.regression import *  # noqa: F403
from fastact.losses.sequence import *  # noqa: F403
from fastact.rows import *  # noqa: F403

__all__ = ["__version__", "boosting", "config", "get_num_threads", "get_op", "list_ops"]
__all__ += ["register_threadpoolctl", "set_num_threads"]
__all__ += _exponential.__all__
__all__ += _gated.__all__
__all__ += _hard.__all__
__all__ += _linear_units.__all__
__all__ += _rectifiers.__all__
__all__ += _sigmoids.__all__
__all__ += _smooth.__all__
__all__ += _binary.__all__
__all__ += _classification.__all__
__all__ += _deviance.__all__
__all__ += _distance.__all__
__all__ += _likelihood.__all__
__all__ += _linear.__all__
__all__ += _margin.__all__
__all__ += _regression.__all__
__all__ += _sequence.__all__
__all__ += _rows.__all__
__all__.sort()


def __dir__() -> list[str]:
    """What completion shows: modules of definitions are left out."""
    return __all__
