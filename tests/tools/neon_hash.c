/* Drives the C core, without Python, over every op, element type, layout and
 * variant, and prints a hash of each one's results: "kind name type hash".
 *
 *     neon_hash [instruction set [threads]]
 *
 * The hashes must be the same for every instruction set, compiler, compiler flag
 * and CPU. Inputs come from a fixed integer recurrence and hold infinities, NaN,
 * subnormals and both zeros; every NaN counts as the same. */
#include "../../csrc/drivers/jobs.h"
#include "../../csrc/drivers/numpy_loops.h"
#include "../../csrc/include/fastact.h"
#include "../../csrc/runtime/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- inputs ------------------------------------------------------------------ */

static uint64_t mix(uint64_t i, uint64_t seed) { /* splitmix64 */
    uint64_t z = (seed + 1) * 0xD1342543DE82EF95u + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Between -8 and 8. */
static double ordinary(uint64_t z) { return (double)(int64_t)(z >> 11) * 0x1p-53 * 16 - 8; }

typedef enum { ANY, ORDINARY, UNIT } range; /* UNIT: between 1/2 and 1 */

static void put_element(char *to, fa_dtype dtype, uint64_t z, range r) {
    double v = r == UNIT ? 0.5 + (double)(z >> 12) * 0x1p-53 : ordinary(z);
    uint64_t raw = z * 0x2545F4914F6CDD1Du;
    int use_raw = r == ANY && z % 4 == 0;
    float narrow = (float)v;
    uint32_t narrow_bits;
    memcpy(&narrow_bits, &narrow, 4);
    if (use_raw || dtype == FA_F16) { /* float16: patterns below 16 of either sign, or any */
        uint16_t half = (uint16_t)(raw >> 40);
        if (dtype == FA_F16 && !use_raw) half = (uint16_t)(r == UNIT ? 0x3800 + half % 0x400 : half % 0x4c00 + (half & 0x8000));
        if (dtype == FA_F16) memcpy(to, &half, 2);
        else memcpy(to, &raw, fa_itemsize(dtype));
    } else if (dtype == FA_BF16) {
        uint16_t upper = (uint16_t)(narrow_bits >> 16);
        memcpy(to, &upper, 2);
    } else if (dtype == FA_F32) {
        memcpy(to, &narrow, 4);
    } else {
        memcpy(to, &v, 8);
    }
}

static void *must(void *p) {
    if (p) return p;
    fprintf(stderr, "out of memory\n");
    exit(2);
}

/* n elements, `stride` elements apart, the first one element into the memory. */
static char *make(size_t n, size_t stride, fa_dtype dtype, uint64_t seed, range r) {
    size_t size = fa_itemsize(dtype);
    char *p = must(calloc(n * stride + 1, size));
    for (size_t i = 0; i < n; i++) put_element(p + (1 + i * stride) * size, dtype, mix(i, seed), r);
    return p;
}

/* ---- hashes -------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n) { /* FNV-1a */
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * 0x100000001b3u;
    return h;
}

static uint64_t hash_element(uint64_t h, const char *p, fa_dtype dtype) {
    uint64_t bits = 0;
    static const uint64_t infinity[] = {0x7f800000u, 0x7ff0000000000000u, 0x7c00u, 0x7f80u};
    static const uint64_t magnitude[] = {0x7fffffffu, 0x7fffffffffffffffu, 0x7fffu, 0x7fffu};
    memcpy(&bits, p, fa_itemsize(dtype)); /* little endian */
    if ((bits & magnitude[dtype]) > infinity[dtype]) bits = 0x6e616e;
    return hash_bytes(h, &bits, 8);
}

static uint64_t hash_all(uint64_t h, const char *p, size_t n, ptrdiff_t stride, fa_dtype dtype) {
    for (size_t i = 0; i < n; i++) h = hash_element(h, p + (ptrdiff_t)i * stride, dtype);
    return h;
}

static const char *const dtype_names[] = {"float32", "float64", "float16", "bfloat16"};
static const uint64_t hash_start = 0xcbf29ce484222325u;

/* ---- sums to a parameter's shape ------------------------------------------------ */

