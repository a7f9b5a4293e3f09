/* Row ops and cross entropy over all rows of a matrix: the schedule by which kernels are called. fa_rows_run_native
 * serves row_blocks.c, which is given any layout; the kernels are in kernels/rows/, their types in contract.h.
 *
 * 1. Traversal (choose_traversal; kernels/rows/row_shape.h has a picture). It never changes a result, so layout
 *    and size alone decide:
 *      rows of more than 64 elements, side by side in memory    panel if all matrices are used in place,
 *        (axis=0 of a C array)                                  else across rows
 *      other rows of at most 160 elements                       across rows, a tile of `lanes` rows a call
 *      longer rows; and rows too few to fill vectors across     within row, a row a call
 *    Within a short row vectors would be mostly tail, and folding and logarithm would come once a row instead of once
 *    for `lanes` rows.
 *
 * 2. Access (access_of): how a call reaches a matrix.
 *      IN_PLACE     the kernel reads or writes it where it lies
 *      TRANSPOSED   contiguous rows of the kernel's type are transposed to or from a tile
 *      STAGED       any stride, and tiles of fewer rows: row by row through a buffer. (Matrices of other types, with
 *                   masks or with outer rows never come here as they are: row_blocks.c copies them.)
 *
 * 3. Tasks. Rows are divided into tasks for fa_parallel_for; a task runs run_rows or run_panels.
 *
 * 4. Pipeline. A pipeline slot is one call of the kernel under way: its buffers, its arguments and the state that its
 *    phases hand on. Folding, inverting and taking the logarithm of a total are some 200 cycles of dependent
 *    instructions; to fill them, the phases of neighbouring calls interleave. M, E, L, W are FA_PHASE_MAX,
 *    EXP_SUM, LOG and WRITE; time runs to the right, and a column of four phases is one step of run_pipeline:
 *
 *      lag = 0, three slots: longer rows                  lag = 1, four slots: small tiles
 *
 *      call 0  |M . . E|. L . .|. . W .|       |          |M . . .|. E . .|. . L .|. . . W|
 *      call 1  |       |M . . E|. L . .|. . W .|          |       |M . . .|. E . .|. . L .|
 *      call 2  |       |       |M . . E|. L . .|          |       |       |M . . .|. E . .|
 *      call 3  |       |       |       |M . . E|          |       |       |       |M . . .|
 *
 *    With lag = 0 the next call of the kernel begins only after EXP_SUM, so that L1 still holds the row. Rows too long
 *    to share L2 run alone, in one slot. Panels need no pipeline: a panel's tiles fill each other's gaps. */
#include "jobs.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "operands.h"

#include "../simd/fp.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LANES = FA_VIRTUAL_VECTOR / 4 };
/* The longest rows that go through tiles; and rows side by side in memory that are longer than MAX_UNPANELLED_ROW are
 * used where they lie. */
enum { MAX_TILED_ROW = 160, MAX_UNPANELLED_ROW = 64 };
/* Bytes of one matrix of a call, up to which calls are interleaved (they share L1 and L2), and up to which lag is 1 (L1
 * then holds four calls at once). */
enum { MAX_INTERLEAVED_BYTES = 1 << 16, MAX_LAG_BYTES = 1 << 11 };

/* The longest rows that are prefetched: L2 holds the rows under way and the next one, with results and without. */
enum { MAX_PREFETCH_BYTES = 1 << 17, MAX_PREFETCH_READ_BYTES = 1 << 20 };
/* Where results go is prefetched too, if all results are larger than this or are new memory. What L3 holds arrives as
 * fast without. */
enum { MAX_L3_BYTES = 1 << 23 };
/* The rows of the next tile are prefetched if the matrix is larger than L2 and a row's bytes lie between these bounds:
 * hardware foresees longer rows, and with shorter rows computing takes longer than memory. */
enum { MAX_L2_BYTES = 1 << 19, MIN_TILED_PREFETCH_BYTES = 40, MAX_TILED_PREFETCH_BYTES = 128 };

typedef enum { IN_PLACE, TRANSPOSED, STAGED } matrix_access;

