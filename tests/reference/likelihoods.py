"""Negative log-likelihoods, divergences and deviances, as losses.py has them."""

from mpmath import mp, mpf

from reference.loss import ElementwiseLoss, log_or_0, most, sigmoid, softplus, where
from reference.rows import exp, log, weighted


def stirling(t, full):
    return where((full > 0) & (t > 1), t * log_or_0(t) - t + log(2 * mp.pi * where(t > 0, t, 1)) / 2)


def stirling_terms(t, full):
    return where((full > 0) & (t > 1), most(t, (t + mpf(0.5)) * log_or_0(t)))


def power(x, k):
    return exp(k * log(x))


def entropy(t):
    """t log t"""
    return weighted(t, log_or_0(t))


def tweedie(m, y, p):
    """Of p not 0, 1 or 2."""
    falling = where(y > 0, power(where(y > 0, y, 1), 2 - p)) / ((1 - p) * (2 - p))
    return 2 * (falling - y * power(m, 1 - p) / (1 - p) + power(m, 2 - p) / (2 - p))


def any_tweedie(m, y, p):
    poisson = 2 * (entropy(y) - y * log(m) - y + m)
    gamma = 2 * (log(m) - log_or_0(y) + y / m - 1)
    special = (p == 0) | (p == 1) | (p == 2)
    usual = tweedie(m, y, where(special, mpf(1.5), p))
    return where(p == 0, (y - m) ** 2, where(p == 1, poisson, where(p == 2, gamma, usual)))


def tweedie_terms(m, y, p):
    """What is subtracted, and half an ulp of the logarithms that powers and quotients are made of."""
    ratio, logs = log(where(y > 0, y, m) / m), most(mpf(1), log(m), log_or_0(y))

    def box_cox(k):
        return where(k == 0, ratio, power(m, k) * (exp(k * ratio) - 1) / where(k == 0, 1, k))

    zero = 2 * power(m, 2 - p) / where(p == 2, 1, 2 - p)
    return (
        most(where(y > 0, 2 * y * box_cox(1 - p)), where(y > 0, 2 * box_cox(2 - p)), where(y > 0, 0, zero))
        * logs
    )


def focal(x, y, alpha):
    """balance, probability, m, loss, its slope, the direction of m"""
    p = sigmoid(x)
    q = sigmoid(-x)
    balance = where(alpha < 0, 1, alpha * y + (1 - alpha) * (1 - y))
    return balance, p, q, y * q + (1 - y) * p, softplus(x) - y * x, (1 - y) * p - y * q, 1 - 2 * y


def focal_grad_terms(x, y, alpha, gamma):
    a, p, q, m, loss, slope, c = focal(x, y, alpha)
    return a * power(m, gamma), gamma * c * (p * q / m) * loss, slope


def focal_grad(*arguments):
    factor, a, b = focal_grad_terms(*arguments)
    return factor * (a + b)


def focal_hess_terms(x, y, alpha, gamma):
    a, p, q, m, loss, slope, c = focal(x, y, alpha)
    r = p * q / m
    terms = (
        gamma * (gamma - 1) * (c * r) ** 2 * loss,
        gamma * c * r * (q - p) * loss,
        2 * gamma * c * r * slope,
        p * q,
    )
    return [a * power(m, gamma) * term for term in terms]


def loosened(x, y, alpha, gamma):
    """A power's logarithm adds gamma |log m| ulp to the bound of 6 in float64; a square has none."""
    return where(gamma == 2, 1, 1 + gamma * abs(log(focal(x, y, alpha)[3])) / 6)


