"""Which objects of a bucket: by the number in their name, or by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Final

from cosmo.errors import SourceError
from cosmo.sources.bucket import StoredObject

MOST_LISTED: Final = 8


@dataclass(frozen=True)
class NumberRange:
    """Numbers of objects, both ends included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise SourceError(f"expected a range such as 3-7, got {self.first}-{self.last}; correct it")

    @classmethod
    def of(cls, text: str) -> NumberRange:
        """Read '3-7', or '3' for one; SourceError if it is neither."""
        made = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
        if made is None:
            raise SourceError(f"expected a range such as 3-7, or a number, got {text!r}; correct it")
        return cls(int(made[1]), int(made[2] or made[1]))

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last


def number_of(key: str) -> int | None:
    """Return the number in an object's name: 12 for data_000012.txt and for a/data_000012.csv.gz."""
    found = _series_and_number(key)
    return found[1] if found else None


def _series_and_number(key: str) -> tuple[str, int] | None:
    """Return what stands before the number in a key, and the number; None where there is none."""
    folder, slash, name = key.rpartition("/")
    made = re.fullmatch(r"(.*?)([0-9]+)[^0-9]*", name.partition(".")[0])
    return (f"{folder}{slash}{made[1]}", int(made[2])) if made else None


def selected(
    objects: Sequence[StoredObject], numbers: NumberRange | None = None, names: Iterable[str] = ()
) -> tuple[StoredObject, ...]:
    """Return the objects in a range and of the names given, in their order; all if neither is given.

    Empty ones are among them.

    Parameters
    ----------
    names : keys, or globs of them; with or without the folders before.

    Raises
    ------
    SourceError : the range or a name fits none.
    """
    wanted = tuple(names)
    if numbers is None and not wanted:
        return tuple(objects)
    keys: set[str] = set()
    if numbers is not None:
        known = {key: number for stored in objects if (number := number_of(key := stored.key)) is not None}
        keys |= {key for key, number in known.items() if number in numbers}
        if not keys:
            there = listed(map(str, _runs(known.values())))
            got = f"they are {there}" if there else "none has a number in its name"
            raise SourceError(f"expected objects with numbers {numbers}, {got}; correct --range")
    for name in wanted:
        fitting = {stored.key for stored in objects if name in _names(stored.key)}
        if not fitting:  # a name with brackets is itself first, then a glob
            fitting = {
                stored.key for stored in objects if any(fnmatchcase(own, name) for own in _names(stored.key))
            }
        if not fitting:
            raise SourceError(
                f"expected an object {name} in the bucket, it has {objects[0].key} to {objects[-1].key}; "
                f"correct the name"
            )
        keys |= fitting
    return tuple(stored for stored in objects if stored.key in keys)


def with_content(objects: Sequence[StoredObject]) -> tuple[StoredObject, ...]:
    """Return the objects that are not empty.

    Raises
    ------
    SourceError : all are.
    """
    found = tuple(stored for stored in objects if stored.size_bytes)
    if not found:
        keys = listed(stored.key for stored in objects)
        raise SourceError(f"expected objects with rows, got only empty ones: {keys}; choose others")
    return found


def gaps(objects: Sequence[StoredObject], numbers: NumberRange | None = None) -> Iterator[str]:
    """Yield a sentence for the range of numbers given if some are missing, else for each series of names.

    Names whose numbers are mostly missing, as dates are, are no series.
    """
    if numbers is not None:
        known = {number for stored in objects if (number := number_of(stored.key)) is not None}
        if missing := _missing(known, numbers):
            yield f"missing in the bucket, of the numbers {numbers}: {listed(map(str, missing))}"
        return
    by_series: dict[str, set[int]] = {}
    for series, number in filter(None, (_series_and_number(stored.key) for stored in objects)):
        by_series.setdefault(series, set()).add(number)
    for series, known in by_series.items():
        whole = NumberRange(min(known), max(known))
        missing = _missing(known, whole)
        is_series = 2 * len(known) > whole.last - whole.first + 1
        if missing and is_series:
            yield f"missing in the bucket, of the numbers {whole} after {series}: {listed(map(str, missing))}"


def listed(words: Iterable[str]) -> str:
    """Return words as in a sentence, the first of them if there are many."""
    known = list(words)
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return ", ".join(known[:MOST_LISTED]) + more


def _missing(known: Iterable[int], whole: NumberRange) -> list[NumberRange]:
    ends = [whole.first - 1, *sorted(number for number in known if number in whole), whole.last + 1]
    return [NumberRange(before + 1, after - 1) for before, after in pairwise(ends) if after - before > 1]


def _runs(numbers: Iterable[int]) -> list[NumberRange]:
    """Return numbers as ranges without gaps."""
    runs: list[NumberRange] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1].last + 1:
            runs[-1] = NumberRange(runs[-1].first, number)
        else:
            runs.append(NumberRange(number, number))
    return runs


def _names(key: str) -> tuple[str, str]:
    """Return the names of an object: with the folders before, and without."""
    return key, key.rpartition("/")[2]