typedef struct {
    const fa_isa *isa;
    const fa_rows_job *job;
    const fa_row_kernels *kernels;
    const fa_rows_kernel *kernel;
    fa_traversal traversal;
    matrix_access in[2], out[2];     /* for whole tiles */
    ptrdiff_t in_row[2], out_row[2]; /* elements between rows, if rows are whole elements apart */
    size_t realsize, tile;           /* tile: rows of a call, `lanes` across rows, else 1 */
    size_t head, panel_rows;         /* panels: rows before the first aligned one, and rows of a panel after it */
    int row_in_direct;               /* row_in is contiguous and of the kernel's type: it is read in place */
    int prefetch_in, prefetch_out;   /* prefetch the next row to L2 while one is computed */
    int prefetch_tiles;              /* prefetch the next tile's rows */
    size_t rows_per_task;
    atomic_int failed;
} schedule;

/* One call of the kernel under way, for rows row .. row + rows - 1. */
typedef struct {
    _Alignas(64) char state[FA_ROW_STATE], row_in[FA_VIRTUAL_VECTOR], row_out[FA_VIRTUAL_VECTOR];
    matrix_access in_access[2], out_access[2];
    /* in, out: a buffer for each matrix, a row (n) or a tile (n, lanes); staged_rows: (lanes, n), STAGED rows on their
     * way to or from a tile */
    char *in[2], *out[2], *staged_rows;
    size_t row, rows;
    fa_rows_args args;
    void *memory; /* set in the first slot: the block that holds all slots and buffers */
} pipeline_slot;

static char *element(const fa_matrix *m, size_t row) { return m->data + (ptrdiff_t)row * m->row_stride; }
static ptrdiff_t to_elements(const schedule *s, ptrdiff_t bytes) { /* divisors are constants: no division */
    return s->realsize == sizeof(float) ? bytes / (ptrdiff_t)sizeof(float) : bytes / (ptrdiff_t)sizeof(double);
}

/* How the kernel reaches a matrix, given the traversal: see the head of this file. */
static matrix_access access_of(const schedule *s, const fa_matrix *m) {
    ptrdiff_t size = (ptrdiff_t)s->realsize;
    int plain_row = m->class_stride == size || s->job->n == 1;
    if (s->traversal == FA_WITHIN_ROW) return plain_row && !m->staged ? IN_PLACE : STAGED;
    if (m->row_stride == size && m->class_stride % size == 0 && !m->staged) return IN_PLACE;
    return plain_row && m->row_stride % size == 0 ? TRANSPOSED : STAGED;
}

/* ---- rows through buffers --------------------------------------------------------------- */

/* One row to contiguous reals, and back. */
static void gather_row(const schedule *s, const fa_matrix *m, size_t row, void *to) {
    fa_operand o = {element(m, row), m->class_stride, m->dtype};
    fa_gather(s->isa, &o, 0, s->job->n, s->job->precision, to);
}

static void scatter_row(const schedule *s, const fa_matrix *m, size_t row, const void *from) {
    fa_operand o = {element(m, row), m->class_stride, m->dtype};
    fa_scatter(s->isa, &o, 0, s->job->n, s->job->precision, from);
}

static void stage_in(const schedule *s, const pipeline_slot *slot, const fa_matrix *m, char *buffer) {
    size_t n = s->job->n;
    if (s->traversal == FA_WITHIN_ROW) {
        gather_row(s, m, slot->row, buffer);
        return;
    }
    for (size_t r = 0; r < slot->rows; r++) gather_row(s, m, slot->row + r, slot->staged_rows + r * n * s->realsize);
    s->kernels->to_tile(n, slot->rows, slot->staged_rows, (ptrdiff_t)n, buffer);
}

static void stage_out(const schedule *s, const pipeline_slot *slot, const fa_matrix *m, char *buffer) {
    size_t n = s->job->n;
    if (s->traversal == FA_WITHIN_ROW) {
        scatter_row(s, m, slot->row, buffer);
        return;
    }
    s->kernels->from_tile(n, slot->rows, buffer, slot->staged_rows, (ptrdiff_t)n);
    for (size_t r = 0; r < slot->rows; r++) scatter_row(s, m, slot->row + r, slot->staged_rows + r * n * s->realsize);
}

/* ---- one value a row: scale, label, loss, logsumexp ----------------------------------------- */

