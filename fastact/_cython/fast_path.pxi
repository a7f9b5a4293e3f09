# The fast path of activations, row ops and gates: arrays that the core takes as they are; part of _core.pyx.
#
# NumPy spends 0.2 us on a ufunc's call before its loop, 0.7 on a gufunc's: it looks for overrides, finds types, lays
# out an iterator. Arrays of one native type in C order need none of that. NotImplemented stands for all other calls:
# then the ufunc is called, whose loop is the same, and which words the errors.

cdef enum:
    GIL_RELEASE_MIN = 501  # elements; NumPy keeps the interpreter's lock for fewer too
    # NumPy walks an array faster than a gate's loop if it takes more calls than this, each of fewer elements.
    GATE_MAX_SHORT_CALLS = 16
    GATE_LONG_CALL = 256


cdef class FastLoop:
    """The loops of a ufunc for float32 and float64, with these values for its last parameters."""

    cdef fa_map_loop loops[2]
    cdef int arrays, operands

    def __init__(self, str ufunc, tuple bound):
        cdef int op, variant, parameters, k
        op, variant, self.arrays, parameters = _LOOP_OF[ufunc]
        self.operands = self.arrays + parameters
        for k, code in enumerate((<int>FA_F32, <int>FA_F64)):
            fill_map_loop(&self.loops[k], op, <fa_variant>variant, [code] * self.operands, code, bound)


cdef inline bint is_fast(PyObject *array) noexcept:
    """A float block (see _core.pyx) of at least one dimension: NumPy makes scalars of others."""
    return (is_float_block(<object>array) and cnp.PyArray_NDIM(<cnp.ndarray>array) > 0
            and cnp.PyArray_ISALIGNED(<cnp.ndarray>array)
            and PyDataType_METADATA(cnp.PyArray_DESCR(<cnp.ndarray>array)) is NULL)


cdef inline bint same_type_and_shape(cnp.ndarray a, cnp.ndarray b) noexcept:
    return cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(b) and same_shape(a, b)


cdef inline bint same_or_disjoint(cnp.ndarray out, cnp.ndarray operand) noexcept:
    """May `out` be written while the operand is read, element by element? Both are float blocks of as many bytes."""
    cdef size_t bytes = <size_t>(cnp.PyArray_SIZE(out) * cnp.PyArray_ITEMSIZE(out))
    cdef size_t ahead = <size_t>cnp.PyArray_DATA(out) - <size_t>cnp.PyArray_DATA(operand)
    return ahead == 0 or (ahead >= bytes and -ahead >= bytes)


cdef bint fast_number(PyObject *value, bint double_precision, double *wide, float *narrow):
    """A Python number, which takes the arrays' type, if that loses nothing but digits."""
    number = <object>value
    if type(number) is float:
        wide[0] = number
    elif type(number) is int and -(1 << 24) <= number <= (1 << 24):
        wide[0] = <double><long>number
    else:
        return False
    if not double_precision and wide[0] != 0.0 and not FLT_MIN <= fabs(wide[0]) <= FLT_MAX:
        return False
    narrow[0] = <float>wide[0]
    return True


cdef inline bint is_mask_of(PyObject *mask, cnp.ndarray out) noexcept:
    """Has the mask a byte for each element of an output, which does not overlap it?"""
    return (cnp.PyArray_CheckExact(<object>mask) and cnp.PyArray_TYPE(<cnp.ndarray>mask) == cnp.NPY_BOOL
            and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>mask) and same_shape(<cnp.ndarray>mask, out)
            and not may_share_memory(<cnp.ndarray>mask, out))


cdef object fast_call(FastLoop self, PyObject *const *operands, Py_ssize_t given, PyObject *out, PyObject *where):
    """operands: arrays, then numbers; those not given are bound. where: a mask, or NULL; only beside an `out`."""
    cdef char *args[3]
    cdef ptrdiff_t strides[3]
    cdef ptrdiff_t n
    cdef double wide[FA_MAX_INPUTS]
    cdef float narrow[FA_MAX_INPUTS]
    cdef fa_map_loop loop
    cdef cnp.ndarray x, to
    cdef bint double_precision
    cdef const char *mask = NULL
    cdef int arrays = self.arrays
    cdef Py_ssize_t k
    for k in range(arrays):
        if not is_fast(operands[k]) or not same_type_and_shape(<cnp.ndarray>operands[k], <cnp.ndarray>operands[0]):
            return NotImplemented
    x = <cnp.ndarray>operands[0]
    double_precision = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64
    loop = self.loops[double_precision]
    for k in range(arrays, given):
        if not fast_number(operands[k], double_precision, &wide[k], &narrow[k]):
            return NotImplemented
        loop.constant[k] = &wide[k] if double_precision else <void *>&narrow[k]
    if out is NULL or <object>out is None:
        to = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    else:
        if not may_write(<object>out, x) or not same_type_and_shape(<cnp.ndarray>out, x):
            return NotImplemented
        to = <cnp.ndarray>out
        for k in range(arrays):
            if not same_or_disjoint(to, <cnp.ndarray>operands[k]):
                return NotImplemented
    if where is not NULL:
        if out is NULL or <object>out is None or not is_mask_of(where, to):
            return NotImplemented
        mask = <const char *>cnp.PyArray_DATA(<cnp.ndarray>where)
    for k in range(arrays):
        args[k] = <char *>cnp.PyArray_DATA(<cnp.ndarray>operands[k])
    args[arrays] = <char *>cnp.PyArray_DATA(to)
    for k in range(arrays + 1):
        strides[k] = cnp.PyArray_ITEMSIZE(x)
    n = cnp.PyArray_SIZE(x)
    if n < GIL_RELEASE_MIN:
        fa_map_masked(args, &n, strides, &loop, mask)
    else:
        with nogil:
            fa_map_masked(args, &n, strides, &loop, mask)
    return to


