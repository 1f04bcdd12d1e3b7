"""The figures of the scorecard in plain Python, and schemes whose verdict is known beforehand."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import md5
from itertools import combinations
from math import log, sqrt
from shutil import copy

import numpy as np
import pytest
from conftest import ROOT, WITHOUT_TESTS, Build
from scipy import stats

JUDGED, PREVIOUS, PRESENT = (
    date.fromisoformat(day) for day in ("2025-09-30", "2025-11-30", "2025-12-30")
)
DAYS = timedelta(90)
SCORECARD = ("int_segment_outcomes", "int_scheme_overlaps", "int_scheme_statistics")
SCORECARD = (*SCORECARD, "segment_scorecard")
T_19 = 2.093
Row = dict[str, object]
# Of each slice the segment of each customer in each scheme.
Slices = dict[date, dict[str, dict[str, str]]]


def build_slice(build: Build, as_of: date, *command: str) -> None:
    assert build.dbt(*command, variables={"as_of_date": str(as_of)}), build.errors


def scorecard(build: Build, as_of: date = PRESENT) -> dict[str, Row]:
    with build.connect() as connection:
        result = connection.execute("from segment_scorecard where as_of_date = ?", [as_of])
        names = [name for name, *_ in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return {row["scheme"]: row for row in rows}


@pytest.fixture(scope="module")
def built(make_build: Callable[..., Build]) -> Build:
    """The sample on three dates, the oldest of which can be judged on the last."""
    build = make_build("scorecard")
    build_slice(build, JUDGED, "build", *WITHOUT_TESTS)
    for as_of in (PREVIOUS, PRESENT):
        build_slice(build, as_of, "run", "--select", "int_as_of_date+")
    return build


@pytest.fixture(scope="module")
def cards(built: Build) -> dict[str, Row]:
    cards = scorecard(built)
    assert len(cards) > 35
    return cards


@pytest.fixture(scope="module")
def slices(built: Build) -> Slices:
    found: Slices = defaultdict(lambda: defaultdict(dict))
    for as_of, who, scheme, segment in built.rows("from segment_memberships"):
        found[as_of][scheme][who] = segment
    return found


@pytest.fixture(scope="module")
def followed(built: Build, slices: Slices) -> tuple[dict[str, float], dict[str, int]]:
    """What each customer of the judged slice spent, and whether they ordered, in the days after."""
    spent, ordered = (
        dict.fromkeys(slices[JUDGED]["rfm"], 0),
        dict.fromkeys(slices[JUDGED]["rfm"], 0),
    )
    for who, day, invalid, is_credit, amount, refund, refunded in built.rows(
        "select customer_id, business_date, invalid_since_date, is_credit_note, order_amount,"
        " refunded_amount, refunded_date from int_orders where customer_id is not null"
    ):
        is_within = JUDGED < day <= min(JUDGED + DAYS, PRESENT)
        if who in spent and is_within and (invalid is None or invalid > PRESENT):
            spent[who] += amount - (refund if refunded and refunded <= PRESENT else 0)
            ordered[who] |= not is_credit
    return {who: float(amount) for who, amount in spent.items()}, ordered


def fold(customer_id: str) -> int:
    first, second, third = (
        int(digit, 16) + 1 for digit in md5(customer_id.encode()).hexdigest()[:3]
    )
    return (256 * first + 16 * second + third) % 20


def groups(of: dict[str, str], values: dict[str, float]) -> dict[str, np.ndarray]:
    found = defaultdict(list)
    for who, segment in of.items():
        found[segment].append(values[who])
    return {segment: np.array(numbers, float) for segment, numbers in found.items()}


def eta_squared(of: dict[str, str], values: dict[str, float]) -> float:
    parts = groups(of, values).values()
    everybody = np.concatenate(list(parts))
    between = sum(len(part) * (part.mean() - everybody.mean()) ** 2 for part in parts)
    return between / ((everybody - everybody.mean()) ** 2).sum()


def test_what_is_explained_is_eta_squared_with_the_jackknifes_interval(
    cards: dict[str, Row],
    slices: Slices,
    followed: tuple[dict[str, float], dict[str, int]],
) -> None:
    assert len(slices[JUDGED]) == len(cards)
    for scheme, of in slices[JUDGED].items():
        card = cards[scheme]
        assert (card["judged_date"], card["judged_customer_count"]) == (JUDGED, len(of))
        chance = (len(set(of.values())) - 1) / (len(of) - 1)
        assert float(card["chance_share"]) == pytest.approx(chance, abs=1e-6)
        for outcome, values in zip(("revenue", "activity"), followed, strict=True):
            share = eta_squared(of, values)
            without = np.array(
                [
                    eta_squared({who: s for who, s in of.items() if fold(who) != left}, values)
                    for left in range(20)
                ]
            )
            margin = T_19 * sqrt(19 / 20 * ((without - without.mean()) ** 2).sum())
            expected = (share, max(share - margin, 0), min(share + margin, 1))
            found = [
                float(card[f"{outcome}_explained_{end}"]) for end in ("share", "lower", "upper")
            ]
            assert found == pytest.approx(expected, abs=1e-6), (scheme, outcome)
    ranked = sorted(
        cards.values(),
        key=lambda card: -max(card["revenue_explained_share"], card["activity_explained_share"]),
    )
    assert [card["explanation_rank"] for card in ranked] == list(range(1, len(cards) + 1))


def test_segments_to_merge_are_those_that_two_tests_do_not_tell_apart(
    built: Build,
    cards: dict[str, Row],
    slices: Slices,
    followed: tuple[dict[str, float], dict[str, int]],
) -> None:
    order = defaultdict(list)
    for scheme, segment in built.rows(
        "select scheme, segment from segment_definitions order by position"
    ):
        order[scheme].append(segment)
    spent, ordered = followed
    compared_pairs = alike_pairs = 0
    for scheme, of in slices[JUDGED].items():
        amounts, active = groups(of, spent), groups(of, ordered)
        large = [s for s in order[scheme] if s != "unknown" and len(amounts.get(s, ())) >= 30]
        alike = []
        for one, other in combinations(large, 2):
            t = stats.ttest_ind(amounts[one], amounts[other], equal_var=False).statistic
            both = np.concatenate([active[one], active[other]]).mean()
            error = both * (1 - both) * (1 / len(active[one]) + 1 / len(active[other]))
            gap = active[one].mean() - active[other].mean()
            z = gap / sqrt(error) if error else 0
            # Where nobody spends anything, there is no t, and no difference.
            if (np.isnan(t) or abs(t) < 1.96) and abs(z) < 1.96:
                alike.append(f"{one} ~ {other}")
        pairs = len(large) * (len(large) - 1) // 2
        card = cards[scheme]
        assert (card["compared_pair_count"] or 0, card["alike_pair_count"] or 0) == (
            pairs,
            len(alike),
        ), scheme
        named = ", ".join(alike[:10] + ["and more"] * (len(alike) > 10))
        assert (card["merge_candidates"] or "") == named, scheme
        compared_pairs, alike_pairs = compared_pairs + pairs, alike_pairs + len(alike)
    assert compared_pairs > 2 * alike_pairs > 50


def test_structure_and_stability_are_those_of_the_slices(
    cards: dict[str, Row], slices: Slices
) -> None:
    for scheme, of in slices[PRESENT].items():
        card, then = cards[scheme], slices[PREVIOUS][scheme]
        now, before = Counter(of.values()), Counter(then.values())
        known = {segment: count for segment, count in now.items() if segment != "unknown"}
        assert card["customer_count"] == len(of)
        assert card["occupied_segment_count"] == len(known)
        assert card["smallest_customer_count"] == min(known.values())
        assert float(card["unknown_share"]) == pytest.approx(now["unknown"] / len(of), abs=1e-6)
        balance = stats.entropy(list(known.values())) / log(card["defined_segment_count"])
        assert float(card["balance"]) == pytest.approx(balance, abs=1e-6), scheme
        index = 0.0
        for segment in now | before:
            share = max(now[segment] / len(of), 0.0001)
            was = max(before[segment] / len(then), 0.0001)
            index += (share - was) * log(share / was)
        assert float(card["stability_index"]) == pytest.approx(index, abs=1e-6), scheme
        common = of.keys() & then.keys()
        stayed = sum(of[who] == then[who] for who in common) / len(common)
        assert float(card["stayed_share"]) == pytest.approx(stayed, abs=1e-6), scheme
        assert card["previous_date"] == PREVIOUS


def corrected_v(one: dict[str, str], other: dict[str, str]) -> float | None:
    """Bergsma's, of those known in both."""
    pairs = [
        (one[who], other[who])
        for who in one.keys() & other.keys()
        if "unknown" not in (one[who], other[who])
    ]
    rows, columns = ({pair[side] for pair in pairs} for side in (0, 1))
    n, r, k = len(pairs), len(rows), len(columns)
    if n < 30 or min(r, k) < 2:
        return None
    counts = Counter(pairs)
    table = np.array([[counts[row, column] for column in columns] for row in rows])
    squared = stats.chi2_contingency(table, correction=False).statistic / n
    squared = max(0, squared - (k - 1) * (r - 1) / (n - 1))
    return sqrt(squared / min(k - 1 - (k - 1) ** 2 / (n - 1), r - 1 - (r - 1) ** 2 / (n - 1)))


