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
from libc.float cimport FLT_MAX, FLT_MIN
from libc.math cimport fabs
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
    cdef fa_map_loop *loop = <fa_map_loop *>PyMem_Malloc(sizeof(fa_map_loop))
    fill_map_loop(loop, op, variant, codes, result_code, bound)
    return loop


cdef fill_map_loop(fa_map_loop *loop, int op, fa_variant variant, list codes, int result_code, tuple bound):
    """codes: of the operands, then of the parameters bound to a value each."""
    cdef int k
    memset(loop, 0, sizeof(loop[0]))
    loop.op, loop.variant, loop.inputs, loop.out = op, variant, len(codes), <fa_dtype>result_code
    for k in range(loop.inputs):
        loop.in_[k] = <fa_dtype><int>codes[k]
    for k, value in enumerate(bound, len(codes) - len(bound)):
        # rounded to the type that NumPy would convert the operand to
        loop.constant[k] = cnp.PyArray_DATA(constant(np.array(value, _DTYPES[codes[k]])))


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
    fill_row_data(loop, op, variant, masked, array_code, float_code)
    return loop


cdef fill_row_data(fa_rows_loop *loop, int op, fa_variant variant, bint masked, int array_code, int float_code):
    loop.op, loop.variant, loop.masked = op, variant, masked
    loop.in_dtype, loop.dtype = <fa_dtype>array_code, <fa_dtype>float_code


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
cdef dict _LOOP_OF = {}  # name -> (op, variant, arrays, parameters)
cdef dict _ROWS_OF = {}  # name -> (op, variant, reduces)
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
             ("_second_derivative", FA_SECOND_DERIVATIVE, 1)]
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
        if not bound:
            _LOOP_OF[name] = (op, <int>variant, arrays, fa_activations[op].parameters)
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
                if not masked:
                    _ROWS_OF[name] = (k, <int>variant, bool(op.reduces))
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
            fa_elementwise_losses[k].name.decode(): {"parameters": fa_elementwise_losses[k].parameters, "index": k,
                                         "second": bool(fa_elementwise_losses[k].second_input),
                                         "ulp": bounds(fa_elementwise_losses[k].ulp)}
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


include "_plain_calls.pxi"
include "_calls.pxi"


# ---- arrays for the core ----------------------------------------------------------

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


cpdef bint may_share_memory(cnp.ndarray a, cnp.ndarray b):
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


include "_losses.pxi"
include "_plain_losses.pxi"


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
