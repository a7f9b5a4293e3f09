# Functions over ufuncs and gufuncs; part of _core.pyx.
#
# CPython calls them by vectorcall: on 16 numbers a tuple and a dict of the arguments
# would cost as much as the call itself.

cdef extern from *:
    """
    static void fa_set_vectorcall(PyTypeObject *type, Py_ssize_t offset) {
        type->tp_vectorcall_offset = offset;
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        PyType_Modified(type);
    }
    """
    ctypedef object (*vectorcallfunc)(object, PyObject *const *, size_t, PyObject *)
    void fa_set_vectorcall(PyTypeObject *, Py_ssize_t)
    object PyObject_Vectorcall(object, PyObject *const *, size_t, PyObject *)
    object PyVectorcall_Call(object, tuple, dict)
    Py_ssize_t PyVectorcall_NARGS(size_t)

cdef extern from "numpy/arrayobject.h":
    PyTypeObject PyArray_Type
    object PyArray_NewFromDescr(PyTypeObject *, cnp.PyArray_Descr *, int, cnp.npy_intp *, cnp.npy_intp *, void *,
                                int, PyObject *)

cdef enum:
    MAX_NAMES = 8  # of operands and options
    MAX_KEYWORDS = 16
    SHORT_RUN = 64  # elements of a mask that are alike, on average, up to which NumPy's way through it is the slow one
    PIECES = 32  # of a mask, with PIECE elements at the most, are looked at
    PIECE = 256


cdef class Function:
    """A public function: called by vectorcall, pickled by its name."""

    cdef vectorcallfunc vectorcall
    cdef str name
    cdef dict __dict__

    def __init__(self, str name):
        self.name = name
        self.__name__ = self.__qualname__ = name
        self.__module__ = "fastact"

    def __call__(self, *args, **kwargs):
        return PyVectorcall_Call(self, args, kwargs)

    def __repr__(self):
        return f"<fastact.{self.name}>"

    def __reduce__(self):
        return self.name


cdef object explained(Function self, error, PyObject *const *args, Py_ssize_t given, PyObject *keywords, tuple names,
                      reduced=None):
    """Raises what says more than `error` does, in which a call ended."""
    cdef Py_ssize_t k
    explain(self, error, tuple([<object>args[k] for k in range(given)]),
            {} if keywords is NULL else {keyword: <object>args[given + k] for k, keyword in enumerate(<tuple>keywords)},
            names, reduced)


def call_by_vectorcall(type function):
    """For each subclass of Function: before Python 3.12 those made in Python do not inherit it."""
    cdef Function any_function = Function.__new__(Function)
    fa_set_vectorcall(<PyTypeObject *>function, <char *>&any_function.vectorcall - <char *><PyObject *>any_function)


cdef object _container_check = None


def set_container_check(function):
    """What sees operands of ufuncs that are no plain arrays: function(called, names, values, keywords) gives the result,
    or NotImplemented to go on."""
    global _container_check
    _container_check = function


cdef inline bint is_plain(object value) noexcept:
    """An array, number, list or None: nothing that has labels, a mask or rules of its own."""
    return (cnp.PyArray_CheckExact(value) or value is None or type(value) is float or type(value) is int
            or type(value) is list or cnp.PyArray_CheckScalar(value))


cdef object check_containers(Function self, tuple names, PyObject *const *args, Py_ssize_t given, PyObject *keywords):
    """Calls it, if an operand is such a one."""
    cdef Py_ssize_t k, most = given + (0 if keywords is NULL else len(<tuple>keywords))
    for k in range(most):
        if not is_plain(<object>args[k]):
            return _container_check(self, names, tuple([<object>args[at] for at in range(most)]),
                                    None if keywords is NULL else <tuple>keywords)
    return NotImplemented


# ---- elementwise ------------------------------------------------------------------

cdef object with_fast_loops(object choices, tuple defaults):
    """Adds to the end of each choice the loops for the fast path, with the defaults bound."""
    if isinstance(choices, tuple):
        whole, bound = choices
        return whole, bound, FastLoop(whole.__name__, defaults)
    return {value: with_fast_loops(left, defaults) for value, left in choices.items()}


