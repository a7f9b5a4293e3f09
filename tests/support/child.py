"""What the worker processes of processes/test_processes.py run; importable in a spawned one."""

import numpy as np

import fastact as fa


def work(x):
    return fa.gelu(x), fa.cross_entropy(x.reshape(-1, 7), np.zeros(x.size // 7, int))
