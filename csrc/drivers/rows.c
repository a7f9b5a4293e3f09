#include "jobs.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "numpy_loops.h"
#include "operands.h"

#include "../simd/fp.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LANES = FA_VIRTUAL_VECTOR / 4 };
/* Rows this short go through tiles: vectors along them would be mostly tail and folding, one row's at a time. Side by
 * side in memory, longer ones are taken so where they lie. */
enum { SHORT_ROW = 160, MOST_TILED_ABREAST = 64 };
/* Elements worth a task of their own. */
enum { TASK_ELEMENTS = 1 << 15, TASKS_PER_THREAD = 16 };
/* Calls of the kernel that small begin before those ahead of them end: they share L1 and L2. Of small tiles each phase
 * is another call's; of what is longer, for L1 to hold it, MIDDLE follows BEGIN. */
enum { MOST_INTERLEAVED_BYTES = 1 << 16, MOST_APART_BYTES = 1 << 11 };

/* The longest rows of which L2 holds those under way and the next, with results and without. */
enum { MOST_AHEAD_BYTES = 1 << 17, MOST_AHEAD_READ_BYTES = 1 << 20 };
/* Results of more than this, and new ones, are fetched ahead too; what L3 holds comes as fast unasked. */
enum { MOST_L3_BYTES = 1 << 23 };
/* Rows that go through tiles, too, if L2 does not hold them; longer ones the hardware foresees, and of shorter ones
 * computing takes longer than memory. */
enum { MOST_L2_BYTES = 1 << 19, LEAST_TILED_AHEAD_BYTES = 40, MOST_TILED_AHEAD_BYTES = 128 };

typedef enum { DIRECT, TRANSPOSED, STAGED } passage;

typedef struct {
    const fa_isa *isa;
    const fa_rows_job *job;
    const fa_row_kernels *kernels;
    const fa_rows_kernel *kernel;
    fa_direction direction;
    passage in[2], out[2];             /* of whole tiles */
    ptrdiff_t in_row[2], out_row[2];   /* elements between rows, if they are whole elements apart */
    size_t realsize, tile; /* tile: rows of a call of the kernel */
    size_t head, strip;    /* rows side by side: before they are aligned, and at a time */
    int row_in_direct;     /* vectors of what there is one of a row are read where they lie */
    int fetch_in_ahead, fetch_out_ahead; /* the next row to L2 while one is computed */
    int fetch_tile_ahead;                /* the next tile's rows */
    size_t rows_per_task;
    atomic_int failed;
} plan;

/* One call of the kernel under way, for a row or a tile of rows: its buffers, a tile or a
 * row for each matrix, and rows on their way to or from a tile. */
typedef struct {
    _Alignas(64) char state[FA_ROW_STATE], row_in[FA_VIRTUAL_VECTOR], row_out[FA_VIRTUAL_VECTOR];
    passage in_by[2], out_by[2];
    char *in[2], *out[2], *staged_rows;
    size_t row, rows;
    fa_rows_args args;
    void *memory; /* of the first flight: the block they all lie in */
} flight;

static char *element(const fa_matrix *m, size_t row) { return m->data + (ptrdiff_t)row * m->row; }
static ptrdiff_t elements(const plan *p, ptrdiff_t bytes) { /* constants: no division */
    return p->realsize == sizeof(float) ? bytes / (ptrdiff_t)sizeof(float) : bytes / (ptrdiff_t)sizeof(double);
}

/* How the kernel comes by a matrix: as it lies in memory, by way of a transposed tile, or
 * row by row through a buffer. */
static passage passage_of(const plan *p, const fa_matrix *m) {
    ptrdiff_t size = (ptrdiff_t)p->realsize;
    int native = !p->job->mask && fa_is_native(m->dtype) && fa_precision_of(m->dtype) == p->job->precision;
    int plain_row = m->class_ == size || p->job->n == 1;
    if (!native) return STAGED;
    if (p->direction == FA_ALONG) return plain_row && !m->staged ? DIRECT : STAGED;
    if (m->row == size && m->class_ % size == 0 && !m->staged) return DIRECT;
    return plain_row && m->row % size == 0 ? TRANSPOSED : STAGED;
}

/* ---- rows through buffers --------------------------------------------------------------- */

