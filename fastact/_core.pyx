# cython: language_level=3, boundscheck=False, wraparound=False
"""The C core for Python: ufuncs and gufuncs made by walking the op table.

Every ufunc is an attribute of this module under its own ``__name__``, which is
what lets it pickle by reference.
"""
import os

cimport numpy as cnp
from cpython.exc cimport PyErr_SetNone
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memset

import numpy as np

cnp.import_array()
cnp.import_umath()


# ---- dtypes -----------------------------------------------------------------

cdef dict _CODES = {
    np.dtype(np.float32): <int>FA_F32, np.dtype(np.float64): <int>FA_F64, np.dtype(np.float16): <int>FA_F16,
    np.dtype(np.int8): <int>FA_I8, np.dtype(np.uint8): <int>FA_U8, np.dtype(np.int16): <int>FA_I16,
    np.dtype(np.uint16): <int>FA_U16, np.dtype(np.int32): <int>FA_I32, np.dtype(np.uint32): <int>FA_U32,
    np.dtype(np.int64): <int>FA_I64, np.dtype(np.uint64): <int>FA_U64,
}

cdef dict _DTYPES = {code: dtype for dtype, code in _CODES.items()}

# The loops of each ufunc: type numbers of arrays, of parameters, of results, and the
# core's codes for them. NumPy takes the first loop every operand casts to safely.
# Integers lead, since small ones would cast to float16; then the narrowest float, so
# that float16 and Python scalars stay narrow.
cdef list _LOOPS = [
    (<int>cnp.NPY_INT64, <int>FA_I64, <int>cnp.NPY_FLOAT64, <int>FA_F64),
    (<int>cnp.NPY_UINT64, <int>FA_U64, <int>cnp.NPY_FLOAT64, <int>FA_F64),
    (<int>cnp.NPY_FLOAT16, <int>FA_F16, <int>cnp.NPY_FLOAT16, <int>FA_F16),
    (<int>cnp.NPY_FLOAT32, <int>FA_F32, <int>cnp.NPY_FLOAT32, <int>FA_F32),
    (<int>cnp.NPY_FLOAT64, <int>FA_F64, <int>cnp.NPY_FLOAT64, <int>FA_F64),
]


# ---- ufuncs -----------------------------------------------------------------
# What a ufunc points to (names, types, loops, their data) lives as long as the process.

cdef list _kept = []


cdef const char *keep(bytes text):
    _kept.append(text)
    return text


cdef fa_map_loop *map_loop(int op, fa_variant variant, list codes, int result_code, tuple bound):
    """codes: of the operands, then of the parameters bound to a value each."""
    cdef fa_map_loop *loop = <fa_map_loop *>PyMem_Malloc(sizeof(fa_map_loop))
    cdef int k
    memset(loop, 0, sizeof(loop[0]))
    loop.op, loop.variant, loop.inputs, loop.out = op, variant, len(codes), <fa_dtype>result_code
    for k in range(loop.inputs):
        loop.in_[k] = <fa_dtype><int>codes[k]
    for k, value in enumerate(bound, len(codes) - len(bound)):
        # rounded to the type that NumPy would convert the operand to
        loop.fixed[k] = cnp.PyArray_DATA(constant(np.array(value, _DTYPES[codes[k]])))
    return loop


cdef cnp.ndarray constant(cnp.ndarray array):
    _kept.append(array)
    return array


cdef object make_ufunc(str name, int op, fa_variant variant, int arrays, int parameters, tuple bound):
    """A ufunc of `arrays` inputs (grad_output first), then parameters but those bound to a value."""
    cdef int ntypes = len(_LOOPS), operands = arrays + parameters - len(bound), results = 1 + (variant == FA_BOTH), k
    cdef cnp.PyUFuncGenericFunction *loops = <cnp.PyUFuncGenericFunction *>PyMem_Malloc(ntypes * sizeof(void *))
    cdef void **data = <void **>PyMem_Malloc(ntypes * sizeof(void *))
    types = b""
    for k in range(ntypes):
        number, code, float_number, float_code = _LOOPS[k]
        loops[k] = <cnp.PyUFuncGenericFunction>fa_map_strided
        data[k] = map_loop(op, variant, [code] * arrays + [float_code] * parameters, float_code, bound)
        types += bytes([number] * arrays + [float_number] * (operands - arrays + results))
    return cnp.PyUFunc_FromFuncAndData(
        loops, data, <char *>keep(types), ntypes, operands, results, cnp.PyUFunc_None, <char *>keep(name.encode()),
        <char *>keep(f"Elementwise loop of fastact.{name}; see the op of that name.".encode()), 0)


