"""Cluster centroids, fitted on a sample of the customers; SQL then finds the nearest for everybody.

Grain: one row per as-of date, cluster and feature; the slices of other dates are kept.
Sources: Lloyd's k-means with k-means++ (Arthur & Vassilvitskii 2007, section 2.2); the gap statistic (Tibshirani, Walther &
Hastie 2001, sections 3 and 4), against data that have the values of each feature and their correlations by rank, but nothing
else (Iman & Conover 1982, section 3), since against a box every skewed or correlated feature looks like clusters; the
silhouette (Rousseeuw 1987, section 2).
Shapes: raw values are n x d with nan for null, scaled ones n x d without, centroids k x d.
"""

from dataclasses import dataclass, field
from datetime import date
from hashlib import md5
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm, rankdata
from sklearn import __version__
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]

FIT_ROWS = 200_000
EVIDENCE_ROWS = 10_000
SILHOUETTE_ROWS = 3_000
FEWEST_CUSTOMERS = 100
CLUSTER_COUNTS = range(3, 11)
NULL_SETS = 10
STARTS = 5
# Data without structure come to .04 by chance, where customers share many values.
LEAST_GAP = 0.05
SEED = 7
DIGITS = 9
KEYS = ("as_of_date", "customer_id")
COLUMNS = {
    "as_of_date": "date",
    "version": "varchar",
    "fitted_customer_count": "bigint",
    "cluster": "integer",
    "feature": "varchar",
    "is_log": "boolean",
    "center": "double",
    "scale": "double",
    "low": "double",
    "high": "double",
    "centroid": "double",
    "cluster_count": "integer",
    "gap": "double",
    "silhouette": "double",
    "note": "varchar",
    "name": "varchar",
}


@dataclass(frozen=True)
class Scaling:
    """How raw values of one feature become comparable with those of the others."""

    is_log: bool
    center: float
    scale: float
    low: float
    high: float

    def scaled(self, raw: Array) -> Array:
        values = np.log1p(np.maximum(raw, 0)) if self.is_log else raw
        clipped = np.clip(values, self.low, self.high)
        return np.where(np.isnan(raw), 0.0, (clipped - self.center) / self.scale)

    def raw(self, scaled: Array) -> Array:
        values = scaled * self.scale + self.center
        return np.expm1(values) if self.is_log else values


@dataclass(frozen=True)
class Clusters:
    """What was found: a centroid (k x d) and a name for each number."""

    scalings: dict[str, Scaling]
    numbers: list[int]
    names: list[str]
    centroids: Array
    gap: float | None = None
    silhouette: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Evidence:
    """The gap and the mean silhouette of each k, and which k are clear enough to be chosen."""

    gaps: dict[int, float] = field(default_factory=dict)
    silhouettes: dict[int, float] = field(default_factory=dict)
    admissible: list[int] = field(default_factory=list)


def sampled(ids: list[str], values: Array, most: int = FIT_ROWS) -> Array:
    """At most so many rows, by the hash of their ids, in an order that is not that of the ids."""
    if len(values) > most:
        hashes = np.array([md5(key.encode()).hexdigest() for key in ids])
        values = values[np.argsort(hashes)[:most]]
    return values[np.lexsort(values.T[::-1])]


def scaling_of(raw: Array) -> Scaling | None:
    """None for a feature that is the same for nearly everybody."""
    values = raw[~np.isnan(raw)]
    if not len(values) or values.min() == values.max():
        return None
    deviations = values - values.mean()
    skewness = np.mean(deviations**3) / np.mean(deviations**2) ** 1.5
    is_log = bool(values.min() >= 0 and skewness > 1)
    values = np.log1p(values) if is_log else values
    low, high = np.percentile(values, [1, 99])
    clipped = np.clip(values, low, high)
    lower, center, upper = np.percentile(clipped, [25, 50, 75])
    # Where three quarters are 0 and the next is a little more, the quartiles alone would blow that feature up.
    scale = max(upper - lower, clipped.std())
    found = Scaling(is_log, *(round(float(v), DIGITS) for v in (center, scale, low, high)))
    return found if found.scale > 0 else None


def scaled_by(scalings: dict[str, Scaling], features: dict[str, Array]) -> Array:
    return np.column_stack([s.scaled(features[name]) for name, s in scalings.items()])


def fitted(scaled: Array, start: Array | int, starts: int = 1) -> KMeans:
    """To a fixed point, from k drawn rows or from given centroids."""
    count, init = (start, "k-means++") if isinstance(start, int) else (len(start), start)
    # Without a tolerance it ends when nobody moves any more, so that starting from the result changes nothing.
    return KMeans(
        count, init=init, n_init=starts, max_iter=1000, tol=0, random_state=SEED, algorithm="lloyd"
    ).fit(scaled)


