"""Which objects of a bucket: by the number in their name, or by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cosmo.errors import SourceError
from cosmo.sources.bucket import StoredObject


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
        return f"{self.first}-{self.last}"


def number_of(key: str) -> int | None:
    """Return the number in an object's name: 12 for data_000012.txt and for a/data_000012.csv.gz."""
    digits = re.findall(r"[0-9]+", key.rpartition("/")[2].partition(".")[0])
    return int(digits[-1]) if digits else None


def selected(
    objects: Sequence[StoredObject], numbers: NumberRange | None = None, names: Iterable[str] = ()
) -> tuple[StoredObject, ...]:
    """Return the objects in a range and of the names given, in their order; all if neither is given.

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
        known = {stored.key: number_of(stored.key) for stored in objects}
        keys |= {
            key
            for key, number in known.items()
            if number is not None and numbers.first <= number <= numbers.last
        }
        if not keys:
            there = sorted(number for number in known.values() if number is not None)
            got = f"they are {there[0]}-{there[-1]}" if there else "none has a number in its name"
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


def _names(key: str) -> tuple[str, str]:
    """Return the names of an object: with the folders before, and without."""
    return key, key.rpartition("/")[2]
