"""Draws and keys that all tables of the sample share; times are in seconds, within two years."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from sample_tables import joined

FIRST_DAY = np.datetime64("2024-01-01", "s").astype(np.int64)  # a Monday
DAYS = 731
DAY = 86_400
LAST_SECOND = FIRST_DAY + DAYS * DAY - 1

Ints, Floats, Mask = NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]


def keys(prefix: str, numbers: Ints) -> pa.Array:
    return joined(prefix, pc.utf8_lpad(joined(numbers), 7, "0"))


def customer_keys(numbers: Ints) -> pa.Array:
    """A few accounts have the leading zeros of an older system, so that keys must stay text."""
    return pc.if_else(numbers % 97 == 0, keys("0", numbers), keys("C", numbers))


def weighted(rng: Generator, shares: ArrayLike, size: int) -> Ints:
    return np.searchsorted(np.cumsum(shares) / np.sum(shares), rng.random(size), side="right")


def preferred(rng: Generator, favourite: Ints, focus: ArrayLike, shares: ArrayLike) -> Ints:
    """The favourite with the probability `focus`, else any."""
    kept = rng.random(len(favourite)) < focus
    return np.where(kept, favourite, weighted(rng, shares, len(favourite)))


def at_hour(rng: Generator, day: Ints, evening: Mask) -> Ints:
    hour = rng.normal(np.where(evening, 19.5, 12.5), np.where(evening, 1.6, 3.2))
    return FIRST_DAY + day * DAY + np.clip(hour * 3600, 0, DAY - 1).astype(np.int64)
