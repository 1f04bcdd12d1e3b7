"""Purchase models by maximum likelihood. One row per cut-off date and model.

- `bg_nbd`: Fader, Hardie & Lee (2005), "Counting your customers" the easy way, equation 6. Customers
  buy at random at their own rate lambda ~ Gamma(r, alpha), and may leave after each repeat purchase
  with their own probability p ~ Beta(a, b).
- `mbg_nbd`: Batislam, Denizel & Filiztekin (2007), equation 3: they may also leave after the first.
- `nbd`: Ehrenberg (1959), The pattern of consumer purchases: nobody leaves. For data in which the other
  two cannot tell how often somebody does.
- `gamma_gamma`: Fader & Hardie (2013), The Gamma-Gamma model of monetary value, equation 1: the mean
  amount z of x purchases, each Gamma(p, v) with v ~ Gamma(q, gamma).

Time is in weeks and a day counts as one purchase. Whoever buys on one day only has x = 0.
"""

from collections.abc import Callable
from math import inf, log

import numpy as np
from scipy import __version__
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import minimize
from scipy.special import gammaln, psi

Floats = np.ndarray

PARAMETERS = {
    "bg_nbd": ("r", "alpha", "a", "b"),
    "mbg_nbd": ("r", "alpha", "a", "b"),
    "nbd": ("r", "alpha"),
    "gamma_gamma": ("p", "q", "gamma"),
}
PURCHASE_MODELS = ("bg_nbd", "mbg_nbd", "nbd")
COLUMNS = {
    "cutoff_date": "date",
    "model": "varchar",
    "version": "varchar",
    "customer_count": "bigint",
    "repeat_customer_count": "bigint",
    **dict.fromkeys(("r", "alpha", "a", "b", "p", "q", "gamma"), "double"),
    "log_likelihood": "double",
    "correlation": "double",
    "note": "varchar",
    "quadrature_nodes": "varchar",
    "quadrature_weights": "varchar",
}
# Too few to learn two distributions from.
FEWEST_REPEAT_CUSTOMERS = 50
# Standard error of a parameter's logarithm: beyond it the data do not say which power of ten it is.
LARGEST_STANDARD_ERROR = 1.0
# Gamma-Gamma takes spend as independent of how often somebody buys.
LARGEST_CORRELATION = 0.3
# More customers hardly move the third digit.
MOST_CUSTOMERS = 200_000
# Within 1e-8 where alpha is above an hour or two and nobody bought on more than 400 days.
NODE_COUNT = 128


def purchase_likelihood(
    logarithms: Floats, x: Floats, t_x: Floats, age: Floats, first_counts: int
) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient by the logarithms of r, alpha, a and b.

    x, t_x and age hold one number per customer. `first_counts` is 1 where somebody may leave after
    the first purchase (MBG/NBD), else 0 (BG/NBD): the only difference between the two.
    """
    r, alpha, a, b = np.exp(logarithms)
    # The gamma functions depend on x alone, of which there are few.
    values, position = np.unique(x, return_inverse=True)
    customers = np.bincount(position)
    chances = values + first_counts
    by_count = (
        gammaln(r + values) - gammaln(r) + r * log(alpha)
        + gammaln(a + b) + gammaln(b + chances) - gammaln(b) - gammaln(a + b + chances)
    )  # fmt: skip
    could_leave = x + first_counts > 0
    odds_to_leave = np.where(could_leave, np.maximum(b + x + first_counts - 1, 1e-300), 1)
    stayed = -(r + x) * np.log(alpha + age)
    left = np.where(
        could_leave, log(a) - np.log(odds_to_leave) - (r + x) * np.log(alpha + t_x), -inf
    )
    both = np.logaddexp(stayed, left)
    is_left = np.exp(left - both)
    is_stayed = 1 - is_left
    value = customers @ by_count + both.sum()
    gradient = np.array([
        customers @ (psi(r + values) - psi(r) + log(alpha))
        - is_stayed @ np.log(alpha + age) - is_left @ np.log(alpha + t_x),
        len(x) * r / alpha - (r + x) @ (is_stayed / (alpha + age) + is_left / (alpha + t_x)),
        customers @ (psi(a + b) - psi(a + b + chances)) + is_left.sum() / a,
        customers @ (psi(a + b) + psi(b + chances) - psi(b) - psi(a + b + chances))
        - (is_left / odds_to_leave).sum(),
    ])  # fmt: skip
    return -value, -gradient * np.exp(logarithms)


def rate_likelihood(logarithms: Floats, x: Floats, age: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient by the logarithms of r and alpha, if nobody leaves."""
    r, alpha = np.exp(logarithms)
    value = gammaln(r + x) - gammaln(r) + r * log(alpha) - (r + x) * np.log(alpha + age)
    gradient = np.array([
        (psi(r + x) - psi(r) + log(alpha) - np.log(alpha + age)).sum(),
        (r / alpha - (r + x) / (alpha + age)).sum(),
    ])  # fmt: skip
    return -value.sum(), -gradient * np.exp(logarithms)


