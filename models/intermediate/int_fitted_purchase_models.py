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
Sums are numpy's own: those of `@` depend on how many threads there are.
"""

from collections.abc import Callable
from math import inf, log
from typing import NamedTuple

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


class Column(NamedTuple):
    """One number per row, each distinct one kept once: what depends on it alone is computed once."""

    values: Floats
    position: np.ndarray


def column(numbers: Floats) -> Column:
    return Column(*np.unique(numbers, return_inverse=True))


def distinct_histories(*numbers: Floats) -> tuple[Floats, *tuple[Column, ...]]:
    """How many customers share each distinct row, and the columns of those rows."""
    columns = [column(each) for each in numbers]
    row = np.ravel_multi_index(
        [each.position for each in columns], [len(each.values) for each in columns]
    )
    _, first, customers = np.unique(row, return_index=True, return_counts=True)
    return customers.astype(float), *(Column(each.values, each.position[first]) for each in columns)


def purchase_likelihood(
    logarithms: Floats, customers: Floats, x: Column, t_x: Column, age: Column, first_counts: int
) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient by the logarithms of r, alpha, a and b.

    A row is a history that so many customers share. `first_counts` is 1 where somebody may leave after
    the first purchase (MBG/NBD), else 0 (BG/NBD): the only difference between the two.
    """
    r, alpha, a, b = np.exp(logarithms)
    with_count = np.bincount(x.position, customers)
    chances = x.values + first_counts
    by_count = (
        gammaln(r + x.values) - gammaln(r) + r * log(alpha)
        + gammaln(a + b) + gammaln(b + chances) - gammaln(b) - gammaln(a + b + chances)
    )  # fmt: skip
    odds_to_leave = np.maximum(b + chances - 1, 1e-300)
    log_odds = np.where(chances > 0, log(a) - np.log(odds_to_leave), -inf)
    shape = (r + x.values)[x.position]
    log_age = np.log(alpha + age.values)[age.position]
    log_t_x = np.log(alpha + t_x.values)[t_x.position]
    stayed = -shape * log_age
    left = log_odds[x.position] - shape * log_t_x
    # As numpy's logaddexp, of which the derivative is needed too.
    smaller = np.exp(-np.abs(left - stayed))
    both = np.maximum(left, stayed) + np.log1p(smaller)
    customers_left = customers * np.where(left > stayed, 1, smaller) / (1 + smaller)
    customers_stayed = customers - customers_left
    value = (with_count * by_count).sum() + (customers * both).sum()
    gradient = np.array([
        (with_count * (psi(r + x.values) - psi(r) + log(alpha))).sum()
        - (customers_stayed * log_age + customers_left * log_t_x).sum(),
        customers.sum() * r / alpha - (
            shape * (
                customers_stayed * (1 / (alpha + age.values))[age.position]
                + customers_left * (1 / (alpha + t_x.values))[t_x.position]
            )
        ).sum(),
        (with_count * (psi(a + b) - psi(a + b + chances))).sum() + customers_left.sum() / a,
        (with_count * (psi(a + b) + psi(b + chances) - psi(b) - psi(a + b + chances))).sum()
        - (customers_left * (1 / odds_to_leave)[x.position]).sum(),
    ])  # fmt: skip
    return -value, -gradient * np.exp(logarithms)


def rate_likelihood(
    logarithms: Floats, customers: Floats, x: Column, age: Column
) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient by the logarithms of r and alpha, if nobody leaves."""
    r, alpha = np.exp(logarithms)
    with_count = np.bincount(x.position, customers)
    log_age = np.log(alpha + age.values)[age.position]
    by_count = gammaln(r + x.values) - gammaln(r) + r * log(alpha)
    bought = customers * (r + x.values)[x.position]
    value = (with_count * by_count).sum() - (bought * log_age).sum()
    gradient = np.array([
        (with_count * (psi(r + x.values) - psi(r) + log(alpha))).sum()
        - (customers * log_age).sum(),
        customers.sum() * r / alpha - (bought / (alpha + age.values)[age.position]).sum(),
    ])  # fmt: skip
    return -value, -gradient * np.exp(logarithms)


def spend_likelihood(logarithms: Floats, x: Column, z: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient by the logarithms of p, q and gamma.

    x repeat purchases of a mean amount of z, both above 0: one of each per customer.
    """
    p, q, gamma = np.exp(logarithms)
    paid = gamma + x.values[x.position] * z
    customers = np.bincount(x.position)
    # Sums of each number of purchases.
    log_paid = np.bincount(x.position, np.log(paid))
    log_z = np.bincount(x.position, np.log(z))
    inverse = np.bincount(x.position, 1 / paid)
    px = p * x.values
    by_count = gammaln(px + q) - gammaln(px) - gammaln(q) + q * log(gamma) + px * np.log(x.values)
    value = (customers * by_count + (px - 1) * log_z - (px + q) * log_paid).sum()
    gradient = np.array([
        (
            x.values * (
                customers * (psi(px + q) - psi(px) + np.log(x.values)) + log_z - log_paid
            )
        ).sum(),
        (customers * (psi(px + q) - psi(q) + log(gamma)) - log_paid).sum(),
        (customers * q / gamma - (px + q) * inverse).sum(),
    ])  # fmt: skip
    return -value, -gradient * np.exp(logarithms)


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
        found, likelihood, note = fit(rate_likelihood, start[:2], *distinct_histories(x, age))
    else:
        shared = distinct_histories(x, t_x, age)
        found, likelihood, note = fit(purchase_likelihood, start, *shared, int(model == "mbg_nbd"))
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
    # Sums of floats depend on the order: that of the numbers, not of the rows.
    order = np.lexsort((z, x))
    x, z = x[order], z[order]
    row: dict[str, object] = {
        "model": "gamma_gamma", "customer_count": len(x), "repeat_customer_count": len(x)
    }  # fmt: skip
    if len(x) < FEWEST_REPEAT_CUSTOMERS:
        return row | {"note": f"fewer than {FEWEST_REPEAT_CUSTOMERS} customers with a second order"}
    found, likelihood, note = fit(spend_likelihood, np.array([5, 3, 3 * z.mean()]), column(x), z)
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
        fitted = [purchase_row(name, x, t_x / 7, age / 7) for name in PURCHASE_MODELS]
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