LIKELIHOODS: dict[str, ElementwiseLoss] = {
    "focal_loss": ElementwiseLoss(
        value=lambda x, y, a, g: focal(x, y, a)[0] * power(focal(x, y, a)[3], g) * focal(x, y, a)[4],
        grad=focal_grad,
        hess=lambda *of: sum(focal_hess_terms(*of)),
        parameters=("alpha", "gamma"),
        within={"alpha": (0.0, 1.0), "gamma": (0.0, 4.0)},
        targets="shares",
        terms={
            "value": lambda *of: (
                focal(*of[:3])[0] * power(focal(*of[:3])[3], of[3]) * focal(*of[:3])[4] * loosened(*of)
            ),
            "grad": lambda *of: focal_grad_terms(*of)[0] * most(*focal_grad_terms(*of)[1:]) * loosened(*of),
            "hess": lambda *of: most(*focal_hess_terms(*of)) * loosened(*of),
        },
    ),
    "binary_cross_entropy": ElementwiseLoss(
        value=lambda x, y: -weighted(y, log_or_0(x)) - weighted(1 - y, log_or_0(1 - x)),
        grad=lambda x, y: (x - y) / (x * (1 - x)),
        hess=lambda x, y: y / x**2 + (1 - y) / (1 - x) ** 2,
        inputs="unit",
        targets="shares",
    ),
    "kl_div": ElementwiseLoss(
        value=lambda x, t: entropy(t) - t * x,
        grad=lambda x, t: -t + 0 * x,
        hess=lambda x, t: 0 * x,
        targets="shares",
        terms={"value": lambda x, t: most(entropy(t), t * x)},
    ),
    "kl_div_log_target": ElementwiseLoss(
        value=lambda x, t: exp(t) * (t - x),
        grad=lambda x, t: -exp(t),
        hess=lambda x, t: 0 * x,
        op="kl_div",
        options={"log_target": True},
        targets="logs",
    ),
    "poisson_nll_loss": ElementwiseLoss(
        value=lambda x, t, full, eps: x - weighted(t, log(x + eps)) + stirling(t, full),
        grad=lambda x, t, full, eps: 1 - t / (x + eps),
        hess=lambda x, t, full, eps: t / (x + eps) ** 2,
        parameters=("full", "eps"),
        switches=("full",),
        within={"eps": (1e-3, 0.1)},
        options={"log_input": False},
        inputs="positive",
        targets="counts",
        terms={"value": lambda x, t, full, eps: most(x, t, t * log(x + eps), stirling_terms(t, full))},
    ),
    "poisson_nll_loss_log_input": ElementwiseLoss(
        value=lambda x, t, full, eps: exp(x) - t * x + stirling(t, full),
        grad=lambda x, t, full, eps: exp(x) - t,
        hess=lambda x, t, full, eps: exp(x),
        parameters=("full", "eps"),
        switches=("full",),
        within={"eps": (1e-3, 0.1)},
        op="poisson_nll_loss",
        options={"log_input": True},
        targets="counts",
        terms={"value": lambda x, t, full, eps: most(exp(x), t * x, stirling_terms(t, full))},
    ),
    "gaussian_nll_loss": ElementwiseLoss(
        value=lambda x, t, v, full, eps: (
            (log(most(v, eps)) + (x - t) ** 2 / most(v, eps) + full * log(2 * mp.pi)) / 2
        ),
        grad=lambda x, t, v, full, eps: (x - t) / most(v, eps),
        hess=lambda x, t, v, full, eps: 1 / most(v, eps),
        second="var",
        second_grad=lambda x, t, v, full, eps: (1 - (x - t) ** 2 / most(v, eps)) / (2 * most(v, eps)),
        second_hess=lambda x, t, v, full, eps: ((x - t) ** 2 / most(v, eps) - mpf(0.5)) / most(v, eps) ** 2,
        parameters=("full", "eps"),
        switches=("full",),
        within={"eps": (1e-3, 0.1)},
        terms={
            "value": lambda x, t, v, full, eps: (
                most(log(most(v, eps)), (x - t) ** 2 / most(v, eps), full) / 2
            ),
            "second_hess": lambda x, t, v, full, eps: (
                most(mpf(0.5), (x - t) ** 2 / most(v, eps)) / most(v, eps) ** 2
            ),
        },
    ),
    "gamma_deviance": ElementwiseLoss(
        value=lambda x, y: 2 * (log(x / y) + y / x - 1),
        grad=lambda x, y: 2 * (x - y) / x**2,
        hess=lambda x, y: 2 * (2 * y / x - 1) / x**2,
        options={"log_input": False},
        inputs="positive",
        targets="positive",
        terms={
            "value": lambda x, y: 2 * most(log(x / y), y / x - 1),
            "hess": lambda x, y: 2 * most(mpf(1), 2 * y / x) / x**2,
        },
    ),
    "gamma_deviance_log_input": ElementwiseLoss(
        value=lambda x, y: 2 * (x - log(y) + y * exp(-x) - 1),
        grad=lambda x, y: 2 * (1 - y * exp(-x)),
        hess=lambda x, y: 2 * y * exp(-x),
        op="gamma_deviance",
        options={"log_input": True},
        targets="positive",
        terms={"value": lambda x, y: 2 * most(x - log(y), y * exp(-x) - 1)},
    ),
    "tweedie_deviance": ElementwiseLoss(
        value=any_tweedie,
        grad=lambda x, y, p: 2 * (x - y) * power(x, -p),
        hess=lambda x, y, p: 2 * ((1 - p) * x + p * y) * power(x, -p - 1),
        parameters=("power",),
        within={"power": (1.0, 3.0)},
        options={"log_input": False},
        inputs="positive",
        targets="positive",
        terms={
            "value": tweedie_terms,
            "grad": lambda x, y, p: 2 * (x - y) * power(x, -p) * most(mpf(1), log(x)),
            "hess": lambda x, y, p: 2 * most((1 - p) * x, p * y) * power(x, -p - 1) * most(mpf(1), log(x)),
        },
    ),
    "tweedie_deviance_log_input": ElementwiseLoss(
        value=lambda x, y, p: any_tweedie(exp(x), y, p),
        grad=lambda x, y, p: 2 * (exp((2 - p) * x) - y * exp((1 - p) * x)),
        hess=lambda x, y, p: 2 * ((2 - p) * exp((2 - p) * x) - (1 - p) * y * exp((1 - p) * x)),
        parameters=("power",),
        within={"power": (1.0, 3.0)},
        op="tweedie_deviance",
        options={"log_input": True},
        targets="positive",
        terms={
            "value": lambda x, y, p: tweedie_terms(exp(x), y, p) * most(mpf(1), x),
            "grad": lambda x, y, p: 2 * most(exp((2 - p) * x), y * exp((1 - p) * x)),
            "hess": lambda x, y, p: 2 * most((2 - p) * exp((2 - p) * x), (1 - p) * y * exp((1 - p) * x)),
        },
    ),
}
