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


def fast_elementwise_loss(int op, tuple operands, tuple parameters, bint want_value, bint want_grad, out):
    """operands: input and target; parameters: 0-d arrays. The mean and its gradient, None where it is not wanted; or
    NotImplemented."""
    if len(operands) != 2 or not is_float_block(operands[0]) or not is_float_block(operands[1]):
        return NotImplemented
    cdef cnp.ndarray x = operands[0], target = operands[1]
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
        raise MemoryError()
    return total, grad


def fast_class_loss(int loss, tuple operands, ignore_index, bint want_value, bint want_grad, out):
    """operands: input (rows, classes) and a label for each row. The mean and its gradient, None where it is not wanted;
    or NotImplemented."""
    if len(operands) != 2 or not is_float_block(operands[0]) or not cnp.PyArray_CheckExact(operands[1]):
        return NotImplemented
    cdef cnp.ndarray x = operands[0], labels = operands[1]
    if (cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_NDIM(labels) != 1 or not cnp.PyArray_ISINTEGER(labels)
            or not cnp.PyArray_ISNOTSWAPPED(labels) or cnp.PyArray_DIM(labels, 0) != cnp.PyArray_DIM(x, 0)):
        return NotImplemented
    grad = gradient_for(out, x, labels) if want_grad else None
    if grad is NotImplemented:
        return NotImplemented
    cdef fa_class_loss_job job
    cdef double total = 0.0
    cdef fa_fpstate state
    start_class_job(&job, loss, x, ignore_index)
    job.labels = view2_of(labels)
    job.mean = True
    job.grad_output.data, job.grad_output.dtype = <char *>&_ONE, FA_F64
    if want_grad:
        job.grad = view3_of(grad)
    job.total = &total if want_value else NULL
    state = fa_fpstate_enter()
    try:
        run_class_job(&job, labels)
    finally:
        fa_fpstate_leave(state)
    return total, grad
