"""The polynomial G of normal_tail in math/elementary_f64.h: python csrc/tools/derive_f64_tail.py | sollya

G(t) = (a + 3.5) * erfcx(a / sqrt 2) / 2 with t = (a - 3.5) / (a + 3.5), a >= 0.
mpmath expands G in 70 Chebyshev polynomials, sollya rounds the best polynomial
of degree 25 (c0 and c1 in two doubles each) to it: relative error 5.3e-18.
"""

from mpmath import cos, erfc, exp, mp, mpf, nstr, pi, sqrt

mp.prec = 400
SHIFT, DEGREE, NODES = mpf("3.5"), 70, 160


def g(t):
    a = SHIFT * (1 + t) / (1 - t)
    x = a / sqrt(mpf(2))
    return exp(x * x) * erfc(x) / 2 * (a + SHIFT)


angles = [pi * (j + mpf(1) / 2) / NODES for j in range(NODES)]
values = [g(cos(angle)) for angle in angles]
chebyshev = [
    2 * sum(v * cos(i * w) for v, w in zip(values, angles, strict=False)) / NODES for i in range(DEGREE + 1)
]
chebyshev[0] /= 2

monomial = [mpf(0)] * (DEGREE + 1)
this, following = [mpf(1)], [mpf(0), mpf(1)]
for c in chebyshev:
    for i, z in enumerate(this):
        monomial[i] += c * z
    after = [mpf(0)] + [2 * z for z in following]
    for i, z in enumerate(this):
        after[i] -= z
    this, following = following, after

print("prec = 300; g =", " + ".join(f"({nstr(z, 70)})*x^{i}" for i, z in enumerate(monomial)), ";")
print("""exponents = [|0|]; for i from 1 to 25 do { exponents = exponents :. i; };
formats = [|DD, DD|]; for i from 2 to 25 do { formats = formats :. D; };
p = fpminimax(g, exponents, formats, [-1;1], relative);
print("error", dirtyinfnorm(p/g - 1, [-1;1])); display = hexadecimal;
for i from 0 to 25 do {
  high = round(coeff(p, i), D, RN); print(i, high, round(coeff(p, i) - high, D, RN)); };""")
