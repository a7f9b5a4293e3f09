# Ufuncs and gufuncs made by walking the op table; part of _core.pyx.
#
# What a ufunc points to (names, types, loops, their data) lives as long as the process.

cdef list _kept = []


cdef const char *keep(bytes text):
    _kept.append(text)
    return text


cdef void *allocate(size_t size) except NULL:
    """Memory that a ufunc keeps as long as the process runs."""
    cdef void *memory = PyMem_Malloc(size)
    if memory is NULL:
        raise MemoryError()
    return memory


cdef fa_map_loop *map_loop(int op, fa_variant variant, list codes, int result_code, tuple bound):
    cdef fa_map_loop *loop = <fa_map_loop *>allocate(sizeof(fa_map_loop))
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
        # rounded to the type that NumPy would convert the operand to; float16's are float64
        loop.constant[k] = cnp.PyArray_DATA(constant(np.array(value, _DTYPES[codes[k]])))


cdef cnp.ndarray constant(cnp.ndarray array):
    _kept.append(array)
    return array


cdef object make_ufunc(str name, int op, fa_variant variant, int arrays, int parameters, tuple bound):
    """A ufunc of `arrays` inputs (grad_output first), then parameters but those bound to a value."""
    cdef int ntypes = len(_LOOPS), operands = arrays + parameters - len(bound), results = 1 + (variant == FA_BOTH), k
    cdef cnp.PyUFuncGenericFunction *loops = <cnp.PyUFuncGenericFunction *>allocate(ntypes * sizeof(void *))
    cdef void **data = <void **>allocate(ntypes * sizeof(void *))
    types = b""
    for k in range(ntypes):
        number, code, float_number, float_code = _LOOPS[k]
        given = <int>FA_F64 if bound and float_code == <int>FA_F16 else float_code
        loops[k] = <cnp.PyUFuncGenericFunction>fa_map_strided
        data[k] = map_loop(op, variant, [code] * arrays + [given] * parameters, float_code, bound)
        types += bytes([number] * arrays + [float_number] * (operands - arrays + results))
    return cnp.PyUFunc_FromFuncAndData(
        loops, data, <char *>keep(types), ntypes, operands, results, cnp.PyUFunc_None, <char *>keep(name.encode()),
        <char *>keep(f"Elementwise loop of fastact.{name}; see the op of that name.".encode()), 0)


cdef object make_half_ufunc(str name, int op, fa_variant variant, int arrays, int parameters):
    """The ufunc of float16 arrays alone, whose parameters are float64: what a Python float is, if NumPy may not round it
    to float16."""
    cdef int results = 1 + (variant == FA_BOTH)
    cdef cnp.PyUFuncGenericFunction *loops = <cnp.PyUFuncGenericFunction *>allocate(sizeof(void *))
    cdef void **data = <void **>allocate(sizeof(void *))
    loops[0] = <cnp.PyUFuncGenericFunction>fa_map_strided
    data[0] = map_loop(op, variant, [<int>FA_F16] * arrays + [<int>FA_F64] * parameters, FA_F16, ())
    types = bytes([<int>cnp.NPY_FLOAT16] * arrays + [<int>cnp.NPY_FLOAT64] * parameters
                  + [<int>cnp.NPY_FLOAT16] * results)
    return cnp.PyUFunc_FromFuncAndData(
        loops, data, <char *>keep(types), 1, arrays + parameters, results, cnp.PyUFunc_None,
        <char *>keep(name.encode()), <char *>keep(b"Elementwise loop of float16 with float64 parameters."), 0)


cdef tuple _SMALL_INTEGERS = (np.bool_, np.int8, np.uint8)  # which NumPy casts to float16


def ufunc_of(ufunc, *operands):
    """The ufunc to call on these operands: another one where NumPy would round a Python number that is a parameter to
    float16."""
    half = _HALF_OF.get(ufunc)
    if half is None:
        return ufunc
    half_ufunc, arrays = half
    cdef bint any_half = False, any_number = False
    cdef int k = 0
    for operand in operands:
        if type(operand) is float or type(operand) is int:
            any_number |= k >= arrays
        elif type(operand) is not bool:
            kind = getattr(getattr(operand, "dtype", None), "type", None)
            if kind is np.float16:
                any_half = True
            elif kind not in _SMALL_INTEGERS:
                return ufunc
        k += 1
    return half_ufunc if any_half and any_number else ufunc


cdef void rows_loop(char **args, const cnp.npy_intp *dims, const cnp.npy_intp *strides, void *data) noexcept nogil:
    if fa_rows_strided(args, <const ptrdiff_t *>dims, <const ptrdiff_t *>strides, <const fa_rows_loop *>data):
        with gil:
            PyErr_SetString(MemoryError, NO_MEMORY)


cdef fa_rows_loop *row_data(int op, fa_variant variant, bint masked, int array_code, int float_code):
    cdef fa_rows_loop *loop = <fa_rows_loop *>allocate(sizeof(fa_rows_loop))
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
    cdef cnp.PyUFuncGenericFunction *loops = <cnp.PyUFuncGenericFunction *>allocate(ntypes * sizeof(void *))
    cdef void **data = <void **>allocate(ntypes * sizeof(void *))
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
cdef dict _HALF_OF = {}  # ufunc -> (that of float16 with float64 parameters, arrays)
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
            if fa_activations[op].parameters:
                half = make_half_ufunc(f"{name}_float16", op, variant, arrays, fa_activations[op].parameters)
                _HALF_OF[ufunc] = (half, arrays)
                publish(f"{name}_float16", half)
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
    _FLOAT_CODES.add(dtype)
    for entry in _ELEMENTWISE:
        register_elementwise(entry)
    for gufunc, op, variant, arrays, masked in _ROWS:
        register(gufunc, [dtype.num] * arrays + [<int>cnp.NPY_BOOL] * masked,
                 row_data(op, variant, masked, FA_BF16, FA_BF16), <cnp.PyUFuncGenericFunction>rows_loop)


for _k in range(FA_ACTIVATIONS):
    publish_elementwise(_k, "", ())
_make_rows()
