"""What turns documented definitions into losses.

`base`          what all losses share: the calls, and what a kind of loss must define
`elementwise`   losses of one element and its target at a time
`class_rows`    losses of rows of classes: cross entropy and its kin
`float64_rows`  losses of rows that the core computes in float64: margins, distances
`ctc`           losses of sequences and their labels
`linear`        cross entropy of a linear map, in chunks of rows
`blocks`        any loss of Dask arrays, block by block
"""
