"""Write docs/reference.md, and the descriptions of the schemes' columns, from the YAML that defines them.

    uv run scripts/write_reference.py

What is in the reference stands in the code once: the input contract, vars, features, schemes, thresholds, tables and scripts.
tests/test_docs.py says when the files are not as the code is.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference.md"
SCHEMES = ROOT / "models" / "marts" / "schemes"
SCHEME_DOCS = SCHEMES / "schemes.md"
BEGINNING = """# Reference

Written from the code by `uv run scripts/write_reference.py`; do not edit. Errors and the reasons for which a row is refused are
in [errors.md](errors.md), exit codes of a run in the [README](../README.md#publish).

[Input contract](#the-input-contract) · [Vars](#vars) · [Tables](#tables) · [Features](#features) ·
[Schemes](#schemes) · [Thresholds](#thresholds) · [Scripts](#scripts)
"""


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def one_line(text: object) -> str:
    """For the cell of a table."""
    return " ".join(str("" if text is None else text).split()).replace("|", "\\|")


def table(head: list[str], rows: list[list[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(one_line, line))} |" for line in lines] + [""]


def doc_blocks() -> dict[str, str]:
    """The texts that several models share, by name."""
    text = (ROOT / "models" / "columns.md").read_text(encoding="utf-8") + scheme_docs()
    return dict(re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", text, re.DOTALL))


def described(node: dict, blocks: dict[str, str]) -> str:
    text = node.get("description", "")
    return re.sub(r"{{ doc\('(\w+)'\) }}", lambda match: blocks[match[1]], text)


def scheme_files() -> Iterator[dict]:
    """What each file of schemes carries."""
    for path in sorted(SCHEMES.glob("*.yml")):
        for macro in read(path).get("macros", []):
            yield macro["config"]["meta"]


def schemes() -> dict[str, dict]:
    return {
        name: scheme
        for carried in scheme_files()
        for name, scheme in carried.items()
        if isinstance(scheme, dict) and "segments" in scheme
    }


def scheme_docs() -> str:
    """A scheme describes itself, and so its column wherever it is."""
    blocks = ["# The columns of the schemes, written by scripts/write_reference.py"]
    for name, scheme in sorted(schemes().items()):
        blocks.append(
            f"{{% docs scheme_{name} %}}\n{one_line(scheme['description'])}\n{{% enddocs %}}"
        )
    return "\n\n".join(blocks) + "\n"


def contract_lines() -> Iterator[str]:
    yield "## The input contract\n"
    yield "Required columns are in bold. Everything else may be absent: a table is then empty, a column null.\n"
    for source in read(ROOT / "models" / "staging" / "_sources.yml")["sources"][0]["tables"]:
        required = source.get("config", {}).get("meta", {}).get("required")
        yield f"### {source['name']}\n"
        yield f"{'Required. ' if required else ''}{one_line(source['description'])}\n"
        rows = []
        for column in source["columns"]:
            config = column.get("config", {})
            meta = config.get("meta", {})
            name = f"`{column['name']}`"
            person = " Stops at staging." if "pii" in config.get("tags", []) else ""
            rows.append(
                [
                    f"**{name}**" if meta.get("required") else name,
                    column["data_type"],
                    one_line(column["description"]) + person,
                    ", ".join(meta.get("families", [])),
                ]
            )
        yield from table(["column", "type", "", "feeds"], rows)


def commented(lines: list[str], indent: str) -> Iterator[tuple[str, str, str]]:
    """Name, value and the comment before each key of so many blanks; a comment holds for all keys up to the next."""
    comment: list[str] = []
    fresh = False
    for line in lines:
        if match := re.fullmatch(rf"{indent}# (.+)", line):
            comment = [*comment, match[1]] if fresh else [match[1]]
            fresh = True
        elif match := re.fullmatch(rf"{indent}(\w+): (.+)", line):
            fresh = False
            yield match[1], match[2], " ".join(comment)
            comment = []


def var_lines() -> Iterator[str]:
    yield "## Vars\n"
    yield "Set them under `vars:` of `dbt_project.yml`, or for one command by `--vars 'as_of_date: 2025-06-30'`.\n"
    text = (ROOT / "dbt_project.yml").read_text(encoding="utf-8")
    part = text.split("\nvars:\n")[1].split("\n\n")[0]
    rows = [[f"`{name}`", value, words] for name, value, words in commented(part.split("\n"), "  ")]
    yield from table(["var", "default", ""], rows)


def table_lines(blocks: dict[str, str]) -> Iterator[str]:
    yield "## Tables\n"
    yield "The marts; every column is described on the site that `dbt docs generate --static` writes.\n"
    rows = []
    for path in sorted((ROOT / "models" / "marts").glob("*.yml")):
        for model in read(path).get("models", []):
            text = one_line(described(model, blocks))
            what, _, grain = text.rpartition("One row per ")
            if grain:
                rows.append([f"`{model['name']}`", grain.removesuffix("."), what.strip()])
    yield from table(["table", "one row per", ""], rows)


def feature_lines(blocks: dict[str, str]) -> Iterator[str]:
    yield "## Features\n"
    yield "What may stand on the left of a rule.\n"
    places = {
        "customer_features": "marts",
        "company_features": "marts",
        "customer_rfm_scores": "marts",
        "int_learned_scores": "intermediate",
    }
    for name, folder in places.items():
        yield f"### {name}\n"
        [model] = [
            m for m in read(ROOT / "models" / folder / f"{name}.yml")["models"] if m["name"] == name
        ]
        yield from table(
            ["column", "type", ""],
            [[f"`{c['name']}`", c["data_type"], described(c, blocks)] for c in model["columns"]],
        )


def rule_text(node: object, joint: str = " and ") -> str:
    """The conditions of a rule, as they are written."""
    if isinstance(node, list):
        return " or ".join(f"({rule_text(part)})" for part in node)
    parts = []
    for left, right in node.items():
        if left == "any":
            parts.append(f"({rule_text(right)})")
        elif left == "all":
            parts.append(" and ".join(rule_text(part) for part in right))
        else:
            parts.append(f"{left} {right}")
    return joint.join(parts)


def scheme_lines() -> Iterator[str]:
    yield "## Schemes\n"
    yield "The first segment whose rule holds is the customer's; the last one takes everybody else.\n"
    maps = read(ROOT / "models" / "marts" / "customer_rfm_scores.yml")["macros"][0]["config"][
        "meta"
    ]
    rfm = {f"rfm, map {name}": rfm_map for name, rfm_map in maps.items()}
    for name, scheme in (rfm | dict(sorted(schemes().items()))).items():
        of = {"company": "Of companies. ", "both": "Of customers and companies. "}
        yield f"### {name}\n"
        yield f"{of.get(scheme.get('grain'), '')}{one_line(scheme['description'])}\n"
        rows = [
            [
                f"`{segment['name']}`",
                f"`{rule_text(segment['when'])}`" if segment.get("when") else "everybody else",
                segment.get("description"),
                segment.get("action"),
            ]
            for segment in scheme["segments"]
        ]
        yield from table(["segment", "rule", "", "action"], rows)


def threshold_lines() -> Iterator[str]:
    yield "## Thresholds\n"
    yield "Written `{name}` in a rule; changed in `models/marts/schemes/thresholds.yml`.\n"
    lines = (SCHEMES / "thresholds.yml").read_text(encoding="utf-8").split("\n")
    rows = [[f"`{name}`", value, words] for name, value, words in commented(lines, " " * 8)]
    yield from table(["threshold", "value", ""], rows)


def script_lines() -> Iterator[str]:
    yield "## Scripts\n"
    yield "`uv run scripts/NAME --help` lists the options.\n"
    rows = []
    for path in sorted((ROOT / "scripts").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        # The others are parts of these.
        if "__main__" in text:
            rows.append([f"`{path.name}`", ast.get_docstring(ast.parse(text)).split("\n\n")[0]])
    yield from table(["script", ""], rows)


def reference() -> str:
    blocks = doc_blocks()
    lines = [
        BEGINNING,
        *contract_lines(),
        *var_lines(),
        *table_lines(blocks),
        *feature_lines(blocks),
        *scheme_lines(),
        *threshold_lines(),
        *script_lines(),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def main() -> None:
    REFERENCE.write_text(reference(), encoding="utf-8")
    SCHEME_DOCS.write_text(scheme_docs(), encoding="utf-8")


if __name__ == "__main__":
    main()
