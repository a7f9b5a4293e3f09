/* Hashes of everything the C core computes, without Python: the same on every CPU.
 *
 *     core_hash [instruction set]
 *
 * Inputs come from an integer recurrence. A line is: op, what was asked, type, hash.
 * Every NaN counts as the same one: its sign and payload differ between CPUs.
 */
#include "../csrc/elementwise.h"
#include "../csrc/isa.h"
#include "../csrc/losses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5003, ROWS = 37, CLASSES = 130 };

static uint64_t state;
static uint32_t next(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

/* One in eight any bit pattern, the rest within +-16. */
static double number(int any) {
    uint32_t u = next();
    float f;
    if (any && u % 8 == 0) {
        uint32_t word = next();
        memcpy(&f, &word, sizeof f);
        return (double)f;
    }
    return ((double)(next() >> 8) / 8388608.0 - 1.0) * 16.0;
}

static void fill(void *to, size_t n, fa_dtype dtype, int any, uint64_t seed) {
    state = seed;
    for (size_t i = 0; i < n; i++) {
        double v = number(any);
        if (dtype == FA_F64) ((double *)to)[i] = v;
        else if (dtype == FA_F32) ((float *)to)[i] = (float)v;
        else ((uint16_t *)to)[i] = (uint16_t)next();
    }
}

static int is_nan(const unsigned char *p, fa_dtype dtype) {
    uint64_t word = 0;
    memcpy(&word, p, fa_itemsize(dtype));
    switch (dtype) {
    case FA_F64: return (word & INT64_MAX) > 0x7ff0000000000000u;
    case FA_F32: return (word & 0x7fffffffu) > 0x7f800000u;
    case FA_F16: return (word & 0x7fffu) > 0x7c00u;
    default: return (word & 0x7fffu) > 0x7f80u;
    }
}

static void print_hash(const char *op, const char *asked, fa_dtype dtype, const void *data, size_t n) {
    static const char *const names[] = {"float32", "float64", "float16", "bfloat16"};
    const unsigned char *p = data;
    size_t size = fa_itemsize(dtype);
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < n; i++, p += size)
        for (size_t k = 0; k < size; k++) hash = (hash ^ (is_nan(p, dtype) ? 0xffu : p[k])) * 1099511628211u;
    printf("%s %s %s %016llx\n", op, asked, names[dtype], (unsigned long long)hash);
}

static char in[4][N * 8], out[2][N * 8];

static void activations(fa_dtype dtype) {
    static const char *const asked[] = {"value", "backward", "backward_from_output", "second", "derivative"};
    for (int op = 0; op < FA_ACTIVATIONS; op++) {
        for (int variant = 0; variant < FA_VARIANTS; variant++) {
            if (variant == FA_FROM_OUTPUT && !fa_activations[op].from_output) continue;
            int arrays = variant == FA_BACKWARD || variant == FA_FROM_OUTPUT ? 2 : 1;
            fa_map_loop loop = {.op = op, .variant = (fa_variant)variant, .out = dtype};
            char *args[FA_MAX_INPUTS + 1];
            ptrdiff_t n = N, strides[FA_MAX_INPUTS + 1];
            loop.inputs = arrays + fa_activations[op].parameters;
            for (int k = 0; k < loop.inputs; k++) {
                loop.in[k] = dtype;
                args[k] = in[k];
                strides[k] = (ptrdiff_t)fa_itemsize(dtype);
            }
            args[loop.inputs] = out[0];
            strides[loop.inputs] = (ptrdiff_t)fa_itemsize(dtype);
            fa_map_strided(args, &n, strides, &loop);
            print_hash(fa_activations[op].name, asked[variant], dtype, out[0], N);
        }
    }
}

/* Rows whose classes are contiguous, or (`across`) whose rows are. */
static void rows(fa_dtype dtype, int across, ptrdiff_t count, ptrdiff_t n) {
    ptrdiff_t size = (ptrdiff_t)fa_itemsize(dtype);
    ptrdiff_t row = across ? size : n * size, class_ = across ? count * size : size;
    char asked[64];
    for (int op = 0; op < FA_ROW_OPS; op++) {
        for (int variant = 0; variant < FA_ROW_VARIANTS; variant++) {
            if (variant == FA_FROM_OUTPUT && !fa_row_ops[op].from_output) continue;
            fa_rows_loop loop = {.op = op, .variant = (fa_variant)variant, .dtype = dtype, .in_dtype = dtype};
            int reduces = fa_row_ops[op].reduces, backward = variant != FA_VALUE, k = 0, c = 0;
            char *args[4];
            ptrdiff_t dims[2] = {count, n}, strides[8], core[4];
            if (backward) {
                args[k] = in[1];
                strides[k++] = reduces ? size : row;
                if (!reduces) core[c++] = class_;
            }
            args[k] = in[0];
            strides[k++] = row;
            core[c++] = class_;
            args[k] = out[0];
            strides[k++] = reduces && !backward ? size : row;
            if (!reduces || backward) core[c++] = class_;
            memcpy(strides + k, core, (size_t)c * sizeof *core);
            if (fa_rows_strided(args, dims, strides, &loop)) exit(2);
            snprintf(asked, sizeof asked, "%d:%s:%dx%d", variant, across ? "across" : "along", (int)count, (int)n);
            print_hash(fa_row_ops[op].name, asked, dtype, out[0], (size_t)(reduces && !backward ? count : count * n));
        }
    }
}