cdef object with_parameters(ufunc, PyObject *const *operands, Py_ssize_t count, PyObject *keywords):
    """`ufunc_of`, unless the call itself chooses a loop."""
    if ufunc not in _HALF_OF:
        return ufunc
    if keywords is not NULL and ("dtype" in <tuple>keywords or "signature" in <tuple>keywords):
        return ufunc
    return ufunc_of(ufunc, *[<object>operands[k] for k in range(count)])


cdef bint is_scattered(where):
    """Has the mask, in the order of memory, runs of less than SHORT_RUN elements? Of a long one some pieces tell."""
    flat = where.ravel("K")
    pieces = flat[:flat.size - flat.size % PIECES].reshape(PIECES, -1)[:, :PIECE]
    return np.count_nonzero(pieces[:, 1:] != pieces[:, :-1]) * SHORT_RUN >= pieces.size


cdef object compute_and_copy(ufunc, tuple operands, out, where):
    """ufunc(*operands, out=out, where=where), computed everywhere, if the mask is so scattered that this is faster: NumPy
    calls the loop for each run of its elements. NotImplemented if not, or if the call is not a plain one."""
    if type(out) is not np.ndarray or type(where) is not np.ndarray or where.dtype != np.bool_:
        return NotImplemented
    for operand in operands:
        if type(operand) is np.ndarray:
            if operand.shape != out.shape and operand.ndim:
                return NotImplemented
        elif type(operand) is not float and type(operand) is not int:
            return NotImplemented
    if where.shape != out.shape or not out.flags.writeable or may_share_memory(where, out):
        return NotImplemented
    if not is_scattered(where):
        return NotImplemented
    result = ufunc(*operands)
    if type(result) is not np.ndarray or result.dtype != out.dtype:
        return NotImplemented
    np.copyto(out, result, where=where)
    return out


cdef class Elementwise(Function):
    """A function over ufuncs: operands by position or name, trailing ones with
    defaults, and keyword options that choose among ufuncs."""

    cdef readonly object ufunc
    cdef public object general  # what calls with `axis` go to, or None
    cdef object bound, choices
    cdef FastLoop fast
    cdef tuple names, defaults
    cdef dict options, places
    cdef int required

    def __cinit__(self, *args, **kwargs):
        self.vectorcall = call_elementwise

    def __init__(self, str name, tuple names, tuple defaults, dict options, choices):
        """options: name -> (default, allowed values); choices: for each value of the first
        option the choices left, in the end a pair: the ufunc of all operands, and the one
        whose operands with defaults are bound to them."""
        super().__init__(name)
        if len(names) + len(options) > MAX_NAMES:
            raise ValueError(f"{name} has more than {MAX_NAMES} operands and options")
        self.names, self.defaults, self.required = names, defaults, len(names) - len(defaults)
        choices = with_fast_loops(choices, defaults)
        self.options, self.choices = options, choices
        self.places = {keyword: k for k, keyword in enumerate((*names, *options))}
        for default, _ in options.values():
            choices = choices[default]
        self.ufunc, self.bound, self.fast = choices

    cdef object call(self, PyObject *const *args, Py_ssize_t given, tuple keywords):
        """Sorts keywords into operands, options and what the ufunc takes itself."""
        cdef PyObject *named[MAX_NAMES]
        cdef PyObject *stack[MAX_NAMES + MAX_KEYWORDS]
        cdef PyObject *out
        cdef PyObject *where
        cdef Py_ssize_t arity = len(self.names), k, at, passed = 0, operands = self.required
        cdef tuple all_keywords = keywords
        if given > arity or len(keywords) > MAX_KEYWORDS:
            raise TypeError  # which `explain` words, here and below
        for k in range(len(self.places)):
            named[k] = args[k] if k < given else NULL
        for k in range(len(keywords)):
            place = self.places.get(keywords[k])
            if place is None:
                stack[MAX_NAMES + passed] = args[given + k]
                passed += 1
                continue
            at = place
            if at < given:
                raise TypeError
            named[at] = args[given + k]
        for k in range(self.required, arity):
            if named[k] is not NULL:
                operands = arity
        for k in range(operands):
            stack[k] = named[k] if named[k] is not NULL else self._default(k)
        for k in range(passed):
            stack[operands + k] = stack[MAX_NAMES + k]
        if 0 < passed < len(keywords):
            keywords = tuple([keyword for keyword in keywords if keyword not in self.places])
        whole, bound, fast = self.choices if not self.options else self._choose(named + arity)
        out = where = NULL
        if passed <= 2:
            for k in range(passed):
                if keywords[k] == "out":
                    out = stack[operands + k]
                elif keywords[k] == "where":
                    where = stack[operands + k]
            if passed == (out is not NULL) + (where is not NULL):
                result = fast_call(fast, stack, operands, out, where)
                if result is not NotImplemented:
                    return result
        result = check_containers(self, self.names, args, given, <PyObject *>all_keywords if all_keywords else NULL)
        if result is not NotImplemented:
            return result
        whole = with_parameters(bound if operands == self.required else whole, stack, operands,
                                <PyObject *>keywords if passed else NULL)
        if passed == 2 and out is not NULL and where is not NULL:
            result = compute_and_copy(whole, tuple([<object>stack[k] for k in range(operands)]), <object>out,
                                      <object>where)
            if result is not NotImplemented:
                return result
        return PyObject_Vectorcall(whole, stack, operands, <PyObject *>keywords if passed else NULL)

    cdef PyObject *_default(self, Py_ssize_t k) except NULL:
        if k < self.required:
            raise TypeError
        return <PyObject *>self.defaults[k - self.required]

    cdef object _choose(self, PyObject *const *values):
        cdef Py_ssize_t k = 0
        found = self.choices
        for option, (default, allowed) in self.options.items():
            value = default if values[k] is NULL else <object>values[k]
            try:
                found = found[value]
            except (KeyError, TypeError):
                wanted = " or ".join(map(repr, allowed))
                raise ValueError(f"{self.name}: {option} must be {wanted}, got {value!r}") from None
            k += 1
        return found


