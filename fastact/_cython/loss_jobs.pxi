# Jobs for the core's drivers (csrc/drivers/jobs.h): losses and two reductions; part of _core.pyx.

def elementwise_loss(int op, Py_ssize_t n, list operands, tuple results, bint want_total):
    """operands: input, target, weight, scale, parameters, each 1-d of length n, or 0-d.
    results: 1-d arrays to fill, or None, in the order of fa_loss_result. Returns the sum of weight * loss."""
    cdef fa_elementwise_loss_job job
    cdef double total = 0.0
    cdef int failed
    memset(&job, 0, sizeof(job))
    job.op = op
    job.precision = precision_of(operands[0])
    job.n = <size_t>n
    for k, a in enumerate(operands):
        job.in_[k] = operand_of(a)
    for k, a in enumerate(results):
        job.out[k] = operand_of(a)
    job.total = &total if want_total else NULL
    with nogil:
        failed = fa_elementwise_loss_run(&job)
    if failed:
        raise MemoryError(NO_MEMORY.decode())
    return total


cdef inline fa_precision precision_of(cnp.ndarray a) noexcept:
    """Of float32 or float64."""
    return FA_DOUBLE if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64 else FA_SINGLE


cdef fa_view3 view3_of(cnp.ndarray a) except *:
    """An array of shape (outer, inner, classes) or (inner, classes); None is absent, here and below."""
    cdef fa_view3 v
    cdef int last
    if a is None:
        memset(&v, 0, sizeof(v))
        return v
    last = cnp.PyArray_NDIM(a) - 1
    v.data = <char *>cnp.PyArray_DATA(a)
    v.outer_stride = cnp.PyArray_STRIDE(a, 0) if last == 2 else 0
    v.inner_stride, v.class_stride = cnp.PyArray_STRIDE(a, last - 1), cnp.PyArray_STRIDE(a, last)
    v.dtype = code_of(a)
    return v


cdef fa_view2 view2_of(cnp.ndarray a) except *:
    """An array of shape (outer, inner) or (inner,), or 0-d, which repeats."""
    cdef fa_view2 v
    cdef int ndim
    if a is None:
        memset(&v, 0, sizeof(v))
        return v
    ndim = cnp.PyArray_NDIM(a)
    v.data = <char *>cnp.PyArray_DATA(a)
    v.outer_stride = cnp.PyArray_STRIDE(a, 0) if ndim == 2 else 0
    v.inner_stride = cnp.PyArray_STRIDE(a, ndim - 1) if ndim else 0
    v.dtype = code_of(a)
    return v


cdef start_class_job(fa_class_loss_job *job, int loss, cnp.ndarray x, ignore_index):
    cdef int last = cnp.PyArray_NDIM(x) - 1
    memset(job, 0, sizeof(job[0]))
    job.loss = loss
    job.precision = precision_of(x)
    job.outer = <size_t>cnp.PyArray_DIM(x, 0) if last == 2 else 1
    job.inner, job.n = <size_t>cnp.PyArray_DIM(x, last - 1), <size_t>cnp.PyArray_DIM(x, last)
    job.input = view3_of(x)
    job.ignore_index = ignore_index


cdef run_class_job(const fa_class_loss_job *job, cnp.ndarray target):
    cdef size_t bad = 0
    cdef fa_status status
    with nogil:
        status = fa_class_loss_run(job, &bad)
    if status == FA_BAD_LABEL:
        raise IndexError(f"target: label {target.reshape(-1)[bad]} of row {bad} is not in 0..{<Py_ssize_t>job.n - 1} "
                         f"(the {job.n} classes of input) and is not ignore_index={job.ignore_index}")
    if status == FA_NO_MEMORY:
        raise MemoryError(NO_MEMORY.decode())


def class_loss(int loss, cnp.ndarray x, cnp.ndarray target, bint soft, weight, ignore_index, double smoothing,
               double z_loss, grad_output, bint mean, value, grad, hess, bint want_total):
    """loss: its index in the table. x, grad, hess, soft targets: (outer, inner, classes); labels, grad_output, value:
    (outer, inner); outer may be left out. Class weights, or None; ignore_index an int64. Returns the total; raises
    IndexError for a label out of range, before anything is written."""
    cdef fa_class_loss_job job
    cdef double total = 0.0
    start_class_job(&job, loss, x, ignore_index)
    if soft:
        job.target = view3_of(target)
    else:
        job.labels = view2_of(target)
    job.weight = operand_of(weight)
    job.smoothing, job.z_loss, job.mean = smoothing, z_loss, mean
    job.grad_output, job.value = view2_of(grad_output), view2_of(value)
    job.grad, job.hess = view3_of(grad), view3_of(hess)
    job.total = &total if want_total else NULL
    run_class_job(&job, target)
    return total


