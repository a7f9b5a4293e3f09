# The C core, as Cython sees it.
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t

cdef extern from "core.h" nogil:
    ctypedef enum fa_dtype:
        FA_F32, FA_F64, FA_F16, FA_BF16, FA_I8, FA_U8, FA_I16, FA_U16, FA_I32, FA_U32, FA_I64, FA_U64
    ctypedef enum fa_precision:
        FA_SINGLE, FA_DOUBLE, FA_PRECISIONS
    ctypedef enum fa_variant:
        FA_VALUE, FA_BACKWARD, FA_FROM_OUTPUT, FA_SECOND_DERIVATIVE, FA_BY_PARAMETER, FA_BOTH, FA_DERIVATIVE
    ctypedef struct fa_activation:
        const char *name
        int parameters, from_output, by_parameter
        float ulp[FA_PRECISIONS][3]
    ctypedef struct fa_row_op:
        const char *name
        int reduces, from_output
        float ulp[FA_PRECISIONS]
    ctypedef struct fa_elementwise_loss:
        const char *name
        int parameters, second_input
        float ulp[FA_PRECISIONS][3]
    ctypedef enum fa_targets:
        pass
    ctypedef struct fa_class_loss:
        const char *name
        fa_targets targets
        int row_kernel
    ctypedef struct fa_float64_row_loss:
        const char *name
        int inputs
        fa_targets targets
    enum: FA_GRAD, FA_LOSS_RESULTS
    enum: FA_ACTIVATIONS, FA_ROW_OPS, FA_ELEMENTWISE_LOSSES, FA_CLASS_LOSSES, FA_FLOAT64_ROW_LOSSES
    enum: FA_MAX_INPUTS
    const fa_activation fa_activations[]
    const fa_row_op fa_row_ops[]
    const fa_elementwise_loss fa_elementwise_losses[]
    const fa_class_loss fa_class_losses[]
    const fa_float64_row_loss fa_float64_row_losses[]
    const char *const fa_targets_names[]

cdef extern from "include/fastact.h" nogil:
    int fa_set_isa(const char *)
    int fa_get_threads()
    void fa_set_threads(int)
    int fa_available_cpus()

cdef extern from "kernels/contract.h" nogil:
    enum: FA_FLOAT64_ROW_INPUTS
    ctypedef struct fa_isa:
        pass

cdef extern from "runtime/dispatch.h" nogil:
    const fa_isa *const fa_isas[]
    const fa_isa *fa_current_isa()
    const char *fa_isa_name(const fa_isa *)
    bint fa_isa_supported(const fa_isa *)

cdef extern from "runtime/fpstate.h" nogil:
    ctypedef struct fa_fpstate:
        pass
    fa_fpstate fa_fpstate_enter()
    void fa_fpstate_leave(fa_fpstate)

cdef extern from "drivers/numpy_loops.h" nogil:
    ctypedef struct fa_map_loop:
        int op
        fa_variant variant
        int inputs
        # `in` is a keyword of Python's
        fa_dtype in_ "in"[FA_MAX_INPUTS]
        fa_dtype out
        const void *constant[FA_MAX_INPUTS]
    void fa_map_strided(char **, const ptrdiff_t *, const ptrdiff_t *, void *)
    void fa_map_masked(char **, const ptrdiff_t *, const ptrdiff_t *, const fa_map_loop *, const char *)

    ctypedef struct fa_rows_loop:
        int op
        fa_variant variant
        int masked
        fa_dtype dtype, in_dtype
    int fa_rows_strided(char **, const ptrdiff_t *, const ptrdiff_t *, const fa_rows_loop *)
    int fa_rows_nested(char **, const ptrdiff_t *, const ptrdiff_t *, ptrdiff_t, const ptrdiff_t *,
                       const fa_rows_loop *)

cdef extern from "drivers/jobs.h" nogil:
    ctypedef struct fa_operand:
        char *data
        ptrdiff_t stride
        fa_dtype dtype

    int fa_parameter_sums(size_t outer, size_t kept, size_t inner, fa_dtype, const void *terms, const fa_operand *out)
    ctypedef struct fa_column_moments_job:
        fa_precision precision
        size_t count, rows, columns, row_pitch
        const void *p
        const void *w
        const void *center
        double *first
        double *second
    void fa_column_moments(const fa_column_moments_job *)

    ctypedef struct fa_elementwise_loss_job:
        int op
        fa_precision precision
        size_t n
        fa_operand in_ "in"[FA_MAX_INPUTS]
        fa_operand out[FA_LOSS_RESULTS]
        double *total
    int fa_elementwise_loss_run(const fa_elementwise_loss_job *)

    ctypedef struct fa_view3:
        char *data
        ptrdiff_t outer_stride, inner_stride, class_stride
        fa_dtype dtype
    ctypedef struct fa_view2:
        char *data
        ptrdiff_t outer_stride, inner_stride
        fa_dtype dtype
    ctypedef struct fa_class_loss_job:
        int loss
        fa_precision precision
        size_t outer, inner, n
        fa_view3 input
        fa_view2 labels
        fa_view3 target
        fa_operand weight
        int64_t ignore_index
        double smoothing, z_loss
        fa_view2 grad_output
        int mean
        fa_view2 value
        fa_view3 grad, hess
        double *total
    ctypedef struct fa_float64_row_loss_job:
        int loss
        size_t outer, inner, n, inputs
        fa_view3 input[FA_FLOAT64_ROW_INPUTS]
        fa_view2 labels
        fa_view3 label_lists
        fa_view2 target
        fa_operand weight
        double margin, p, eps
        int swap
        fa_view2 grad_output, row_weight
        int mean
        fa_view2 value
        fa_view3 grad[FA_FLOAT64_ROW_INPUTS]
        fa_view3 hess[FA_FLOAT64_ROW_INPUTS]
        double *total
    ctypedef enum fa_status:
        FA_DONE, FA_NO_MEMORY, FA_BAD_LABEL
    fa_status fa_class_loss_run(const fa_class_loss_job *, size_t *bad_row)
    fa_status fa_float64_row_loss_run(const fa_float64_row_loss_job *job, size_t *bad)

    ctypedef struct fa_ctc_job:
        size_t steps, sequences, classes
        fa_view3 input
        int logits
        fa_view2 labels
        size_t labels_each
        int concatenated
        fa_operand input_lengths, target_lengths
        int64_t blank
        int mean, zero_infinity
        fa_operand grad_output, weight, value
        fa_view3 grad, hess
        double *total
    ctypedef enum fa_ctc_status:
        FA_CTC_DONE, FA_CTC_NO_MEMORY, FA_CTC_BAD_BLANK, FA_CTC_BAD_INPUT_LENGTH, FA_CTC_BAD_TARGET_LENGTH
        FA_CTC_BAD_SUM, FA_CTC_BAD_LABEL
    ctypedef struct fa_ctc_fault:
        size_t sequence, label
    fa_ctc_status fa_ctc_run(const fa_ctc_job *, fa_ctc_fault *bad)