/* By bits, without a branch: masks are hard to predict. */
#define FA_FILL_MASKED(real, bits)                                          \
    static void fill_masked_##real(size_t n, const char *mask, ptrdiff_t step, double fill, void *row) { \
        const real value = (real)fill;                                      \
        bits filling, b;                                                    \
        memcpy(&filling, &value, sizeof b);                                 \
        for (size_t c = 0; c < n; c++, mask += step) {                      \
            const bits keep = (bits)0 - (bits)(*mask != 0);                 \
            memcpy(&b, (char *)row + c * sizeof b, sizeof b);               \
            b = (b & keep) | (filling & ~keep);                             \
            memcpy((char *)row + c * sizeof b, &b, sizeof b);               \
        }                                                                   \
    }
FA_FILL_MASKED(float, uint32_t)
FA_FILL_MASKED(double, uint64_t)

static void fill_masked(const plan *p, size_t row, double fill, void *reals) {
    const fa_rows_job *job = p->job;
    const char *mask = job->mask + (ptrdiff_t)row * job->mask_row;
    if (p->realsize == sizeof(float)) fill_masked_float(job->n, mask, job->mask_class, fill, reals);
    else fill_masked_double(job->n, mask, job->mask_class, fill, reals);
}

static void gather_row(const plan *p, const fa_matrix *m, size_t row, double fill, void *to) {
    fa_operand o = {element(m, row), m->class_, m->dtype};
    fa_gather(p->isa, &o, 0, p->job->n, p->job->precision, to);
    if (p->job->mask) fill_masked(p, row, fill, to);
}

static void scatter_row(const plan *p, const fa_matrix *m, size_t row, void *from) {
    fa_operand o = {element(m, row), m->class_, m->dtype};
    if (p->job->mask) fill_masked(p, row, 0.0, from);
    fa_scatter(p->isa, &o, 0, p->job->n, p->job->precision, from);
}

static void stage_in(const plan *p, const flight *f, const fa_matrix *m, double fill, char *buffer) {
    size_t n = p->job->n;
    if (p->direction == FA_ALONG) {
        gather_row(p, m, f->row, fill, buffer);
        return;
    }
    for (size_t r = 0; r < f->rows; r++) gather_row(p, m, f->row + r, fill, f->staged_rows + r * n * p->realsize);
    p->kernels->to_tile(n, f->rows, f->staged_rows, (ptrdiff_t)n, buffer);
}

static void stage_out(const plan *p, const flight *f, const fa_matrix *m, char *buffer) {
    size_t n = p->job->n;
    if (p->direction == FA_ALONG) {
        scatter_row(p, m, f->row, buffer);
        return;
    }
    p->kernels->from_tile(n, f->rows, buffer, f->staged_rows, (ptrdiff_t)n);
    for (size_t r = 0; r < f->rows; r++) scatter_row(p, m, f->row + r, f->staged_rows + r * n * p->realsize);
}

/* ---- what there is one of a row ------------------------------------------------------------ */

/* What goes in, before the first: of all rows if it is the same of each, else 0, which absent ones keep. */
static void prepare_row_values(const plan *p, size_t bytes, char *to) {
    const fa_operand *o = &p->job->row_in;
    double one = 0.0;
    if (o->data && !o->stride) fa_gather(p->isa, o, 0, 1, FA_DOUBLE, &one);
    const float narrow = (float)one;
    if (p->realsize == sizeof narrow)
        for (size_t k = 0; k < bytes; k += sizeof narrow) memcpy(to + k, &narrow, sizeof narrow);
    else
        for (size_t k = 0; k < bytes; k += sizeof one) memcpy(to + k, &one, sizeof one);
}
static void fetch_row_values(const plan *p, size_t row, size_t rows, fa_rows_args *a, void *row_in) {
    const fa_rows_job *job = p->job;
    if (p->row_in_direct && !a->head && rows % p->kernels->lanes == 0) {
        a->row_in = fa_at(&job->row_in, row);
    } else if (job->row_in.data && job->row_in.stride) {
        fa_gather(p->isa, &job->row_in, row, rows, job->precision, row_in);
        a->row_in = row_in;
    }
    if (job->labels) a->labels = job->labels + row;
    if (job->losses) a->losses = job->losses + row;
}
static void deliver_row_values(const plan *p, const fa_rows_args *a, size_t row, size_t rows) {
    const fa_operand *o = &p->job->row_out;
    if (o->data) fa_scatter(p->isa, o, row, rows, p->job->precision, a->row_out);
}

/* ---- calls of the kernel, interleaved -------------------------------------------------------- */

