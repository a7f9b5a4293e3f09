# Losses of arrays that the core can take as they are, without options; part of _core.pyx.
#
# The jobs are those of elementwise_loss and row_loss, without the microseconds that Python needs to find that nothing
# is to be checked, converted or broadcast. None where something is: then the caller goes the general way, which also
# words the errors.

cdef double _ONE = 1.0


cdef bint is_float_block(object a):
    """An ndarray of native float32 or float64 in C order."""
    if not cnp.PyArray_CheckExact(a):
        return False
    cdef cnp.ndarray array = a
    cdef int number = cnp.PyArray_TYPE(array)
    return ((number == cnp.NPY_FLOAT32 or number == cnp.NPY_FLOAT64) and cnp.PyArray_ISNOTSWAPPED(array)
            and cnp.PyArray_IS_C_CONTIGUOUS(array) and cnp.PyArray_SIZE(array) > 0)


cdef bint same_shape(cnp.ndarray a, cnp.ndarray b):
    cdef int k
    if cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(b):
        return False
    for k in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, k) != cnp.PyArray_DIM(b, k):
            return False
    return True


cdef object plain_result(object out, cnp.ndarray x, cnp.ndarray target):
    """`out`, or without one a new array like x; None if the core cannot write to it just so."""
    if out is None:
        return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    if not is_float_block(out):
        return None
    cdef cnp.ndarray to = out
    if cnp.PyArray_TYPE(to) != cnp.PyArray_TYPE(x) or not same_shape(to, x) or not cnp.PyArray_ISWRITEABLE(to):
        return None
    if may_share_memory(to, target):
        return None
    if cnp.PyArray_DATA(to) != cnp.PyArray_DATA(x) and may_share_memory(to, x):
        return None
    return to


cdef fa_operand one_number(double *number):
    cdef fa_operand o
    o.data, o.stride, o.dtype = <char *>number, 0, FA_F64
    return o


def plain_elementwise_loss(int op, tuple operands, tuple parameters, bint want_value, bint want_grad, out):
    """operands: input and target; parameters: 0-d arrays. The mean and its gradient, each as wanted, or None."""
    if len(operands) != 2 or not is_float_block(operands[0]) or not is_float_block(operands[1]):
        return None
    cdef cnp.ndarray x = operands[0], target = operands[1]
    if not same_shape(x, target):
        return None
    grad = plain_result(out, x, target) if want_grad else None
    if want_grad and grad is None:
        return None
    cdef fa_elementwise_loss_job job
    cdef double total = 0.0, n = <double>cnp.PyArray_SIZE(x), scale
    cdef fa_fpstate state
    cdef int failed, k
    memset(&job, 0, sizeof(job))
    job.op = op
    job.precision = FA_DOUBLE if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64 else FA_SINGLE
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
        raise MemoryError()
    return total, grad


cdef fa_operand block_operand(cnp.ndarray a) except *:
    """Of an array in C order, whatever its dimensions."""
    cdef fa_operand o
    o.data, o.stride, o.dtype = <char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a), code_of(a)
    return o


def plain_row_loss(bint cross_entropy, tuple operands, ignore_index, bint want_value, bint want_grad, out):
    """operands: input (rows, classes) and a label for each row. The mean and its gradient, as wanted, or None."""
    if len(operands) != 2 or not is_float_block(operands[0]) or not cnp.PyArray_CheckExact(operands[1]):
        return None
    cdef cnp.ndarray x = operands[0], labels = operands[1]
    if (cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_NDIM(labels) != 1 or not cnp.PyArray_ISINTEGER(labels)
            or not cnp.PyArray_ISNOTSWAPPED(labels) or cnp.PyArray_DIM(labels, 0) != cnp.PyArray_DIM(x, 0)):
        return None
    grad = plain_result(out, x, labels) if want_grad else None
    if want_grad and grad is None:
        return None
    cdef fa_class_loss_job job
    cdef double total = 0.0
    cdef fa_fpstate state
    start_row_job(&job, cross_entropy, x, ignore_index)
    job.labels = plane_of(labels)
    job.mean = True
    job.grad_output.data, job.grad_output.dtype = <char *>&_ONE, FA_F64
    if want_grad:
        job.grad = cube_of(grad)
    job.total = &total if want_value else NULL
    state = fa_fpstate_enter()
    try:
        run_row_job(&job, labels)
    finally:
        fa_fpstate_leave(state)
    return total, grad
