"""Losses: one documented definition each, in the module of its family; the body is the docstring.

Each has ``value_and_grad``, ``grad``, ``backward`` and ``grad_and_hess``, with the same
arguments: see `fastact._losses.base.Loss`.
"""