/* Fills a row_in buffer once: with the value that all rows share, else with 0, which absent rows keep. */
static void init_row_values(const schedule *s, size_t bytes, char *to) {
    const fa_operand *o = &s->job->row_in;
    double one = 0.0;
    if (o->data && !o->stride) fa_gather(s->isa, o, 0, 1, FA_DOUBLE, &one);
    const float narrow = (float)one;
    if (s->realsize == sizeof narrow)
        for (size_t k = 0; k < bytes; k += sizeof narrow) memcpy(to + k, &narrow, sizeof narrow);
    else
        for (size_t k = 0; k < bytes; k += sizeof one) memcpy(to + k, &one, sizeof one);
}
/* Where the kernel finds the values of rows row .. row + rows - 1. */
static void bind_row_values(const schedule *s, size_t row, size_t rows, fa_rows_args *a, void *row_in) {
    const fa_rows_job *job = s->job;
    if (s->row_in_direct && !a->head && rows % s->kernels->lanes == 0) {
        a->row_in = fa_at(&job->row_in, row);
    } else if (job->row_in.data && job->row_in.stride) {
        fa_gather(s->isa, &job->row_in, row, rows, job->precision, row_in);
        a->row_in = row_in;
    }
    if (job->labels) a->labels = job->labels + row;
    if (job->losses) a->losses = job->losses + row;
}
static void store_row_values(const schedule *s, const fa_rows_args *a, size_t row, size_t rows) {
    const fa_operand *o = &s->job->row_out;
    if (o->data) fa_scatter(s->isa, o, row, rows, s->job->precision, a->row_out);
}

/* ---- calls of the kernel, interleaved -------------------------------------------------------- */

/* Access, buffer and pitch of each matrix; start_call sets the addresses of those used IN_PLACE. Not `whole`: the tile
 * has fewer rows than lanes. Whole vectors would read and write beyond them, so it is STAGED instead. */
static void bind_matrices(const schedule *s, pipeline_slot *slot, int whole) {
    const fa_rows_job *job = s->job;
    fa_rows_args *a = &slot->args;
    for (size_t k = 0; k < job->inputs; k++) {
        slot->in_access[k] = s->in[k] == IN_PLACE && !whole ? STAGED : s->in[k];
        const int direct = slot->in_access[k] == IN_PLACE;
        a->in[k] = slot->in[k];
        a->in_pitch[k] = direct ? to_elements(s, job->in[k].class_stride) : (ptrdiff_t)s->tile;
        a->in_prefetch_distance[k] = direct && s->prefetch_in ? s->in_row[k] : 0;
    }
    for (size_t k = 0; k < job->outputs; k++) {
        slot->out_access[k] = s->out[k] == IN_PLACE && !whole ? STAGED : s->out[k];
        const int direct = slot->out_access[k] == IN_PLACE;
        a->out[k] = slot->out[k];
        a->out_pitch[k] = direct ? to_elements(s, job->out[k].class_stride) : (ptrdiff_t)s->tile;
        if (k == 0) a->out_prefetch_distance = direct && s->prefetch_out ? s->out_row[k] : 0;
    }
}

/* Inline, because gcc drops calls of functions that do nothing but prefetch. */
FA_INLINE void prefetch_rows(const schedule *s, const fa_matrix *m, size_t row, int to_write) {
    const size_t bytes = s->job->n * s->realsize;
    const int dense = m->row_stride == (ptrdiff_t)bytes;
    const size_t pieces = dense ? 1 : s->tile, size = dense ? bytes * s->tile : bytes;
    for (size_t k = 0; k < pieces; k++) {
        const char *first = element(m, row + k);
        for (size_t b = 0; b < size; b += 64) {
            if (to_write) FA_PREFETCH_TO_WRITE(first + b);
            else FA_PREFETCH(first + b);
        }
    }
}
FA_INLINE void prefetch_tile(const schedule *s, size_t row) {
    const fa_rows_job *job = s->job;
    if (row + s->tile > job->rows) return;
    for (size_t k = 0; k < job->inputs; k++)
        if (s->in[k] == TRANSPOSED) prefetch_rows(s, &job->in[k], row, 0);
    for (size_t k = 0; k < job->outputs; k++)
        if (s->out[k] == TRANSPOSED) prefetch_rows(s, &job->out[k], row, 1);
}

/* Begins a call: inputs to where the kernel reads them, then FA_PHASE_MAX. */
static void start_call(const schedule *s, pipeline_slot *slot, size_t row, size_t rows) {
    const fa_rows_job *job = s->job;
    if (s->prefetch_tiles) prefetch_tile(s, row + s->tile);
    fa_rows_args *a = &slot->args;
    slot->row = row;
    slot->rows = rows;
    if (rows < s->tile) bind_matrices(s, slot, 0);
    for (size_t k = 0; k < job->inputs; k++) {
        const fa_matrix *m = &job->in[k];
        if (slot->in_access[k] == IN_PLACE) a->in[k] = element(m, row);
        if (slot->in_access[k] == STAGED) stage_in(s, slot, m, slot->in[k]);
        if (slot->in_access[k] == TRANSPOSED)
            s->kernels->to_tile(job->n, rows, element(m, row), s->in_row[k], slot->in[k]);
    }
    for (size_t k = 0; k < job->outputs; k++)
        if (slot->out_access[k] == IN_PLACE) a->out[k] = element(&job->out[k], row);
    bind_row_values(s, row, rows, a, slot->row_in);
    s->kernel->phase[FA_PHASE_MAX](a);
}