cdef void rows_loop(char **args, const cnp.npy_intp *dims, const cnp.npy_intp *strides, void *data) noexcept nogil:
    if fa_rows_strided(args, <const ptrdiff_t *>dims, <const ptrdiff_t *>strides, <const fa_rows_loop *>data):
        with gil:
            PyErr_SetNone(MemoryError)


cdef fa_rows_loop *row_data(int op, fa_variant variant, bint masked, int array_code, int float_code):
    cdef fa_rows_loop *loop = <fa_rows_loop *>PyMem_Malloc(sizeof(fa_rows_loop))
    loop.op, loop.variant, loop.masked = op, variant, masked
    loop.in_dtype, loop.dtype = <fa_dtype>array_code, <fa_dtype>float_code
    return loop


cdef str row_signature(fa_variant variant, bint masked, bint reduces):
    """Core dimensions in the order grad_output, input, mask -> output."""
    inputs = ["(n)"]
    if variant != FA_VALUE:
        inputs.insert(0, "()" if reduces else "(n)")
    if masked:
        inputs.append("(n)")
    return ",".join(inputs) + "->" + ("()" if reduces and variant == FA_VALUE else "(n)")


cdef object make_gufunc(str name, int op, fa_variant variant, bint masked, bint reduces):
    cdef int ntypes = len(_LOOPS), arrays = 1 + (variant != FA_VALUE), k
    cdef cnp.PyUFuncGenericFunction *loops = <cnp.PyUFuncGenericFunction *>PyMem_Malloc(ntypes * sizeof(void *))
    cdef void **data = <void **>PyMem_Malloc(ntypes * sizeof(void *))
    types = b""
    for k in range(ntypes):
        number, code, float_number, float_code = _LOOPS[k]
        loops[k] = <cnp.PyUFuncGenericFunction>rows_loop
        data[k] = row_data(op, variant, masked, code, float_code)
        types += bytes([number] * arrays + [<int>cnp.NPY_BOOL] * masked + [float_number])
    return cnp.PyUFunc_FromFuncAndDataAndSignature(
        loops, data, <char *>keep(types), ntypes, arrays + masked, 1, cnp.PyUFunc_None, <char *>keep(name.encode()),
        <char *>keep(f"Row loop of fastact.{name}; see the op of that name.".encode()), 0,
        keep(row_signature(variant, masked, reduces).encode()))


cdef list _ELEMENTWISE = []  # (ufunc, op, variant, arrays, parameters, bound), for types registered later
cdef list _ROWS = []  # (gufunc, op, variant, arrays, masked)


cdef publish(name, ufunc):
    """Makes it an attribute here, where pickle finds it by name."""
    globals()[name] = ufunc
    try:
        ufunc.__module__ = __name__
    except AttributeError:
        pass  # NumPy before 2.2: pickle searches all modules for it, and finds it here


cdef list variants(const fa_activation *op):
    """(name's suffix, variant, arrays)"""
    found = [("", FA_VALUE, 1), ("_backward", FA_BACKWARD, 2), ("_derivative", FA_DERIVATIVE, 1),
             ("_second_derivative", FA_SECOND, 1)]
    if op.from_output:
        found.append(("_backward_from_output", FA_FROM_OUTPUT, 2))
    if op.by_parameter:
        found += [("_backward_by_parameter", FA_BY_PARAMETER, 2), ("_backward_both", FA_BOTH, 2)]
    return found


