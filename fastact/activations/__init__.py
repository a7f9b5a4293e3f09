"""Activations: one documented definition each, in the module of its family.

A definition's parameters are the op's; its body is what its docstring does not share with
the others (`fastact._docs` adds that). Value, ``backward``, ``derivative`` and
``backward_from_output`` come from the core.

`rectifiers`    relu and its kin: they pass what is positive
`gated`         the input times a sigmoid of it: gelu, silu, swish, mish
`exponential`   straight above 0, an exponential below: elu, selu, celu
`smooth`        smooth rectifiers: softplus, squareplus
`sigmoids`      functions that saturate at both ends
`hard`          functions of straight pieces, and what resembles them
`linear_units`  gated linear units: glu, swiglu, geglu, reglu
"""
