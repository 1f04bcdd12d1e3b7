"""The input contract, read from models/staging/_sources.yml, the one place that defines it."""

from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Column:
    name: str
    data_type: str
    required: bool
    aliases: list[str]
    families: list[str]
    is_pii: bool


@dataclass(frozen=True)
class Table:
    name: str
    required: bool
    aliases: list[str]
    columns: list[Column]


def read_contract(project: Path = ROOT) -> dict[str, Table]:
    """The raw tables by name; a table's first column is its key."""

    def meta(node: dict, key: str, default: bool | list) -> bool | list:
        return node.get("config", {}).get("meta", {}).get(key, default)

    def column(node: dict) -> Column:
        aliases, families = meta(node, "aliases", []), meta(node, "families", [])
        required = meta(node, "required", False)
        is_pii = "pii" in node.get("config", {}).get("tags", [])
        return Column(node["name"], node["data_type"], required, aliases, families, is_pii)

    def table(node: dict) -> Table:
        required, aliases = meta(node, "required", False), meta(node, "aliases", [])
        return Table(node["name"], required, aliases, [column(c) for c in node["columns"]])

    sources = yaml.safe_load((project / "models/staging/_sources.yml").read_text(encoding="utf-8"))
    return {node["name"]: table(node) for node in sources["sources"][0]["tables"]}