cdef object call_elementwise(object function, PyObject *const *args, size_t nargs, PyObject *keywords):
    cdef Elementwise self = <Elementwise>function
    try:
        if keywords is NULL and PyVectorcall_NARGS(nargs) == self.required:
            result = fast_call(self.fast, args, self.required, NULL, NULL)
            if result is not NotImplemented:
                return result
            result = check_containers(self, self.names, args, PyVectorcall_NARGS(nargs), keywords)
            if result is not NotImplemented:
                return result
            return PyObject_Vectorcall(with_parameters(self.bound, args, self.required, NULL), args, nargs, NULL)
        if self.general is not None and keywords is not NULL and "axis" in <tuple>keywords:
            return PyObject_Vectorcall(self.general, args, nargs, keywords)
        return self.call(args, PyVectorcall_NARGS(nargs), () if keywords is NULL else <tuple>keywords)
    except (TypeError, ValueError) as error:
        explained(self, error, args, PyVectorcall_NARGS(nargs), keywords, self.names)


# ---- rows ---------------------------------------------------------------------------

cdef class Rows(Function):
    """A function over a gufunc, by one of three ways: arrays that the core takes as they are go to its loop, along
    any axis; other ndarrays go to the gufunc, along their last axis; every other call is left to `general`."""

    cdef readonly object gufunc
    cdef object general
    cdef FastRows fast
    cdef int arrays
    cdef bint row_dy

    def __cinit__(self, *args, **kwargs):
        self.vectorcall = call_rows

    def __init__(self, str name, gufunc, general, bint row_dy=False):
        """row_dy: the first operand has one element a row."""
        super().__init__(name)
        self.gufunc, self.general, self.arrays, self.row_dy = gufunc, general, gufunc.nin, row_dy
        self.fast = FastRows(gufunc.__name__)

    cdef bint takes(self, PyObject *const *args):
        """Are these ndarrays of the same shape, with rows that the gufunc takes along the last axis?"""
        cdef int ndim, k
        for k in range(self.arrays):
            if not cnp.PyArray_CheckExact(<object>args[k]):
                return False
        last = <cnp.ndarray>args[self.arrays - 1]
        ndim = cnp.PyArray_NDIM(last)
        if ndim > 1 and cnp.PyArray_STRIDE(last, ndim - 1) != cnp.PyArray_ITEMSIZE(last):
            return False  # the result is to be laid out so too
        if self.arrays == 1 or not ndim:
            return ndim > 0
        first = <cnp.ndarray>args[0]
        if cnp.PyArray_NDIM(first) != ndim - self.row_dy:
            return False
        for k in range(ndim - self.row_dy):
            if cnp.PyArray_DIM(first, k) != cnp.PyArray_DIM(last, k):
                return False
        return True


