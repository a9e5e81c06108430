"""Derives every polynomial coefficient and split constant of tacit_ir::math.

    python3 crates/ir/scripts/coefficients.py          (needs mpmath)

Each polynomial P minimises the largest weighted error  w(x) |P(x) - f(x)|  over an interval, where w
turns an error of P into a relative error of the function that P serves. The fit is Lawson's (1961)
iteration in 40-digit arithmetic: weighted least squares, each point's emphasis multiplied by its error
until the errors are level. (It needs no alternation theorem, which fails here: the weights vanish at 0.)
Coefficients are then rounded to f32 one at a time from the constant term up, and the free ones are
fitted again after each rounding, so that the rounding of one coefficient is made good by the others.
"""

import struct

from mpmath import cos, erf, erfc, expm1, ldexp, log, log1p, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 40


def to_f32(x):
    """The f32 nearest to x, ties to even, exactly as an mpf (normal range only)."""
    if x == 0:
        return mpf(0)
    scale = 23 - int(mp.floor(log(abs(x), 2)))
    return ldexp(mp.nint(ldexp(x, scale)), -scale)


def shortest(x):
    """The shortest decimal that reads back as the f32 x."""
    for digits in range(1, 12):
        text = f"{float(x):.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == float(x):
            return text
    raise ValueError(x)


def value(coefficients, x):
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def minimax(f, weight, low, high, fixed, degree, points=240, rounds=40):
    """The coefficients fixed[0..] followed by free ones up to `degree`, and the largest weighted error."""
    first, free = len(fixed), degree + 1 - len(fixed)
    xs = [low + (high - low) * (1 - cos(pi * (i + mpf(1) / 2) / points)) / 2 for i in range(points)]
    ws = [weight(x) for x in xs]
    rest = [w * (f(x) - value(fixed, x)) for x, w in zip(xs, ws)]
    best, least = list(fixed), max(abs(y) for y in rest)
    if free == 0:
        return best, least
    rows = [[w * x ** (first + k) for k in range(free)] for x, w in zip(xs, ws)]
    emphasis = [mpf(1) / points] * points
    for _ in range(rounds):
        a, b = matrix(free, free), matrix(free, 1)
        for row, y, m in zip(rows, rest, emphasis):
            for j in range(free):
                b[j] += m * row[j] * y
                for k in range(j, free):
                    a[j, k] += m * row[j] * row[k]
        for j in range(free):
            for k in range(j):
                a[j, k] = a[k, j]
        solution = list(lu_solve(a, b))
        errors = [abs(sum(c * r for c, r in zip(solution, row)) - y) for row, y in zip(rows, rest)]
        if max(errors) < least:
            best, least = list(fixed) + solution, max(errors)
        emphasis = [m * e for m, e in zip(emphasis, errors)]
        total = sum(emphasis)
        emphasis = [m / total for m in emphasis]
    return best, least


def derive(name, f, weight, low, high, degree, fixed=()):
    """Prints the f32 coefficients of one polynomial, constant term first."""
    done = [mpf(c) for c in fixed]
    _, ideal = minimax(f, weight, low, high, done, degree)
    while len(done) <= degree:
        coefficients, _ = minimax(f, weight, low, high, done, degree)
        done.append(to_f32(coefficients[len(done)]))
    _, error = minimax(f, weight, low, high, done, degree)
    print(f"{name}: degree {degree} on [{float(low):.6g}, {float(high):.6g}], "
          f"relative error 2^{float(log(error, 2)):.2f} (unrounded 2^{float(log(ideal, 2)):.2f})")
    print("    [" + ", ".join(shortest(c) for c in done) + "]")


def split(name, x, parts, truncate=False):
    """Prints x as a sum of f32 parts, the largest first; truncated parts are all positive."""
    out = []
    for _ in range(parts):
        part = to_f32(x)
        if truncate and part > x:
            part -= ldexp(1, int(mp.floor(log(x, 2))) - 23)
        out.append(part)
        x -= part
    print(f"{name}: " + ", ".join(shortest(c) for c in out) + f"  (left over {float(x):.3g})")


def main():
    split("log2(e)", 1 / log(2), 1)
    split("ln 2", log(2), 2)
    split("1/pi", 1 / pi, 1)
    split("pi", pi, 3, truncate=True)

    # exp(r) - 1 = r + r^2 P(r); n ln 2 + r = x with |r| <= ln(2)/2 and a little slack for the rounding of n.
    edge = log(2) / 2 * mpf("1.0001")
    derive("expm1", lambda r: (expm1(r) - r) / r**2, lambda r: abs(r**2 / expm1(r)), -edge, edge, 5)

    # log(1 + f) = f + f^2 P(f), 1 + f from sqrt(1/2) to sqrt(2).
    derive("log", lambda f: (log1p(f) - f) / f**2, lambda f: abs(f**2 / log1p(f)),
           sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1, 8, fixed=["-0.5"])

    # erf(a) = 1 - exp(-h(a)), h(a) = a + a P(a); the weight is the relative error that an error of P leaves in erf.
    derive("erf", lambda a: -log(erfc(a)) / a - 1, lambda a: erfc(a) * a / erf(a), mpf("1e-9"), mpf(4), 8)

    # tanh(a) = a + a^3 P(a^2), a up to 0.625.
    derive("tanh", lambda s: (tanh(sqrt(s)) / sqrt(s) - 1) / s, lambda s: s * sqrt(s) / tanh(sqrt(s)),
           mpf("1e-9"), mpf("0.625") ** 2, 4)

    # sin(r) = r + r^3 P(r^2), |r| <= pi/2 and the slack that counting half turns up to 2^20 needs: 1/pi as f32 then
    # misplaces the seam between two of them by 2^20 times the relative error of 1/pi, and the sum rounds.
    edge = pi / 2 + mpf("0.05")
    derive("sin", lambda s: (sin(sqrt(s)) / sqrt(s) - 1) / s, lambda s: s * sqrt(s) / sin(sqrt(s)),
           mpf("1e-9"), edge**2, 3)


if __name__ == "__main__":
    main()