static void parameter_sums(fa_dtype dtype) {
    static const size_t shapes[][3] = {{1, 1, 200003}, {30011, 7, 1}, {40, 5, 999}, {3, 2000, 1}, {0, 3, 4}};
    uint64_t h = hash_start;
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        size_t outer = shapes[k][0], kept = shapes[k][1], inner = shapes[k][2], n = outer * kept * inner;
        char *memory = make(n, 1, dtype, k, ORDINARY);
        double *out = must(malloc(kept * sizeof *out));
        fa_operand to = {(char *)out, sizeof *out, FA_F64};
        if (fa_parameter_sums(outer, kept, inner, dtype, memory + fa_itemsize(dtype), &to)) exit(2);
        h = hash_all(h, (char *)out, kept, sizeof *out, FA_F64);
        free(memory);
        free(out);
    }
    printf("parameter_sums %s %016llx\n", dtype_names[dtype], (unsigned long long)h);
}

static void column_moments(fa_dtype dtype) {
    enum { COUNT = 70, ROWS = 75, COLUMNS = 139, PITCH = 80 };
    const size_t size = fa_itemsize(dtype), n = COUNT * COLUMNS;
    char *p = make(COUNT * PITCH, 1, dtype, 21, UNIT), *w = make(ROWS * COLUMNS, 1, dtype, 22, ORDINARY);
    char *about = make(n, 1, dtype, 23, ORDINARY);
    double *sums = must(calloc(2 * n, sizeof *sums));
    fa_column_moments(&(fa_column_moments_job){fa_precision_of(dtype), COUNT, ROWS, COLUMNS, PITCH, p + size, w + size,
                                             about + size, sums, sums + n});
    uint64_t h = hash_all(hash_start, (char *)sums, 2 * n, sizeof *sums, FA_F64);
    printf("column_moments %s %016llx\n", dtype_names[dtype], (unsigned long long)h);
    free(p);
    free(w);
    free(about);
    free(sums);
}

/* ---- activations ------------------------------------------------------------------ */

static uint64_t map_one(int op, fa_variant variant, fa_dtype dtype, size_t n, size_t stride, int in_place) {
    int arrays = variant == FA_VALUE || variant == FA_SECOND_DERIVATIVE || variant == FA_DERIVATIVE ? 1 : 2;
    int results = variant == FA_BOTH ? 2 : 1;
    fa_map_loop loop = {.op = op, .variant = variant, .inputs = arrays + fa_activations[op].parameters, .out = dtype};
    size_t size = fa_itemsize(dtype);
    char *memory[FA_MAX_INPUTS + 2], *args[FA_MAX_INPUTS + 2];
    ptrdiff_t strides[FA_MAX_INPUTS + 2], length = (ptrdiff_t)n;
    for (int k = 0; k < loop.inputs + results; k++) {
        memory[k] = make(n, stride, dtype, (uint64_t)k, k < arrays ? ANY : UNIT);
        args[k] = memory[k] + size;
        strides[k] = (ptrdiff_t)(stride * size);
        if (k < loop.inputs) loop.in[k] = dtype;
    }
    if (in_place) args[loop.inputs] = args[0];
    fa_map_strided(args, &length, strides, &loop);
    uint64_t h = hash_start;
    for (int k = 0; k < results; k++) h = hash_all(h, args[loop.inputs + k], n, strides[0], dtype);
    for (int k = 0; k < loop.inputs + results; k++) free(memory[k]);
    return h;
}

static void maps(fa_dtype dtype, size_t large) {
    static const char *const suffix[] = {"", "_backward", "_backward_from_output", "_second_derivative",
                                         "_backward_by_parameter", "_backward_both", "_derivative"};
    for (int op = 0; op < FA_ACTIVATIONS; op++) {
        for (int variant = FA_VALUE; variant < FA_VARIANTS; variant++) {
            if (variant == FA_FROM_OUTPUT && !fa_activations[op].from_output) continue;
            if ((variant == FA_BY_PARAMETER || variant == FA_BOTH) && !fa_activations[op].by_parameter) continue;
            uint64_t h = hash_start;
            for (size_t n = 0; n <= 67; n += n < 36 ? 1 : 5) {
                uint64_t plain = map_one(op, (fa_variant)variant, dtype, n, 1, 0);
                if (map_one(op, (fa_variant)variant, dtype, n, 3, 0) != plain ||
                    map_one(op, (fa_variant)variant, dtype, n, 1, 1) != plain)
                    printf("LAYOUT %s%s %s %zu\n", fa_activations[op].name, suffix[variant], dtype_names[dtype], n);
                h = hash_bytes(h, &plain, 8);
            }
            uint64_t many = map_one(op, (fa_variant)variant, dtype, large, 1, 0);
            h = hash_bytes(h, &many, 8);
            printf("map %s%s %s %016llx\n", fa_activations[op].name, suffix[variant], dtype_names[dtype],
                   (unsigned long long)h);
        }
    }
}