cdef inline bint is_last(object axis, PyObject *array):
    return type(axis) is int and (axis == -1 or axis == cnp.PyArray_NDIM(<cnp.ndarray>array) - 1)


cdef object call_rows(object function, PyObject *const *args, size_t nargs, PyObject *keywords):
    try:
        return rows_of(<Rows>function, args, nargs, keywords)
    except (TypeError, ValueError) as error:
        names = tuple(function.__signature__.parameters)[:(<Rows>function).arrays]
        reduced = (<Rows>function).gufunc.signature.endswith("->()")
        explained(<Rows>function, error, args, PyVectorcall_NARGS(nargs), keywords, names, reduced)
    except MemoryError as error:
        raise MemoryError(in_the_name_of((<Rows>function).name, error)) from None


cdef object rows_of(Rows self, PyObject *const *args, size_t nargs, PyObject *keywords):
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargs), k
    cdef PyObject *stack[3]
    cdef tuple names = () if keywords is NULL else <tuple>keywords
    cdef int most = self.arrays
    cdef bint known = most <= given <= most + 1
    axis = <object>args[most] if given == most + 1 else -1
    stack[most] = NULL
    for k in range(len(names) if known else 0):
        if names[k] == "out":
            stack[most] = args[given + k]
        elif names[k] == "axis" and given == most:
            axis = <object>args[given + k]
        else:
            known = False
    if not known:
        return PyObject_Vectorcall(self.general, args, nargs, keywords)
    result = fast_rows(self.fast, args, axis, stack[most])
    if result is not NotImplemented:
        return result
    if not (self.takes(args) and is_last(axis, args[most - 1])) or (
            stack[most] is not NULL and not is_plain(<object>stack[most])):
        return PyObject_Vectorcall(self.general, args, nargs, keywords)
    for k in range(most):
        stack[k] = args[k]
    return PyObject_Vectorcall(self.gufunc, stack, most, NULL if stack[most] is NULL else <PyObject *>_OUT)


cdef tuple _OUT = ("out",)


# ---- gates --------------------------------------------------------------------------

cdef class Gated(Function):
    """A gated linear unit over a ufunc of its gate and its other half, or its gradient over one of
    grad_output and these. Arrays that the core takes as they are go to its loop half by half, other ndarrays are
    halved here for the ufunc; every other call is left to `general`."""

    cdef object ufunc, general
    cdef FastLoop fast
    cdef int arrays

    def __cinit__(self, *args, **kwargs):
        self.vectorcall = call_gated

    def __init__(self, str name, ufunc, general):
        super().__init__(name)
        self.ufunc, self.general, self.arrays = ufunc, general, ufunc.nout
        self.fast = FastLoop(ufunc.__name__, ())


cdef cnp.ndarray half_of(cnp.ndarray x, int along, bint second):
    cdef cnp.npy_intp shape[64]
    cdef int k, ndim = cnp.PyArray_NDIM(x), flags = cnp.PyArray_FLAGS(x) & cnp.NPY_ARRAY_WRITEABLE
    for k in range(ndim):
        shape[k] = cnp.PyArray_DIM(x, k)
    shape[along] //= 2
    data = <char *>cnp.PyArray_DATA(x) + (shape[along] * cnp.PyArray_STRIDE(x, along) if second else 0)
    descr = cnp.PyArray_DESCR(x)
    Py_INCREF(<object>descr)
    half = PyArray_NewFromDescr(&PyArray_Type, descr, ndim, shape, cnp.PyArray_STRIDES(x), data, flags, NULL)
    cnp.set_array_base(half, x)
    return half


cdef int halved_axis(cnp.ndarray x, object axis):
    """The axis as a number from 0 on; -1 if it cannot be halved: then `general` says what is wrong."""
    cdef int ndim = cnp.PyArray_NDIM(x), along
    if type(axis) is not int or not -ndim <= axis < ndim:
        return -1
    along = axis
    along += ndim if along < 0 else 0
    return along if cnp.PyArray_DIM(x, along) % 2 == 0 else -1