def without_structure(scaled: Array, rng: np.random.Generator) -> Array:
    """The same values of each feature and the same correlations by rank, and nothing else that ties them together."""
    ranks = rankdata(scaled, axis=0)
    scores = norm.ppf(ranks / (len(ranks) + 1))
    # A feature may be the same in all rows that were drawn.
    with np.errstate(invalid="ignore"):
        correlations = np.nan_to_num(np.atleast_2d(np.corrcoef(scores, rowvar=False)))
    drawn_ranks = (
        rng.multivariate_normal(
            np.zeros(len(correlations)), correlations, len(scaled), method="svd"
        )
        .argsort(axis=0)
        .argsort(axis=0)
    )
    return np.take_along_axis(np.sort(scaled, axis=0), drawn_ranks, axis=0)


def drawn(scaled: Array, most: int) -> Array:
    if len(scaled) <= most:
        return scaled
    rows = np.random.default_rng(SEED).choice(len(scaled), most, replace=False)
    return scaled[np.sort(rows)]


def evidence_of(scaled: Array) -> Evidence:
    """Tibshirani et al., steps 1 to 3: how far the inertia lies below that of data without structure."""
    rows = drawn(scaled, EVIDENCE_ROWS)
    distinct = len(np.unique(rows, axis=0))
    rng = np.random.default_rng(SEED)
    nulls = [without_structure(rows, rng) for _ in range(NULL_SETS)]
    evidence = Evidence()
    for count in (count for count in CLUSTER_COUNTS if count < distinct):
        model = fitted(rows, count, starts=STARTS)
        log_inertias = np.log([fitted(null, count, starts=STARTS).inertia_ for null in nulls])
        error = log_inertias.std() * np.sqrt(1 + 1 / NULL_SETS)
        gap = float(log_inertias.mean() - np.log(max(model.inertia_, 1e-300)))
        evidence.gaps[count] = gap
        evidence.silhouettes[count] = float(
            silhouette_score(
                rows,
                model.labels_,
                sample_size=min(SILHOUETTE_ROWS, len(rows)),
                random_state=SEED,
            )
        )
        if gap > max(LEAST_GAP, 2 * error):
            evidence.admissible.append(count)
    return evidence


def canonical(centroids: Array) -> Array:
    """By the first feature, the most first, then by the next."""
    return centroids[np.lexsort(-centroids.T[::-1])]


def names_of(differences: Array, features: list[str], taken: set[str]) -> list[str]:
    """Each cluster by where it differs most from all customers; where that is taken, by more of it."""
    names: list[str] = []
    for row in differences:
        words = [
            f"{'high' if row[i] > 0 else 'low'} {features[i].replace('_', ' ')}"
            for i in np.argsort(-np.abs(row), kind="stable")
        ]
        spans = (", ".join(words[: i + 1]) for i in range(len(words)))
        used = taken | set(names)
        name = next((span for span in spans if span not in used), None)
        names.append(name or f"{words[0]} ({len(used) + 1})")
    return names


def refused(scalings: dict[str, Scaling], scaled: Array, note: str, gap: float | None) -> Clusters:
    mean = np.round(scaled.mean(axis=0, keepdims=True), DIGITS)
    return Clusters(scalings, [1], ["all customers"], mean, gap, None, note)


def mapped(previous: Clusters, scalings: dict[str, Scaling]) -> Array:
    """The centroids of another day as this day scales; 0, the median, where that day left a feature out."""
    columns = {
        name: previous.scalings[name].raw(column)
        for name, column in zip(previous.scalings, previous.centroids.T, strict=True)
    }
    unknown = np.full(len(previous.centroids), np.nan)
    return scaled_by(scalings, {name: columns.get(name, unknown) for name in scalings})


def matched(centroids: Array, earlier: Array, numbers: list[int]) -> list[int]:
    """The number of the earlier cluster that each succeeds; those without one take the lowest free."""
    distances = np.linalg.norm(centroids[:, None] - earlier[None], axis=2)
    successors = dict(zip(*map(list, linear_sum_assignment(distances)), strict=True))
    taken = {numbers[old] for old in successors.values()}
    free = iter(n for n in range(1, CLUSTER_COUNTS.stop) if n not in taken)
    return [
        numbers[successors[new]] if new in successors else next(free)
        for new in range(len(centroids))
    ]


