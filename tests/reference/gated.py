"""x times a sigmoid."""

import numpy as np
from mpmath import mp

from reference.activation import INF, MAX, Activation
from reference.logistic import fast_sigmoid, fast_sigmoid_slope, sigmoid, sigmoid_slope

ACTIVATIONS: dict[str, Activation] = {}

ACTIVATIONS["silu"] = Activation(
    value=lambda x: x * sigmoid(x),
    first=lambda x: sigmoid(x) * (1 + x * sigmoid(-x)),
    second=lambda x: sigmoid_slope(x) * (2 - x * mp.tanh(x / 2)),
    fast=(
        lambda x: x * fast_sigmoid(x),
        lambda x: fast_sigmoid(x) * (1 + x * fast_sigmoid(-x)),
        lambda x: fast_sigmoid_slope(x) * (2 - x * np.tanh(x / 2)),
    ),
    roots=((), (-1.2784645427610738,), (-2.3993572805154677, 2.3993572805154677)),
    specials={
        "+0": ("+0", 0.5, 0.5),
        "-0": (0, 0.5, 0.5),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
    },
)
