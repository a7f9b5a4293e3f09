# What errors say; part of _core.pyx.
#
# One form: "<function>: <argument> must <what was wanted>, got <what was found>; <what to do>". NumPy's errors do not
# know the names of our arguments: after one, the call is looked through for what is at fault.

FLOATS = ("float16", "float32", "float64", "bfloat16")

# What other libraries call an argument that has another name here.
cdef dict _NAMES_HERE = {
    "dim": "axis", "dims": "axis", "keepdim": "keepdims", "keep_dims": "keepdims", "inplace": "out", "mask": "where",
    "y_true": "target", "labels": "target", "targets": "target", "y_pred": "input", "logits": "input", "x": "input",
    "size_average": "reduction", "reduce": "reduction", "sample_weight": "weight", "class_weight": "weight",
}

cdef const char *NO_MEMORY = "there is not enough memory for buffers of this size"

# Keywords of every ufunc that our signatures do not show.
cdef frozenset _UFUNC_ONLY = frozenset(("subok", "signature", "sig"))


def in_the_name_of(str name, error):
    """The error's text, beginning with the function's name: "gelu.backward: ...", once."""
    text, op = str(error), name.partition(".")[0]
    for beginning in (name, op):
        if text.startswith(f"{beginning}: "):
            text = text[len(beginning) + 2:]
    return f"{name}: {text}"


def rename(str name, error):
    """Lets an error begin with the function's name. NumPy's own kinds word themselves."""
    if type(error) in (TypeError, ValueError, IndexError, MemoryError):
        error.args = (in_the_name_of(name, error),)


def describe(value):
    """What `value` is, for people: its dtype, or what Python calls it where NumPy would say "object" or "<U3"."""
    if value is None:
        return "None"
    dtype = getattr(value, "dtype", None)
    if type(value) is complex:
        return "a complex number"
    if dtype is None and not isinstance(value, (list, tuple)):
        return f"a {type(value).__name__}"
    if not isinstance(dtype, np.dtype):
        dtype = np.asarray(value).dtype if dtype is None else dtype
    kind = getattr(dtype, "kind", "")
    if kind == "O":
        return "an array of Python objects"
    return "an array of text" if kind in ("U", "S", "T") else str(dtype)


def check_real(str name, value):
    """Refuses an operand of a type that no loop takes."""
    if isinstance(value, int):
        return  # one too large for a loop is an object to NumPy
    try:
        array = value if hasattr(value, "dtype") else np.asarray(value)
    except TypeError:
        raise TypeError(f"{name} must be an array, got {type(value).__name__}") from None
    except ValueError:
        raise ValueError(f"{name} must be an array or make one, got lists of different lengths") from None
    dtype = array.dtype
    if not isinstance(dtype, np.dtype):
        dtype = np.asarray(value).dtype
    if dtype.kind not in "biu" and dtype.name not in FLOATS:
        raise TypeError(f"{name} must be real (one of {', '.join(FLOATS)}, an integer or bool), got {describe(value)}")


def check_outputs(str name, out):
    """Refuses what no result can be written to, alone or in a tuple; None asks for a new array."""
    for part in out if type(out) is tuple else (out,):
        if part is not None and not hasattr(part, "__array_ufunc__"):
            raise TypeError(f"{name} must be an ndarray, got {type(part).__name__}")


def check_call(function, args, keywords):
    """Refuses what the function's signature does; else its arguments by their names."""
    name, parameters = function.__name__, function.__signature__.parameters
    places = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(args) > len(places):
        raise TypeError(f"{name}: takes at most {len(places)} arguments by position ({', '.join(places)}), "
                        f"got {len(args)}; the others are given by name")
    given = dict(zip(places, args))
    for keyword, value in keywords.items():
        if keyword not in parameters:
            raise TypeError(f"{name}: there is no argument {keyword!r}; {what_to_say(keyword, [*parameters])}")
        if keyword in given:
            raise TypeError(f"{name}: {keyword} must be given once, got it by position and by name")
        given[keyword] = value
    for p in parameters.values():
        if p.default is p.empty and p.name not in given:
            raise TypeError(f"{name}: {p.name} is missing; it takes {', '.join(parameters)}")
    return given