/* Ends a call: results from the kernel's buffers to where they belong. */
static void store_results(const schedule *s, const pipeline_slot *slot) {
    const fa_rows_job *job = s->job;
    for (size_t k = 0; k < job->outputs; k++) {
        const fa_matrix *m = &job->out[k];
        char *to = element(m, slot->row);
        if (slot->out_access[k] == STAGED) stage_out(s, slot, m, slot->out[k]);
        if (slot->out_access[k] == TRANSPOSED)
            s->kernels->from_tile(job->n, slot->rows, slot->out[k], to, s->out_row[k]);
    }
    store_row_values(s, &slot->args, slot->row, slot->rows);
}

/* Pipeline slots, with a buffer of `bytes` for each matrix and for staged rows, in one block; NULL without memory. */
static pipeline_slot *allocate_slots(const schedule *s, size_t depth, size_t bytes) {
    const fa_rows_job *job = s->job;
    char *memory = malloc(depth * (sizeof(pipeline_slot) + (job->inputs + job->outputs + 1) * bytes) + 64);
    if (!memory) return NULL;
    pipeline_slot *slot = (pipeline_slot *)(void *)(memory + (64 - (uintptr_t)memory % 64));
    char *buffer = (char *)(slot + depth);
    for (size_t k = 0; k < depth; k++) {
        pipeline_slot *one = &slot[k];
        init_row_values(s, sizeof one->row_in, one->row_in);
        for (size_t m = 0; m < job->inputs; m++, buffer += bytes) one->in[m] = buffer;
        for (size_t m = 0; m < job->outputs; m++, buffer += bytes) one->out[m] = buffer;
        one->staged_rows = buffer;
        buffer += bytes;
        fa_rows_args args = {.n = job->n, .row_in = one->row_in, .row_out = one->row_out};
        args.options = job->options;
        args.state = one->state;
        one->args = args;
        bind_matrices(s, one, 1);
    }
    slot->memory = memory;
    return slot;
}

static void continue_call(const schedule *s, const pipeline_slot *slot, fa_row_phase phase) {
    s->kernel->phase[phase](&slot->args);
    if (phase == FA_PHASE_WRITE) store_results(s, slot);
}

/* Interleaves the phases of `calls` calls, as the picture at the head of this file shows. `lag`, 0 or 1, is how many
 * steps EXP_SUM comes after MAX. */
static void run_pipeline(const schedule *s, pipeline_slot *slot, size_t calls, size_t lag, size_t first, size_t rows) {
    const size_t depth = lag + 3;                       /* a call occupies a slot for that many steps */
    pipeline_slot *begun[4] = {slot, slot, slot, slot}; /* begun[d]: the call that began d steps ago */
    for (size_t k = 0, done = 0; k < calls + lag + 2; k++, done += s->tile) {
        const size_t exp_sum_call = k - lag, log_call = exp_sum_call - 1,
                     write_call = exp_sum_call - 2; /* wrap to huge before call 0 */
        if (k < calls) start_call(s, begun[0], first + done, rows - done < s->tile ? rows - done : s->tile);
        if (lag && exp_sum_call < calls) continue_call(s, begun[1], FA_PHASE_EXP_SUM);
        if (log_call < calls) continue_call(s, begun[lag + 1], FA_PHASE_LOG);
        if (write_call < calls) continue_call(s, begun[lag + 2], FA_PHASE_WRITE);
        if (!lag && exp_sum_call < calls) continue_call(s, begun[0], FA_PHASE_EXP_SUM);
        for (size_t d = 3; d; d--) begun[d] = begun[d - 1];
        if (++begun[0] == slot + depth) begun[0] = slot;
    }
}