def test_overlap_is_the_corrected_v_with_the_nearest_scheme(
    cards: dict[str, Row], slices: Slices
) -> None:
    nearest = defaultdict(list)
    for one, other in combinations(sorted(slices[PRESENT]), 2):
        v = corrected_v(slices[PRESENT][one], slices[PRESENT][other])
        if v is not None:
            nearest[one].append((-round(v, 6), other))
            nearest[other].append((-round(v, 6), one))
    assert len(nearest) > 30
    for scheme, card in cards.items():
        if scheme not in nearest:
            assert (card["overlap_scheme"], card["cramers_v"]) == (None, None), scheme
            continue
        v, other = min(nearest[scheme])
        assert card["overlap_scheme"] == other, scheme
        assert float(card["cramers_v"]) == pytest.approx(-v, abs=1.5e-6), scheme


def test_a_build_writes_the_rows_of_its_own_date_and_reads_nothing_later(built: Build) -> None:
    dates = built.rows("select distinct as_of_date from segment_scorecard order by all")
    assert dates == [(JUDGED,), (PREVIOUS,), (PRESENT,)]
    # Sixty days after the first slice, nothing could be judged yet.
    assert {card["verdict"] for card in scorecard(built, PREVIOUS).values()} <= {
        "not judged yet",
        "no data",
        "drop",
    }
    rows = built.rows("from segment_scorecard order by all")
    for as_of in (PREVIOUS, PRESENT):
        build_slice(built, as_of, "run", "--select", "int_as_of_date+")
    assert built.rows("from segment_scorecard order by all") == rows