cdef publish_elementwise(int op, str ending, tuple bound):
    cdef tuple entry
    for suffix, variant, arrays in variants(&fa_activations[op]):
        name = fa_activations[op].name.decode() + suffix + ending
        ufunc = make_ufunc(name, op, variant, arrays, fa_activations[op].parameters, bound)
        entry = (ufunc, op, variant, arrays, fa_activations[op].parameters, bound)
        _ELEMENTWISE.append(entry)
        publish(name, ufunc)
        if _bfloat16 is not None:
            register_elementwise(entry)


def bind_parameters(str op, tuple values):
    """Publish each of the op's ufuncs once more as `<name>_default`, with these values for its
    parameters: a call need not turn Python floats into operands then."""
    names = [fa_activations[k].name.decode() for k in range(FA_ACTIVATIONS)]
    publish_elementwise(names.index(op), "_default", values)


def _make_rows():
    cdef const fa_row_op *op
    cdef int k
    for k in range(FA_ROW_OPS):
        op = &fa_row_ops[k]
        kinds = [("", FA_VALUE), ("_backward", FA_BACKWARD)]
        if op.from_output:
            kinds.append(("_backward_from_output", FA_FROM_OUTPUT))
        for suffix, variant in kinds:
            for masked in (False, True):
                name = op.name.decode() + suffix + ("_masked" if masked else "")
                gufunc = make_gufunc(name, k, variant, masked, op.reduces)
                _ROWS.append((gufunc, k, variant, 1 + (variant != FA_VALUE), masked))
                publish(name, gufunc)


cdef object _bfloat16 = None


cdef register(ufunc, list operands, void *data, cnp.PyUFuncGenericFunction function):
    """A loop of bfloat16 with operands of these type numbers."""
    cdef int types[FA_MAX_INPUTS + 2]
    cdef int number = _bfloat16.num, k
    for k, operand in enumerate([*operands, *[number] * ufunc.nout]):
        types[k] = operand
    if cnp.PyUFunc_RegisterLoopForType(ufunc, number, function, types, data) < 0:
        raise RuntimeError(f"could not register {ufunc.__name__} for bfloat16")


cdef register_elementwise(tuple entry):
    cdef int op, arrays, parameters
    cdef fa_variant variant
    ufunc, op, variant, arrays, parameters, bound = entry
    # Beside a registered type Python floats are not weak: they come as float64, as
    # grad_output or as parameters; the input decides.
    narrow, wide = (<int>_bfloat16.num, <int>FA_BF16), (<int>cnp.NPY_FLOAT64, <int>FA_F64)
    for dy in (narrow, wide)[:arrays]:
        for parameter in (narrow, wide) if ufunc.nin > arrays else (wide,):
            inputs = [dy] * (arrays - 1) + [narrow] + [parameter] * parameters
            data = map_loop(op, variant, [code for _, code in inputs], FA_BF16, bound)
            register(ufunc, [number for number, _ in inputs[:ufunc.nin]], data,
                     <cnp.PyUFuncGenericFunction>fa_map_strided)


def register_bfloat16(dtype):
    """Give every ufunc a loop for ml_dtypes.bfloat16; parameters may be any float64."""
    global _bfloat16
    if _bfloat16 is not None:
        return
    _bfloat16 = dtype
    _CODES[dtype] = <int>FA_BF16
    _DTYPES[<int>FA_BF16] = dtype
    for entry in _ELEMENTWISE:
        register_elementwise(entry)
    for gufunc, op, variant, arrays, masked in _ROWS:
        register(gufunc, [dtype.num] * arrays + [<int>cnp.NPY_BOOL] * masked,
                 row_data(op, variant, masked, FA_BF16, FA_BF16), <cnp.PyUFuncGenericFunction>rows_loop)


for _k in range(FA_ACTIVATIONS):
    publish_elementwise(_k, "", ())
_make_rows()


