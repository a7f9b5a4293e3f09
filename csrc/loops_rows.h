/* Row kernels in every direction, and the tiles that turn one into the other. */

/* Phase and direction are constants at each call, so that a phase's code holds only its own. */
#define FA_DIRECTED_AS(name, suffix, direction)                               \
    static void FN(name##suffix)(const fa_rows_args *a, fa_row_phase phase) { \
        switch (phase) {                                                      \
        case FA_BEGIN: FN(name)(a, FA_BEGIN, direction); break;               \
        case FA_MIDDLE: FN(name)(a, FA_MIDDLE, direction); break;             \
        case FA_END: FN(name)(a, FA_END, direction); break;                   \
        }                                                                     \
    }
#define FA_DIRECTED(name)                    \
    FA_DIRECTED_AS(name, _along, FA_ALONG)   \
    FA_DIRECTED_AS(name, _across, FA_ACROSS) \
    FA_DIRECTED_AS(name, _abreast, FA_ABREAST)

#define YES(name) FA_DIRECTED(name##_from_output)
#define NO(name)
#define FA_ROW_OP(name, reduces, from_output, ...) \
    FA_DIRECTED(name)                              \
    FA_DIRECTED(name##_backward)                   \
    from_output(name)
#include "ops.def"
#undef YES
#undef NO

FA_DIRECTED(cross_entropy)
#undef FA_GO_ON

#define FA_STATE_FITS(bytes, tiles) ((tiles) * (sizeof(softmax_state) + sizeof(ce_state)) <= (bytes))
_Static_assert(FA_STATE_FITS(FA_ROW_STATE, 1), "too small a state");
_Static_assert(FA_STATE_FITS(FA_ABREAST_STATE, MOST_TILES), "too small a state");
_Static_assert(2 * MOST_SLOTS * MOST_TILES * sizeof(sum) <= FA_ABREAST_SLOTS, "too few slots");

/* All loops over a tile's vectors are unrolled, which keeps those in registers. */

/* LANES x LANES, by log2(LANES) rounds of zipping the first half with the second. */
FA_INLINE void FN(transpose)(vec v[LANES]) {
    vec t[LANES];
    for (int round = 1; round < LANES; round *= 2) {
        FA_UNROLL(16)
        for (int k = 0; k < LANES / 2; k++) {
            t[2 * k] = v_zip_lo(v[k], v[k + LANES / 2]);
            t[2 * k + 1] = v_zip_hi(v[k], v[k + LANES / 2]);
        }
        FA_UNROLL(16)
        for (int k = 0; k < LANES; k++) v[k] = t[k];
    }
}

static void FN(to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t pitch, void *tile) {
    for (size_t c = 0; c < n; c += LANES) {
        size_t width = n - c < LANES ? n - c : LANES;
        vec v[LANES];
        FA_UNROLL(16)
        for (size_t r = 0; r < LANES; r++) {
            const real *p = (const real *)from + (ptrdiff_t)r * pitch + c;
            v[r] = r >= rows ? K(0) : width == LANES ? v_load(p) : v_load_n(p, width);
        }
        FN(transpose)(v);
        FA_UNROLL(16)
        for (size_t k = 0; k < LANES; k++)
            if (k < width) v_store((real *)tile + (c + k) * LANES, v[k]);
    }
}

static void FN(from_tile)(size_t n, size_t rows, const void *tile, void *to, ptrdiff_t pitch) {
    for (size_t c = 0; c < n; c += LANES) {
        size_t width = n - c < LANES ? n - c : LANES;
        vec v[LANES];
        FA_UNROLL(16)
        for (size_t k = 0; k < LANES; k++) v[k] = k < width ? v_load((const real *)tile + (c + k) * LANES) : K(0);
        FN(transpose)(v);
        FA_UNROLL(16)
        for (size_t r = 0; r < LANES; r++) {
            real *p = (real *)to + (ptrdiff_t)r * pitch + c;
            if (r < rows && width == LANES) v_store(p, v[r]);
            else if (r < rows) v_store_n(p, width, v[r]);
        }
    }
}
