/* Tiles: up to LANES contiguous rows transposed to [n][LANES], so that kernels can run across rows, and back.
 *
 *   from: (rows, n)         tile: (n, LANES)
 *   a0 a1 a2 ...            a0 b0 c0 d0
 *   b0 b1 b2 ...     ->     a1 b1 c1 d1
 *   c0 c1 c2 ...            a2 b2 c2 d2
 *   d0 d1 d2 ...            ...
 *
 * drivers/rows.c does this for short rows (access TRANSPOSED and STAGED), drivers/float64_row_loss.c for its own tiles.
 * Nothing beyond the rows is read or written. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_TILES_H64) : !defined(FA_TILES_H32)
#ifdef FA_T_IS_F64
#define FA_TILES_H64
#else
#define FA_TILES_H32
#endif

#include "row_shape.h"

/* Elements in 16 bytes. CPUs exchange elements fastest within 16 bytes, so BLOCK classes are transposed at a time, by
 * BLOCK vectors: the 16-byte pieces of vector k come from rows k, k + BLOCK, k + 2 BLOCK, ... Then the same exchanges
 * within all pieces make it class k of all rows. */
#define BLOCK (LANES * sizeof(real) < 16 ? LANES : 16 / sizeof(real))

/* Transposes BLOCK x BLOCK elements in each 16-byte piece: log2(BLOCK) rounds of zipping the vectors' first half with
 * the second. */
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
/* Moves `width` <= BLOCK classes of LANES rows to or from a tile; outside it, rows are `row_pitch` elements apart.
 * `width` is a constant at each call. */
typedef void FN(block_mover)(size_t width, const real *from, real *to, ptrdiff_t row_pitch);
FA_INLINE void FN(block_to_tile)(size_t width, const real *from, real *tile, ptrdiff_t row_pitch) {
    vec v[BLOCK];
    FA_UNROLL(4)
    for (size_t k = 0; k < BLOCK; k++)
        v[k] = v_load_blocks(from + (ptrdiff_t)k * row_pitch, (ptrdiff_t)BLOCK * row_pitch, width);
    FN(transpose)(v);
    FA_UNROLL(4)
    for (size_t k = 0; k < width; k++) v_store(tile + k * LANES, v[k]);
}
FA_INLINE void FN(block_from_tile)(size_t width, const real *tile, real *to, ptrdiff_t row_pitch) {
    vec v[BLOCK];
    FA_UNROLL(4)
    for (size_t k = 0; k < BLOCK; k++) v[k] = k < width ? v_load(tile + k * LANES) : K(0);
    FN(transpose)(v);
    FA_UNROLL(4)
    for (size_t k = 0; k < BLOCK; k++)
        v_store_blocks(to + (ptrdiff_t)k * row_pitch, (ptrdiff_t)BLOCK * row_pitch, width, v[k]);
}
/* Moves n classes; from one to the next it is `from_class` and `to_class` elements. The last block overlaps the one
 * before it where n is no multiple of BLOCK: those elements are moved twice. */
FA_INLINE void FN(move_blocks)(FN(block_mover) * move, size_t n, const real *from, size_t from_class, real *to,
                               size_t to_class, ptrdiff_t row_pitch) {
    if (BLOCK > 1 && n == 1) move(1, from, to, row_pitch);
    else if (BLOCK > 2 && n == 2) move(2, from, to, row_pitch);
    else if (BLOCK > 3 && n == 3) move(3, from, to, row_pitch);
    else
        for (size_t c = 0; c < n; c += BLOCK) {
            const size_t first = c + BLOCK <= n ? c : n - BLOCK;
            move(BLOCK, from + first * from_class, to + first * to_class, row_pitch);
        }
}
/* Fewer rows than LANES: one element after the other. Absent rows of the tile are 0. */
static void FN(partial_to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t row_pitch, real *tile) {
    memset(tile, 0, n * LANES * sizeof(real));
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++)
            tile[c * LANES + r] = FN(load_real)(from, (ptrdiff_t)r * row_pitch + (ptrdiff_t)c);
}
static void FN(partial_from_tile)(size_t n, size_t rows, const real *tile, void *to, ptrdiff_t row_pitch) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++) FN(store_real)(to, (ptrdiff_t)r * row_pitch + (ptrdiff_t)c, tile[c * LANES + r]);
}

static void FN(to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t row_pitch, void *tile) {
    if (rows < LANES) FN(partial_to_tile)(n, rows, from, row_pitch, tile);
    else FN(move_blocks)(FN(block_to_tile), n, from, 1, tile, LANES, row_pitch);
}
static void FN(from_tile)(size_t n, size_t rows, const void *tile, void *to, ptrdiff_t row_pitch) {
    if (rows < LANES) FN(partial_from_tile)(n, rows, tile, to, row_pitch);
    else FN(move_blocks)(FN(block_from_tile), n, tile, LANES, to, 1, row_pitch);
}
#undef BLOCK

#endif
