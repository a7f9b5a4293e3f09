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

from fastact import boosting, rows
from fastact._config import config, get_num_threads, set_num_threads
from fastact._registry import get_op, list_ops
from fastact._version import __version__
from fastact.activations import exponential, gated, hard, linear_units, rectifiers, sigmoids, smooth
from fastact.activations.exponential import *  # noqa: F403
from fastact.activations.gated import *  # noqa: F403
from fastact.activations.hard import *  # noqa: F403
from fastact.activations.linear_units import *  # noqa: F403
from fastact.activations.rectifiers import *  # noqa: F403
from fastact.activations.sigmoids import *  # noqa: F403
from fastact.activations.smooth import *  # noqa: F403
from fastact.losses import (
    binary,
    classification,
    deviance,
    distance,
    likelihood,
    linear,
    margin,
    regression,
    sequence,
)
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

__all__ = ["__version__", "boosting", "config", "get_num_threads", "get_op", "list_ops", "set_num_threads"]
__all__ += exponential.__all__
__all__ += gated.__all__
__all__ += hard.__all__
__all__ += linear_units.__all__
__all__ += rectifiers.__all__
__all__ += sigmoids.__all__
__all__ += smooth.__all__
__all__ += binary.__all__
__all__ += classification.__all__
__all__ += deviance.__all__
__all__ += likelihood.__all__
__all__ += linear.__all__
__all__ += distance.__all__
__all__ += margin.__all__
__all__ += regression.__all__
__all__ += sequence.__all__
__all__ += rows.__all__
__all__.sort()
