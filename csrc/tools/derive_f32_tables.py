"""The tables of math/tables_f32.h, and gelu's constants of math/activation_parts_*.h:
python csrc/tools/derive_f32_tables.py

The functions of a are approximated in 16 pieces, four to each octave of 1 + a. A
piece's polynomial is centred where the leading coefficient is nearly a float32; the
others are a relative least-squares fit at Chebyshev points (for the slope, which has a
root, relative to 2^-4 at least), each rounded before the next is fitted. Takes 15 s.
"""

import mpmath as mp
import numpy as np

mp.mp.prec = 200
DEGREE = 6


def exp2_tables():
    powers = [mp.mpf(2) ** (mp.mpf(j) / 16) for j in range(16)]
    high = np.array([float(p) for p in powers], np.float32)
    low = [single(p / mp.mpf(float(h)) - 1) for p, h in zip(powers, high, strict=True)]
    moved = (high.view(np.uint32) - (np.arange(16, dtype=np.uint32) << 19)).view(np.float32)
    for name, row in (("exp2", moved), ("exp2_low", low)):
        print(name, "{" + ", ".join(shown(v) for v in row) + "}")


def gelu(a):
    return mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2 * a


def gelu_slope(a):
    return mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2 - a / mp.sqrt(2 * mp.pi)


def single(x):
    return mp.mpf(float(np.float32(float(x))))


def shown(x, suffix="f"):
    mantissa, exponent = float(x).hex().split("p")
    return "0" if x == 0 else mantissa.rstrip("0").rstrip(".") + "p" + exponent + suffix


def centre(f, low, high):
    """The float32 near the middle where f is nearest to a float32."""
    middle = np.float32(float((low + high) / 2))
    with mp.workprec(70):
        points = [
            mp.mpf(float(np.float32(middle + np.float32(k) * np.spacing(middle)))) for k in range(-400, 401)
        ]
        return min(points, key=lambda a: abs(single(f(a)) / f(a) - 1))


def piece(f, j, least):
    octave, quarter = divmod(j, 4)
    low, high = (mp.mpf(2) ** octave * (1 + mp.mpf(quarter + i) / 4) - 1 for i in (0, 1))
    middle = centre(f, low, high) if j else mp.mpf(0)
    n = 60
    points = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    values = [f(a) for a in points]
    weights = [1 / max(abs(v), least) for v in values]
    coefficients = [single(f(middle))]
    while len(coefficients) <= DEGREE:
        first = len(coefficients)
        matrix, rest = mp.matrix(n, DEGREE - first + 1), mp.matrix(n, 1)
        for i, a in enumerate(points):
            for k in range(DEGREE - first + 1):
                matrix[i, k] = weights[i] * (a - middle) ** (first + k)
            rest[i] = weights[i] * (
                values[i] - sum(c * (a - middle) ** k for k, c in enumerate(coefficients))
            )
        coefficients.append(single(mp.lu_solve(matrix, rest)[0]))
    error = max(
        abs(sum(c * (a - middle) ** k for k, c in enumerate(coefficients)) - v) * w
        for a, v, w in zip(points, values, weights, strict=False)
    )
    return [middle, *coefficients], error


def table(name, f, least, corrections=()):
    # the index is bits >> 21 & 15 of 1 + a: the octave [1, 2) has exponent 127, so it comes last
    pieces = [piece(f, (i + 4) % 16, least) for i in range(16)]
    for index, row, correction in corrections:
        pieces[index][0][row] = single(pieces[index][0][row] + correction)
    print(name, "error", mp.nstr(max(error for _, error in pieces), 3))
    for row in range(DEGREE + 2):
        print("    {" + ", ".join(shown(p[row]) for p, _ in pieces) + "},")


def constant(name, c):
    high = single(c)
    print(name, shown(high), shown(single(c - high)), shown(c, ""), shown(c - mp.mpf(float(c)), ""))


exp2_tables()
# tanh's corrections: a itself is added to the first piece; and where the ninth ends, at 9, the value
# would fall by an ulp
table("tanh_pieces", mp.tanh, 0, [(12, 2, -1), (8, 7, mp.mpf("-2.5e-9"))])
table("gelu_pieces", gelu, 0)
table("gelu_slope_pieces", gelu_slope, mp.mpf(2) ** -4)
C1 = 2 * mp.sqrt(2 / mp.pi)
constant("INV_SQRT_2PI", 1 / mp.sqrt(2 * mp.pi))
constant("GELU_C1", C1)
constant("GELU_C2", C1 * mp.mpf("0.044715"))
constant("GELU_3C2", 3 * C1 * mp.mpf("0.044715"))