/* How the kernel finds the matrices of a call: those it takes where they lie have other addresses in each. Of fewer rows
 * than a tile's nothing may be read or written beyond: they are not taken so. */
static void find_matrices(const plan *p, flight *f, int whole) {
    const fa_rows_job *job = p->job;
    fa_rows_args *a = &f->args;
    for (size_t k = 0; k < job->inputs; k++) {
        f->in_by[k] = p->in[k] == DIRECT && !whole ? STAGED : p->in[k];
        const int direct = f->in_by[k] == DIRECT;
        a->in[k] = f->in[k];
        a->in_pitch[k] = direct ? elements(p, job->in[k].class_) : (ptrdiff_t)p->tile;
        a->in_ahead[k] = direct && p->fetch_in_ahead ? p->in_row[k] : 0;
    }
    for (size_t k = 0; k < job->outputs; k++) {
        f->out_by[k] = p->out[k] == DIRECT && !whole ? STAGED : p->out[k];
        const int direct = f->out_by[k] == DIRECT;
        a->out[k] = f->out[k];
        a->out_pitch[k] = direct ? elements(p, job->out[k].class_) : (ptrdiff_t)p->tile;
        if (k == 0) a->out_ahead = direct && p->fetch_out_ahead ? p->out_row[k] : 0;
    }
}

/* Inline: gcc drops calls of functions that do nothing else. */
FA_INLINE void fetch_rows(const plan *p, const fa_matrix *m, size_t row, int to_write) {
    const size_t bytes = p->job->n * p->realsize;
    const int dense = m->row == (ptrdiff_t)bytes;
    const size_t pieces = dense ? 1 : p->tile, size = dense ? bytes * p->tile : bytes;
    for (size_t k = 0; k < pieces; k++) {
        const char *first = element(m, row + k);
        for (size_t b = 0; b < size; b += 64) {
            if (to_write) FA_PREFETCH_TO_WRITE(first + b);
            else FA_PREFETCH(first + b);
        }
    }
}
FA_INLINE void fetch_tile(const plan *p, size_t row) {
    const fa_rows_job *job = p->job;
    if (row + p->tile > job->rows) return;
    for (size_t k = 0; k < job->inputs; k++)
        if (p->in[k] == TRANSPOSED) fetch_rows(p, &job->in[k], row, 0);
    for (size_t k = 0; k < job->outputs; k++)
        if (p->out[k] == TRANSPOSED) fetch_rows(p, &job->out[k], row, 1);
}

static void begin(const plan *p, flight *f, size_t row, size_t rows) {
    const fa_rows_job *job = p->job;
    if (p->fetch_tile_ahead) fetch_tile(p, row + p->tile);
    fa_rows_args *a = &f->args;
    f->row = row;
    f->rows = rows;
    if (rows < p->tile) find_matrices(p, f, 0);
    for (size_t k = 0; k < job->inputs; k++) {
        const fa_matrix *m = &job->in[k];
        if (f->in_by[k] == DIRECT) a->in[k] = element(m, row);
        if (f->in_by[k] == STAGED) stage_in(p, f, m, job->in_fill[k], f->in[k]);
        if (f->in_by[k] == TRANSPOSED) p->kernels->to_tile(job->n, rows, element(m, row), p->in_row[k], f->in[k]);
    }
    for (size_t k = 0; k < job->outputs; k++)
        if (f->out_by[k] == DIRECT) a->out[k] = element(&job->out[k], row);
    fetch_row_values(p, row, rows, a, f->row_in);
    p->kernel->phase[FA_BEGIN](a);
}

static void deliver(const plan *p, const flight *f) {
    const fa_rows_job *job = p->job;
    for (size_t k = 0; k < job->outputs; k++) {
        const fa_matrix *m = &job->out[k];
        char *to = element(m, f->row);
        if (f->out_by[k] == STAGED) stage_out(p, f, m, f->out[k]);
        if (f->out_by[k] == TRANSPOSED) p->kernels->from_tile(job->n, f->rows, f->out[k], to, p->out_row[k]);
    }
    deliver_row_values(p, &f->args, f->row, f->rows);
}