/* ---- row ops ------------------------------------------------------------------------ */

typedef struct {
    size_t rows, n;
} shape;
static const shape shapes[] = {{1, 1}, {2, 3}, {3, 67}, {5, 17}, {20, 10}, {33, 64}, {17, 65}, {17, 165}, {37, 130}, {48, 130}, {320, 66}, {3, 1003}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* A matrix stored by rows or, across, by columns. */
typedef struct {
    char *memory, *data;
    ptrdiff_t row, class_;
} matrix;

static matrix make_matrix(shape s, fa_dtype dtype, uint64_t seed, int across, range r) {
    size_t size = fa_itemsize(dtype);
    matrix m = {.memory = must(calloc(s.rows * s.n + 1, size))};
    m.data = m.memory + size;
    m.row = (ptrdiff_t)(across ? size : s.n * size);
    m.class_ = (ptrdiff_t)(across ? s.rows * size : size);
    for (size_t i = 0; i < s.rows; i++)
        for (size_t c = 0; c < s.n; c++)
            put_element(m.data + (ptrdiff_t)i * m.row + (ptrdiff_t)c * m.class_, dtype, mix(i * s.n + c, seed), r);
    return m;
}

static uint64_t hash_matrix(uint64_t h, shape s, matrix m, fa_dtype dtype) {
    for (size_t i = 0; i < s.rows; i++) h = hash_all(h, m.data + (ptrdiff_t)i * m.row, s.n, m.class_, dtype);
    return h;
}

static uint64_t row_one(int op, fa_variant variant, fa_dtype dtype, shape s, int across, int masked, range r) {
    int backward = variant != FA_VALUE, row_dy = backward && fa_row_ops[op].reduces, k = 0, c = 0;
    int operands = 1 + backward + masked + 1, reduced = fa_row_ops[op].reduces && !backward;
    fa_rows_loop loop = {op, variant, masked, dtype, dtype};
    matrix x = make_matrix(s, dtype, 1, across, r), dy = make_matrix(s, dtype, 2, across, ORDINARY);
    matrix out = make_matrix(s, dtype, 3, across, ORDINARY);
    char *mask = must(malloc(s.rows * s.n)), *args[4];
    ptrdiff_t strides[8], dims[] = {(ptrdiff_t)s.rows, (ptrdiff_t)s.n};
    for (size_t i = 0; i < s.rows * s.n; i++) mask[i] = mix(i, 4) % 3 != 0;

    if (backward) {
        args[k] = dy.data;
        strides[k++] = dy.row;
        if (!row_dy) strides[operands + c++] = dy.class_;
    }
    args[k] = x.data;
    strides[k++] = x.row;
    strides[operands + c++] = x.class_;
    if (masked) {
        args[k] = mask;
        strides[k++] = (ptrdiff_t)s.n;
        strides[operands + c++] = 1;
    }
    args[k] = out.data;
    strides[k] = reduced ? (ptrdiff_t)fa_itemsize(dtype) : out.row;
    strides[operands + c] = out.class_;
    if (fa_rows_strided(args, dims, strides, &loop)) exit(2);
    uint64_t h = reduced ? hash_all(hash_start, out.data, s.rows, strides[k], dtype)
                         : hash_matrix(hash_start, s, out, dtype);
    free(x.memory), free(dy.memory), free(out.memory), free(mask);
    return h;
}

static void rows(fa_dtype dtype) {
    static const char *const suffix[] = {"", "_backward", "_backward_from_output"};
    for (int op = 0; op < FA_ROW_OPS; op++) {
        for (int variant = FA_VALUE; variant < FA_ROW_VARIANTS; variant++) {
            if (variant == FA_FROM_OUTPUT && !fa_row_ops[op].from_output) continue;
            uint64_t h = hash_start;
            for (int k = 0; k < 4 * SHAPES; k++) {
                range r = k & 1 ? ANY : ORDINARY;
                shape s = shapes[k / 4];
                uint64_t along = row_one(op, (fa_variant)variant, dtype, s, 0, k >> 1 & 1, r);
                uint64_t across = row_one(op, (fa_variant)variant, dtype, s, 1, k >> 1 & 1, r);
                if (along != across)
                    printf("LAYOUT %s%s %s %zu x %zu\n", fa_row_ops[op].name, suffix[variant], dtype_names[dtype],
                           s.rows, s.n);
                h = hash_bytes(h, &along, 8);
            }
            printf("row %s%s %s %016llx\n", fa_row_ops[op].name, suffix[variant], dtype_names[dtype],
                   (unsigned long long)h);
        }
    }
}

/* ---- losses ---------------------------------------------------------------------------- */

static uint64_t loss_one(int op, fa_dtype dtype, size_t n, size_t stride, range r) {
    size_t size = fa_itemsize(dtype);
    char *memory[FA_MAX_INPUTS + FA_MAX_OUTPUTS];
    fa_operand operand[FA_MAX_INPUTS + FA_MAX_OUTPUTS];
    double total = 0;
    int inputs = 4 + fa_elementwise_losses[op].parameters, results = fa_elementwise_losses[op].second_input ? FA_LOSS_RESULTS : FA_HESS + 1;
    for (int k = 0; k < FA_MAX_INPUTS + results; k++) {
        memory[k] = make(n, stride, dtype, (uint64_t)k, k == 0 ? r : k == 1 ? ORDINARY : UNIT);
        fa_operand o = {memory[k] + size, (ptrdiff_t)(stride * size), dtype};
        operand[k] = o;
    }
    fa_elementwise_loss_job job = {.op = op, .precision = fa_precision_of(dtype), .n = n, .total = &total};
    memcpy(job.in, operand, (size_t)inputs * sizeof *operand);
    memcpy(job.out, operand + FA_MAX_INPUTS, (size_t)results * sizeof *operand);
    if (fa_elementwise_loss_run(&job)) exit(2);
    uint64_t h = hash_element(hash_start, (const char *)&total, FA_F64), alone;
    for (int k = FA_MAX_INPUTS; k < FA_MAX_INPUTS + results; k++)
        h = hash_all(h, operand[k].data, n, operand[k].stride, dtype);
    uint64_t gradient = hash_all(hash_start, job.out[FA_GRAD].data, n, job.out[FA_GRAD].stride, dtype);
    const uint64_t sum = hash_element(hash_start, (const char *)&total, FA_F64);
    for (int with_gradient = 1; with_gradient >= 0; with_gradient--) { /* loops of their own */
        memset(job.out, 0, sizeof job.out);
        if (with_gradient) job.out[FA_GRAD] = operand[FA_MAX_INPUTS + FA_GRAD];
        if (fa_elementwise_loss_run(&job)) exit(2);
        alone = hash_element(hash_start, (const char *)&total, FA_F64);
        if (with_gradient) gradient ^= hash_all(hash_start, job.out[FA_GRAD].data, n, job.out[FA_GRAD].stride, dtype);
        if (alone != sum || gradient != 0)
            printf("LAYOUT %s %s %zu: fewer results differ\n", fa_elementwise_losses[op].name, dtype_names[dtype], n);
    }
    for (int k = 0; k < FA_MAX_INPUTS + results; k++) free(memory[k]);
    return h;
}

static void losses(fa_dtype dtype, size_t large) {
    for (int op = 0; op < FA_ELEMENTWISE_LOSSES; op++) {
        uint64_t h = hash_start;
        for (size_t n = 0; n <= 67; n++) {
            uint64_t plain = loss_one(op, dtype, n, 1, ANY);
            if (loss_one(op, dtype, n, 2, ANY) != plain)
                printf("LAYOUT %s %s %zu\n", fa_elementwise_losses[op].name, dtype_names[dtype], n);
            h = hash_bytes(h, &plain, 8);
        }
        uint64_t many = loss_one(op, dtype, large, 1, ORDINARY);
        h = hash_bytes(h, &many, 8);
        printf("loss %s %s %016llx\n", fa_elementwise_losses[op].name, dtype_names[dtype], (unsigned long long)h);
    }
}

static fa_view3 view3_of(shape s, matrix m, fa_dtype dtype) {
    fa_view3 v = {m.data, m.row * (ptrdiff_t)s.rows, m.row, m.class_, dtype};
    return v;
}

static uint64_t class_loss_one(int which, int soft, int weighted, fa_dtype dtype, shape s, int across, range r) {
    matrix x = make_matrix(s, dtype, 1, across, r), t = make_matrix(s, dtype, 2, across, UNIT);
    matrix g = make_matrix(s, dtype, 3, across, UNIT), h2 = make_matrix(s, dtype, 4, across, UNIT);
    int64_t *labels = must(calloc(s.rows, sizeof *labels));
    double one = 1.0, total = 0;
    char *weight = make(s.n, 1, dtype, 5, UNIT), *value = make(s.rows, 1, FA_F64, 6, UNIT);
    ptrdiff_t size = (ptrdiff_t)fa_itemsize(dtype);
    for (size_t i = 0; i < s.rows; i++) labels[i] = mix(i, 7) % 5 ? (int64_t)(mix(i, 8) % s.n) : -100;

    fa_class_loss_job job = {.loss = which, .precision = fa_precision_of(dtype), .outer = 1, .inner = s.rows, .n = s.n,
                           .ignore_index = -100, .smoothing = weighted ? 0.1 : 0.0,
                           .z_loss = weighted ? 0.01 : 0.0, .mean = weighted, .total = &total};
    job.input = view3_of(s, x, dtype);
    if (soft) job.target = view3_of(s, t, dtype);
    else job.labels = (fa_view2){(char *)labels, 0, sizeof *labels, FA_I64};
    if (weighted) job.weight = (fa_operand){weight + size, size, dtype};
    job.grad_output = (fa_view2){(char *)&one, 0, 0, FA_F64};
    job.value = (fa_view2){value + 8, 0, 8, FA_F64};
    job.grad = view3_of(s, g, dtype);
    job.hess = view3_of(s, h2, dtype);
    size_t bad_row;
    if (fa_class_loss_run(&job, &bad_row) != FA_DONE) exit(2);
    uint64_t h = hash_element(hash_start, (const char *)&total, FA_F64);
    h = hash_all(h, value + 8, s.rows, 8, FA_F64);
    h = hash_matrix(hash_matrix(h, s, g, dtype), s, h2, dtype);
    free(x.memory), free(t.memory), free(g.memory), free(h2.memory), free(labels), free(weight), free(value);
    return h;
}

static void row_losses(fa_dtype dtype) {
    static const struct {
        const char *name;
        int which;
        int soft;
    } kinds[] = {{"nll_loss", FA_CLASS_nll_loss, 0}, {"cross_entropy", FA_CLASS_cross_entropy, 0}, {"cross_entropy_soft", FA_CLASS_cross_entropy, 1}};
    for (int kind = 0; kind < 3; kind++) {
        uint64_t h = hash_start;
        for (int k = 0; k < 4 * SHAPES; k++) {
            range r = k & 1 ? ANY : ORDINARY;
            shape s = shapes[k / 4];
            uint64_t along = class_loss_one(kinds[kind].which, kinds[kind].soft, k >> 1 & 1, dtype, s, 0, r);
            if (class_loss_one(kinds[kind].which, kinds[kind].soft, k >> 1 & 1, dtype, s, 1, r) != along)
                printf("LAYOUT %s %s %zu x %zu\n", kinds[kind].name, dtype_names[dtype], s.rows, s.n);
            h = hash_bytes(h, &along, 8);
        }
        printf("row_loss %s %s %016llx\n", kinds[kind].name, dtype_names[dtype], (unsigned long long)h);
    }
}

static uint64_t ctc_one(int logits, fa_dtype dtype, shape s, int across, range r) {
    enum { SEQUENCES = 3 };
    const size_t steps = s.rows, room = steps / 2 + 1;
    shape all = {steps * SEQUENCES, s.n};
    matrix x = make_matrix(all, dtype, 1, across, r), g = make_matrix(all, dtype, 2, across, UNIT);
    matrix h2 = make_matrix(all, dtype, 3, across, UNIT);
    int64_t *labels = must(calloc(SEQUENCES * room, sizeof *labels)), lengths[2 * SEQUENCES];
    double one = 1.0, total = 0, value[SEQUENCES];
    for (size_t i = 0; i < SEQUENCES * room; i++) labels[i] = 1 + (int64_t)(mix(i, 4) % (s.n - 1));
    for (size_t i = 0; i < SEQUENCES; i++) {
        lengths[i] = (int64_t)(steps - i % (steps / 2 + 1));
        lengths[SEQUENCES + i] = (int64_t)((i + 1) * steps / 6);
    }
    fa_ctc_job job = {.steps = steps, .sequences = SEQUENCES, .classes = s.n, .logits = logits, .mean = 1,
                      .labels_each = room, .total = &total};
    job.input = view3_of((shape){SEQUENCES, s.n}, x, dtype);
    job.grad = view3_of((shape){SEQUENCES, s.n}, g, dtype);
    job.hess = view3_of((shape){SEQUENCES, s.n}, h2, dtype);
    job.labels = (fa_view2){(char *)labels, (ptrdiff_t)(room * sizeof *labels), sizeof *labels, FA_I64};
    job.input_lengths = (fa_operand){(char *)lengths, sizeof *lengths, FA_I64};
    job.target_lengths = (fa_operand){(char *)(lengths + SEQUENCES), sizeof *lengths, FA_I64};
    job.grad_output = (fa_operand){(char *)&one, 0, FA_F64};
    job.value = (fa_operand){(char *)value, sizeof *value, FA_F64};
    fa_ctc_fault bad;
    if (fa_ctc_run(&job, &bad) != FA_CTC_DONE) exit(2);
    uint64_t h = hash_element(hash_start, (const char *)&total, FA_F64);
    h = hash_all(h, (char *)value, SEQUENCES, sizeof *value, FA_F64);
    h = hash_matrix(hash_matrix(h, all, g, dtype), all, h2, dtype);
    free(x.memory), free(g.memory), free(h2.memory), free(labels);
    return h;
}

static void ctc(fa_dtype dtype) {
    uint64_t h = hash_start;
    for (int k = 0; k < 4 * SHAPES; k++) {
        range r = k & 1 ? ANY : ORDINARY;
        shape s = shapes[k / 4];
        if (s.n < 2) continue;
        uint64_t along = ctc_one(k >> 1 & 1, dtype, s, 0, r);
        if (ctc_one(k >> 1 & 1, dtype, s, 1, r) != along)
            printf("LAYOUT ctc_loss %s %zu x %zu\n", dtype_names[dtype], s.rows, s.n);
        h = hash_bytes(h, &along, 8);
    }
    printf("ctc_loss %s %016llx\n", dtype_names[dtype], (unsigned long long)h);
}

/* Options: bit 0 of `k` the range, bit 1 what differs between losses: a power, weights, a swap. */
static uint64_t float64_row_loss_one(int which, fa_dtype dtype, shape s, int across, int k) {
    static const double powers[] = {2.0, 1.5};
    const fa_targets targets = fa_float64_row_losses[which].targets;
    const size_t results = (size_t)fa_float64_row_losses[which].inputs;
    const range r = k & 1 ? ANY : ORDINARY;
    const int other = k >> 1, triplet = which == FA_FLOAT64_ROW_triplet_margin_loss;
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(dtype);
    matrix m[3 * FA_FLOAT64_ROW_INPUTS];
    double one = 1.0, total = 0;
    int64_t *labels = must(calloc(s.rows * s.n, sizeof *labels));
    char *weight = make(s.n, 1, dtype, 5, UNIT), *value = make(s.rows, 1, FA_F64, 6, UNIT);
    double *target = must(calloc(s.rows, sizeof *target));
    fa_float64_row_loss_job job = {.loss = which, .outer = 1, .inner = s.rows, .n = s.n, .inputs = results + (targets == FA_TARGETS_PROBABILITIES), .margin = 2.0,
                                   .p = triplet ? powers[other] : 1.0 + other, .eps = 1e-6, .swap = other, .mean = other,
                                   .total = &total};
    for (size_t i = 0; i < s.rows * s.n; i++) /* of lists a fifth ends them */
        labels[i] = targets == FA_TARGETS_LABEL_LISTS && mix(i, 7) % 5 == 0 ? -1 : (int64_t)(mix(i, 8) % s.n);
    for (size_t i = 0; i < s.rows; i++) target[i] = mix(i, 9) % 2 ? 1.0 : -1.0;
    for (size_t i = 0; i < 3 * FA_FLOAT64_ROW_INPUTS; i++) m[i] = make_matrix(s, dtype, i + 10, across, i == 1 ? UNIT : r);
    for (size_t i = 0; i < job.inputs; i++) job.input[i] = view3_of(s, m[i], dtype);
    for (size_t i = 0; i < results; i++) job.grad[i] = view3_of(s, m[FA_FLOAT64_ROW_INPUTS + i], dtype);
    for (size_t i = 0; i < results; i++) job.hess[i] = view3_of(s, m[2 * FA_FLOAT64_ROW_INPUTS + i], dtype);
    if (targets == FA_TARGETS_LABELS) job.labels = (fa_view2){(char *)labels, 0, sizeof *labels, FA_I64};
    if (targets == FA_TARGETS_LABEL_LISTS)
        job.label_lists = (fa_view3){(char *)labels, 0, (ptrdiff_t)(s.n * sizeof *labels), sizeof *labels, FA_I64};
    if (targets == FA_TARGETS_SIGNS) job.target = (fa_view2){(char *)target, 0, sizeof *target, FA_F64};
    if (other && (targets == FA_TARGETS_LABELS || targets == FA_TARGETS_PROBABILITIES)) /* weights of classes */
        job.weight = (fa_operand){weight + size, size, dtype};
    job.grad_output = (fa_view2){(char *)&one, 0, 0, FA_F64};
    job.value = (fa_view2){value + 8, 0, 8, FA_F64};
    size_t bad;
    if (fa_float64_row_loss_run(&job, &bad) != FA_DONE) exit(2);
    uint64_t h = hash_element(hash_start, (const char *)&total, FA_F64);
    h = hash_all(h, value + 8, s.rows, 8, FA_F64);
    for (size_t i = 0; i < results; i++) {
        h = hash_matrix(h, s, m[FA_FLOAT64_ROW_INPUTS + i], dtype);
        h = hash_matrix(h, s, m[2 * FA_FLOAT64_ROW_INPUTS + i], dtype);
    }
    for (size_t i = 0; i < 3 * FA_FLOAT64_ROW_INPUTS; i++) free(m[i].memory);
    free(labels), free(target), free(weight), free(value);
    return h;
}

static void float64_row_losses(fa_dtype dtype) {
    for (int which = 0; which < FA_FLOAT64_ROW_LOSSES; which++) {
        uint64_t h = hash_start;
        for (int k = 0; k < 4 * SHAPES; k++) {
            shape s = shapes[k / 4];
            uint64_t within = float64_row_loss_one(which, dtype, s, 0, k % 4);
            if (float64_row_loss_one(which, dtype, s, 1, k % 4) != within)
                printf("LAYOUT %s %s %zu x %zu\n", fa_float64_row_losses[which].name, dtype_names[dtype], s.rows, s.n);
            h = hash_bytes(h, &within, 8);
        }
        printf("float64_row_loss %s %s %016llx\n", fa_float64_row_losses[which].name, dtype_names[dtype],
               (unsigned long long)h);
    }
}

int main(int count, char **arguments) {
    if (count > 1 && fa_set_isa(arguments[1])) {
        fprintf(stderr, "no instruction set %s here\n", arguments[1]);
        return 3;
    }
    fprintf(stderr, "instruction set %s\n", fa_isa_name(fa_current_isa()));
    fa_set_threads(count > 2 ? atoi(arguments[2]) : 3);
    for (int dtype = FA_F32; dtype <= FA_BF16; dtype++) {
        maps((fa_dtype)dtype, 5003);
        rows((fa_dtype)dtype);
        losses((fa_dtype)dtype, dtype < FA_F16 ? 70001 : 5003);
        row_losses((fa_dtype)dtype);
        ctc((fa_dtype)dtype);
        float64_row_losses((fa_dtype)dtype);
    }
    parameter_sums(FA_F32);
    parameter_sums(FA_F64);
    column_moments(FA_F32);
    column_moments(FA_F64);
    return 0;
}
