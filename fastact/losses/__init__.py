"""Losses: one documented definition each, in the module of its family; the body is the docstring.

Each has ``value_and_grad``, ``grad``, ``backward`` and ``grad_and_hess``, with the same
arguments: see `fastact._losses.base.Loss`.

Of one element and its target at a time:

`regression`      the difference between a prediction and a target
`binary`          a score for one of two classes
`likelihood`      negative log-likelihoods and divergences
`deviance`        deviances of exponential families

Of rows and sequences:

`classification`  cross entropy of classes
`linear`          the same of a linear map's outputs
`margin`          scores whose labels are to win by a margin
`distance`        how near vectors lie
`sequence`        labels of sequences: connectionist temporal classification
"""