/* Flights and their buffers of `bytes` for each matrix, in one block; NULL without memory. */
static flight *reserve(const plan *p, size_t flights, size_t bytes) {
    const fa_rows_job *job = p->job;
    char *memory = malloc(flights * (sizeof(flight) + (job->inputs + job->outputs + 1) * bytes) + 64);
    if (!memory) return NULL;
    flight *f = (flight *)(void *)(memory + (64 - (uintptr_t)memory % 64));
    char *buffer = (char *)(f + flights);
    for (size_t k = 0; k < flights; k++) {
        flight *one = &f[k];
        prepare_row_values(p, sizeof one->row_in, one->row_in);
        for (size_t m = 0; m < job->inputs; m++, buffer += bytes) one->in[m] = buffer;
        for (size_t m = 0; m < job->outputs; m++, buffer += bytes) one->out[m] = buffer;
        one->staged_rows = buffer;
        buffer += bytes;
        fa_rows_args args = {.n = job->n, .row_in = one->row_in, .row_out = one->row_out};
        args.options = job->options;
        args.state = one->state;
        one->args = args;
        find_matrices(p, one, 1);
    }
    f->memory = memory;
    return f;
}

static void go_on(const plan *p, const flight *f, fa_row_phase phase) {
    p->kernel->phase[phase](&f->args);
    if (phase == FA_END) deliver(p, f);
}

/* Each phase is another call's: `apart` of them, 0 or 1, have begun since the one whose MIDDLE it is. */
static void run_interleaved(const plan *p, flight *f, size_t calls, size_t apart, size_t first, size_t rows) {
    const size_t flights = apart + 3; /* BEGIN, MIDDLE, LATE and END, of which the first two may be one call's */
    flight *slot[4] = {f, f, f, f}; /* slot[d]: of the call begun d before */
    for (size_t k = 0, done = 0; k < calls + apart + 2; k++, done += p->tile) {
        const size_t middle = k - apart, late = middle - 1, last = middle - 2; /* before the first call huge */
        if (k < calls) begin(p, slot[0], first + done, rows - done < p->tile ? rows - done : p->tile);
        if (apart && middle < calls) go_on(p, slot[1], FA_MIDDLE);
        if (late < calls) go_on(p, slot[apart + 1], FA_LATE);
        if (last < calls) go_on(p, slot[apart + 2], FA_END);
        if (!apart && middle < calls) go_on(p, slot[0], FA_MIDDLE);
        for (size_t d = 3; d; d--) slot[d] = slot[d - 1];
        if (++slot[0] == f + flights) slot[0] = f;
    }
}

static int run_rows(const plan *p, size_t first, size_t rows) {
    const size_t bytes = (p->job->n * p->realsize * p->tile + 63) / 64 * 64, calls = (rows + p->tile - 1) / p->tile;
    const int interleaved = bytes <= MOST_INTERLEAVED_BYTES && calls > 1;
    const size_t apart = p->direction == FA_ACROSS && bytes <= MOST_APART_BYTES;
    flight *f = reserve(p, interleaved ? apart + 3 : 1, bytes);
    if (!f) return -1;
    if (interleaved) run_interleaved(p, f, calls, apart, first, rows);
    else
        for (size_t done = 0; done < rows; done += p->tile) {
            begin(p, f, first + done, rows - done < p->tile ? rows - done : p->tile);
            for (int phase = FA_MIDDLE; phase < FA_ROW_PHASES; phase++) go_on(p, f, (fa_row_phase)phase);
        }
    free(f->memory);
    return 0;
}

/* ---- rows side by side, where they lie ---------------------------------------------------------- */

/* As many as kernels take, and one more vector's. */
enum { MOST_ABREAST = FA_ABREAST_BYTES / 4 + MOST_LANES, LEAST_ABREAST_BYTES = 256 };

typedef struct {
    _Alignas(64) char state[FA_ABREAST_STATE], slots[FA_ABREAST_SLOTS];
    double row_in[MOST_ABREAST], row_out[MOST_ABREAST];
} abreast;