def table():
    """The op table: for each kind, name -> its row, as a dict."""
    def bounds(pair):
        return {"float32": tuple(pair[0]), "float64": tuple(pair[1])}
    return {
        "activation": {
            fa_activations[k].name.decode(): {"parameters": fa_activations[k].parameters,
                                              "from_output": bool(fa_activations[k].from_output),
                                              "by_parameter": bool(fa_activations[k].by_parameter),
                                              "ulp": bounds(fa_activations[k].ulp)}
            for k in range(FA_ACTIVATIONS)},
        "rows": {
            fa_row_ops[k].name.decode(): {"reduces": bool(fa_row_ops[k].reduces),
                                          "from_output": bool(fa_row_ops[k].from_output),
                                          "ulp": {"float32": fa_row_ops[k].ulp[0], "float64": fa_row_ops[k].ulp[1]}}
            for k in range(FA_ROW_OPS)},
        "loss": {
            fa_losses[k].name.decode(): {"parameters": fa_losses[k].parameters, "index": k,
                                         "second": bool(fa_losses[k].second),
                                         "ulp": bounds(fa_losses[k].ulp)}
            for k in range(FA_ELEMENTWISE_LOSSES)},
    }


def parameter_sums(cnp.ndarray terms, dtype):
    """A contiguous float32 or float64 array of shape (outer, kept, inner), summed in float64 over
    the first axis and the last; rounded to a float type without a warning."""
    cdef cnp.npy_intp *shape = cnp.PyArray_DIMS(terms)
    cdef cnp.ndarray out = np.empty(shape[1], dtype)
    cdef int failed
    cdef fa_dtype code = code_of(terms)
    cdef fa_operand to = operand_of(out)
    with nogil:
        failed = fa_parameter_sums(<size_t>shape[0], <size_t>shape[1], <size_t>shape[2], code,
                                   cnp.PyArray_DATA(terms), &to)
    if failed:
        raise MemoryError()
    return out


include "_calls.pxi"


# ---- losses ---------------------------------------------------------------------

cdef class DefaultFloat:
    """Context in which this thread computes in IEEE's default mode, whatever the host's;
    mode and flags are put back at its end."""

    cdef fa_fpstate found

    def __enter__(self):
        self.found = fa_fpstate_enter()

    def __exit__(self, *exception):
        fa_fpstate_leave(self.found)


cdef int _CODE_OF_TYPE[32]  # by NumPy's type number; -1: none, or registered

for _k in range(32):
    _CODE_OF_TYPE[_k] = -1
for _char in "bBhHiIlLqQefd":
    _CODE_OF_TYPE[np.dtype(_char).num] = _CODES[np.dtype(_char)]


cdef fa_dtype code_of(cnp.ndarray a) except *:
    cdef int number = cnp.PyArray_TYPE(a)
    if number < 32 and _CODE_OF_TYPE[number] >= 0:  # NumPy is slow to hash a dtype
        return <fa_dtype>_CODE_OF_TYPE[number]
    return <fa_dtype><int>_CODES[a.dtype]


cdef (size_t, size_t) extent(cnp.ndarray a):
    """Addresses from the first byte of an array that is not empty to behind the last."""
    cdef size_t low = <size_t>cnp.PyArray_DATA(a), high = low + <size_t>cnp.PyArray_ITEMSIZE(a)
    cdef Py_ssize_t reach
    cdef int k
    for k in range(cnp.PyArray_NDIM(a)):
        reach = (cnp.PyArray_DIM(a, k) - 1) * cnp.PyArray_STRIDE(a, k)
        if reach < 0:
            low += <size_t>reach
        else:
            high += <size_t>reach
    return low, high


