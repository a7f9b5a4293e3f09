/* An embedder's use of the C core: a few kernels of each kind, called through the
 * internal headers without Python, judged by the C library. Prints what is wrong and
 * ends with 1, or ends with 0.
 */
#include "../../csrc/drivers/jobs.h"
#include "../../csrc/drivers/numpy_loops.h"
#include "../../csrc/include/fastact.h"
#include "../../csrc/runtime/dispatch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int wrong;

/* Within a few float32 (or float64) roundings: the bounds proper are for the accuracy tests. */
static void expect(const char *what, size_t i, double got, double wanted, double relative) {
    if (fabs(got - wanted) <= relative * fabs(wanted) || got == wanted) return;
    fprintf(stderr, "%s, element %zu: %.17g instead of %.17g\n", what, i, got, wanted);
    wrong = 1;
}

#define SINGLE 0x1p-21
#define DOUBLE 0x1p-50

static double point(size_t i) { return (double)(i * 37 % 1001) / 64 - 7.8; }

/* ---- activations --------------------------------------------------------------- */

static void map(int op, fa_variant variant, fa_dtype dtype, size_t n, size_t step, void *dy, void *x, void *y) {
    fa_map_loop loop = {.op = op, .variant = variant, .inputs = dy ? 2 : 1, .in = {dtype, dtype}, .out = dtype};
    char *args[] = {dy ? dy : x, dy ? x : y, y};
    ptrdiff_t stride = (ptrdiff_t)(step * fa_itemsize(dtype)), strides[] = {stride, stride, stride};
    ptrdiff_t length = (ptrdiff_t)n;
    fa_map_strided(args, &length, strides, &loop);
}

static void check_activations(void) {
    enum { N = 1003, STEP = 2 };
    static float x[N * STEP], y[N * STEP], dy[N * STEP];
    static double wide[N], gelu[N];
    for (size_t i = 0; i < N; i++) {
        x[i * STEP] = (float)point(i);
        dy[i * STEP] = 2.0f;
        y[i * STEP + 1] = 7.0f;
        wide[i] = point(i);
    }
    map(FA_OP_sigmoid, FA_VALUE, FA_F32, N, STEP, NULL, x, y);
    for (size_t i = 0; i < N; i++) {
        expect("sigmoid", i, (double)y[i * STEP], 1 / (1 + exp(-(double)x[i * STEP])), SINGLE);
        expect("between sigmoid's results", i, (double)y[i * STEP + 1], 7, 0);
    }
    map(FA_OP_tanh, FA_BACKWARD, FA_F32, N, STEP, dy, x, y);
    for (size_t i = 0; i < N; i++)
        expect("tanh's gradient", i, (double)y[i * STEP], 2 / pow(cosh((double)x[i * STEP]), 2), SINGLE);
    map(FA_OP_gelu, FA_VALUE, FA_F64, N, 1, NULL, wide, gelu);
    for (size_t i = 0; i < N; i++) expect("gelu", i, gelu[i], wide[i] * erfc(-wide[i] * sqrt(0.5)) / 2, DOUBLE * 64);

    float at[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN}, slope[5];
    map(FA_OP_relu, FA_DERIVATIVE, FA_F32, 5, 1, NULL, at, slope);
    for (size_t i = 0; i < 4; i++) expect("relu's derivative", i, (double)slope[i], i == 2, 0);
    if (slope[4] == slope[4]) expect("relu's derivative of NaN", 4, (double)slope[4], (double)NAN, 0);
}

/* Last task first, on the calling thread. */
static void backwards(size_t tasks, fa_task *task, void *context) {
    while (tasks--) task(context, tasks);
}

static void check_runner(void) {
    enum { N = 400003 };
    static float x[N], ours[N], hosts[N];
    for (size_t i = 0; i < N; i++) x[i] = (float)point(i);
    map(FA_OP_silu, FA_VALUE, FA_F32, N, 1, NULL, x, ours);
    fa_set_runner(backwards);
    map(FA_OP_silu, FA_VALUE, FA_F32, N, 1, NULL, x, hosts);
    fa_set_runner(NULL);
    for (size_t i = 0; i < N; i++) expect("silu on a host's threads", i, (double)hosts[i], (double)ours[i], 0);
}

/* ---- rows and losses --------------------------------------------------------------- */

enum { ROWS = 19, CLASSES = 11, ROW = CLASSES * sizeof(float) };
static float logits[ROWS * CLASSES]; /* by rows */

static double log_normalizer(size_t row) {
    double sum = 0;
    for (size_t c = 0; c < CLASSES; c++) sum += exp((double)logits[row * CLASSES + c]);
    return log(sum);
}

static void check_softmax(void) {
    float p[ROWS * CLASSES];
    fa_rows_loop loop = {FA_ROW_softmax, FA_VALUE, 0, FA_F32, FA_F32};
    char *args[] = {(char *)logits, (char *)p};
    ptrdiff_t dims[] = {ROWS, CLASSES}, strides[] = {ROW, ROW, sizeof(float), sizeof(float)};
    expect("softmax's status", 0, fa_rows_strided(args, dims, strides, &loop), 0, 0);
    for (size_t i = 0; i < ROWS * CLASSES; i++)
        expect("softmax", i, (double)p[i], exp((double)logits[i] - log_normalizer(i / CLASSES)), SINGLE);
}

