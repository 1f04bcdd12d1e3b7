"""The rules of the schemes once more in plain Python: read, and tried on the features of a customer."""

import operator
import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent / "models" / "marts" / "schemes"
COMPARISONS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def read_meta(*files: str) -> dict:
    """What the macros of these files carry, of all files of schemes unless told."""
    names = files or ("buying", "visiting", "people", "experience", "companies", "learned")
    found: dict = {}
    for name in names:
        for macro in yaml.safe_load((FOLDER / f"{name}.yml").read_text())["macros"]:
            found |= macro["config"]["meta"]
    return found


def value_of(text: str, like: object, as_of: date | None) -> object:
    """What is written in a rule, in the type of what it is compared with."""
    text = text.strip()
    if isinstance(like, bool):
        return {"true": True, "false": False}[text]
    if isinstance(like, date):
        if text.startswith("as_of_date"):
            return as_of - timedelta(days=int(text.removeprefix("as_of_date").strip(" -") or 0))
        return date.fromisoformat(text)
    return Decimal(text) if isinstance(like, int | Decimal) else text


def condition_holds(condition: str, value: object, as_of: date | None = None) -> bool:
    if condition in ("is null", "is not null"):
        return (value is None) == (condition == "is null")
    if value is None:
        return False
    if between := re.fullmatch("between (.+) and (.+)", condition):
        low, high = (value_of(text, value, as_of) for text in between.groups())
        return low <= value <= high
    if listed := re.fullmatch(r"in *\((.+)\)", condition):
        return value in [value_of(text, value, as_of) for text in listed[1].split(",")]
    sign, text = re.fullmatch("([!<>=]+) *(.+)", condition).groups()
    return COMPARISONS[sign](value, value_of(text, value, as_of))


def rule_holds(when: Mapping, features: Mapping, thresholds: Mapping) -> bool:
    """Whether all entries of a rule hold."""
    held = []
    for key, entry in when.items():
        if key in ("any", "all"):
            members = [rule_holds(member, features, thresholds) for member in entry]
            held.append(any(members) if key == "any" else all(members))
        else:
            condition = entry.format_map(thresholds)
            held.append(condition_holds(condition, features.get(key), features.get("as_of_date")))
    return all(held)


def segments_of(schemes: Mapping, features: Mapping, thresholds: Mapping) -> dict[str, str | None]:
    """The first segment of each scheme whose rule holds; a scheme may ask for another's."""
    found: dict[str, str | None] = {}

    def decide(name: str) -> None:
        asked = re.findall(r"\w+", str([s.get("when") for s in schemes[name]["segments"]]))
        for other in asked:
            if other in schemes and other not in found and other != name:
                decide(other)
        known = {**features, **found}
        found[name] = next(
            (
                segment["name"]
                for segment in schemes[name]["segments"]
                if rule_holds(segment.get("when") or {}, known, thresholds)
            ),
            None,
        )

    for name in schemes:
        decide(name)
    return found