static int run_rows(const schedule *s, size_t first, size_t rows) {
    const size_t bytes = (s->job->n * s->realsize * s->tile + 63) / 64 * 64, calls = (rows + s->tile - 1) / s->tile;
    const int interleaved = bytes <= MAX_INTERLEAVED_BYTES && calls > 1;
    const size_t lag = s->traversal == FA_ACROSS_ROWS && bytes <= MAX_LAG_BYTES;
    pipeline_slot *slot = allocate_slots(s, interleaved ? lag + 3 : 1, bytes);
    if (!slot) return -1;
    if (interleaved) run_pipeline(s, slot, calls, lag, first, rows);
    else
        for (size_t done = 0; done < rows; done += s->tile) {
            start_call(s, slot, first + done, rows - done < s->tile ? rows - done : s->tile);
            for (int phase = FA_PHASE_EXP_SUM; phase < FA_ROW_PHASES; phase++)
                continue_call(s, slot, (fa_row_phase)phase);
        }
    free(slot->memory);
    return 0;
}

/* ---- panels: rows side by side, used where they lie ---------------------------------------------- */

/* MAX_PANEL_ROWS: as many rows as a kernel takes, and a vector more, which row values may overrun. */
enum { MAX_PANEL_ROWS = FA_PANEL_BYTES / 4 + MAX_LANES, MIN_PANEL_BYTES = 256 };

typedef struct {
    _Alignas(64) char state[FA_PANEL_STATE], slots[FA_PANEL_SLOTS];
    double row_in[MAX_PANEL_ROWS], row_out[MAX_PANEL_ROWS];
} panel_buffers;

static int run_panels(const schedule *s, size_t first, size_t rows) {
    const fa_rows_job *job = s->job;
    char *memory = malloc(sizeof(panel_buffers) + 64);
    if (!memory) return -1;
    panel_buffers *own = (panel_buffers *)(void *)(memory + (64 - (uintptr_t)memory % 64));
    init_row_values(s, sizeof own->row_in, (char *)own->row_in);
    fa_rows_args a = {.n = job->n, .row_in = own->row_in, .row_out = own->row_out};
    a.options = job->options;
    a.state = own->state;
    a.slots = own->slots;
    for (size_t k = 0; k < job->inputs; k++)
        a.in_prefetch_distance[k] = a.in_pitch[k] = to_elements(s, job->in[k].class_stride);
    for (size_t k = 0; k < job->outputs; k++) a.out_pitch[k] = to_elements(s, job->out[k].class_stride);
    for (size_t row = first, end = first + rows; row < end; row += a.rows) {
        a.head = row == 0 ? s->head : 0;
        a.rows = a.head + s->panel_rows;
        if (a.rows > end - row) a.rows = end - row;
        for (size_t k = 0; k < job->inputs; k++) a.in[k] = element(&job->in[k], row);
        for (size_t k = 0; k < job->outputs; k++) a.out[k] = element(&job->out[k], row);
        bind_row_values(s, row, a.rows, &a, own->row_in);
        for (int phase = FA_PHASE_MAX; phase < FA_ROW_PHASES; phase++) s->kernel->phase[phase](&a);
        store_row_values(s, &a, row, a.rows);
    }
    free(memory);
    return 0;
}

/* ---- the schedule -------------------------------------------------------------------------------- */

/* The first task takes the head as well. */
static void run_task(void *context, size_t index) {
    schedule *s = context;
    const size_t all = s->job->rows, first = index ? s->head + index * s->rows_per_task : 0;
    const size_t end = s->head + (index + 1) * s->rows_per_task, rows = (end < all ? end : all) - first;
    if (s->traversal == FA_PANEL ? run_panels(s, first, rows) : run_rows(s, first, rows)) atomic_store(&s->failed, 1);
}

/* FA_ACROSS_ROWS becomes FA_PANEL in fa_rows_run, once it is known that all matrices are used in place. Few rows, of
 * which vectors across rows would be mostly empty, are computed within row. */
static fa_traversal choose_traversal(const schedule *s) {
    const fa_rows_job *job = s->job;
    const fa_matrix *x = &job->in[0];
    const size_t lanes = s->kernels->lanes;
    int side_by_side = x->row_stride == (ptrdiff_t)fa_itemsize(x->dtype) && x->class_stride != x->row_stride;
    if (side_by_side && job->n > MAX_UNPANELLED_ROW) return job->rows * 4 >= lanes ? FA_ACROSS_ROWS : FA_WITHIN_ROW;
    return job->n <= MAX_TILED_ROW && job->rows * 2 > lanes ? FA_ACROSS_ROWS : FA_WITHIN_ROW;
}

