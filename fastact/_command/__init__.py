"""The command ``fastact``.

`cli`         arguments, and `fastact info`
`plot`        `fastact plot`
`figures`     what the commands share: their error, optional dependencies, files of figures
`demo_peers`  the demo's network in plain NumPy and in PyTorch
"""
