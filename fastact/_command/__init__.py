"""The command ``fastact``.

`cli`         arguments, and `fastact info`
`plot`        `fastact plot`
`comparison`  `fastact demo`: trains the network of `fastact.demo` and its peers
`demo_peers`  the same network in plain NumPy and in PyTorch
`figures`     what the commands share: their error, optional dependencies, files of figures
"""
