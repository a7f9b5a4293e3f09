"""Activations: one documented definition each, in the module of its family.

A definition's parameters are the op's; its body is what its docstring does not share with
the others (`fastact._docs` adds that). Value, ``backward``, ``derivative`` and
``backward_from_output`` come from the core.
"""