# ---- rows ---------------------------------------------------------------------------

cdef class FastRows:
    """The loops of a gufunc for float32 and float64."""

    cdef fa_rows_loop loops[2]
    cdef int arrays
    cdef bint row_dy, reduces  # grad_output, the result: one a row

    def __init__(self, str gufunc):
        cdef int op, variant, k
        cdef bint reduces
        op, variant, reduces = _ROWS_OF[gufunc]
        self.arrays = 1 if variant == <int>FA_VALUE else 2
        self.row_dy, self.reduces = reduces and self.arrays == 2, reduces and self.arrays == 1
        for k, code in enumerate((<int>FA_F32, <int>FA_F64)):
            fill_row_data(&self.loops[k], op, <fa_variant>variant, False, code, code)


cdef bint has_rows_of(cnp.ndarray a, cnp.ndarray x, int along, bint one_a_row):
    """Is it shaped like x, or like x without this axis?"""
    cdef int k, ndim = cnp.PyArray_NDIM(x) - one_a_row
    if cnp.PyArray_NDIM(a) != ndim or cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(x):
        return False
    for k in range(ndim):
        if cnp.PyArray_DIM(a, k) != cnp.PyArray_DIM(x, k + (one_a_row and k >= along)):
            return False
    return True


cdef cnp.ndarray rows_like(cnp.ndarray x, int along, bint one_a_row):
    cdef cnp.npy_intp shape[64]
    cdef int k, ndim = cnp.PyArray_NDIM(x) - one_a_row
    for k in range(ndim):
        shape[k] = cnp.PyArray_DIM(x, k + (one_a_row and k >= along))
    return cnp.PyArray_EMPTY(ndim, shape, cnp.PyArray_TYPE(x), 0)


cdef object fast_rows(FastRows self, PyObject *const *operands, object axis, PyObject *out):
    cdef cnp.ndarray x, to, first
    cdef int along, k
    for k in range(self.arrays):
        if not is_fast(operands[k]):
            return NotImplemented
    x, first = <cnp.ndarray>operands[self.arrays - 1], <cnp.ndarray>operands[0]
    if type(axis) is not int or not -cnp.PyArray_NDIM(x) <= axis < cnp.PyArray_NDIM(x):
        return NotImplemented
    along = axis
    along += cnp.PyArray_NDIM(x) if along < 0 else 0
    if (self.reduces or self.row_dy) and cnp.PyArray_NDIM(x) == 1:
        return NotImplemented
    if not has_rows_of(first, x, along, self.row_dy):
        return NotImplemented
    if out is NULL or <object>out is None:
        to = rows_like(x, along, self.reduces)
    else:
        if not may_write(<object>out, x):
            return NotImplemented
        to = <cnp.ndarray>out
        if not has_rows_of(to, x, along, self.reduces) or may_share_memory(to, x) or may_share_memory(to, first):
            return NotImplemented
    run_rows(self, first, x, to, along)
    return to


