"""The report: its figures against SQL, what it must not tell, and how it looks in a real browser."""

import random
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import report
from conftest import ROOT, WITHOUT_TESTS, Build
from hypothesis import given
from hypothesis import strategies as st
from report import PARTS, Report, ask_file
from telling import NOT_TOLD, Row, hide_small

EARLIER = "2025-06-30"
SETTINGS = {"type": "duckdb", "reporting_currency": "EUR", "smallest_cell": 5}
NARROW, PHONE, DESK = 320, 360, 1280


@pytest.fixture(scope="module")
def past(sample: Build, make_build: Callable[..., Build]) -> Build:
    """The sample, built half a year earlier as well."""
    build = make_build("report")
    shutil.copyfile(sample.database, build.database)
    slices = ("run", "--select", "int_as_of_date+,+segment_slices")
    assert build.dbt(*slices, variables={"as_of_date": EARLIER}), build.errors
    assert build.dbt("build", *WITHOUT_TESTS, "--select", "int_as_of_date+"), build.errors
    return build


def rows_of(build: Build, scheme: str = "rfm") -> dict[str, list[Row]]:
    parts = {name: sql.replace("{scheme}", f"'{scheme}'") for name, sql in PARTS.items()}
    return ask_file(parts, build.database)


@pytest.fixture(scope="module")
def rows(past: Build) -> dict[str, list[Row]]:
    return rows_of(past)


