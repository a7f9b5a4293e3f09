"""What turns documented definitions into public functions, but for losses.

`activation`          elementwise functions over the core's ufuncs, with their derivatives
`gated`               gated linear units
`random_relu`         leaky relu of random slopes
`parameter_gradient`  the gradient by a trained parameter, and where an axis says that it lies
`row_op`              functions along an axis, such as softmax
`containers`          pandas, xarray, masked arrays and matrices: what is taken of them, how results come back
`python_function`     functions that Python computes: they pickle by name, and name themselves in errors
"""