cdef run_rows(FastRows self, cnp.ndarray dy, cnp.ndarray x, cnp.ndarray to, int along):
    """Rows are (outer, inner): the axes before `along`, and those behind it. If there are none behind, they are the axes
    before. If the function has one operand, dy is x."""
    cdef char *args[3]
    cdef ptrdiff_t strides[6]
    cdef bint one_a_row[3]
    cdef ptrdiff_t call_stride[3]  # bytes of each operand from one outer index to the next
    cdef ptrdiff_t dims[2]
    cdef ptrdiff_t calls = 1, rows = 1, size = cnp.PyArray_ITEMSIZE(x)
    cdef fa_rows_loop *loop = &self.loops[cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64]
    cdef int k, core = self.arrays + 1, failed
    for k in range(along):
        calls *= cnp.PyArray_DIM(x, k)
    for k in range(along + 1, cnp.PyArray_NDIM(x)):
        rows *= cnp.PyArray_DIM(x, k)
    dims[0], dims[1] = rows, cnp.PyArray_DIM(x, along)
    if rows == 1:
        dims[0], calls = calls, 1
    args[0], one_a_row[0] = <char *>cnp.PyArray_DATA(dy), self.row_dy
    args[1], one_a_row[1] = <char *>cnp.PyArray_DATA(x), False
    args[self.arrays], one_a_row[self.arrays] = <char *>cnp.PyArray_DATA(to), self.reduces
    for k in range(self.arrays + 1):  # strides of rows, then of those operands' classes that have any
        if one_a_row[k]:
            strides[k], call_stride[k] = size, rows * size
        else:
            strides[k] = size * (dims[1] if rows == 1 else 1)
            call_stride[k] = rows * dims[1] * size
            strides[core] = rows * size
            core += 1
    if cnp.PyArray_SIZE(x) < GIL_RELEASE_MIN:
        failed = fa_rows_nested(args, dims, strides, calls, call_stride, loop)
    else:
        with nogil:
            failed = fa_rows_nested(args, dims, strides, calls, call_stride, loop)
    if failed:
        raise MemoryError(NO_MEMORY.decode())


# ---- gates --------------------------------------------------------------------------

cdef object fast_gated(FastLoop self, cnp.ndarray dy, cnp.ndarray x, int along, bint first, object out):
    """The gate's value, or with a dy its gradient in both halves of an array like x."""
    cdef cnp.npy_intp shape[64]
    cdef ptrdiff_t outer = 1, inner = 1, size = cnp.PyArray_ITEMSIZE(x)
    cdef cnp.ndarray to
    cdef int k, ndim = cnp.PyArray_NDIM(x)
    if not is_fast(<PyObject *>x) or (dy is not None and not is_fast(<PyObject *>dy)):
        return NotImplemented
    for k in range(ndim):
        shape[k] = cnp.PyArray_DIM(x, k)
        if k < along:
            outer *= shape[k]
        else:
            inner *= shape[k]
    inner //= 2
    if outer > GATE_MAX_SHORT_CALLS and inner < GATE_LONG_CALL:
        return NotImplemented
    if dy is None:
        shape[along] //= 2
    elif not (cnp.PyArray_TYPE(dy) == cnp.PyArray_TYPE(x) and is_half(dy, x, along)):
        return NotImplemented
    if out is None:
        to = cnp.PyArray_EMPTY(ndim, shape, cnp.PyArray_TYPE(x), 0)
    else:
        if not may_write(out, x):
            return NotImplemented
        to = out
        if may_share_memory(to, x) or (dy is not None and may_share_memory(to, dy)):
            return NotImplemented
        if not (is_half(to, x, along) if dy is None else same_shape(to, x)):
            return NotImplemented
    run_gated(&self.loops[cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64], dy, x, to, outer, inner * size, size, first)
    return to


cdef run_gated(fa_map_loop *loop, cnp.ndarray dy, cnp.ndarray x, cnp.ndarray to, ptrdiff_t outer, ptrdiff_t half,
               ptrdiff_t size, bint first):
    """half: bytes of one; first: the gate is the first of the two. Operands are dy if there is one, the gate, the other
    half; results the gate's gradient and the other's, or the value."""
    cdef char *args[5]
    cdef ptrdiff_t strides[5]
    cdef ptrdiff_t call_stride[5]  # bytes from one call to the next
    cdef ptrdiff_t n = half // size, gate = 0 if first else half
    cdef char *input = <char *>cnp.PyArray_DATA(x)
    cdef char *output = <char *>cnp.PyArray_DATA(to)
    cdef int k, used = 0
    if dy is not None:
        args[0], call_stride[0] = <char *>cnp.PyArray_DATA(dy), half
        used = 1
    args[used], args[used + 1] = input + gate, input + half - gate
    call_stride[used] = call_stride[used + 1] = 2 * half
    if dy is None:
        args[2], call_stride[2] = output, half
    else:
        args[3], args[4] = output + gate, output + half - gate
        call_stride[3] = call_stride[4] = 2 * half
    used = 3 if dy is None else 5
    for k in range(used):
        strides[k] = size
    if outer * n < GIL_RELEASE_MIN:
        gated_calls(outer, used, args, &n, strides, call_stride, loop)
    else:
        with nogil:
            gated_calls(outer, used, args, &n, strides, call_stride, loop)


cdef void gated_calls(ptrdiff_t calls, int used, char **args, const ptrdiff_t *n, const ptrdiff_t *strides,
                      const ptrdiff_t *call_stride, fa_map_loop *loop) noexcept nogil:
    cdef ptrdiff_t o
    cdef int k
    for o in range(calls):
        fa_map_strided(args, n, strides, loop)
        for k in range(used):
            args[k] += call_stride[k]
