/* Row kernels in every direction, and the tiles that turn one into the other. */

/* Phase and direction are constants at each call: a phase is a function that holds only its own code. */
#define FA_DIRECTED_AS(name, suffix, direction)                                                               \
    static void FN(name##_begin##suffix)(const fa_rows_args *a) { FN(name)(a, FA_BEGIN, direction); }         \
    static void FN(name##_middle##suffix)(const fa_rows_args *a) { FN(name)(a, FA_MIDDLE, direction); }       \
    static void FN(name##_late##suffix)(const fa_rows_args *a) { FN(name)(a, FA_LATE, direction); }           \
    static void FN(name##_end##suffix)(const fa_rows_args *a) { FN(name)(a, FA_END, direction); }
#define FA_DIRECTED(name)                    \
    FA_DIRECTED_AS(name, _along, FA_ALONG)   \
    FA_DIRECTED_AS(name, _across, FA_ACROSS) \
    FA_DIRECTED_AS(name, _abreast, FA_ABREAST)
#define FA_PHASES(name, suffix) \
    {{FN(name##_begin##suffix), FN(name##_middle##suffix), FN(name##_late##suffix), FN(name##_end##suffix)}}
#define FA_DIRECTIONS_OF(name) {FA_PHASES(name, _along), FA_PHASES(name, _across), FA_PHASES(name, _abreast)}

#define YES(name) FA_DIRECTED(name##_from_output)
#define NO(name)
#define FA_ROW_OP(name, reduces, from_output, ...) \
    FA_DIRECTED(name)                              \
    FA_DIRECTED(name##_backward)                   \
    from_output(name)
#include "../../ops.def"
#undef YES
#undef NO

FA_DIRECTED(cross_entropy)
#undef FA_GO_ON

#define FA_STATE_FITS(bytes, tiles) ((tiles) * (sizeof(softmax_state) + sizeof(ce_state)) <= (bytes))
_Static_assert(FA_STATE_FITS(FA_ROW_STATE, 1), "too small a state");
_Static_assert(FA_STATE_FITS(FA_ABREAST_STATE, MOST_TILES), "too small a state");
_Static_assert(2 * MOST_SLOTS * MOST_TILES * sizeof(sum) <= FA_ABREAST_SLOTS, "too few slots");

/* ---- tiles: rows of a class each, from rows of an element each, and back ---------------- */

/* By blocks of as many rows as 16 bytes hold elements, since within such blocks CPUs exchange elements fastest: of a
 * block's vectors the k-th holds row k of each block. */
#define BLOCK (LANES * sizeof(real) < 16 ? LANES : 16 / sizeof(real))

/* By log2(BLOCK) rounds of zipping the first half with the second. */
FA_INLINE void FN(transpose)(vec v[]) {
    vec t[BLOCK];
    for (size_t round = 1; round < BLOCK; round *= 2) {
        FA_UNROLL(4)
        for (size_t k = 0; 2 * k < BLOCK; k++) {
            t[2 * k] = v_zip_lo(v[k], v[k + BLOCK / 2]);
            t[2 * k + 1] = v_zip_hi(v[k], v[k + BLOCK / 2]);
        }
        FA_UNROLL(4)
        for (size_t k = 0; k < BLOCK; k++) v[k] = t[k];
    }
}
/* `width` <= BLOCK classes of LANES rows, `pitch` apart where they are no tile; a constant at each call. */
typedef void FN(block_mover)(size_t width, const real *from, real *to, ptrdiff_t pitch);
FA_INLINE void FN(block_to_tile)(size_t width, const real *from, real *tile, ptrdiff_t pitch) {
    vec v[BLOCK];
    FA_UNROLL(4)
    for (size_t k = 0; k < BLOCK; k++)
        v[k] = v_load_blocks(from + (ptrdiff_t)k * pitch, (ptrdiff_t)BLOCK * pitch, width);
    FN(transpose)(v);
    FA_UNROLL(4)
    for (size_t k = 0; k < width; k++) v_store(tile + k * LANES, v[k]);
}
FA_INLINE void FN(block_from_tile)(size_t width, const real *tile, real *to, ptrdiff_t pitch) {
    vec v[BLOCK];
    FA_UNROLL(4)
    for (size_t k = 0; k < BLOCK; k++) v[k] = k < width ? v_load(tile + k * LANES) : K(0);
    FN(transpose)(v);
    FA_UNROLL(4)
    for (size_t k = 0; k < BLOCK; k++)
        v_store_blocks(to + (ptrdiff_t)k * pitch, (ptrdiff_t)BLOCK * pitch, width, v[k]);
}
/* n classes; from one to the next it is `from_class` and `to_class` elements. The last block may overlap the one before:
 * some elements are moved twice. */
FA_INLINE void FN(move_blocks)(FN(block_mover) * move, size_t n, const real *from, size_t from_class, real *to,
                               size_t to_class, ptrdiff_t pitch) {
    if (BLOCK > 1 && n == 1) move(1, from, to, pitch);
    else if (BLOCK > 2 && n == 2) move(2, from, to, pitch);
    else if (BLOCK > 3 && n == 3) move(3, from, to, pitch);
    else
        for (size_t c = 0; c < n; c += BLOCK) {
            const size_t first = c + BLOCK <= n ? c : n - BLOCK;
            move(BLOCK, from + first * from_class, to + first * to_class, pitch);
        }
}
/* Fewer rows than lanes: one element after the other. */
static void FN(some_to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t pitch, real *tile) {
    memset(tile, 0, n * LANES * sizeof(real));
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++) tile[c * LANES + r] = FN(real_at)(from, (ptrdiff_t)r * pitch + (ptrdiff_t)c);
}
static void FN(some_from_tile)(size_t n, size_t rows, const real *tile, void *to, ptrdiff_t pitch) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++)
            FN(put_real_at)(to, (ptrdiff_t)r * pitch + (ptrdiff_t)c, tile[c * LANES + r]);
}

static void FN(to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t pitch, void *tile) {
    if (rows < LANES) FN(some_to_tile)(n, rows, from, pitch, tile);
    else FN(move_blocks)(FN(block_to_tile), n, from, 1, tile, LANES, pitch);
}
static void FN(from_tile)(size_t n, size_t rows, const void *tile, void *to, ptrdiff_t pitch) {
    if (rows < LANES) FN(some_from_tile)(n, rows, tile, to, pitch);
    else FN(move_blocks)(FN(block_from_tile), n, tile, LANES, to, 1, pitch);
}
#undef BLOCK
