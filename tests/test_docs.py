"""The documentation: its commands run and print what it says, its links lead somewhere, its site says what each thing is.

In a page, a block of `bash` is run, in order, by a user's shell; a block without a language after it holds lines that it
prints. A block of YAML or SQL with a path is what the reader writes there. Blocks of `sh` need what is not here, and are
listed below with what tests them instead.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import write_reference
import yaml
from conftest import ROOT
from engines import Postgres

DOCS = ROOT / "docs"
HOW_TO = sorted(path.name for path in (DOCS / "how-to").glob("*.md"))
# Pages with blocks that are not run, and why not.
NOT_RUN = {
    "tutorial.md": "cloning and installing: what the test stands on",
    "run-every-day.md": "a line for cron, whose command is run on the same page",
    "review-a-change.md": "builds of a repository: tests/test_compare_revisions.py",
    "connect-bi.md": "rights on PostgreSQL: tests/test_run_schemas.py",
    "move-to-postgres-or-spark.md": "psql is done by psycopg2 here; Spark is run by tests/test_engines.py",
}
BLOCK = re.compile(r"^```(\S*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Language, path and text of each block."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def plain(text: str) -> str:
    """Without colours and frames, and with one blank for many."""
    return re.sub(r"[\s\u2500-\u257f]+", " ", re.sub(r"\x1b\[[\d;]*m", "", text))


def merged(old: object, new: object) -> object:
    """As a reader writes a fragment of YAML into a file: by key and by name; a table of the mapping as a whole."""
    if isinstance(old, dict) and isinstance(new, dict) and "columns" not in new:
        return old | {key: merged(old.get(key), value) for key, value in new.items()}
    if isinstance(old, list) and isinstance(new, list):
        fragments = {node["name"]: node for node in new}
        return [merged(node, fragments.get(node["name"], {})) for node in old]
    return new


class Reader:
    """Who follows a page in a folder of their own."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.environment = {
            **os.environ,
            # The packages that are here, in the place of a download.
            "UV_PROJECT_ENVIRONMENT": sys.prefix,
            "UV_NO_SYNC": "1",
            "COLUMNS": "250",
        }
        self.environment.pop("SEGMENTATION_DUCKDB_PATH", None)

    def follow(self, page: Path) -> None:
        printed = ""
        for language, path, text in blocks(page):
            if path:
                self.write(self.project / path, text)
            elif language == "bash":
                printed = self.run(text)
            elif language == "":
                missing = [line for line in text.splitlines() if plain(line) not in printed]
                assert [line for line in missing if line != "…"] == [], f"{page.name}: {printed}"
            else:
                assert language == "sh", f"{page.name} has a block of {language}"

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".yml":
            old = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
            text = yaml.safe_dump(merged(old, yaml.safe_load(text)), sort_keys=False)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
        return plain(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A clone in which the tutorial was followed."""
    project = tmp_path_factory.mktemp("tutorial") / "customer_segmentation"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    reader = Reader(project)
    reader.follow(DOCS / "tutorial.md")
    return reader


@pytest.fixture
def reader(tutorial: Reader, tmp_path: Path) -> Iterator[Reader]:
    """Somebody who goes on where the tutorial ended."""
    project = tmp_path / "customer_segmentation"
    shutil.copytree(tutorial.project, project, copy_function=os.link)
    # What dbt and the reader write into is a file of its own.
    for path in [*project.glob("*.*"), *project.glob("models/marts/schemes/*")]:
        content = path.read_bytes() if path.is_file() else None
        if content is not None:
            path.unlink()
            path.write_bytes(content)
    yield Reader(project)
    shutil.rmtree(project)


@pytest.mark.parametrize("name", [name for name in HOW_TO if not name.startswith("move-to")])
def test_a_page_can_be_followed(reader: Reader, name: str) -> None:
    reader.follow(DOCS / "how-to" / name)


def test_the_move_to_postgres_can_be_followed(reader: Reader, postgres_engine: Postgres) -> None:
    cursor = postgres_engine.connection.cursor()
    cursor.execute("drop schema if exists shop_raw cascade")
    page = DOCS / "how-to" / "move-to-postgres-or-spark.md"
    commands = re.findall(r"-c ['\"](.+)['\"]", page.read_text(encoding="utf-8"))
    assert len(commands) == 5
    for command in commands:
        if copied := re.fullmatch(r"\\copy (\S+) from (\S+) (.+)", command):
            with (reader.project / copied[2]).open(encoding="utf-8") as file:
                cursor.copy_expert(f"copy {copied[1]} from stdin {copied[3]}", file)
        else:
            cursor.execute(command)
    reader.environment |= {
        "SEGMENTATION_POSTGRES_HOST": postgres_engine.connection.info.host,
        "SEGMENTATION_POSTGRES_DATABASE": "segmentation",
        "SEGMENTATION_POSTGRES_SCHEMA": "followed",
    }
    reader.follow(page)


def test_what_is_not_run_is_listed() -> None:
    pages = [path for path in DOCS.rglob("*.md") if any(b[0] == "sh" for b in blocks(path))]
    assert {path.name for path in pages} == set(NOT_RUN)


def test_the_reference_is_as_the_code_says() -> None:
    assert (DOCS / "reference.md").read_text(encoding="utf-8") == write_reference.reference()


def slugs(page: Path) -> set[str]:
    """The anchors of its headings, as Git forges make them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").glob("*/README.md")]
    assert len(pages) > 30
    count = 0
    for page in pages:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in link:
                continue
            count += 1
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in slugs(target), f"{page.name}: {link}"
    assert count > 50


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for name in [*HOW_TO, "tutorial.md", "reference.md", "explanations.md", "errors.md"]:
        assert name in index, name
    explained = (DOCS / "explanations.md").read_text(encoding="utf-8")
    for path in (DOCS / "decisions").glob("*.md"):
        assert path.name in explained, path.name


@pytest.fixture(scope="module")
def site(tutorial: Reader) -> dict[str, dict]:
    """What the static site shows: the manifest and the catalog, both within one page."""
    tutorial.run("uv run dbt docs generate --static --profiles-dir profiles")
    target = tutorial.project / "target"
    assert (target / "static_index.html").stat().st_size > 1_000_000
    return {
        name: json.loads((target / f"{name}.json").read_text()) for name in ("manifest", "catalog")
    }


def test_the_site_begins_with_an_overview(site: dict[str, dict], tutorial: Reader) -> None:
    overview = site["manifest"]["docs"]["doc.customer_segmentation.__overview__"]["block_contents"]
    for word in ("Layers", "Keys", "Time", "as_of_date", "quarantined_rows", "customer_segments"):
        assert word in overview, word
    page = (tutorial.project / "target" / "static_index.html").read_text(encoding="utf-8")
    assert "What each row is of" in overview
    assert "What each row is of" in page


def test_the_site_names_every_grain_and_describes_every_column_of_the_marts(
    site: dict[str, dict],
) -> None:
    nodes = site["manifest"]["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    assert len(models) > 60
    for node in models.values():
        assert "One row per" in node["description"], node["name"]
    for key, table in site["catalog"]["nodes"].items():
        if key in models and models[key]["path"].startswith("marts"):
            described = {
                name.lower()
                for name, column in models[key]["columns"].items()
                if column["description"]
            }
            assert set(map(str.lower, table["columns"])) - described == set(), key


def test_what_several_models_share_is_described_once() -> None:
    """A text that stands twice would be changed once."""
    seen: dict[tuple[str, str], str] = {}
    for path in sorted((ROOT / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or []:
            for column in model.get("columns", []):
                text = " ".join(column.get("description", "").split())
                if text and "{{" not in text:
                    other = seen.setdefault((column["name"], text), model["name"])
                    assert other == model["name"], f"{column['name']} of {other}, {model['name']}"


def test_the_columns_of_the_schemes_are_described_by_the_schemes() -> None:
    written = write_reference.SCHEME_DOCS.read_text(encoding="utf-8")
    assert written == write_reference.scheme_docs()