static void elementwise_losses(fa_dtype dtype) {
    static double one = 1.0;
    for (int op = 0; op < FA_ELEMENTWISE_LOSSES; op++) {
        ptrdiff_t size = (ptrdiff_t)fa_itemsize(dtype);
        double total;
        fa_loss_job job = {.op = op, .precision = fa_precision_of(dtype), .n = N, .total = &total};
        for (int k = 0; k < 4 + fa_losses[op].parameters; k++) {
            fa_operand array = {in[k % 4], size, dtype}, repeated = {(char *)&one, 0, FA_F64};
            job.in[k] = k < 3 ? array : repeated;
        }
        fa_operand grad = {out[0], size, dtype}, hess = {out[1], size, dtype};
        job.grad = grad;
        job.hess = hess;
        if (fa_loss_run(&job)) exit(2);
        print_hash(fa_losses[op].name, "grad", dtype, out[0], N);
        print_hash(fa_losses[op].name, "hess", dtype, out[1], N);
        print_hash(fa_losses[op].name, "total", FA_F64, &total, 1);
    }
}

static void cross_entropy(fa_dtype dtype, size_t outer, size_t inner, size_t n, double smoothing, int soft) {
    static double one = 1.0;
    int32_t labels[ROWS * 4];
    ptrdiff_t size = (ptrdiff_t)fa_itemsize(dtype), stride = (ptrdiff_t)inner * size;
    fa_cube input = {in[0], (ptrdiff_t)n * stride, size, stride, dtype}, grad = input, hess = input, target = input;
    fa_plane label_plane = {(char *)labels, (ptrdiff_t)inner * 4, 4, FA_I32}, scale = {(char *)&one, 0, 0, FA_F64};
    double total;
    size_t bad;
    for (size_t i = 0; i < outer * inner; i++) labels[i] = i % 7 == 3 ? -100 : (int32_t)((i * 5) % n);
    target.data = in[3];
    grad.data = out[0];
    hess.data = out[1];
    fa_row_loss_job job = {.loss = FA_CROSS_ENTROPY, .precision = fa_precision_of(dtype), .outer = outer,
                           .inner = inner, .n = n, .input = input, .target = target, .ignore_index = -100,
                           .smoothing = smoothing, .grad_output = scale, .mean = 1, .grad = grad, .hess = hess,
                           .total = &total};
    if (!soft) job.labels = label_plane;
    if (fa_row_loss_run(&job, &bad) != FA_DONE) exit(2);
    char asked[64];
    snprintf(asked, sizeof asked, "%dx%dx%d:%d:%d", (int)outer, (int)n, (int)inner, smoothing > 0, soft);
    print_hash("cross_entropy.grad", asked, dtype, out[0], outer * inner * n);
    print_hash("cross_entropy.hess", asked, dtype, out[1], outer * inner * n);
    print_hash("cross_entropy.total", asked, FA_F64, &total, 1);
}

int main(int argc, char **argv) {
    if (argc > 1 && fa_set_isa(argv[1])) {
        fprintf(stderr, "instruction set %s is not available\n", argv[1]);
        return 3;
    }
    for (int d = FA_F32; d <= FA_BF16; d++) {
        fa_dtype dtype = (fa_dtype)d;
        for (int k = 0; k < 4; k++) fill(in[k], N, dtype, k == 0, (uint64_t)(k + 1));
        activations(dtype);
        elementwise_losses(dtype);
        fill(in[0], N, dtype, 0, 9);
        for (int across = 0; across < 2; across++) {
            rows(dtype, across, ROWS, 10);
            rows(dtype, across, ROWS, CLASSES);
            rows(dtype, across, 3, 1001);
        }
        for (int soft = 0; soft < 2; soft++) {
            cross_entropy(dtype, 1, ROWS, 10, 0.0, soft);
            cross_entropy(dtype, 2, 18, 37, 0.1, soft);
            cross_entropy(dtype, 3, 1, 1001, 0.1, soft);
        }
    }
    return 0;
}
