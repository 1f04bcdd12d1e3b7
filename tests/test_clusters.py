"""Clusters: found where they are, refused where they are not, and the same tomorrow as today."""

import importlib.util
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from types import ModuleType

import numpy as np
import pytest
import yaml
from conftest import ROOT, WITHOUT_TESTS, Build
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score


def load() -> ModuleType:
    """The Python model, which lies in no package."""
    path = ROOT / "models" / "intermediate" / "int_fitted_centroids.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


fit = load()


def columns(values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"f{place}": column for place, column in enumerate(values.T)}


def labels(found, features: dict[str, np.ndarray]) -> np.ndarray:
    """The numbers of the nearest centroids."""
    scaled = fit.scaled_by(found.scalings, features)
    distances = np.linalg.norm(scaled[:, None] - found.centroids[None], axis=2)
    return np.array(found.numbers)[distances.argmin(axis=1)]


def blobs(seed: int = 1, size: int = 800, spread: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Rows about four corners of a simplex, and which of the corners."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 4, size)
    return 8 * np.eye(5)[corner] + spread * rng.normal(size=(size, 5)), corner


@pytest.mark.parametrize("seed", range(5))
def test_four_blobs_are_found(seed: int) -> None:
    values, corner = blobs(seed)
    found = fit.clusters_of(columns(values))
    assert sorted(found.numbers) == [1, 2, 3, 4]
    assert found.note is None
    assert found.silhouette > 0.5
    assert adjusted_rand_score(corner, labels(found, columns(values))) == 1
    assert len(set(found.names)) == 4


def ellipse(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(1000, 6)) @ rng.normal(size=(6, 6))


def exponentials(rng: np.random.Generator) -> np.ndarray:
    return rng.exponential(size=(1000, 6))


def box(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(size=(1000, 6))


def correlated_and_skewed(rng: np.random.Generator) -> np.ndarray:
    return np.exp(ellipse(rng) / 3)


def mostly_nothing(rng: np.random.Generator) -> np.ndarray:
    return rng.beta(1, 3, size=(1000, 6)) * (rng.uniform(size=(1000, 6)) < 0.3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "shape", [ellipse, exponentials, box, correlated_and_skewed, mostly_nothing]
)
def test_data_without_structure_are_refused(shape: Callable, seed: int) -> None:
    found = fit.clusters_of(columns(shape(np.random.default_rng(seed))))
    assert found.numbers == [1]
    assert found.names == ["all customers"]
    assert found.note.startswith("no structure found: ")
    assert found.gap is not None
    assert found.silhouette is None


def test_the_order_of_the_rows_changes_nothing() -> None:
    values, _ = blobs()
    values[:50, 0] = np.nan
    found = fit.rows_of(fit.clusters_of(columns(values)), date(2025, 1, 1), 300)
    shuffled = np.random.default_rng(3).permutation(values)
    assert fit.rows_of(fit.clusters_of(columns(shuffled)), date(2025, 1, 1), 300) == found


def test_an_id_decides_only_who_is_in_a_sample() -> None:
    values, _ = blobs(size=200)
    ids, others = [[f"{letter}{n}" for n in range(200)] for letter in "ab"]
    assert np.array_equal(fit.sampled(ids, values), fit.sampled(others[::-1], values))
    few, fewer = fit.sampled(ids, values, 100), fit.sampled(ids[::-1], values[::-1], 100)
    assert len(few) == 100
    assert np.array_equal(few, fewer)
    assert not np.array_equal(few, fit.sampled(others, values, 100))


def test_too_few_customers_are_one_cluster() -> None:
    values, _ = blobs(size=99)
    found = fit.clusters_of(columns(values))
    assert found.numbers == [1]
    assert found.note == "too few customers: 99, and it takes 100"
    mean = fit.scaled_by(found.scalings, columns(values)).mean(axis=0)
    assert np.allclose(found.centroids, mean)
    assert len(fit.clusters_of(columns(blobs(size=100)[0])).numbers) > 1


@pytest.mark.parametrize("distinct", [2, 3, 4])
def test_there_are_fewer_clusters_than_different_customers(distinct: int) -> None:
    values = np.repeat(np.arange(distinct), 50)[:, None] * np.array([1.0, -1.0])
    found = fit.clusters_of(columns(np.vstack([values, values])))
    assert len(found.numbers) < distinct


@pytest.mark.fault(57)
def test_a_feature_that_is_the_same_for_all_is_left_out() -> None:
    values, corner = blobs()
    features = columns(values) | {"same": np.full(len(values), 7.0)}
    features["unknown"] = np.full(len(values), np.nan)
    # One in a thousand is beyond the percentiles.
    features["nearly_same"] = np.where(np.arange(len(values)) == 3, 1.0, 0.0)
    found = fit.clusters_of(features)
    assert list(found.scalings) == [*columns(values)]
    assert adjusted_rand_score(corner, labels(found, features)) == 1
    assert fit.clusters_of({"same": features["same"]}) is None
    assert fit.rows_of(None, date(2025, 1, 1), 0) == []


def test_a_feature_is_scaled_by_hand() -> None:
    # 0 to 100: the first percentile is 1, the quartiles are 25 and 75; not skewed.
    plain = fit.scaling_of(np.arange(101.0))
    assert plain == fit.Scaling(False, 50.0, 50.0, 1.0, 99.0)
    raw = np.array([-5, 1, 50, 75, 99, 500, np.nan])
    assert plain.scaled(raw).tolist() == [-0.98, -0.98, 0, 0.5, 0.98, 0.98, 0]
    skewed = fit.scaling_of(np.expm1(np.arange(101.0) / 10))
    assert skewed == fit.Scaling(True, 5.0, 5.0, 0.1, 9.9)
    assert np.allclose(skewed.raw(skewed.scaled(np.array([1.0, 20, 300]))), [1, 20, 300])
    # Skewed, but there is no logarithm of less than nothing.
    assert not fit.scaling_of(np.append(np.expm1(np.arange(101.0) / 10), -1)).is_log
    # Three quarters are the same: the quartiles tell nothing.
    rare = fit.scaling_of(np.repeat([0.0, 1.0], [80, 20]))
    assert rare.scale == pytest.approx(0.4 * np.log(2))


def test_the_result_is_a_fixed_point() -> None:
    values, _ = blobs(spread=2)
    found = fit.clusters_of(columns(values))
    scaled, numbers = fit.scaled_by(found.scalings, columns(values)), labels(found, columns(values))
    means = [scaled[numbers == number].mean(axis=0) for number in found.numbers]
    assert np.allclose(means, found.centroids, atol=1e-8)
    again = fit.clusters_of(columns(values), found)
    assert np.allclose(again.centroids, found.centroids, atol=1e-8)
    assert (again.numbers, again.names) == (found.numbers, found.names)


def test_a_cluster_keeps_its_number_when_others_come_and_go() -> None:
    values, corner = blobs()
    four = fit.clusters_of(columns(values))
    place = labels(four, columns(values))
    number_of = {c: place[corner == c][0] for c in range(4)}
    # The cluster of one corner is gone.
    three = fit.clusters_of(columns(values[corner != 2]), four)
    kept = labels(three, columns(values[corner != 2]))
    if len(three.numbers) == 3:
        assert set(three.numbers) == set(four.numbers) - {number_of[2]}
    for c in (0, 1, 3):
        assert Counter(kept[corner[corner != 2] == c]).most_common(1)[0][0] == number_of[c]
    # A fifth comes, and the four are a k no longer.
    earlier = fit.Clusters(four.scalings, [1, 3, 10], ["a", "b", "c"], four.centroids[[0, 1, 2]])
    numbers = fit.matched(four.centroids[::-1], earlier.centroids, earlier.numbers)
    assert numbers == [2, 10, 3, 1]


def test_one_cluster_is_no_beginning_for_several() -> None:
    values, _ = blobs()
    one = fit.clusters_of(columns(blobs(size=90)[0]))
    assert one.numbers == [1]
    assert fit.clusters_of(columns(values), one).names == fit.clusters_of(columns(values)).names


def test_the_names_of_clusters_differ() -> None:
    alike = np.array([[1.0, 0.5], [1.0, 0.5], [1.0, -0.5], [1.0, 0.5]])
    assert fit.names_of(alike, ["order_count", "item_count"], {"high item count"}) == [
        "high order count",
        "high order count, high item count",
        "high order count, low item count",
        "high order count (5)",
    ]


def test_slices_are_read_back_as_they_were_written() -> None:
    found = fit.clusters_of(columns(blobs()[0]))
    days = [date(2025, 1, 1) + timedelta(days) for days in (0, 1, 2)]
    rows = [row for day in days for row in fit.rows_of(found, day, 300)]
    assert {row["as_of_date"] for row in fit.slice_before(rows, days[2])} == {days[1]}
    assert fit.slice_before(rows, days[0]) == []
    back = fit.clusters_from(fit.slice_before(rows, days[2]))
    assert (back.numbers, back.names, back.scalings) == (
        found.numbers,
        found.names,
        found.scalings,
    )
    assert np.array_equal(back.centroids, found.centroids)


# On what dbt has built.


@pytest.fixture(scope="module", params=["sample", "golden"])
def build(request: pytest.FixtureRequest) -> Build:
    """Fitted, and frozen."""
    return request.getfixturevalue(request.param)


def transformed(build: Build) -> tuple[list[str], np.ndarray, np.ndarray, list[int]]:
    """Customers, their scaled features, centroids and numbers, by numpy alone."""
    names = [row[0] for row in build.rows("describe int_cluster_features")][1:-1]
    rows = build.rows(f"select customer_id, {', '.join(names)} from int_cluster_features")
    rules = {
        row[0]: [float(value) for value in row[1:]]
        for row in build.rows(
            "select distinct feature, is_log, center, scale, low, high from cluster_centroids"
        )
    }
    scaled = []
    for name, (is_log, center, scale, low, high) in rules.items():
        raw = np.array([row[1 + names.index(name)] for row in rows], dtype=float)
        values = np.log(1 + np.maximum(raw, 0)) if is_log else raw
        scaled.append(np.nan_to_num((np.minimum(np.maximum(values, low), high) - center) / scale))
    centroids = {
        (row[0], row[1]): float(row[2])
        for row in build.rows("select cluster, feature, centroid from cluster_centroids")
    }
    numbers = sorted({number for number, _ in centroids})
    places = np.array([[centroids[number, name] for name in rules] for number in numbers])
    return [row[0] for row in rows], np.column_stack(scaled), places, numbers


def test_scikit_learn_puts_every_customer_into_the_same_cluster(build: Build) -> None:
    customers, scaled, centroids, numbers = transformed(build)
    assert len(numbers) > 3
    model = KMeans(len(numbers), init=centroids, n_init=1, max_iter=1).fit(scaled)
    model.cluster_centers_ = centroids
    expected = dict(zip(customers, (numbers[i] for i in model.predict(scaled)), strict=True))
    found = build.rows(
        "select customer_id, cluster, distance, second_cluster, margin from customer_clusters"
    )
    assert {row[0]: row[1] for row in found} == expected
    distances = dict(zip(customers, np.sort(model.transform(scaled), axis=1), strict=True))
    order = dict(zip(customers, model.transform(scaled).argsort(axis=1), strict=True))
    for customer, _, distance, second, margin in found:
        nearest, next_nearest = distances[customer][:2]
        assert float(distance) == pytest.approx(nearest, abs=1e-6)
        assert float(margin) == pytest.approx(next_nearest - nearest, abs=2e-6)
        assert second == numbers[order[customer][1]]


def test_all_who_ordered_have_a_cluster_and_nobody_else(build: Build) -> None:
    ordered = build.value("select count(*) from customer_features where order_count > 0")
    assert build.value("select sum(customer_count) from cluster_profiles") == ordered
    assert build.value("select sum(customer_share) from cluster_profiles") == pytest.approx(
        1, abs=1e-5
    )
    segments = "select order_count > 0, cluster from customers"
    for has_ordered, cluster in build.rows(segments):
        assert cluster.startswith("cluster_") if has_ordered else cluster == "prospect"
    amounts = "select sum(net_amount) from {}"
    assert build.value(amounts.format("cluster_profiles")) == build.value(
        amounts.format("customer_features") + " where order_count > 0"
    )


def test_a_description_says_what_sets_the_cluster_apart(build: Build) -> None:
    path = ROOT / "models" / "intermediate" / "int_cluster_features.yml"
    words = yaml.safe_load(path.read_text())["macros"][0]["config"]["meta"]
    sizes = dict(build.rows("select cluster, customer_count from cluster_profiles"))
    centroids: dict[str, dict[int, float]] = {}
    for number, feature, centroid in build.rows(
        "select cluster, feature, centroid from cluster_centroids"
    ):
        centroids.setdefault(feature, {})[number] = float(centroid)
    for number, description in build.rows("select cluster, description from cluster_profiles"):
        apart = {
            feature: places[number]
            - sum(sizes[other] * place for other, place in places.items()) / sum(sizes.values())
            for feature, places in centroids.items()
        }
        first = sorted(apart, key=lambda feature: -abs(apart[feature]))[:3]
        expected = [
            words[f]["high" if apart[f] > 0 else "low"] for f in first if abs(apart[f]) > 0.3
        ]
        assert description == ", ".join(expected or ["like all customers"])


def test_the_frozen_centroids_are_those_of_the_sample(sample: Build) -> None:
    """If a release of scikit-learn finds others, freeze those."""
    seed = ROOT / "seeds" / "sample_cluster_centroids.csv"
    differing = sample.rows(
        "select * from cluster_centroids full join"
        f" (from read_csv('{seed}', header = true)) as frozen using (cluster, feature)"
        " where abs(cluster_centroids.centroid - frozen.centroid) < 0.000001 is not true"
    )
    assert differing == []


@pytest.fixture(scope="module")
def days(make_build: Callable[..., Build]) -> tuple[Build, list[date]]:
    """The sample on two days, one after the other."""
    build = make_build("days")
    days = [date(2025, 12, 29), date(2025, 12, 30)]
    assert build.dbt("seed"), build.errors
    for day in days:
        variables = {"as_of_date": str(day)}
        command = ("run", "--select", "+customer_segments")
        assert build.dbt(*command, variables=variables), build.errors
    return build, days


def test_the_next_day_nearly_everybody_is_where_they_were(days: tuple[Build, list[date]]) -> None:
    build, (first, second) = days
    counts = build.rows(
        "select today.cluster = yesterday.cluster as is_same, count(*)"
        " from customer_segments as today inner join customer_segments as yesterday"
        f" on today.customer_id = yesterday.customer_id and today.as_of_date = '{second}'"
        f" and yesterday.as_of_date = '{first}' and yesterday.cluster like 'cluster_%'"
        " group by all"
    )
    same = dict(counts)
    assert sum(same.values()) > 300
    assert same[True] >= 0.98 * sum(same.values())


def test_earlier_centroids_stay_and_a_rerun_changes_nothing(
    days: tuple[Build, list[date]],
) -> None:
    build, (first, second) = days
    rows = build.rows("from int_fitted_centroids order by all")
    assert {row[0] for row in rows} == {first, second}
    assert build.dbt(
        "run", "--select", "int_fitted_centroids", variables={"as_of_date": str(second)}
    )
    assert build.rows("from int_fitted_centroids order by all") == rows
    names = "select distinct cluster, name from int_fitted_centroids where as_of_date = '{}'"
    assert set(build.rows(names.format(first))) == set(build.rows(names.format(second)))
    assert build.rows("select distinct as_of_date from cluster_centroids") == [(second,)]


def test_off_nobody_has_a_cluster(make_build: Callable[..., Build]) -> None:
    build = make_build("off")
    # As YAML reads a bare `off`.
    assert build.dbt("build", *WITHOUT_TESTS, variables={"cluster_centroids": False}), build.errors
    assert build.value("select count(*) from cluster_centroids") == 0
    assert build.value("select count(cluster) from customer_clusters") == 0
    assert build.value("select count(*) from cluster_profiles") == 0
    assert {row[0] for row in build.rows("select distinct cluster from customers")} == {
        "prospect",
        "unknown",
    }
