# The fast path of losses: arrays that the core takes as they are, no options; part of _core.pyx.
#
# The jobs are those of elementwise_loss and class_loss, without the microseconds that Python needs to find that nothing
# is to be checked, converted or broadcast. NotImplemented where something is: then the caller goes the general way,
# which also words the errors.

cdef double _ONE = 1.0


cdef object gradient_for(object out, cnp.ndarray x, cnp.ndarray target):
    """`out`, or without one a new array like x; NotImplemented if the core cannot write to it just so."""
    if out is None:
        return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    if not may_write(out, x) or not same_shape(out, x) or may_share_memory(out, target) or not same_or_disjoint(out, x):
        return NotImplemented
    return out


cdef fa_operand one_number(double *number):
    cdef fa_operand o
    o.data, o.stride, o.dtype = <char *>number, 0, FA_F64
    return o


cdef class FastLoss:
    """The fast path of a loss, called as (operands, want_value, want_grad, out): gives the mean and its gradient, None
    where it is not wanted, or NotImplemented, as this class always does."""

    def __call__(self, tuple operands, bint want_value, bint want_grad, out):
        if len(operands) != 2:
            return NotImplemented
        return self.run(operands[0], operands[1], want_value, want_grad, out)

    cdef object run(self, input, target, bint want_value, bint want_grad, out):
        return NotImplemented


cdef class FastElementwiseLoss(FastLoss):
    """op: its index in the table; parameters: 0-d arrays."""

    cdef int op
    cdef tuple parameters

    def __init__(self, int op, tuple parameters):
        self.op, self.parameters = op, parameters

    cdef object run(self, input, target, bint want_value, bint want_grad, out):
        if not is_float_block(input) or not is_float_block(target):
            return NotImplemented
        return fast_elementwise_loss(self.op, <cnp.ndarray>input, <cnp.ndarray>target, self.parameters, want_value,
                                     want_grad, out)


cdef object fast_elementwise_loss(int op, cnp.ndarray x, cnp.ndarray target, tuple parameters, bint want_value,
                                  bint want_grad, out):
    if not same_shape(x, target):
        return NotImplemented
    grad = gradient_for(out, x, target) if want_grad else None
    if grad is NotImplemented:
        return NotImplemented
    cdef fa_elementwise_loss_job job
    cdef double total = 0.0, n = <double>cnp.PyArray_SIZE(x), scale
    cdef fa_fpstate state
    cdef int failed, k
    memset(&job, 0, sizeof(job))
    job.op = op
    job.precision = precision_of(x)
    job.n = <size_t>cnp.PyArray_SIZE(x)
    job.in_[0], job.in_[1] = block_operand(x), block_operand(target)
    job.in_[2], job.in_[3] = one_number(&_ONE), one_number(&scale)
    for k in range(len(parameters)):
        job.in_[4 + k] = operand_of(parameters[k])
    if want_grad:
        job.out[FA_GRAD] = block_operand(grad)
    job.total = &total if want_value else NULL
    with nogil:
        state = fa_fpstate_enter()
        scale = 1.0 / n
        failed = fa_elementwise_loss_run(&job)
        total /= n
        fa_fpstate_leave(state)
    if failed:
        raise MemoryError(NO_MEMORY.decode())
    return total, grad


cdef class FastClassLoss(FastLoss):
    """loss: its index in the table. For an input of shape (rows, classes) and a label for each row."""

    cdef int loss
    cdef object ignore_index

    def __init__(self, int loss, ignore_index):
        self.loss, self.ignore_index = loss, ignore_index

    cdef object run(self, input, target, bint want_value, bint want_grad, out):
        if not is_float_block(input) or not cnp.PyArray_CheckExact(target):
            return NotImplemented
        return fast_class_loss(self.loss, <cnp.ndarray>input, <cnp.ndarray>target, self.ignore_index, want_value,
                               want_grad, out)


cdef object fast_class_loss(int loss, cnp.ndarray x, cnp.ndarray labels, ignore_index, bint want_value, bint want_grad,
                            out):
    if (cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_NDIM(labels) != 1 or not cnp.PyArray_ISINTEGER(labels)
            or not cnp.PyArray_ISNOTSWAPPED(labels) or cnp.PyArray_DIM(labels, 0) != cnp.PyArray_DIM(x, 0)):
        return NotImplemented
    grad = gradient_for(out, x, labels) if want_grad else None
    if grad is NotImplemented:
        return NotImplemented
    cdef fa_class_loss_job job
    cdef double total = 0.0
    cdef size_t bad = 0
    cdef fa_status status
    cdef fa_fpstate state
    start_class_job(&job, loss, x, ignore_index)
    job.labels = view2_of(labels)
    job.mean = True
    job.grad_output.data, job.grad_output.dtype = <char *>&_ONE, FA_F64
    if want_grad:
        job.grad = view3_of(grad)
    job.total = &total if want_value else NULL
    with nogil:
        state = fa_fpstate_enter()
        status = fa_class_loss_run(&job, &bad)
        fa_fpstate_leave(state)
    if status == FA_BAD_LABEL:
        return NotImplemented  # nothing has been written
    if status == FA_NO_MEMORY:
        raise MemoryError(NO_MEMORY.decode())
    return total, grad


# ---- methods of losses ---------------------------------------------------------------

cdef class LossMethod(Function):
    """A method of one loss, with the loss's own arguments in its signature, for `help` and completion. (Editors look
    into no bound method.) `function` is the class's, which takes the loss first. A call of two operands, with `out` or
    without, tries the fast path first, if it has one."""

    cdef object function, loss
    cdef public FastLoss fast_path
    cdef bint want_value

    def __cinit__(self, *args, **kwargs):
        self.vectorcall = call_loss_method

    def __init__(self, loss, function):
        super().__init__(f"{loss.__name__}.{function.__name__}")
        self.loss, self.function = loss, function
        self.want_value = function.__name__ == "value_and_grad"
        self.__doc__ = function.__doc__

    def __reduce__(self):
        return getattr, (self.loss, self.function.__name__)


cdef object call_loss_method(object method, PyObject *const *args, size_t nargs, PyObject *keywords):
    cdef LossMethod self = <LossMethod>method
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargs), k
    try:
        return loss_method_result(self, args, nargs, keywords)
    except (TypeError, ValueError, IndexError, MemoryError) as error:
        if isinstance(error, TypeError):
            check_call(self, [<object>args[k] for k in range(given)],
                       {} if keywords is NULL else {name: <object>args[given + k]
                                                    for k, name in enumerate(<tuple>keywords)})
        rename(self.name, error)
        raise


cdef object loss_method_result(LossMethod self, PyObject *const *args, size_t nargs, PyObject *keywords):
    cdef PyObject *stack[1 + MAX_NAMES + MAX_KEYWORDS]
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargs), k
    cdef Py_ssize_t named = 0 if keywords is NULL else len(<tuple>keywords)
    if self.fast_path is not None and given == 2 and (named == 0 or (named == 1 and (<tuple>keywords)[0] == "out")):
        result = self.fast_path.run(<object>args[0], <object>args[1], self.want_value, True,
                                    <object>args[2] if named else None)
        if result is not NotImplemented:
            return result if self.want_value else (<tuple>result)[1]
    if given + named > MAX_NAMES + MAX_KEYWORDS:
        raise TypeError  # which `check_call` words
    stack[0] = <PyObject *>self.loss
    for k in range(given + named):
        stack[1 + k] = args[k]
    return PyObject_Vectorcall(self.function, stack, <size_t>(1 + given), keywords)


call_by_vectorcall(LossMethod)
