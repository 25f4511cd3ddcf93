"""A fault as text, `dead-cell:chamber=0,channel=5`: the same on the command line, in settings and in runs."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from cosmo.errors import SettingsError
from cosmo.generator.faults.additions import Burst, NoisyCell
from cosmo.generator.faults.clock import ShiftedT0
from cosmo.generator.faults.fault import Fault
from cosmo.generator.faults.losses import DeadCell, DeadChamber, LostFpga, RateDrop

KINDS: dict[str, type[Fault]] = {
    fault.kind: fault for fault in (DeadCell, NoisyCell, DeadChamber, ShiftedT0, LostFpga, Burst, RateDrop)
}


def parse(text: str) -> Fault:
    """Return the fault that a text names; `str(fault)` is the way back.

    Raises
    ------
    SettingsError
        The kind or a key is unknown, a key is missing or twice, or a value is no number or out of range.
    """
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        raise SettingsError(f"fault {text!r}: expected a kind of {', '.join(KINDS)}; name one of them")
    types = {field.name: str(field.type) for field in fields(KINDS[kind])}
    needed = [field.name for field in fields(KINDS[kind]) if field.default is MISSING]
    values: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in types or key in values:
            raise SettingsError(
                f"fault {text!r}: expected {', '.join(types)} once at most, got {part!r}; correct it"
            )
        values[key] = _number(text, part, value, is_whole=types[key] != "float")
    if missing := [name for name in needed if name not in values]:
        raise SettingsError(f"fault {text!r}: expected {', '.join(missing)}=..., it is missing; add it")
    return KINDS[kind](**values)


def _number(text: str, part: str, value: str, *, is_whole: bool) -> float:
    try:
        return int(value) if is_whole else float(value)
    except ValueError as error:
        raise SettingsError(
            f"fault {text!r}: expected a {'whole ' * is_whole}number, got {part!r}; correct it"
        ) from error
