# cython: language_level=3, boundscheck=False, wraparound=False, auto_pickle=False
"""The C core for Python: ufuncs and gufuncs made by walking the op table.

Every ufunc is an attribute of this module under its own ``__name__``, which is
what lets it pickle by reference.
"""
import os

cimport numpy as cnp
from cpython.exc cimport PyErr_SetString
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.float cimport FLT_MAX, FLT_MIN
from libc.math cimport fabs
from libc.string cimport memset

import numpy as np

cdef extern from "numpy/arrayobject.h":
    PyObject *PyDataType_METADATA(cnp.PyArray_Descr *)

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
    """A 0-d or 1-d array as an operand; anything 0-d repeats; None is absent."""
    cdef fa_operand o
    if a is None:
        memset(&o, 0, sizeof(o))
        return o
    o.data = <char *>cnp.PyArray_DATA(a)
    o.stride = cnp.PyArray_STRIDE(a, 0) if cnp.PyArray_NDIM(a) else 0
    o.dtype = code_of(a)
    return o


cdef fa_operand block_operand(cnp.ndarray a) except *:
    """An array in C order, whatever its dimensions, as one run."""
    cdef fa_operand o
    o.data, o.stride, o.dtype = <char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a), code_of(a)
    return o


cdef bint same_shape(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef int k
    if cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(b):
        return False
    for k in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, k) != cnp.PyArray_DIM(b, k):
            return False
    return True


# Casts instead of typed variables, and noexcept: a call on 16 numbers would feel the checks of types and exceptions.
cdef bint is_float_block(object a) noexcept:
    """An ndarray of native float32 or float64 in C order, not empty: the core takes it as it is."""
    if not cnp.PyArray_CheckExact(a):
        return False
    cdef int number = cnp.PyArray_TYPE(<cnp.ndarray>a)
    return ((number == cnp.NPY_FLOAT32 or number == cnp.NPY_FLOAT64) and cnp.PyArray_ISNOTSWAPPED(<cnp.ndarray>a)
            and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>a) and cnp.PyArray_SIZE(<cnp.ndarray>a) > 0)


cdef bint may_write(object out, cnp.ndarray like) noexcept:
    """May the core write to it just as it is, results of the type of `like`? Shapes and overlap are the caller's
    question. Where this says no, _arrays.check_out refuses what must be, and OutputBuffer copies the rest."""
    return (is_float_block(out) and cnp.PyArray_TYPE(<cnp.ndarray>out) == cnp.PyArray_TYPE(like)
            and cnp.PyArray_ISALIGNED(<cnp.ndarray>out) and cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out)
            and cnp.PyArray_FLAGS(<cnp.ndarray>out) >= 0)  # bit 31: NumPy warns of writes to what was broadcast


# ---- the table --------------------------------------------------------------------

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
                                                     "second_input": bool(fa_elementwise_losses[k].second_input),
                                                     "ulp": bounds(fa_elementwise_losses[k].ulp)}
            for k in range(FA_ELEMENTWISE_LOSSES)},
        "class_loss": {
            fa_class_losses[k].name.decode(): {"index": k,
                                               "targets": fa_targets_names[<int>fa_class_losses[k].targets].decode()}
            for k in range(FA_CLASS_LOSSES)},
        "float64_row_loss": {
            fa_float64_row_losses[k].name.decode(): {
                "index": k, "inputs": fa_float64_row_losses[k].inputs,
                "targets": fa_targets_names[<int>fa_float64_row_losses[k].targets].decode()}
            for k in range(FA_FLOAT64_ROW_LOSSES)},
    }


# ---- the functions ----------------------------------------------------------------

include "_cython/errors.pxi"
include "_cython/ufuncs.pxi"
include "_cython/fast_path.pxi"
include "_cython/rows.pxi"
include "_cython/functions.pxi"
include "_cython/loss_jobs.pxi"
include "_cython/fast_path_losses.pxi"


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