def page_of(rows: dict[str, list[Row]], folder: Path, scheme: str = "rfm", **settings: int) -> Path:
    report.write(Report({**SETTINGS, **settings}, rows, scheme), folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(rows: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(rows, tmp_path_factory.mktemp("page"))


class Reader(HTMLParser):
    """Tables by caption as lists of rows by column, all ids, tags and words, and what each chart is named."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tables: dict[str, list[dict[str, str]]] = {}
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.charts: list[dict[str, str]] = []
        self.texts: list[str] = []
        self.table: list[list[str]] = []
        self.cell: list[str] | None = None
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.add(tag)
        if "id" in named:
            self.ids.append(named["id"])
        if named.get("role") == "img":
            self.charts.append(named)
        if tag == "table":
            self.table = []
        if tag == "tr":
            self.table.append([])
        if tag in ("td", "th", "caption"):
            self.cell = []

    def handle_data(self, text: str) -> None:
        self.texts.append(text)
        if self.cell is not None:
            self.cell.append(text)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.table[-1].append("".join(self.cell))
        if tag == "caption":
            self.caption = "".join(self.cell)
        if tag in ("td", "th", "caption"):
            self.cell = None
        if tag == "table":
            names, *body = self.table
            self.tables[self.caption] = [dict(zip(names, cells, strict=True)) for cells in body]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.texts).split())


# What it says


def test_the_figures_are_those_of_the_tables(past: Build, page: Path) -> None:
    """By SQL of its own, on the tables of customers rather than on the sums that the report reads."""
    read = Reader(page)
    (customers, buyers, orders, amount) = past.rows(
        "select count(*), count(*) filter (order_count_365d > 0), sum(order_count_365d),"
        " sum(net_amount_365d) from customers"
    )[0]
    (earlier,) = past.rows(f"select count(*) from customer_scores where as_of_date = '{EARLIER}'")[
        0
    ]
    assert f"customers {customers:,} {customers - earlier:+,} since {EARLIER}" in read.words
    assert f"within 365 days {buyers:,} " in read.words
    assert f"orders within 365 days {orders:,} " in read.words
    assert f"net amount of 365 days, EUR {amount:,.2f} " in read.words

    sizes = past.rows(
        "select replace(rfm, '_', ' '), count(*), sum(net_amount_365d) from customers"
        " group by 1 having count(*) >= 5"
    )
    shown = {row["segment"]: row for row in read.tables["Customers and revenue by segment"]}
    assert len(sizes) > 8
    for segment, count, spent in sizes:
        assert shown[segment]["customers"] == f"{count:,}"
        assert shown[segment]["net amount of 365 days, EUR"] == f"{spent:,.2f}"

    moves = past.rows(
        f"select replace(a.rfm, '_', ' '), replace(b.rfm, '_', ' '), count(*)"
        f" from customer_segments as a join customer_segments as b using (customer_id)"
        f" where a.as_of_date = '{EARLIER}' and b.as_of_date > '{EARLIER}'"
        f" group by all having count(*) >= 5"
    )
    told = {
        (row[f"on {EARLIER}"], row["on 2025-12-30"]): row["customers"]
        for row in read.tables["The largest moves"]
    }
    assert len(moves) > 5
    assert all(told[before, after] == f"{count:,}" for before, after, count in moves)

    grid = past.rows(
        "select r_score, f_score, count(*) from customer_rfm_scores where r_score is not null"
        " group by all having count(*) >= 6"
    )
    cells = {
        (row["recency score"], row["frequency score"]): row["customers"]
        for row in read.tables["The RFM grid"]
    }
    assert len(grid) > 10
    assert all(cells[str(r), str(f)] == str(count) for r, f, count in grid)

    refused = past.rows("select source, reason, count(*) from quarantined_rows group by all")
    lines = {
        (row["raw table"], row["reason"]): row["rows"]
        for row in read.tables["Rows that were not used"]
    }
    assert lines == {
        (source.replace("_", " "), reason.replace("_", " ")): f"{count:,}"
        for source, reason, count in refused
    }
    assert {row["scheme"] for row in read.tables["Verdicts"]} == {
        scheme.replace("_", " ")
        for (scheme,) in past.rows("select distinct scheme from segment_memberships")
    }


def test_each_figure_has_a_sentence_and_each_chart_a_name_and_a_table(page: Path) -> None:
    read = Reader(page)
    assert len(read.charts) >= 10
    for chart in read.charts:
        assert {chart["aria-labelledby"], chart["aria-describedby"]} <= set(read.ids)
    titles = re.findall(r'<h3 id="\w+">([^<]+)</h3>', page.read_text())
    assert set(titles) == set(read.tables)
    sentences = re.findall(r'<p id="\w+-sentence">([^<]+)</p>', page.read_text())
    assert len(sentences) == len(titles)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_it_is_one_small_file_without_script_or_doubled_id(page: Path) -> None:
    read = Reader(page)
    assert page.stat().st_size < 1_000_000
    assert not read.tags & {"script", "img", "iframe", "object"}
    assert len(read.ids) == len(set(read.ids))
    assert not re.search(r'(?:src|href)="(?!#|data:)|url\((?!#)', page.read_text())


def test_the_order_of_rows_does_not_matter(
    rows: dict[str, list[Row]], page: Path, tmp_path: Path
) -> None:
    shuffled = {name: random.Random(7).sample(part, len(part)) for name, part in rows.items()}
    assert page_of(shuffled, tmp_path).read_bytes() == page.read_bytes()


def test_what_users_write_is_text(rows: dict[str, list[Row]], tmp_path: Path) -> None:
    evil = "<script>alert(1)</script><img src=x>"
    written = {**rows, "schemes": [{**row, "description": evil} for row in rows["schemes"]]}
    written["clusters"] = [{**row, "description": evil} for row in rows["clusters"]]
    read = Reader(page_of(written, tmp_path))
    assert evil in read.words
    assert not read.tags & {"script", "img"}


# What it does not tell


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 10))
def test_no_difference_to_the_sum_tells_of_few(counts: list[int], smallest: int) -> None:
    rows = [{"key": i, "customer_count": n, "amount": n} for i, n in enumerate(counts)]
    told = hide_small(rows, ("amount",), smallest)
    hidden = [n for n, row in zip(counts, told, strict=True) if row["customer_count"] == NOT_TOLD]
    assert all(row["amount"] == row["customer_count"] for row in told)
    assert not [n for n in counts if 0 < n < smallest and n not in hidden]
    if hidden and len(hidden) < sum(n > 0 for n in counts):
        assert len(hidden) > 1
        assert sum(hidden) >= smallest
    if not any(0 < n < smallest for n in counts):
        assert not hidden


def test_nothing_is_told_of_few_customers(rows: dict[str, list[Row]], tmp_path: Path) -> None:
    """With a bound that many segments lie below, in the tables and in the charts."""
    few = 40
    read = Reader(page_of(rows, tmp_path, smallest_cell=few))
    counts = [
        row["customers"]
        for table in read.tables.values()
        for row in table
        if "customers" in row and row["customers"] not in (NOT_TOLD, "–")
    ]
    assert len(counts) > 20
    assert not [count for count in counts if 0 < int(count.replace(",", "")) < few]
    for row in read.tables["Customers and revenue by segment"]:
        if row["customers"] == NOT_TOLD:
            assert {value for name, value in row.items() if name != "segment"} == {NOT_TOLD}
    grid = re.search(
        r'aria-labelledby="rfm".*?</svg>', (tmp_path / "report.html").read_text(), re.DOTALL
    )
    numbers = [int(n) for n in re.findall(r">(\d+)</text>", grid[0])]
    assert [n for n in numbers if n > 5] == [n for n in numbers if n >= few]


def test_a_base_of_few_customers_is_refused(rows: dict[str, list[Row]]) -> None:
    with pytest.raises(report.UnreadableError, match="fewer than 1000 customers"):
        Report({**SETTINGS, "smallest_cell": 1000}, rows, "rfm")


# What is missing


def without(rows: dict[str, list[Row]], *names: str, **values: object) -> dict[str, list[Row]]:
    return {**rows, **{name: [] for name in names}, **values}


ABSENT = {
    "no past": lambda r: without(
        r,
        "moves",
        base=[row for row in r["base"] if row["as_of_date"] > EARLIER],
        kpis=[
            {**row, "customer_count_change": None}
            for row in r["kpis"]
            if row["as_of_date"] > EARLIER
        ],
        scorecard=[
            {
                **row,
                "verdict": "not judged yet",
                "explanation_rank": None,
                "revenue_explained_share": None,
            }
            for row in r["scorecard"]
        ],
    ),
    "no scorecard": lambda r: without(r, "scorecard"),
    "no clusters": lambda r: without(r, "clusters", "centroids"),
    "one cluster": lambda r: without(
        r, clusters=[{**r["clusters"][0], "note": "no structure"}], centroids=r["centroids"][:1]
    ),
    "no predictions": lambda r: without(
        r, "evaluation", kpis=[{**row, "churn_probability": None} for row in r["kpis"]]
    ),
    "nothing refused": lambda r: without(r, "refused"),
    "no scores": lambda r: without(r, "cells"),
    "no revenue": lambda r: without(
        r,
        kpis=[
            {name: None if "amount" in name else value for name, value in row.items()}
            for row in r["kpis"]
        ],
    ),
    "one segment": lambda r: without(
        r,
        schemes=[row for row in r["schemes"] if row["segment"] == "loyal"],
        kpis=[row for row in r["kpis"] if row["segment"] == "loyal"],
        moves=[row for row in r["moves"] if {row["from_segment"], row["to_segment"]} == {"loyal"}],
    ),
    "nothing but customers": lambda r: without(
        r, "moves", "scorecard", "clusters", "centroids", "evaluation", "refused", "cells"
    ),
}


@pytest.mark.parametrize("what", ABSENT)
def test_what_is_missing_leaves_a_sentence_and_no_broken_chart(
    what: str, rows: dict[str, list[Row]], tmp_path: Path
) -> None:
    page = page_of(ABSENT[what](rows), tmp_path)
    text = page.read_text()
    assert not re.search(r"\b(None|nan|NaN|null|undefined|Infinity)\b", text)
    sections = re.findall(r"<section.*?</section>", text, re.DOTALL)
    assert len(sections) == 9
    assert all(re.search(r"<p[^>]*>[^<]*\w\.", section) for section in sections)
    for chart in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        marks = re.findall(
            r'<(?:path|line|rect|text)[^>]* (?:fill|stroke)="var\(--(?!line|ink)', chart
        )
        assert marks, f"a chart without a mark where there are {what}"


def test_any_scheme_is_shown(past: Build, tmp_path: Path) -> None:
    page = page_of(rows_of(past, "lifecycle"), tmp_path, "lifecycle")
    shown = {row["segment"] for row in Reader(page).tables["What the segments mean"]}
    assert {"prospect", "active", "lost"} & shown


# As a command


@pytest.fixture
def run(
    sample_in_profile: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    tmp_path: Path,
) -> Callable[..., tuple[int, str, str]]:
    """Exit code, what is said and what is complained of, in a folder where nothing else is."""
    monkeypatch.chdir(tmp_path)

    def main(*arguments: str) -> tuple[int, str, str]:
        place = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles"))
        return report.main([*place, *arguments]), *capfd.readouterr()

    return main


def test_the_command_writes_what_the_profile_has(
    run: Callable, sample: Build, tmp_path: Path
) -> None:
    code, said, _ = run()
    assert (code, said.split(":")[0]) == (0, "report.html")
    expected = page_of(rows_of(sample), tmp_path / "..", smallest_cell=5)
    assert (tmp_path / "report.html").read_bytes() == expected.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--scheme", "horoscope"], "horoscope is no scheme. There are: acquisition, age_band"),
        (["--scheme", "rfm' or 1=1 --"], "is no scheme"),
        (["--database", "nowhere.duckdb"], "nowhere.duckdb"),
        (
            ["--database", "empty.duckdb"],
            "There is no table 'pipeline_health'. Has `dbt build` run?",
        ),
    ],
)
def test_what_cannot_be_read_is_said(
    run: Callable, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    code, _, said = run(*arguments)
    assert code == 1
    assert complaint in said
    assert not (tmp_path / "report.html").exists()


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """The machine's own Chromium, which asks nobody for anything."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="a browser needs uv run --group browser pytest"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if not path:
        pytest.skip("there is no Chromium")
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-quic"]
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: object, page: Path) -> Iterator[Callable]:
    """The page at a width; any message of the console and any request but for the file fails."""
    context = None
    heard: list[str] = []

    def at(width: int = DESK, scheme: str = "light") -> object:
        nonlocal context
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        tab = context.new_page()
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        tab.on("request", lambda request: heard.append(request.url))
        tab.goto(page.as_uri())
        return tab

    yield at
    context.close()
    assert heard == [page.as_uri()]


@pytest.mark.parametrize("width", [NARROW, PHONE, 768, DESK])
def test_it_fits_every_width(opened: Callable, width: int) -> None:
    tab = opened(width)
    for details in tab.query_selector_all("details"):
        details.evaluate("details => details.open = true")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.locator("svg").count() >= 10
    for box in (svg.bounding_box() for svg in tab.query_selector_all("svg")):
        assert box["width"] > 250
        assert box["x"] + box["width"] <= width
    # The smallest letters, as they are on the screen.
    smallest = tab.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].filter(t => t.textContent)"
        ".map(t => t.getBoundingClientRect().height))"
    )
    assert smallest > (8 if width == NARROW else 9)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(opened: Callable, scheme: str) -> None:
    """By the rules of axe (WCAG 2.1 AA), contrast among them, and by those for charts: 3 to 1 against the paper."""
    from axe_core_python.sync_playwright import Axe

    tab = opened(DESK, scheme)
    found = Axe().run(tab)
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:2]]) for v in found["violations"]] == []
    assert len(found["passes"]) > 15
    colours = tab.evaluate(
        "['--paper', '--ink', '--muted', '--blue', '--orange', '--red', '--grey'].map("
        "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim())"
    )
    paper, *inks = map(luminance, colours)
    assert (paper < 0.05) == (scheme == "dark")
    for ink in inks:
        light, dark = max(paper, ink), min(paper, ink)
        assert (light + 0.05) / (dark + 0.05) >= 3
    names = [
        chart.get_attribute("aria-labelledby") for chart in tab.query_selector_all("[role=img]")
    ]
    assert all(
        tab.get_by_role("img", name=tab.locator(f"#{n}").inner_text()).count() for n in names
    )


def luminance(colour: str) -> float:
    """Relative, by WCAG 2.1."""
    text = colour.lstrip("#")
    text = "".join(c * 2 for c in text) if len(text) == 3 else text
    channels = [int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_in_print_every_table_is_shown_on_white(opened: Callable) -> None:
    tab = opened(794, "dark")
    hidden = "[...document.querySelectorAll('table')].filter(t => !t.checkVisibility({contentVisibilityAuto: true}))"
    assert tab.evaluate(f"{hidden}.length") > 5
    tab.emulate_media(media="print")
    tab.wait_for_function(f"{hidden}.length === 0")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(paper) == "rgb(255, 255, 255)"
    assert len(tab.pdf(format="A4")) > 50_000


def test_a_table_is_opened_by_the_keyboard(opened: Callable) -> None:
    tab = opened()
    summary = tab.get_by_text("Table: The RFM grid")
    summary.focus()
    tab.keyboard.press("Enter")
    assert tab.get_by_role("table", name="The RFM grid").is_visible()