@pytest.fixture(scope="module")
def invented(
    built: Build,
    make_build: Callable[..., Build],
    followed: tuple[dict[str, float], dict[str, int]],
) -> dict[str, Row]:
    """Three schemes of the past by what is known of them: chance, the truth, and the truth cut too fine."""
    import duckdb

    build = make_build("invented")
    copy(built.database, build.database)
    with duckdb.connect(str(build.database)) as connection:
        connection.execute("create table truth (who varchar, is_active boolean, is_odd boolean)")
        rows = [
            (who, bool(is_active), fold(who) % 2 == 1) for who, is_active in followed[1].items()
        ]
        connection.executemany("insert into truth values (?, ?, ?)", rows)
        connection.execute(
            """
            update customer_segments set
                geography = case when is_odd then 'home' else 'abroad' end,
                window_shopper = case when is_active then 'buyer' else 'absent' end,
                payment = case
                    when not is_active then 'invoice' when is_odd then 'card' else 'wallet'
                end
            from truth where customer_id = who
            """
        )
        connection.execute("drop table truth")
    build_slice(build, PRESENT, "run", "--select", *SCORECARD)
    return scorecard(build)


def test_a_scheme_of_pure_chance_explains_nothing(invented: dict[str, Row]) -> None:
    chance = invented["geography"]
    assert chance["verdict"] == "drop"
    assert chance["explanation_verdict"].startswith("explains nothing beyond chance: ")
    assert chance["merge_candidates"] == "home ~ abroad"


def test_a_scheme_of_what_comes_next_explains_it(invented: dict[str, Row]) -> None:
    truth = invented["window_shopper"]
    assert truth["activity_explained_share"] == 1
    assert truth["explanation_rank"] == 1
    assert truth["explanation_verdict"].startswith("explains much: ")
    assert truth["distinctness_verdict"] == "distinct: 1 of 1 pairs differ"


def test_segments_that_do_the_same_are_to_be_merged(invented: dict[str, Row]) -> None:
    fine = invented["payment"]
    assert fine["verdict"] == "merge"
    assert fine["merge_candidates"] == "card ~ wallet"
    assert fine["segmentation_verdict"] == "too many, to merge: card ~ wallet"


def test_the_readme_shows_verdicts_of_the_sample(cards: dict[str, Row]) -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    start = lines.index("| scheme | verdict | of revenue | of activity | why |")
    shown = 0
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        scheme, verdict, revenue, activity, why = (cell.strip() for cell in line.split("|")[1:-1])
        card = cards[scheme.strip("`")]
        assert verdict == card["verdict"]
        for outcome, written in (("revenue", revenue), ("activity", activity)):
            share, lower, upper = (
                f"{100 * card[f'{outcome}_explained_{end}']:.1f}"
                for end in ("share", "lower", "upper")
            )
            assert written == f"{share} % ({lower} to {upper})"
        assert why in [card[name] for name in card if name.endswith("_verdict")]
        shown += 1
    assert shown > 3