static int run_abreast(const plan *p, size_t first, size_t rows) {
    const fa_rows_job *job = p->job;
    char *memory = malloc(sizeof(abreast) + 64);
    if (!memory) return -1;
    abreast *own = (abreast *)(void *)(memory + (64 - (uintptr_t)memory % 64));
    prepare_row_values(p, sizeof own->row_in, (char *)own->row_in);
    fa_rows_args a = {.n = job->n, .row_in = own->row_in, .row_out = own->row_out};
    a.options = job->options;
    a.state = own->state;
    a.slots = own->slots;
    for (size_t k = 0; k < job->inputs; k++) a.in_ahead[k] = a.in_pitch[k] = elements(p, job->in[k].class_);
    for (size_t k = 0; k < job->outputs; k++) a.out_pitch[k] = elements(p, job->out[k].class_);
    for (size_t row = first, end = first + rows; row < end; row += a.rows) {
        a.head = row == 0 ? p->head : 0;
        a.rows = a.head + p->strip;
        if (a.rows > end - row) a.rows = end - row;
        for (size_t k = 0; k < job->inputs; k++) a.in[k] = element(&job->in[k], row);
        for (size_t k = 0; k < job->outputs; k++) a.out[k] = element(&job->out[k], row);
        fetch_row_values(p, row, a.rows, &a, own->row_in);
        for (int phase = FA_BEGIN; phase < FA_ROW_PHASES; phase++) p->kernel->phase[phase](&a);
        deliver_row_values(p, &a, row, a.rows);
    }
    free(memory);
    return 0;
}

/* ---- the plan ------------------------------------------------------------------------------------ */

static void run_task(void *context, size_t index) {
    plan *p = context;
    const size_t all = p->job->rows, first = index ? p->head + index * p->rows_per_task : 0;
    const size_t end = p->head + (index + 1) * p->rows_per_task, rows = (end < all ? end : all) - first;
    if (p->direction == FA_ABREAST ? run_abreast(p, first, rows) : run_rows(p, first, rows)) atomic_store(&p->failed, 1);
}

static fa_direction choose_direction(const plan *p) {
    const fa_rows_job *job = p->job;
    const fa_matrix *x = &job->in[0];
    const size_t lanes = p->kernels->lanes;
    int side_by_side = x->row == (ptrdiff_t)fa_itemsize(x->dtype) && x->class_ != x->row;
    if (side_by_side && job->n > MOST_TILED_ABREAST) return job->rows * 4 >= lanes ? FA_ACROSS : FA_ALONG;
    return job->n <= SHORT_ROW && job->rows * 2 > lanes ? FA_ACROSS : FA_ALONG;
}

/* Rows that lie side by side, all of them: kernels take them so where they lie. */
static int all_direct(const plan *p) {
    for (size_t k = 0; k < p->job->inputs; k++)
        if (p->in[k] != DIRECT) return 0;
    for (size_t k = 0; k < p->job->outputs; k++)
        if (p->out[k] != DIRECT) return 0;
    return 1;
}

/* Rows before the first that lies at a vector's alignment, in all classes: vectors across two
 * cache lines need both to stay in L1, where lines a page apart displace each other. */
static size_t choose_head(const plan *p) {
    const fa_matrix *m = p->job->outputs ? &p->job->out[0] : &p->job->in[0];
    const size_t vector = p->kernels->lanes * p->realsize, beyond = (uintptr_t)m->data % vector;
    if (p->direction != FA_ABREAST || m->class_ % (ptrdiff_t)vector || beyond % p->realsize) return 0;
    size_t head = (vector - beyond) % vector / p->realsize;
    return head < p->job->rows ? head : 0;
}

/* As wide as kernels can, for the memory's speed, but some for each thread, and none much
 * narrower than others. */
static size_t choose_strip(const plan *p) {
    const size_t lanes = p->kernels->lanes, most = FA_ABREAST_BYTES / (lanes * p->realsize) - (p->head > 0);
    const size_t least = LEAST_ABREAST_BYTES / (lanes * p->realsize), threads = (size_t)fa_get_threads();
    const size_t tiles = (p->job->rows - p->head + lanes - 1) / lanes;
    size_t strips = (tiles + most - 1) / most;
    if (threads > 1) strips = (strips + threads - 1) / threads * threads;
    size_t strip = (tiles + strips - 1) / strips;
    return (strip < least ? least : strip) * lanes;
}

static int worth_fetching_tiles(const plan *p) {
    const size_t bytes = p->job->n * p->realsize;
    if (p->direction != FA_ACROSS || bytes < LEAST_TILED_AHEAD_BYTES || bytes > MOST_TILED_AHEAD_BYTES) return 0;
    return p->job->rows * bytes > MOST_L2_BYTES;
}

/* Each task fills and drains its flights anew: no more tasks than balance needs. */
static size_t choose_rows_per_task(const plan *p) {
    const fa_rows_job *job = p->job;
    const size_t threads = (size_t)fa_get_threads(), unit = p->direction == FA_ABREAST ? p->strip : MOST_LANES;
    size_t rows = TASK_ELEMENTS / (job->n + 1) + 1, balanced = job->rows / (threads * TASKS_PER_THREAD);
    if (p->direction == FA_ALONG && job->n >= TASK_ELEMENTS / 4) return balanced + 1;
    if (rows < balanced) rows = balanced;
    return (rows + unit - 1) / unit * unit;
}

