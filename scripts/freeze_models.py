"""Freeze what the last build learned: centroids and parameters become seeds, by which any engine scores.

    uv run scripts/freeze_models.py --profiles-dir profiles
    uv run dbt build --profiles-dir profiles --vars 'learned_models: frozen'

Writes `cluster_centroids`, the rows of `purchase_model_parameters` that are of the as-of date, and `rfm_cutpoints`
into `seeds/frozen_….csv` of the project, with `seeds/frozen_models.yml`, over those of an earlier time. The scale of
the scores is used by the var `rfm_cutpoints: frozen`. What has no rows, since it was not learned, is left out.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from raw_tables import UnreadableError, add_dbt_options, ask_dbt, dbt_arguments

# The mart, which of its rows, and what it is.
MODELS = {
    "frozen_cluster_centroids": (
        "cluster_centroids",
        "",
        "Centroids of clusters, frozen. One row per cluster and feature.",
    ),
    "frozen_rfm_cutpoints": (
        "rfm_cutpoints",
        "",
        "Where each RFM score begins, frozen. One row per metric and score.",
    ),
    "frozen_purchase_model": (
        "purchase_model_parameters",
        "where cutoff_date = (select as_of_date from {{ ref('customer_segmentation', 'int_as_of_date') }})",
        "Parameters of the purchase models, frozen. One row per model.",
    ),
}
SCHEMA = Path(__file__).parent.parent / "models" / "marts"
# The seed carries the date of what was learned, the mart's rows that of the build that scores by it.
LEARNED_ON = {
    ("cluster_centroids", "as_of_date"): "fitted_date",
    ("purchase_model_parameters", "cutoff_date"): "fitted_until_date",
}


def columns_of(mart: str) -> list[str]:
    model = yaml.safe_load((SCHEMA / f"{mart}.yml").read_text(encoding="utf-8"))["models"][0]
    return [column["name"] for column in model["columns"]]


def rows_of(mart: str, where: str, dbt: Sequence[str]) -> list[tuple]:
    """As text, which keeps every digit."""
    cells = ", ".join(
        f"cast({LEARNED_ON.get((mart, name), name)} as {{{{ customer_segmentation.text_type() }}}}) as {name}"
        for name in columns_of(mart)
    )
    relation = f"{{{{ ref('customer_segmentation', '{mart}') }}}}"
    return sorted(ask_dbt(f"select {cells} from {relation} {where}", dbt), key=str)


def write_seeds(folder: Path, dbt: Sequence[str]) -> dict[str, int]:
    """The number of rows by seed; what has none is not written."""
    found = {seed: rows_of(mart, where, dbt) for seed, (mart, where, _) in MODELS.items()}
    written = {seed: rows for seed, rows in found.items() if rows}
    folder.mkdir(exist_ok=True)
    for seed, rows in written.items():
        with (folder / f"{seed}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns_of(MODELS[seed][0]))
            writer.writerows(rows)
    seeds = [
        {
            "name": seed,
            "description": description,
            "config": {"column_types": dict.fromkeys(columns_of(mart), "varchar")},
        }
        for seed, (mart, _, description) in MODELS.items()
        if seed in written
    ]
    text = yaml.safe_dump({"seeds": seeds}, sort_keys=False)
    (folder / "frozen_models.yml").write_text(text, encoding="utf-8")
    return {seed: len(rows) for seed, rows in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    try:
        written = write_seeds(options.project_dir / "seeds", dbt_arguments(options))
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1
    for seed, count in written.items():
        print(
            f"seeds/{seed}.csv: {count} rows"
            if count
            else f"nothing in {MODELS[seed][0]} to freeze"
        )
    print("Score by them with the vars `learned_models: frozen` and `rfm_cutpoints: frozen`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