cdef bint is_half(cnp.ndarray half, cnp.ndarray x, int along):
    cdef int k, ndim = cnp.PyArray_NDIM(x)
    if cnp.PyArray_NDIM(half) != ndim:
        return False
    for k in range(ndim):
        if cnp.PyArray_DIM(half, k) != cnp.PyArray_DIM(x, k) // (2 if k == along else 1):
            return False
    return True


cdef bint same_float_type(cnp.ndarray a, cnp.ndarray b):
    """Both of one native float type, which is the result's then."""
    cdef int kind = cnp.PyArray_TYPE(a)
    return (cnp.PyArray_DESCR(a) == cnp.PyArray_DESCR(b) and cnp.PyArray_ISNOTSWAPPED(a)
            and (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 or kind == cnp.NPY_FLOAT16))


cdef object gated_value(Gated self, cnp.ndarray x, int along, bint first, object out):
    """NotImplemented, here and below: the call is one for `general`."""
    cdef PyObject *stack[3]
    if out is not None and not (type(out) is cnp.ndarray and is_half(out, x, along)):
        return NotImplemented
    result = fast_gated(self.fast, None, x, along, first, out)
    if result is not NotImplemented:
        return result
    a, b = half_of(x, along, first), half_of(x, along, not first)
    stack[0], stack[1], stack[2] = <PyObject *>b, <PyObject *>a, <PyObject *>out
    return PyObject_Vectorcall(self.ufunc, stack, 2, NULL if out is None else <PyObject *>_OUT)


cdef object gated_gradient(Gated self, cnp.ndarray dy, cnp.ndarray x, int along, bint first, object out):
    cdef PyObject *stack[4]
    if not (is_half(dy, x, along) and same_float_type(dy, x)):
        return NotImplemented
    result = fast_gated(self.fast, dy, x, along, first, out)
    if result is not NotImplemented:
        return result
    if out is None:
        out = np.empty_like(x)
    elif not (type(out) is cnp.ndarray and cnp.PyArray_SAMESHAPE(out, x) and same_float_type(out, x)
              and cnp.PyArray_ISWRITEABLE(out)):
        return NotImplemented
    a, b = half_of(x, along, first), half_of(x, along, not first)
    to = half_of(out, along, not first), half_of(out, along, first)
    stack[0], stack[1], stack[2], stack[3] = <PyObject *>dy, <PyObject *>b, <PyObject *>a, <PyObject *>to
    PyObject_Vectorcall(self.ufunc, stack, 3, <PyObject *>_OUT)
    return out


cdef object call_gated(object function, PyObject *const *args, size_t nargs, PyObject *keywords):
    cdef Gated self = <Gated>function
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargs), k, arrays = self.arrays
    cdef int along = -1
    cdef bint known = True
    axis, gate, out = -1, "second", None
    if arrays <= given <= arrays + 1 and cnp.PyArray_CheckExact(<object>args[arrays - 1]) \
            and cnp.PyArray_CheckExact(<object>args[0]):
        if given > arrays:
            axis = <object>args[arrays]
        for k, keyword in enumerate(() if keywords is NULL else <tuple>keywords):
            value = <object>args[given + k]
            if keyword == "gate":
                gate = value
            elif keyword == "out":
                out = value
            elif keyword == "axis" and given == arrays:
                axis = value
            else:
                known = False  # general says what is wrong
        if known and type(gate) is str and (gate == "second" or gate == "first"):
            along = halved_axis(<cnp.ndarray>args[arrays - 1], axis)
    result = NotImplemented
    try:
        if along >= 0 and arrays == 1:
            result = gated_value(self, <cnp.ndarray>args[0], along, gate == "first", out)
        elif along >= 0:
            result = gated_gradient(self, <cnp.ndarray>args[0], <cnp.ndarray>args[1], along, gate == "first", out)
    except TypeError:
        pass
    if result is NotImplemented:
        return PyObject_Vectorcall(self.general, args, nargs, keywords)
    return result


for _function in (Function, Elementwise, Rows, Gated):
    call_by_vectorcall(_function)