int fa_rows_run(const fa_isa *isa, const fa_rows_job *job) {
    plan p = {.isa = isa, .job = job, .kernels = &isa->kernels[job->precision]->rows};
    if (!job->rows || (!job->n && !job->row_out.data && !job->losses)) return 0;
    p.realsize = fa_realsize(job->precision);
    p.direction = choose_direction(&p);
    p.tile = p.direction == FA_ACROSS ? p.kernels->lanes : 1;
    for (size_t k = 0; k < job->inputs; k++) {
        p.in[k] = passage_of(&p, &job->in[k]);
        p.in_row[k] = elements(&p, job->in[k].row);
    }
    for (size_t k = 0; k < job->outputs; k++) {
        p.out[k] = passage_of(&p, &job->out[k]);
        p.out_row[k] = elements(&p, job->out[k].row);
    }
    if (p.direction == FA_ACROSS && job->n > MOST_TILED_ABREAST && all_direct(&p)) p.direction = FA_ABREAST;
    p.row_in_direct = p.direction != FA_ALONG && job->row_in.data && fa_is_contiguous(&job->row_in) &&
                      fa_precision_of(job->row_in.dtype) == job->precision;
    p.head = choose_head(&p);
    p.strip = choose_strip(&p);
    p.kernel = &job->kernel[p.direction];
    p.fetch_in_ahead = job->n * p.realsize <= (job->outputs ? MOST_AHEAD_BYTES : MOST_AHEAD_READ_BYTES);
    p.fetch_out_ahead = p.fetch_in_ahead && (job->new_outputs || job->rows * job->n * p.realsize > MOST_L3_BYTES);
    p.fetch_tile_ahead = worth_fetching_tiles(&p);
    p.rows_per_task = choose_rows_per_task(&p);
    fa_parallel_for((job->rows - p.head + p.rows_per_task - 1) / p.rows_per_task, run_task, &p);
    return atomic_load(&p.failed) ? -1 : 0;
}

/* ---- gufunc loops -------------------------------------------------------------------- */

/* Operands in order: the inputs as documented, the mask if there is one, the output. */
int fa_rows_strided(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, const fa_rows_loop *loop) {
    const fa_isa *isa = fa_current_isa();
    const fa_row_op *op = &fa_row_ops[loop->op];
    int backward = loop->variant != FA_VALUE, row_dy = backward && op->reduces;
    int inputs = 1 + backward, operands = inputs + loop->masked + 1;
    const ptrdiff_t *core = strides + operands;
    fa_rows_job job = {.precision = fa_precision_of(loop->dtype), .rows = (size_t)dims[0], .n = (size_t)dims[1]};
    job.kernel = isa->kernels[job.precision]->rows.op[loop->op][loop->variant];

    int k = 0;
    if (row_dy) {
        fa_operand dy = {args[k], strides[k], loop->in_dtype};
        job.row_in = dy;
        k++;
    }
    for (; k < inputs; k++) {
        fa_matrix m = {args[k], strides[k], *core++, loop->in_dtype, 0};
        /* what a masked element counts as: -inf in logits and log-probabilities (softmin negates
         * them), 0 in dy and probabilities */
        double lowest = loop->op == FA_ROW_softmin ? HUGE_VAL : -HUGE_VAL;
        int logarithmic = loop->variant != FA_FROM_OUTPUT || loop->op == FA_ROW_log_softmax;
        job.in_fill[job.inputs] = k == inputs - 1 && logarithmic ? lowest : 0.0;
        job.in[job.inputs++] = m;
    }
    if (loop->masked) {
        job.mask = args[k];
        job.mask_row = strides[k++];
        job.mask_class = *core++;
    }
    if (op->reduces && !backward) {
        fa_operand out = {args[k], strides[k], loop->dtype};
        job.row_out = out;
    } else {
        fa_matrix out = {args[k], strides[k], *core, loop->dtype, 0};
        job.out[job.outputs++] = out;
        /* what passes through the output must not overwrite grad_output, which comes after it */
        job.in[0].staged = backward && !row_dy && job.in[0].data == out.data;
    }
    return fa_rows_run(isa, &job);
}