def clusters_of(features: dict[str, Array], previous: Clusters | None = None) -> Clusters | None:
    """None where nobody has ordered, or no feature tells customers apart."""
    scalings = {name: s for name, raw in features.items() if (s := scaling_of(raw)) is not None}
    if not scalings:
        return None
    with threadpool_limits(1):
        scaled = scaled_by(scalings, features)
        scaled = scaled[np.lexsort(scaled.T[::-1])]
        if len(scaled) < FEWEST_CUSTOMERS:
            note = f"too few customers: {len(scaled)}, and it takes {FEWEST_CUSTOMERS}"
            return refused(scalings, scaled, note, None)
        evidence = evidence_of(scaled)
        if previous is not None and len(previous.numbers) == 1:
            previous = None
        # What was found once is kept on less: a k at the edge would come and go with the days.
        is_kept = previous is not None and evidence.gaps.get(len(previous.numbers), 0) > 0
        if not evidence.admissible and not is_kept:
            note = "no structure found: no number of clusters fits clearly better than without any"
            return refused(scalings, scaled, note, max(evidence.gaps.values(), default=None))
        earlier = mapped(previous, scalings) if previous else None
        if previous and is_kept:
            count, numbers = len(earlier), previous.numbers
            centroids = fitted(scaled, earlier).cluster_centers_
        else:
            count = max(evidence.admissible, key=evidence.silhouettes.__getitem__)
            centroids = canonical(fitted(scaled, count, STARTS).cluster_centers_)
            numbers = (
                matched(centroids, earlier, previous.numbers)
                if previous
                else list(range(1, count + 1))
            )
    names = dict(zip(previous.numbers, previous.names, strict=True)) if previous else {}
    made = iter(names_of(centroids - scaled.mean(axis=0), list(scalings), set(names.values())))
    return Clusters(
        scalings,
        numbers,
        [names.get(number, new) for number, new in zip(numbers, made, strict=True)],
        np.round(centroids, DIGITS),
        evidence.gaps[count],
        evidence.silhouettes[count],
    )


def rows_of(found: Clusters | None, as_of: date, customer_count: int) -> list[dict[str, Any]]:
    if found is None:
        return []
    return [
        dict(
            zip(
                COLUMNS,
                (
                    *(as_of, f"scikit-learn {__version__}", customer_count, number, feature),
                    *(scaling.is_log, scaling.center, scaling.scale, scaling.low, scaling.high),
                    *(float(centroid), len(found.numbers), found.gap, found.silhouette),
                    *(found.note, name),
                ),
                strict=True,
            )
        )
        for number, name, row in sorted(
            zip(found.numbers, found.names, found.centroids, strict=True), key=lambda r: r[0]
        )
        for (feature, scaling), centroid in zip(found.scalings.items(), row, strict=True)
    ]


def clusters_from(rows: list[dict[str, Any]]) -> Clusters | None:
    """One slice, read back."""
    if not rows:
        return None
    names = {row["cluster"]: row["name"] for row in rows}
    scalings = {
        row["feature"]: Scaling(*(row[c] for c in ("is_log", "center", "scale", "low", "high")))
        for row in rows
    }
    centroids = {(row["cluster"], row["feature"]): row["centroid"] for row in rows}
    return Clusters(
        scalings,
        list(names),
        list(names.values()),
        np.array([[centroids[number, feature] for feature in scalings] for number in names]),
    )


def slice_before(rows: list[dict[str, Any]], as_of: date) -> list[dict[str, Any]]:
    """Of the last as-of date before this one."""
    last = max((row["as_of_date"] for row in rows if row["as_of_date"] < as_of), default=None)
    return [row for row in rows if row["as_of_date"] == last]


def kept_rows(session: Any, this: Any, as_of: date) -> list[dict[str, Any]]:
    """The slices of other dates; none where the table is new, or has other columns."""
    place = (this.database, this.schema, this.identifier)
    columns = session.execute(
        "select column_name from information_schema.columns"
        " where table_catalog = ? and table_schema = ? and table_name = ? order by ordinal_position",
        place,
    ).fetchall()
    if [name for (name,) in columns] != [*COLUMNS]:
        return []
    found = session.execute(f"from {this} where as_of_date <> ? order by all", [as_of]).fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def read_features(relation: Any) -> dict[str, Array]:
    columns = {
        name: np.ma.filled(np.ma.asarray(column), np.nan) if name not in KEYS else column
        for name, column in relation.fetchnumpy().items()
    }
    names = [name for name in columns if name not in KEYS]
    values = np.column_stack([columns[name] for name in names]).astype(float)
    values = sampled(list(columns["customer_id"]), values)
    return dict(zip(names, values.T, strict=True))


def model(dbt: Any, session: Any) -> Any:
    features = read_features(dbt.ref("int_cluster_features"))
    ((as_of,),) = dbt.ref("int_as_of_date").project("as_of_date").fetchall()
    kept = kept_rows(session, dbt.this, as_of)
    found = clusters_of(features, clusters_from(slice_before(kept, as_of)))
    customer_count = len(next(iter(features.values())))
    rows = [*kept, *rows_of(found, as_of, customer_count)]
    struct = ", ".join(f'"{name}" {data_type}' for name, data_type in COLUMNS.items())
    return session.sql(
        f"select unnest(cast(? as struct({struct})[]), recursive := true)", params=[rows]
    )
