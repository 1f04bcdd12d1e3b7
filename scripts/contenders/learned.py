"""What is learned, by a library: purchase models by lifetimes or by this project's own model, clusters by scikit-learn.

    python scripts/contenders/learned.py lifetimes|own|scikit-learn BUILT.duckdb RESULT.json

Reads the histories or the cluster features of a built database, in a process of its own. `own` is the code of
`int_fitted_purchase_models`, for BG/NBD and Gamma-Gamma alone, as lifetimes has them, and of all customers. The
result holds the parameters by name (with the p, q and v that lifetimes calls Gamma-Gamma's); the cluster of each
customer stands in RESULT.json.parquet.
"""

import importlib.util
import json
import sys
from pathlib import Path

import duckdb
import numpy as np

MODEL = Path(__file__).resolve().parents[2] / "models/intermediate/int_fitted_purchase_models.py"
Columns = dict[str, np.ndarray]


def histories(database: str) -> Columns:
    """Of each customer on the as-of date: x, t_x and age in weeks, and the amount of what came after the first day."""
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute("""
            select
                cast(repeat_count as double) as x,
                last_repeat_age_days / 7.0 as t_x,
                age_days / 7.0 as age,
                cast(repeat_amount as double) as amount
            from int_purchase_histories
            inner join int_as_of_date on cutoff_date = as_of_date
            order by all
        """).fetchnumpy()


def by_lifetimes(found: Columns) -> dict[str, float]:
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    frame = pd.DataFrame(found)
    orders = BetaGeoFitter().fit(frame["x"], frame["t_x"], frame["age"])
    paid = frame[(frame["x"] > 0) & (frame["amount"] > 0)]
    amounts = GammaGammaFitter().fit(paid["x"], paid["amount"] / paid["x"])
    return {**orders.params_, **amounts.params_}


def by_this_project(found: Columns) -> dict[str, float]:
    place = importlib.util.spec_from_file_location("model", MODEL)
    model = importlib.util.module_from_spec(place)
    place.loader.exec_module(model)
    orders = model.purchase_row("bg_nbd", found["x"], found["t_x"], found["age"])
    amounts = model.spend_row(found["x"], found["amount"])
    names = {name: orders[name] for name in ("r", "alpha", "a", "b")}
    return names | {"p": amounts["p"], "q": amounts["q"], "v": amounts["gamma"]}


def by_scikit_learn(database: str, output: str) -> dict[str, int]:
    """What scoring outside the database costs: the features out of it, the nearest centroid, the labels back into a file."""
    from sklearn.cluster import KMeans

    with duckdb.connect(database, read_only=True) as connection:
        features = connection.execute(
            "select * exclude as_of_date from int_cluster_features"
        ).fetchnumpy()
        rules = connection.execute(
            "select distinct feature, is_log, center, scale, low, high from cluster_centroids order by feature"
        ).fetchall()
        places = connection.execute(
            "select cluster, list(cast(centroid as double) order by feature)"
            " from cluster_centroids group by cluster order by cluster"
        ).fetchall()
    scaled = []
    for feature, is_log, *bounds in rules:
        center, scale, low, high = map(float, bounds)
        raw = np.ma.filled(np.ma.asarray(features[feature]).astype(float), np.nan)
        values = np.log(1 + np.maximum(raw, 0)) if is_log else raw
        scaled.append(np.nan_to_num((np.clip(values, low, high) - center) / scale))
    centroids = np.array([place for _, place in places])
    model = KMeans(len(centroids), init=centroids, n_init=1, max_iter=1).fit(centroids)
    model.cluster_centers_ = centroids
    labels = np.array([number for number, _ in places])[model.predict(np.column_stack(scaled))]
    found = {"customer_id": features["customer_id"], "cluster": labels}
    with duckdb.connect() as connection:
        connection.register("found", found)
        connection.execute(f"copy found to '{output}.parquet'")
    return {"customers": len(labels)}


def main() -> None:
    name, database, output = sys.argv[1:]
    if name == "scikit-learn":
        result = by_scikit_learn(database, output)
    else:
        fit = by_lifetimes if name == "lifetimes" else by_this_project
        result = {key: float(value) for key, value in fit(histories(database)).items()}
    Path(output).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