cdef str what_to_say(str keyword, list names):
    here = _NAMES_HERE.get(keyword)
    if here in names:
        return f"say {here}="
    import difflib  # here: errors alone need it

    near = difflib.get_close_matches(keyword, names, 1)
    return f"say {near[0]}=" if near else f"it takes {', '.join(names)}"


# ---- after an error --------------------------------------------------------------

def explain(function, error, args, keywords, names, reduced=None):
    """Raises the error that says what is at fault in a call that ended in `error`.

    names: the operands that broadcast. reduced: none for elementwise functions; for row ops, whether a result has
    one element a row. Where nothing is found, NumPy's text goes on in the function's name."""
    name = function.__name__
    given = check_call(function, args, {k: v for k, v in keywords.items() if k not in _UFUNC_ONLY})
    op = name.partition(".")[0]
    text, of_gufuncs = str(error), (f"{op}: Output ", f"{op}: Input ")
    if text.startswith((f"{op}: ", f"{name}: ")) and not text.startswith(of_gufuncs):
        raise same_kind(error)(in_the_name_of(name, error)) from None
    operands = {operand: given[operand] for operand in names if operand in given}
    for operand, value in operands.items():
        check_real(f"{name}: {operand}", value)
    out = given.get("out")
    check_outputs(f"{name}: out", out)
    check_casts(name, error, list(operands))
    shape = result_shape(function, operands, given) if reduced is None else row_shape(operands, given, reduced)
    if shape is not None:
        check_where(name, given.get("where"), shape)
        check_places(f"{name}: out", out, shape)
    for operand, value in operands.items():
        if isinstance(value, int) and not -2**63 <= value < 2**64:
            raise TypeError(f"{name}: {operand} must fit int64 or uint64, got {value}") from None
    raise same_kind(error)(in_the_name_of(name, error)) from error


def same_kind(error):
    """NumPy's own kinds of TypeError and ValueError cannot be made with a text."""
    for kind in (IndexError, ValueError):
        if isinstance(error, kind):
            return kind
    return TypeError


cdef check_casts(str name, error, list names):
    """NumPy's errors of casts tell their types."""
    to, found, casting = (getattr(error, part, None) for part in ("to", "from_", "casting"))
    if to is None or found is None:
        return
    if getattr(error, "in_i", None) is None:
        raise TypeError(f"{name}: out must take results of {found}, got {to} (casting={casting!r})") from None
    operand = names[error.in_i] if error.in_i < len(names) else f"operand {error.in_i}"
    raise TypeError(f"{name}: {operand} must cast to {to}, got {found} (casting={casting!r})") from None


cdef object result_shape(function, dict operands, dict given):
    """The shape that operands broadcast to; refuses the first that does not."""
    shape, first = (), None
    for operand, value in operands.items():
        own = np.shape(value)
        try:
            shape = np.broadcast_shapes(shape, own)
        except ValueError:
            hint = ""
            if "axis" in function.__signature__.parameters and len(own) == 1 and own[0] in shape:
                hint = f"; say axis={shape.index(own[0])} if it lies along that axis"
            raise ValueError(f"{function.__name__}: {operand} must broadcast with {first} of shape {shape}, "
                             f"got shape {own}{hint}") from None
        first = first or operand
    return shape


cdef object row_shape(dict operands, dict given, bint reduced):
    """The shape of a row op's result; None if the axis is no axis."""
    *_, value = operands.values()
    shape = np.shape(value)
    axis = given.get("axis", -1)
    axes = axis if isinstance(axis, tuple) else (axis,)
    try:
        axes = {range(len(shape)).__getitem__(a) for a in axes}
    except (TypeError, IndexError):
        return None
    if not reduced:
        return shape
    kept = [1 if k in axes else n for k, n in enumerate(shape)]
    return tuple(kept if given.get("keepdims") else [n for k, n in enumerate(kept) if k not in axes])