/* Are all matrices used where they lie? */
static int all_in_place(const schedule *s) {
    for (size_t k = 0; k < s->job->inputs; k++)
        if (s->in[k] != IN_PLACE) return 0;
    for (size_t k = 0; k < s->job->outputs; k++)
        if (s->out[k] != IN_PLACE) return 0;
    return 1;
}

/* Rows of panels before the first that lies at a vector's alignment, in all classes; 0 if there is none. A vector that
 * straddles two cache lines needs both in L1, where lines a page apart displace each other. */
static size_t choose_head(const schedule *s) {
    const fa_matrix *m = s->job->outputs ? &s->job->out[0] : &s->job->in[0];
    const size_t vector = s->kernels->lanes * s->realsize, beyond = (uintptr_t)m->data % vector;
    if (m->class_stride % (ptrdiff_t)vector || beyond % s->realsize) return 0;
    size_t head = (vector - beyond) % vector / s->realsize;
    return head < s->job->rows ? head : 0;
}

/* Rows of a panel. As many as a kernel takes, since memory is fastest so; but each thread gets as many panels as the
 * others, and no panel is much narrower than the others. */
static size_t choose_panel_rows(const schedule *s) {
    const size_t lanes = s->kernels->lanes, most = FA_PANEL_BYTES / (lanes * s->realsize) - (s->head > 0);
    const size_t least = MIN_PANEL_BYTES / (lanes * s->realsize), threads = (size_t)fa_get_threads();
    const size_t tiles = (s->job->rows - s->head + lanes - 1) / lanes;
    size_t panels = (tiles + most - 1) / most;
    if (threads > 1) panels = (panels + threads - 1) / threads * threads;
    size_t panel_rows = (tiles + panels - 1) / panels;
    return (panel_rows < least ? least : panel_rows) * lanes;
}

static int should_prefetch_tiles(const schedule *s) {
    const size_t bytes = s->job->n * s->realsize;
    if (s->traversal != FA_ACROSS_ROWS || bytes < MIN_TILED_PREFETCH_BYTES || bytes > MAX_TILED_PREFETCH_BYTES)
        return 0;
    return s->job->rows * bytes > MAX_L2_BYTES;
}

static size_t choose_rows_per_task(const schedule *s) {
    const size_t granule = s->traversal == FA_PANEL ? s->panel_rows : MAX_LANES;
    return fa_task_pipelined_rows(s->job->rows, s->job->n, s->traversal == FA_WITHIN_ROW, granule,
                                  (size_t)fa_get_threads());
}

int fa_rows_run_native(const fa_isa *isa, const fa_rows_job *job, int serial) {
    schedule s = {.isa = isa, .job = job, .kernels = &isa->kernels[job->precision]->rows};
    s.realsize = fa_realsize(job->precision);
    s.traversal = choose_traversal(&s);
    s.tile = s.traversal == FA_ACROSS_ROWS ? s.kernels->lanes : 1;
    for (size_t k = 0; k < job->inputs; k++) {
        s.in[k] = access_of(&s, &job->in[k]);
        s.in_row[k] = to_elements(&s, job->in[k].row_stride);
    }
    for (size_t k = 0; k < job->outputs; k++) {
        s.out[k] = access_of(&s, &job->out[k]);
        s.out_row[k] = to_elements(&s, job->out[k].row_stride);
    }
    if (s.traversal == FA_ACROSS_ROWS && job->n > MAX_UNPANELLED_ROW && all_in_place(&s)) s.traversal = FA_PANEL;
    s.row_in_direct = s.traversal != FA_WITHIN_ROW && job->row_in.data && fa_is_contiguous(&job->row_in) &&
                      fa_precision_of(job->row_in.dtype) == job->precision;
    if (s.traversal == FA_PANEL) { /* in this order */
        s.head = choose_head(&s);
        s.panel_rows = choose_panel_rows(&s);
    }
    s.kernel = &job->kernel[s.traversal];
    s.prefetch_in = job->n * s.realsize <= (job->outputs ? MAX_PREFETCH_BYTES : MAX_PREFETCH_READ_BYTES);
    s.prefetch_out = s.prefetch_in && (job->new_outputs || job->rows * job->n * s.realsize > MAX_L3_BYTES);
    s.prefetch_tiles = should_prefetch_tiles(&s);
    s.rows_per_task = serial ? job->rows - s.head : choose_rows_per_task(&s);
    if (serial) run_task(&s, 0);
    else fa_parallel_for(fa_tasks(job->rows - s.head, s.rows_per_task), run_task, &s);
    return atomic_load(&s.failed) ? -1 : 0;
}