def spend_likelihood(logarithms: Floats, x: Floats, z: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient by the logarithms of p, q and gamma.

    x repeat purchases of a mean amount of z, both above 0: one number per customer.
    """
    p, q, gamma = np.exp(logarithms)
    total = np.log(gamma + x * z)
    value = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q)
        + q * log(gamma) + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * total
    )  # fmt: skip
    gradient = np.array([
        (x * (psi(p * x + q) - psi(p * x) + np.log(z) + np.log(x) - total)).sum(),
        (psi(p * x + q) - psi(q) + log(gamma) - total).sum(),
        (q / gamma - (p * x + q) / (gamma + x * z)).sum(),
    ])  # fmt: skip
    return -value.sum(), -gradient * np.exp(logarithms)


def standard_errors(gradient: Callable[[Floats], Floats], optimum: Floats) -> Floats:
    """Of the logarithms, from the curvature there; infinite where it is flat or no minimum."""
    step = 1e-4
    steps = step * np.eye(len(optimum))
    curvature = [(gradient(optimum + s) - gradient(optimum - s)) / (2 * step) for s in steps]
    sizes, directions = np.linalg.eigh((np.array(curvature) + np.transpose(curvature)) / 2)
    if sizes[0] <= 1e-9 * sizes[-1]:
        return np.full(len(optimum), inf)
    return np.sqrt((directions**2 / sizes).sum(axis=1))


def fit(
    likelihood: Callable[..., tuple[float, Floats]], start: Floats, *observed: object
) -> tuple[Floats, float, str | None]:
    """Parameters, log-likelihood, and why they must not be used, if so."""
    bounds = [(-15, 15)] * len(start)
    found = minimize(
        likelihood, np.log(start), observed, "L-BFGS-B", jac=True, bounds=bounds,
        options={"maxiter": 2000, "maxfun": 5000, "ftol": 1e-15, "gtol": 1e-6},
    )  # fmt: skip
    errors = standard_errors(lambda point: likelihood(point, *observed)[1], found.x)
    # In units of the errors: how far the optimum may be from where the search ended.
    distance = np.abs(found.jac * errors).max() if np.isfinite(errors).all() else inf
    note = None
    if not errors.max() < LARGEST_STANDARD_ERROR:
        note = "not identified: the likelihood hardly changes along a line of parameters"
    elif not distance < 1e-2:
        note = "not converged"
    return np.exp(found.x), -found.fun, note


def quadrature(a: float, b: float, node_count: int = NODE_COUNT) -> tuple[Floats, Floats]:
    """Nodes in 0..1 and weights (sum 1) for means under Beta(a, b), by Golub & Welsch (1969)."""
    # Jacobi polynomials with weight (1 - u)^(b - 1) (1 + u)^(a - 1), for p = (1 + u) / 2.
    n = np.arange(node_count, dtype=float)
    power, other = b - 1, a - 1
    total = 2 * n + power + other
    with np.errstate(invalid="ignore", divide="ignore"):
        diagonal = (other**2 - power**2) / (total * (total + 2))
        beside = (
            4 * n * (n + power) * (n + other) * (n + power + other)
            / (total**2 * (total + 1) * (total - 1))
        )  # fmt: skip
    diagonal[0] = (other - power) / (power + other + 2)
    # The general form is 0 / 0 where a + b = 1.
    beside[1] = 4 * (1 + power) * (1 + other) / ((2 + power + other) ** 2 * (3 + power + other))
    nodes, vectors = eigh_tridiagonal(diagonal, np.sqrt(beside[1:]))
    return (1 + nodes) / 2, vectors[0] ** 2


def purchase_row(model: str, x: Floats, t_x: Floats, age: Floats) -> dict[str, object]:
    """One fitted model of orders; times in weeks."""
    row: dict[str, object] = {
        "model": model, "customer_count": len(x), "repeat_customer_count": int((x > 0).sum())
    }  # fmt: skip
    if row["repeat_customer_count"] < FEWEST_REPEAT_CUSTOMERS:
        return row | {"note": f"fewer than {FEWEST_REPEAT_CUSTOMERS} customers with a second order"}
    start = np.array([1, max(float(np.median(age)), 1), 1, 1])
    if model == "nbd":
        found, likelihood, note = fit(rate_likelihood, start[:2], x, age)
    else:
        first_counts = int(model == "mbg_nbd")
        found, likelihood, note = fit(purchase_likelihood, start, x, t_x, age, first_counts)
    row |= dict(zip(PARAMETERS[model], map(float, found), strict=True))
    if note is None and model != "nbd":
        nodes, weights = quadrature(row["a"], row["b"])
        row["quadrature_nodes"] = " ".join(map(repr, nodes.tolist()))
        row["quadrature_weights"] = " ".join(map(repr, weights.tolist()))
    return row | {"log_likelihood": float(likelihood), "note": note}


def spend_row(x: Floats, amount: Floats) -> dict[str, object]:
    """The fitted model of amounts, of those who came back and paid something."""
    paid = (x > 0) & (amount > 0)
    x, z = x[paid], amount[paid] / x[paid]
    row: dict[str, object] = {
        "model": "gamma_gamma", "customer_count": len(x), "repeat_customer_count": len(x)
    }  # fmt: skip
    if len(x) < FEWEST_REPEAT_CUSTOMERS:
        return row | {"note": f"fewer than {FEWEST_REPEAT_CUSTOMERS} customers with a second order"}
    found, likelihood, note = fit(spend_likelihood, np.array([5, 3, 3 * z.mean()]), x, z)
    varies = x.std() > 0 and z.std() > 0
    correlation = float(np.corrcoef(x, z)[0, 1]) if varies else 0.0
    row |= dict(zip(PARAMETERS["gamma_gamma"], map(float, found), strict=True))
    if note is None and row["q"] <= 1:
        note = "the mean amount of a new customer is infinite"
    if note is None and abs(correlation) > LARGEST_CORRELATION:
        note = "amount and number of orders are correlated"
    return row | {"log_likelihood": float(likelihood), "correlation": correlation, "note": note}


def fit_all(histories: dict[str, Floats]) -> list[dict[str, object]]:
    """The models of each cut-off date; whichever is used has no note.

    Of each customer: cutoff_date, repeat_count, last_repeat_age_days, age_days, repeat_amount.
    """
    rows = []
    for cutoff in np.unique(histories["cutoff_date"]):
        known = histories["cutoff_date"] == cutoff
        x, t_x, age, amount = (
            np.asarray(histories[name][known], dtype=float)
            for name in ("repeat_count", "last_repeat_age_days", "age_days", "repeat_amount")
        )
        # Sums of floats depend on the order: that of the numbers, not of the rows.
        order = np.lexsort((amount, age, t_x, x))
        x, t_x, age, amount = x[order], t_x[order] / 7, age[order] / 7, amount[order]
        fitted = [purchase_row(name, x, t_x, age) for name in PURCHASE_MODELS]
        origin = {"cutoff_date": cutoff.item(), "version": f"scipy {__version__}"}
        rows.extend(origin | row for row in [*fitted, spend_row(x, amount)])
    return rows


def model(dbt, session):
    """Reads every customer's history, or those of a sample by the hash of their ids."""
    histories = dbt.ref("int_purchase_histories")
    sample = session.sql(
        f"from histories order by md5(customer_id), cutoff_date desc limit {2 * MOST_CUSTOMERS}"
        if histories.shape[0] > 2 * MOST_CUSTOMERS
        else "from histories"
    )
    rows = fit_all(sample.fetchnumpy())
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    filled = [{name: row.get(name) for name in COLUMNS} for row in rows]
    return session.sql(
        f"select unnest(cast(? as struct({columns})[]), recursive := true)", params=[filled]
    )
