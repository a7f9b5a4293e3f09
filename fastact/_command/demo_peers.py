"""The demo's network in plain NumPy and in PyTorch, for comparison."""

from __future__ import annotations

import importlib
import math
from typing import Any, Protocol

import numpy as np

from fastact.demo import Array, Perceptron

# gelu(x) = x/2 (1 + tanh(C (x + A x^3)))
C = math.sqrt(2 / math.pi)
A = 0.044715


class Network(Protocol):
    """What the demo trains: `Perceptron` and its peers."""

    @property
    def name(self) -> str: ...
    @property
    def weights(self) -> list[Array]: ...
    def step(self, x: Array, t: Array) -> float: ...


class PlainNumPy(Perceptron):
    """The same network: only the activation and the loss are other functions."""

    name = "plain NumPy"

    def activation(self, h: Array) -> Any:
        return 0.5 * h * (1 + np.tanh(C * (h + A * (h * h * h))))  # h**3 would take five times as long

    def activation_backward(self, da: Array, h: Array) -> Any:
        square = h * h
        tanh = np.tanh(C * (h + A * (square * h)))
        return da * (0.5 * (1 + tanh) + (0.5 * C) * h * (1 - tanh * tanh) * (1 + (3 * A) * square))

    def loss_and_grad(self, z: Array, t: Array) -> Any:
        rows = np.arange(len(t))
        shifted = z - z.max(axis=1, keepdims=True)  # (B, 10)
        e = np.exp(shifted)
        total = e.sum(axis=1, keepdims=True)  # (B, 1)
        loss = float((np.log(total[:, 0]) - shifted[rows, t]).mean())
        dz = e / total
        dz[rows, t] -= 1
        dz /= len(t)
        return loss, dz


class PyTorch:
    """As its users write it: modules, autograd and an optimizer."""

    def __init__(self, torch: Any, weights: list[Array], rate: float, momentum: float) -> None:
        nn = torch.nn
        layers: list[Any] = []
        for w, b in zip(weights[::2], weights[1::2], strict=True):
            linear = nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T))  # PyTorch keeps (outputs, inputs)
                linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, nn.GELU("tanh")]
        self.name = f"PyTorch {torch.__version__.partition('+')[0]}"
        self.model = nn.Sequential(*layers[:-1])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=rate, momentum=momentum)
        self.from_numpy, self.cross_entropy = torch.from_numpy, nn.functional.cross_entropy

    def step(self, x: Array, t: Array) -> float:
        self.optimizer.zero_grad()
        loss = self.cross_entropy(self.model(self.from_numpy(x)), self.from_numpy(t))
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    @property
    def weights(self) -> list[Array]:
        return [p.detach().numpy().T for p in self.model.parameters()]


def pytorch_network(weights: list[Array], rate: float, momentum: float) -> Network | None:
    """None where PyTorch is not installed. Sets it to one thread."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return None
    torch.set_num_threads(1)
    return PyTorch(torch, weights, rate, momentum)
