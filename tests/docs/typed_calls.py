"""Calls as type checkers see them: not run, but read by test_types.py.

In comments: what type a line's expression has, or that the line is wrong and must be refused.
"""

import numpy as np

import fastact as fa

x = np.zeros((3, 4), np.float32)
labels = np.zeros(3, np.int64)

fa.mse_loss(x, x)  # type: float
fa.mse_loss(x, target=x, reduction="sum")  # type: float
fa.mse_loss(x, x, reduction="none")  # type: array
fa.mse_loss.grad(x, x)  # type: array
fa.mse_loss.grad(x, x, weight=2.0, out=x)  # type: array
fa.mse_loss.backward(0.5, x, x)  # type: array
fa.mse_loss.value_and_grad(x, x)  # type: (float, array)
fa.mse_loss.value_and_grad(x, x, reduction="none")  # type: (array, array)
fa.mse_loss.grad_and_hess(x, x, out=(x, x))  # type: (array, array)
fa.kl_div(x, x, reduction="batchmean")  # type: float
fa.cross_entropy.value_and_grad(x, labels, label_smoothing=0.1)  # type: (float, array)
fa.multi_margin_loss(x, labels, p=2)  # type: float
fa.gaussian_nll_loss.grad(x, x, x)  # type: (array, array)
fa.margin_ranking_loss.value_and_grad(x, x, x)  # type: (float, (array, array))
fa.cosine_embedding_loss.grad(x, x, labels)  # type: (array, array)
fa.triplet_margin_loss.grad(x, x, x)  # type: (array, array, array)
fa.ctc_loss(x, labels, 3, 2)  # type: float
fa.gelu(x, approximate="tanh", out=x)  # type: array
fa.gelu(input=x, approximate="tanh")
fa.elu(x, 2.0, dtype="float64")  # type: array
fa.prelu(x, weight=x, axis=1)  # type: array
fa.gelu(1.0)  # type: float64
fa.gelu([1.0, 2.0])
fa.elu.backward(x, x, alpha=2.0)
fa.elu.backward(x, input=x)
fa.prelu.backward(x, x, 0.25)
fa.softmax(x, axis=0, where=x > 0)  # type: array
fa.softmax([1.0, 2.0])
fa.logsumexp(x, keepdims=True)

fa.mse_loss(x)  # wrong
fa.mse_loss(x, x, x)  # wrong
fa.mse_loss(x, x, reduction="avg")  # wrong
fa.mse_loss.grad(x)  # wrong
fa.mse_loss.grad(x, x, wieght=x)  # wrong
fa.mse_loss.backward(x)  # wrong
fa.mse_loss.value_and_grad(x, x, reduction="avg")  # wrong
fa.cross_entropy(x, labels, label_smothing=0.1)  # wrong
fa.cross_entropy.grad_and_hess(x, labels, axis="classes")  # wrong
fa.triplet_margin_loss(x, x)  # wrong
fa.gelu(x, approximate="tan")  # wrong
fa.prelu(x)  # wrong
fa.prelu(x, x, x)  # wrong
fa.elu(x, aplha=2.0)  # wrong
fa.elu.backward(x)  # wrong
fa.elu.backward(x, x, aplha=2.0)  # wrong
fa.softmax(x, dim=1)  # wrong
fa.softmax(x, axis="rows")  # wrong