def ctc_loss(cnp.ndarray x, cnp.ndarray targets, tuple lengths, blank, bint mean, bint zero_infinity, bint logits,
             grad_output, weight, value, grad, hess, bint want_total):
    """x, grad, hess: (steps, sequences, classes); targets: (sequences, room), or one after another; lengths: of input
    and targets, (sequences,); grad_output, weight, value: (sequences,), weight None for 1. blank: a class. Returns the
    total; what is wrong with lengths or labels is raised before anything is written."""
    cdef fa_ctc_job job
    cdef fa_ctc_fault bad = fa_ctc_fault(0, 0)
    cdef fa_ctc_status status
    cdef double total = 0.0
    memset(&job, 0, sizeof(job))
    job.steps, job.sequences = <size_t>cnp.PyArray_DIM(x, 0), <size_t>cnp.PyArray_DIM(x, 1)
    job.classes = <size_t>cnp.PyArray_DIM(x, 2)
    job.input, job.labels = view3_of(x), view2_of(targets)
    job.concatenated = cnp.PyArray_NDIM(targets) == 1
    job.labels_each = <size_t>cnp.PyArray_DIM(targets, cnp.PyArray_NDIM(targets) - 1)
    job.input_lengths, job.target_lengths = operand_of(lengths[0]), operand_of(lengths[1])
    job.blank, job.mean, job.zero_infinity, job.logits = blank, mean, zero_infinity, logits
    job.grad_output, job.weight, job.value = operand_of(grad_output), operand_of(weight), operand_of(value)
    job.grad, job.hess = view3_of(grad), view3_of(hess)
    job.total = &total if want_total else NULL
    with nogil:
        status = fa_ctc_run(&job, &bad)
    if status == FA_CTC_NO_MEMORY:
        raise MemoryError(NO_MEMORY.decode())
    if status != FA_CTC_DONE:
        raise_ctc(&job, status, bad, targets, lengths)
    return total


cdef raise_ctc(const fa_ctc_job *job, fa_ctc_status status, fa_ctc_fault bad, targets, lengths):
    n = bad.sequence
    if status == FA_CTC_BAD_INPUT_LENGTH:
        raise ValueError(f"input_lengths: {lengths[0][n]} of sequence {n} is not in 0..{job.steps} "
                         f"(the steps of log_probs)")
    if status == FA_CTC_BAD_TARGET_LENGTH:
        raise ValueError(f"target_lengths: {lengths[1][n]} of sequence {n} is not in 0..{job.labels_each} "
                         f"(the labels in targets)")
    if status == FA_CTC_BAD_SUM:
        raise ValueError(f"target_lengths must add up to the {job.labels_each} labels of one-dimensional targets, "
                         f"got {sum(map(int, lengths[1]))}")
    at = (n, bad.label) if not job.concatenated else sum(map(int, lengths[1][:n])) + bad.label
    what = "is the blank" if targets[at] == job.blank else f"is not in 0..{job.classes - 1} (the classes of log_probs)"
    raise IndexError(f"targets: label {targets[at]} at {bad.label} of sequence {n} {what}")


cdef view3s_of(fa_view3 *to, arrays):
    for k, a in enumerate(arrays):
        to[k] = view3_of(a)


def float64_row_loss(int loss, list inputs, labels, label_lists, target, weight, row_weight, tuple numbers,
                     grad_output, bint mean, value, list grads, list hesses, bint want_total):
    """loss: its index in the table. inputs, label_lists, grads, hesses: (outer, inner, classes); labels, target,
    row_weight, grad_output, value: (outer, inner); outer may be left out. Weights of classes and of rows, or None;
    numbers: margin, p, eps, swap. grads and hesses: none, of the first or of all inputs, hesses only beside grads.
    Returns the total; raises IndexError for a label out of range, before anything is written."""
    cdef fa_float64_row_loss_job job
    cdef double total = 0.0
    cdef size_t bad = 0
    cdef fa_status status
    cdef cnp.ndarray x = inputs[0]
    cdef int last = cnp.PyArray_NDIM(x) - 1
    memset(&job, 0, sizeof(job))
    job.loss = loss
    job.outer = <size_t>cnp.PyArray_DIM(x, 0) if last == 2 else 1
    job.inner, job.n = <size_t>cnp.PyArray_DIM(x, last - 1), <size_t>cnp.PyArray_DIM(x, last)
    job.inputs = <size_t>len(inputs)
    view3s_of(job.input, inputs)
    view3s_of(job.grad, grads)
    view3s_of(job.hess, hesses)
    job.labels, job.label_lists, job.target = view2_of(labels), view3_of(label_lists), view2_of(target)
    job.weight, job.row_weight, job.value = operand_of(weight), view2_of(row_weight), view2_of(value)
    job.margin, job.p, job.eps, job.swap = numbers
    job.grad_output, job.mean = view2_of(grad_output), mean
    job.total = &total if want_total else NULL
    with nogil:
        status = fa_float64_row_loss_run(&job, &bad)
    if status == FA_BAD_LABEL:
        found = labels if label_lists is None else label_lists
        row = bad if label_lists is None else bad // job.n
        raise IndexError(f"target: label {found.reshape(-1)[bad]} of row {row} is not in 0..{<Py_ssize_t>job.n - 1} "
                         f"(the {job.n} classes of input)" + ("" if label_lists is None else ", nor -1, a list's end"))
    if status == FA_NO_MEMORY:
        raise MemoryError(NO_MEMORY.decode())
    return total


def column_moments(cnp.ndarray p, cnp.ndarray w, cnp.ndarray center, cnp.ndarray first, cnp.ndarray second):
    """Adds to first and second, float64, the moments of w's columns about the rows of `center`, weighted by the rows of
    p. p, w and center are of one float type; all are contiguous, but that p's rows may be apart."""
    cdef fa_column_moments_job job
    memset(&job, 0, sizeof(job))
    job.precision = precision_of(p)
    job.count, job.rows = <size_t>cnp.PyArray_DIM(p, 0), <size_t>cnp.PyArray_DIM(p, 1)
    job.columns = <size_t>cnp.PyArray_DIM(w, 1)
    job.row_pitch = <size_t>(cnp.PyArray_STRIDE(p, 0) // cnp.PyArray_ITEMSIZE(p))
    job.p, job.w, job.center = cnp.PyArray_DATA(p), cnp.PyArray_DATA(w), cnp.PyArray_DATA(center)
    job.first, job.second = <double *>cnp.PyArray_DATA(first), <double *>cnp.PyArray_DATA(second)
    with nogil:
        fa_column_moments(&job)


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
        raise MemoryError(NO_MEMORY.decode())
    return out
