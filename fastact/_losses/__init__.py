"""What turns documented definitions into losses.

`base`          what all losses share: the calls, and what a kind of loss must define
`elementwise`   losses of one element and its target at a time
`class_rows`    losses of rows of classes: cross entropy and its kin
`float64_rows`  losses of rows that the core computes in float64: margins and distances
`ctc`           losses of sequences and their labels
`linear`        cross entropy of a linear map, in chunks of rows
`options`       options and weights, `grad_output`, and the means they lead to
`interface`     what a call asks of a loss, and what a loss tells of its arrays
`blocks`        losses of Dask arrays, block by block
"""
