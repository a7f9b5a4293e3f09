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

from fastact._config import config, get_num_threads, set_num_threads
from fastact._version import __version__
from fastact.activations import gelu, leaky_relu, relu, sigmoid, silu, softplus, tanh
from fastact.losses import binary_cross_entropy_with_logits, cross_entropy, mse_loss, nll_loss
from fastact.rows import log_softmax, logsumexp, softmax

__all__ = [
    "__version__",
    "binary_cross_entropy_with_logits",
    "config",
    "cross_entropy",
    "gelu",
    "get_num_threads",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "mse_loss",
    "nll_loss",
    "relu",
    "set_num_threads",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
