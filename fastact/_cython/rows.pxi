# Row ops over arrays of any layout, along any axis; part of _core.pyx.
#
# NumPy hands a gufunc's loop the rows of one axis at a time: of (1000, 500, 2) along axis 1 two rows, a thousand times.
# Here the axes of rows are merged where their strides allow it, and the core gets the last two that are left at once.

cdef enum:
    MAX_AXES = 64
    MAX_ROW_OPERANDS = 4
    LEAST_WALKED = 1024  # elements; of fewer NumPy's way takes no longer


cdef struct row_walk:
    int operands, levels
    char *data[MAX_ROW_OPERANDS]
    ptrdiff_t class_stride[MAX_ROW_OPERANDS]
    bint one_a_row[MAX_ROW_OPERANDS]
    ptrdiff_t dims[MAX_AXES]
    ptrdiff_t strides[MAX_AXES][MAX_ROW_OPERANDS]


cdef bint can_merge(const row_walk *w, int outer, int inner) noexcept:
    cdef int k
    for k in range(w.operands):
        if w.strides[outer][k] != w.strides[inner][k] * w.dims[inner]:
            return False
    return True


cdef void add_level(row_walk *w, ptrdiff_t dim, const ptrdiff_t *strides) noexcept:
    """One more axis of rows, further in than all others."""
    cdef int k, last = w.levels - 1
    if dim == 1:
        return
    w.dims[w.levels] = dim
    for k in range(w.operands):
        w.strides[w.levels][k] = strides[k]
    if last >= 0 and can_merge(w, last, w.levels):
        w.dims[last] *= dim
        for k in range(w.operands):
            w.strides[last][k] = strides[k]
    else:
        w.levels += 1


cdef bint takes_rows(object array, object dtype) noexcept:
    return (cnp.PyArray_CheckExact(array) and (<cnp.ndarray>array).dtype == dtype
            and cnp.PyArray_ISALIGNED(<cnp.ndarray>array) and cnp.PyArray_ISNOTSWAPPED(<cnp.ndarray>array))


cdef void fill_walk(row_walk *w, list arrays, cnp.ndarray x, int along, list order):
    """order: the axes of rows, outermost first."""
    cdef ptrdiff_t strides[MAX_ROW_OPERANDS]
    cdef int k, axis
    w.operands, w.levels = len(arrays), 0
    for k in range(w.operands):
        array = <cnp.ndarray>arrays[k]
        w.data[k] = <char *>cnp.PyArray_DATA(array)
        w.one_a_row[k] = cnp.PyArray_NDIM(array) < cnp.PyArray_NDIM(x)
        w.class_stride[k] = 0 if w.one_a_row[k] else cnp.PyArray_STRIDE(array, along)
    for axis in order:
        for k in range(w.operands):
            strides[k] = cnp.PyArray_STRIDE(<cnp.ndarray>arrays[k], axis - (w.one_a_row[k] and axis > along))
        add_level(w, cnp.PyArray_DIM(x, axis), strides)


cdef int walk_rows(row_walk *w, int level, char **data, ptrdiff_t n, const fa_rows_loop *loop) noexcept nogil:
    """The core on the last two levels, which it takes as (outer, inner) rows, for each index of those before."""
    cdef char *at[MAX_ROW_OPERANDS]
    cdef ptrdiff_t strides[2 * MAX_ROW_OPERANDS]
    cdef ptrdiff_t none[MAX_ROW_OPERANDS]
    cdef ptrdiff_t dims[2]
    cdef ptrdiff_t i, outer = 1
    cdef const ptrdiff_t *outer_strides = none
    cdef int k, failed = 0, core = w.operands, left = w.levels - level
    cdef bint nested = left == 2
    for k in range(w.operands):
        at[k], none[k] = data[k], 0
        if nested and w.one_a_row[k] and w.strides[level][k] != w.strides[level + 1][k] * w.dims[level + 1]:
            nested = False  # the core wants one stride for all rows
    if left > 1 and not nested:
        for i in range(w.dims[level]):
            failed |= walk_rows(w, level + 1, at, n, loop)
            for k in range(w.operands):
                at[k] += w.strides[level][k]
        return failed
    if nested:
        outer, outer_strides = w.dims[level], w.strides[level]
    dims[0], dims[1] = w.dims[w.levels - 1] if w.levels else 1, n
    for k in range(w.operands):
        strides[k] = w.strides[w.levels - 1][k] if w.levels else 0
        if not w.one_a_row[k]:
            strides[core] = w.class_stride[k]
            core += 1
    return fa_rows_nested(at, dims, strides, outer, outer_strides, loop)


def rows_along(gufunc, list arrays, int along, out):
    """gufunc(*arrays, axis=along, out=out) for arrays of one float type that the core takes as they lie; NotImplemented
    for others. arrays: as the gufunc takes them, each shaped like the input, or like that without the axis."""
    cdef row_walk walk
    cdef fa_rows_loop loop
    cdef fa_variant variant
    cdef ptrdiff_t n
    cdef int op, count, failed
    cdef bint masked
    op, variant, count, masked = _LAYOUTS_OF[gufunc]
    cdef cnp.ndarray x = arrays[count - 1] if type(arrays[count - 1]) is np.ndarray else None
    if x is None or cnp.PyArray_SIZE(x) < LEAST_WALKED or x.dtype not in _FLOAT_CODES:
        return NotImplemented
    for k, array in enumerate(arrays):
        if not takes_rows(array, np.bool_ if k == count else x.dtype):
            return NotImplemented
    shape = (<object>x).shape
    reduced = shape[:along] + shape[along + 1:]
    row_dy = fa_row_ops[op].reduces and variant != FA_VALUE
    reduces = fa_row_ops[op].reduces and variant == FA_VALUE
    if count == 2 and arrays[0].shape != (reduced if row_dy else shape):
        return NotImplemented
    if reduces and not reduced:
        return NotImplemented  # a scalar
    if out is None:
        out = np.empty_like((<object>x)[(slice(None),) * along + (0,)] if reduces else x)
    elif not (takes_rows(out, x.dtype) and out.shape == (reduced if reduces else shape) and out.flags.writeable
              and cnp.PyArray_FLAGS(<cnp.ndarray>out) >= 0 and not any([may_share_memory(out, a) for a in arrays])):
        return NotImplemented
    order = sorted([a for a in range(x.ndim) if a != along], key=lambda a: -abs((<object>x).strides[a]))
    fill_walk(&walk, [*arrays, out], x, along, order)
    fill_row_data(&loop, op, variant, masked, _CODES[x.dtype], _CODES[x.dtype])
    n = cnp.PyArray_DIM(x, along)
    with nogil:
        failed = walk_rows(&walk, 0, walk.data, n, &loop)
    if failed:
        raise MemoryError()
    return out


cdef dict _LAYOUTS_OF = {gufunc: (op, <int>variant, arrays, masked) for gufunc, op, variant, arrays, masked in _ROWS}
cdef set _FLOAT_CODES = {np.dtype(char) for char in "efd"}  # and bfloat16, once it is registered