static void check_cross_entropy(void) {
    float grad[ROWS * CLASSES];
    uint8_t labels[ROWS];
    double total = 0, wanted = 0, one = 1;
    size_t bad_row = 0;
    for (size_t r = 0; r < ROWS; r++) labels[r] = (uint8_t)(r * 5 % CLASSES);
    fa_class_loss_job job = {.loss = FA_CLASS_cross_entropy, .precision = FA_SINGLE, .outer = 1, .inner = ROWS, .n = CLASSES,
                           .input = {(char *)logits, 0, ROW, sizeof(float), FA_F32},
                           .labels = {(char *)labels, 0, 1, FA_U8}, .ignore_index = -100,
                           .grad_output = {(char *)&one, 0, 0, FA_F64}, .mean = 1,
                           .grad = {(char *)grad, 0, ROW, sizeof(float), FA_F32}, .total = &total};
    expect("cross entropy's status", 0, (double)fa_class_loss_run(&job, &bad_row), FA_DONE, 0);
    for (size_t r = 0; r < ROWS; r++) {
        wanted += (log_normalizer(r) - (double)logits[r * CLASSES + labels[r]]) / ROWS;
        for (size_t c = 0; c < CLASSES; c++) {
            double p = exp((double)logits[r * CLASSES + c] - log_normalizer(r));
            expect("cross entropy's gradient", c, (double)grad[r * CLASSES + c], (p - (c == labels[r])) / ROWS, SINGLE);
        }
    }
    expect("cross entropy", 0, total, wanted, SINGLE);

    labels[13] = CLASSES;
    memset(grad, 0, sizeof grad);
    expect("status for a bad label", 0, (double)fa_class_loss_run(&job, &bad_row), FA_BAD_LABEL, 0);
    expect("the bad label's row", 0, (double)bad_row, 13, 0);
    for (size_t i = 0; i < ROWS * CLASSES; i++) expect("gradient beside a bad label", i, (double)grad[i], 0, 0);
}

/* Two steps of probabilities 1/2, 1/2 and 1/4, 3/4: the label 1 but where both are blank, 7/8. */
static void check_ctc(void) {
    double x[] = {log(0.5), log(0.5), log(0.25), log(0.75)}, grad[4], one = 1, total = 0;
    const double at[] = {3.0 / 7, 4.0 / 7, 1.0 / 7, 6.0 / 7};
    unsigned char label = 1, steps = 2, labels = 1;
    const fa_ctc_status wanted[] = {FA_CTC_BAD_LABEL, FA_CTC_BAD_LABEL, FA_CTC_BAD_INPUT_LENGTH,
                                    FA_CTC_BAD_TARGET_LENGTH};
    fa_ctc_fault bad;
    fa_ctc_job job = {.steps = 2, .sequences = 1, .classes = 2, .labels_each = 1, .total = &total,
                      .input = {(char *)x, 2 * sizeof(double), 0, sizeof(double), FA_F64},
                      .labels = {(char *)&label, 0, 1, FA_U8},
                      .input_lengths = {(char *)&steps, 1, FA_U8}, .target_lengths = {(char *)&labels, 1, FA_U8},
                      .grad_output = {(char *)&one, 0, FA_F64},
                      .grad = {(char *)grad, 2 * sizeof(double), 0, sizeof(double), FA_F64}};
    expect("ctc's status", 0, (double)fa_ctc_run(&job, &bad), FA_CTC_DONE, 0);
    expect("ctc", 0, total, -log(7.0 / 8), DOUBLE * 4);
    for (size_t i = 0; i < 4; i++) expect("ctc's gradient", i, grad[i], -at[i], DOUBLE * 4);

    memset(grad, 0, sizeof grad);
    for (int k = 0; k < 4; k++) {
        label = k == 0 ? 2 : k == 1 ? 0 : 1; /* no class, or the blank */
        steps = k == 2 ? 3 : 2;
        labels = k == 3 ? 2 : 1;
        expect("status for a bad label or length", (size_t)k, (double)fa_ctc_run(&job, &bad), wanted[k], 0);
    }
    for (size_t i = 0; i < 4; i++) expect("ctc's gradient beside something bad", i, grad[i], 0, 0);
}

static void check_mse(void) {
    enum { N = 40009 };
    static double x[N], grad[N];
    double zero = 0, one = 1, half = 0.5, total = 0, wanted = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = point(i);
        wanted += x[i] * x[i];
    }
    fa_elementwise_loss_job job = {.op = FA_LOSS_mse_loss, .precision = FA_DOUBLE, .n = N,
                       .in = {{(char *)x, sizeof *x, FA_F64}, {(char *)&zero, 0, FA_F64},
                              {(char *)&one, 0, FA_F64}, {(char *)&half, 0, FA_F64}},
                       .out[FA_GRAD] = {(char *)grad, sizeof *grad, FA_F64}, .total = &total};
    expect("mse's status", 0, fa_elementwise_loss_run(&job), 0, 0);
    expect("mse", 0, total, wanted, 0x1p-40);
    for (size_t i = 0; i < N; i++) expect("mse's gradient", i, grad[i], x[i], DOUBLE);
}

int main(void) {
    for (size_t i = 0; i < ROWS * CLASSES; i++) logits[i] = (float)point(i * 3);
    for (int k = 0; fa_isas[k]; k++) {
        if (fa_set_isa(fa_isa_name(fa_isas[k]))) continue; /* not on this CPU */
        fprintf(stderr, "instruction set %s\n", fa_isa_name(fa_current_isa()));
        fa_set_threads(1 + k);
        check_activations();
        check_runner();
        check_softmax();
        check_cross_entropy();
        check_ctc();
        check_mse();
    }
    return wrong;
}