cdef check_where(str name, where, tuple shape):
    if where is None or where is True or where is False:
        return
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"{name}: where must be boolean, got {describe(where)}") from None
    try:
        np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(f"{name}: where must broadcast to shape {shape}, got shape {mask.shape}") from None


cdef check_places(str name, out, tuple shape):
    if isinstance(out, tuple) and len(out) != 1:
        return
    for part in out if isinstance(out, tuple) else (out,):
        if not isinstance(part, np.ndarray):
            continue
        if part.shape[part.ndim - len(shape):] != shape or part.ndim < len(shape):
            raise ValueError(f"{name} must have shape {shape}, got {part.shape}") from None
        if not part.flags.writeable:
            raise ValueError(f"{name} must be writable, got a read-only array") from None


# ---- numbers that are looked at before they are used -----------------------------

ctypedef fused integer:
    cnp.int8_t
    cnp.uint8_t
    cnp.int16_t
    cnp.uint16_t
    cnp.int32_t
    cnp.uint32_t
    cnp.int64_t

cdef void find_extremes(const integer *numbers, Py_ssize_t n, long long *least, long long *most) noexcept nogil:
    """n is not 0."""
    cdef integer low = numbers[0], high = numbers[0]
    cdef Py_ssize_t k
    for k in range(n):
        low = numbers[k] if numbers[k] < low else low
        high = numbers[k] if numbers[k] > high else high
    least[0], most[0] = <long long>low, <long long>high


def extremes_of(cnp.ndarray a):
    """The least and the largest of integers or bools; a is not empty. NumPy is the faster for many, and takes 4 us for
    a few."""
    cdef long long least = 0, most = 1
    cdef Py_ssize_t n = cnp.PyArray_SIZE(a)
    cdef void *numbers = cnp.PyArray_DATA(a)
    cdef int kind = cnp.PyArray_TYPE(a)
    if kind == cnp.NPY_BOOL:
        return 0, 1
    if n > 1024 or cnp.PyArray_ITEMSIZE(a) == 8 and kind != cnp.NPY_INT64 or not cnp.PyArray_ISCARRAY_RO(a):
        return int(a.min()), int(a.max())
    if kind == cnp.NPY_INT64: find_extremes(<const cnp.int64_t *>numbers, n, &least, &most)
    elif kind == cnp.NPY_INT32: find_extremes(<const cnp.int32_t *>numbers, n, &least, &most)
    elif kind == cnp.NPY_UINT32: find_extremes(<const cnp.uint32_t *>numbers, n, &least, &most)
    elif kind == cnp.NPY_INT16: find_extremes(<const cnp.int16_t *>numbers, n, &least, &most)
    elif kind == cnp.NPY_UINT16: find_extremes(<const cnp.uint16_t *>numbers, n, &least, &most)
    elif kind == cnp.NPY_INT8: find_extremes(<const cnp.int8_t *>numbers, n, &least, &most)
    elif kind == cnp.NPY_UINT8: find_extremes(<const cnp.uint8_t *>numbers, n, &least, &most)
    else:
        return int(a.min()), int(a.max())
    return least, most


def has_negative(cnp.ndarray a):
    """Whether a number in an array of floats is less than 0, beside NaN too. NumPy takes 2 us for a few, and is the
    faster for many."""
    cdef Py_ssize_t k
    if cnp.PyArray_SIZE(a) == 0:
        return False
    if cnp.PyArray_SIZE(a) > 256 or not is_float_block(a):
        if a.dtype.kind == "V":
            a = a.astype(np.float32)  # bfloat16's minimum and comparisons warn of NaN
        return bool(np.fmin.reduce(a, axis=None) < 0)
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64:
        for k in range(cnp.PyArray_SIZE(a)):
            if (<double *>cnp.PyArray_DATA(a))[k] < 0:
                return True
    else:
        for k in range(cnp.PyArray_SIZE(a)):
            if (<float *>cnp.PyArray_DATA(a))[k] < 0:
                return True
    return False