def column_spread(cnp.ndarray p, cnp.ndarray w, cnp.ndarray about, cnp.ndarray first, cnp.ndarray second):
    """Adds to first and second, float64, the moments of w's columns about the rows of `about` under those of p. All of
    one float type and contiguous, but that p's rows may be apart."""
    cdef fa_column_spread_job job
    memset(&job, 0, sizeof(job))
    job.precision = FA_DOUBLE if cnp.PyArray_TYPE(p) == cnp.NPY_DOUBLE else FA_SINGLE
    job.count, job.rows = <size_t>cnp.PyArray_DIM(p, 0), <size_t>cnp.PyArray_DIM(p, 1)
    job.columns = <size_t>cnp.PyArray_DIM(w, 1)
    job.pitch = <size_t>(cnp.PyArray_STRIDE(p, 0) // cnp.PyArray_ITEMSIZE(p))
    job.p, job.w, job.about = cnp.PyArray_DATA(p), cnp.PyArray_DATA(w), cnp.PyArray_DATA(about)
    job.first, job.second = <double *>cnp.PyArray_DATA(first), <double *>cnp.PyArray_DATA(second)
    with nogil:
        fa_column_spread(&job)


def may_share_memory(cnp.ndarray a, cnp.ndarray b):
    """np.may_share_memory in a tenth of its time."""
    if not cnp.PyArray_SIZE(a) or not cnp.PyArray_SIZE(b):
        return False
    a_low, a_high = extent(a)
    b_low, b_high = extent(b)
    return a_low < b_high and b_low < a_high


cdef fa_operand operand_of(cnp.ndarray a) except *:
    """A 0-d or 1-d array as an operand; anything 0-d repeats."""
    cdef fa_operand o
    o.data = <char *>cnp.PyArray_DATA(a)
    o.stride = cnp.PyArray_STRIDE(a, 0) if cnp.PyArray_NDIM(a) else 0
    o.dtype = code_of(a)
    return o


def elementwise_loss(int op, Py_ssize_t n, list operands, tuple results, bint want_total):
    """operands: input, target, weight, scale, parameters, each 1-d of length n, or 0-d.
    results: 1-d arrays to fill, or None, in the order of fa_loss_result. Returns the sum of weight * loss."""
    cdef fa_loss_job job
    cdef double total = 0.0
    cdef int failed
    memset(&job, 0, sizeof(job))
    job.op = op
    job.precision = FA_DOUBLE if cnp.PyArray_TYPE(operands[0]) == cnp.NPY_FLOAT64 else FA_SINGLE
    job.n = <size_t>n
    for k, a in enumerate(operands):
        job.in_[k] = operand_of(a)
    for k, a in enumerate(results):
        if a is not None:
            job.out[k] = operand_of(a)
    job.total = &total if want_total else NULL
    with nogil:
        failed = fa_loss_run(&job)
    if failed:
        raise MemoryError()
    return total


cdef fa_cube cube_of(cnp.ndarray a) except *:
    """An array of shape (outer, inner, classes) or (inner, classes)."""
    cdef fa_cube c
    cdef int last = cnp.PyArray_NDIM(a) - 1
    c.data = <char *>cnp.PyArray_DATA(a)
    c.outer = cnp.PyArray_STRIDE(a, 0) if last == 2 else 0
    c.inner, c.class_ = cnp.PyArray_STRIDE(a, last - 1), cnp.PyArray_STRIDE(a, last)
    c.dtype = code_of(a)
    return c


cdef fa_plane plane_of(cnp.ndarray a) except *:
    """An array of shape (outer, inner) or (inner,), or 0-d, which repeats."""
    cdef fa_plane p
    cdef int ndim = cnp.PyArray_NDIM(a)
    p.data = <char *>cnp.PyArray_DATA(a)
    p.outer = cnp.PyArray_STRIDE(a, 0) if ndim == 2 else 0
    p.inner = cnp.PyArray_STRIDE(a, ndim - 1) if ndim else 0
    p.dtype = code_of(a)
    return p


def row_loss(bint cross_entropy, cnp.ndarray x, cnp.ndarray target, bint soft, weight, ignore_index, double smoothing,
             double z_loss, grad_output, bint mean, value, grad, hess, bint want_total):
    """x, grad, hess, soft targets: (outer, inner, classes); labels, grad_output, value: (outer, inner);
    outer may be left out. Class weights, or None; ignore_index an int64.
    Returns the total; raises IndexError for a label out of range, before anything is written."""
    cdef fa_row_loss_job job
    cdef double total = 0.0
    cdef size_t bad = 0
    cdef fa_status status
    memset(&job, 0, sizeof(job))
    job.loss = FA_CROSS_ENTROPY if cross_entropy else FA_NLL
    job.precision = FA_DOUBLE if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64 else FA_SINGLE
    cdef int last = cnp.PyArray_NDIM(x) - 1
    job.outer = <size_t>cnp.PyArray_DIM(x, 0) if last == 2 else 1
    job.inner, job.n = <size_t>cnp.PyArray_DIM(x, last - 1), <size_t>cnp.PyArray_DIM(x, last)
    job.input = cube_of(x)
    if soft:
        job.target = cube_of(target)
    else:
        job.labels = plane_of(target)
    if weight is not None:
        job.weight = operand_of(weight)
    job.ignore_index, job.smoothing, job.z_loss, job.mean = ignore_index, smoothing, z_loss, mean
    job.grad_output = plane_of(grad_output)
    if value is not None:
        job.value = plane_of(value)
    if grad is not None:
        job.grad = cube_of(grad)
    if hess is not None:
        job.hess = cube_of(hess)
    job.total = &total if want_total else NULL
    with nogil:
        status = fa_row_loss_run(&job, &bad)
    if status == FA_BAD_LABEL:
        raise IndexError(f"target: label {target.reshape(-1)[bad]} of row {bad} is not in 0..{job.n - 1} "
                         f"(the {job.n} classes of input) and is not ignore_index={ignore_index}")
    if status == FA_NO_MEMORY:
        raise MemoryError()
    return total


def ctc_loss(cnp.ndarray x, cnp.ndarray targets, tuple lengths, blank, bint mean, bint zero_infinity, bint logits,
             grad_output, value, grad, hess, bint want_total):
    """x, grad, hess: (steps, sequences, classes); targets: (sequences, room), or one after another; lengths: of
    input and targets, (sequences,); grad_output, value: (sequences,). blank a class. Returns the total; what is
    wrong with lengths or labels is raised before anything is written."""
    cdef fa_ctc_job job
    cdef fa_ctc_place bad = fa_ctc_place(0, 0)
    cdef fa_ctc_status status
    cdef double total = 0.0
    memset(&job, 0, sizeof(job))
    job.steps, job.sequences = <size_t>cnp.PyArray_DIM(x, 0), <size_t>cnp.PyArray_DIM(x, 1)
    job.classes = <size_t>cnp.PyArray_DIM(x, 2)
    job.input, job.labels = cube_of(x), plane_of(targets)
    job.concatenated = cnp.PyArray_NDIM(targets) == 1
    job.labels_each = <size_t>cnp.PyArray_DIM(targets, cnp.PyArray_NDIM(targets) - 1)
    job.input_lengths, job.target_lengths = operand_of(lengths[0]), operand_of(lengths[1])
    job.blank, job.mean, job.zero_infinity, job.logits = blank, mean, zero_infinity, logits
    job.grad_output = operand_of(grad_output)
    if value is not None:
        job.value = operand_of(value)
    if grad is not None:
        job.grad = cube_of(grad)
    if hess is not None:
        job.hess = cube_of(hess)
    job.total = &total if want_total else NULL
    with nogil:
        status = fa_ctc_run(&job, &bad)
    if status == FA_CTC_NO_MEMORY:
        raise MemoryError()
    if status != FA_CTC_DONE:
        raise_ctc(&job, status, bad, targets, lengths)
    return total


cdef raise_ctc(const fa_ctc_job *job, fa_ctc_status status, fa_ctc_place bad, targets, lengths):
    n = bad.sequence
    if status == FA_CTC_BAD_INPUT_LENGTH:
        raise ValueError(f"input_lengths: {lengths[0][n]} of sequence {n} is not in 0..{job.steps} "
                         f"(the steps of log_probs)")
    if status == FA_CTC_BAD_TARGET_LENGTH:
        raise ValueError(f"target_lengths: {lengths[1][n]} of sequence {n} is not in 0..{job.labels_each} "
                         f"(the labels in targets)")
    if status == FA_CTC_BAD_SUM:
        raise ValueError(f"target_lengths must add up to the {job.labels_each} labels of one-dimensional targets, "
                         f"got {sum(map(int, lengths[1]))}")
    at = (n, bad.label) if not job.concatenated else sum(map(int, lengths[1][:n])) + bad.label
    what = "is the blank" if targets[at] == job.blank else f"is not in 0..{job.classes - 1} (the classes of log_probs)"
    raise IndexError(f"targets: label {targets[at]} at {bad.label} of sequence {n} {what}")


cdef dict _WIDE_LOSSES = {
    "multi_margin_loss": <int>FA_MULTI_MARGIN, "multilabel_margin_loss": <int>FA_MULTILABEL_MARGIN,
    "multilabel_soft_margin_loss": <int>FA_MULTILABEL_SOFT_MARGIN,
    "cosine_embedding_loss": <int>FA_COSINE_EMBEDDING, "triplet_margin_loss": <int>FA_TRIPLET_MARGIN,
}


cdef wide_cubes(fa_cube *to, arrays):
    for k, a in enumerate(arrays):
        to[k] = cube_of(a)


def wide_loss(str name, list inputs, labels, label_lists, target, weight, tuple numbers, grad_output, bint mean, value,
              list grads, list hesses, bint want_total):
    """inputs, label_lists, grads, hesses: (outer, inner, classes); labels, target, grad_output, value: (outer, inner);
    outer may be left out. Class weights, or None; numbers: margin, p, eps, swap. grads and hesses: none, of the first
    or of all inputs, hesses only beside grads. Returns the total; raises IndexError for a label out of range, before
    anything is written."""
    cdef fa_wide_loss_job job
    cdef double total = 0.0
    cdef size_t bad = 0
    cdef fa_status status
    cdef cnp.ndarray x = inputs[0]
    cdef int last = cnp.PyArray_NDIM(x) - 1
    memset(&job, 0, sizeof(job))
    job.loss = <fa_wide_loss><int>_WIDE_LOSSES[name]
    job.outer = <size_t>cnp.PyArray_DIM(x, 0) if last == 2 else 1
    job.inner, job.n = <size_t>cnp.PyArray_DIM(x, last - 1), <size_t>cnp.PyArray_DIM(x, last)
    job.inputs = <size_t>len(inputs)
    wide_cubes(job.input, inputs)
    wide_cubes(job.grad, grads)
    wide_cubes(job.hess, hesses)
    if labels is not None:
        job.labels = plane_of(labels)
    if label_lists is not None:
        job.label_lists = cube_of(label_lists)
    if target is not None:
        job.target = plane_of(target)
    if weight is not None:
        job.weight = operand_of(weight)
    if value is not None:
        job.value = plane_of(value)
    job.margin, job.p, job.eps, job.swap = numbers
    job.grad_output, job.mean = plane_of(grad_output), mean
    job.total = &total if want_total else NULL
    with nogil:
        status = fa_wide_loss_run(&job, &bad)
    if status == FA_BAD_LABEL:
        found = labels if label_lists is None else label_lists
        row = bad if label_lists is None else bad // job.n
        raise IndexError(f"target: label {found.reshape(-1)[bad]} of row {row} is not in 0..{job.n - 1} "
                         f"(the {job.n} classes of input)" + ("" if label_lists is None else ", nor -1, a list's end"))
    if status == FA_NO_MEMORY:
        raise MemoryError()
    return total


# ---- configuration -----------------------------------------------------------------

def instruction_sets():
    """Names of the instruction sets compiled in, best first, and whether this CPU has each."""
    names, k = {}, 0
    while fa_isas[k] != NULL:
        names[fa_isa_name(fa_isas[k]).decode()] = bool(fa_isa_supported(fa_isas[k]))
        k += 1
    return names


def get_isa():
    return fa_isa_name(fa_current_isa()).decode()


def set_isa(str name):
    if fa_set_isa(name.encode()) != 0:
        known = instruction_sets()
        why = "this CPU does not have it" if name in known else "there is no such instruction set in this build"
        usable = ", ".join(repr(k) for k, supported in known.items() if supported)
        raise ValueError(f"instruction set {name!r}: {why}; usable here: {usable}")


def get_num_threads():
    return fa_get_threads()


def set_num_threads(int n):
    fa_set_threads(n)


def available_cpus():
    return fa_available_cpus()
