"""The record of cosmo-stream: a timeslice's text as value, all else as headers. Pure; bytes and back.

The headers hold the whole state to go on from, so the newest slice of a run is all that a producer needs to
start again. Header values are text (UTF-8), but for `carry`, which is CSV lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from cosmo.detector import ORBIT_MODULUS
from cosmo.errors import MalformedMessage
from cosmo.slice_values import ENCODING, text_of, value_of
from cosmo.timeslices import NO_EPOCH, Clock, Timeslice

Headers = list[tuple[str, bytes]]
_MOST_DIGITS = 18
_YEAR_9999 = 253_370_764_800.0  #: in Unix s; the last that can be written as ISO 8601


@dataclass(frozen=True)
class Writer:
    """A process that writes numbered messages."""

    host: str
    pid: int
    started: str  #: ISO 8601, UTC

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"

    @classmethod
    def parse(cls, text: str) -> Writer:
        """Read what `str` wrote."""
        host, pid, started = text.split(":", 2)
        return cls(host, int(pid), started)


@dataclass(frozen=True)
class ReadHead:
    """How far a source has been read."""

    source: str = ""  #: name of the object (a file, an object of a bucket, a chunk of generated rows)
    offset: int = 0  #: bytes of it that have been read, of its text after any decompression
    pass_number: int = 0  #: passes over the whole source before this one
    orbit_shift: int = 0  #: added to the orbits of this pass

    def __post_init__(self) -> None:
        numbers = (self.offset, self.pass_number, self.orbit_shift)
        if not (isinstance(self.source, str) and all(isinstance(n, int) and n >= 0 for n in numbers)):
            raise ValueError(f"expected a source's name and three counts, got {self}")


@dataclass(frozen=True)
class SliceRecord:
    """One record of cosmo-stream."""

    run: int
    number: int  #: from 0 in each run; partition = number mod partitions
    producer: Writer
    from_orbit: int
    to_orbit: int
    epoch: int
    split: bool
    rows: int  #: in this slice
    rows_so_far: int  #: in this slice and all before it
    first_release: float  #: Unix time in s at which the first row was released to the timeslicer
    last_release: float
    base: int  #: first orbit of the source's pass
    read_head: ReadHead
    carry: bytes  #: rows read before the read head that are in no slice up to this one
    carry_rows: int
    text: bytes
    end: bool = False  #: the producer ended after this one (a restart goes on)

    def __post_init__(self) -> None:
        if min(self.rows, self.rows_so_far, self.carry_rows) < 0 or not 0 <= self.base < ORBIT_MODULUS:
            raise ValueError(
                f"expected counts of rows and an orbit, got rows {self.rows}, carry_rows {self.carry_rows}, "
                f"rows_so_far {self.rows_so_far}, base {self.base}"
            )

    @classmethod
    def of(
        cls,
        timeslice: Timeslice,
        *,
        run: int,
        number: int,
        producer: Writer,
        rows_before: int,
        read_head: ReadHead,
    ) -> SliceRecord:
        """Give a timeslice its place in the stream."""
        return cls(
            run=run,
            number=number,
            producer=producer,
            from_orbit=timeslice.from_orbit,
            to_orbit=timeslice.to_orbit,
            epoch=timeslice.epoch,
            split=timeslice.split,
            rows=timeslice.rows,
            rows_so_far=rows_before + timeslice.rows,
            first_release=timeslice.first_release,
            last_release=timeslice.last_release,
            base=timeslice.clock.base,
            read_head=read_head,
            carry=timeslice.carry,
            carry_rows=timeslice.carry_rows,
            text=timeslice.text,
        )

    @property
    def clock(self) -> Clock:
        """Where a timeslicer stands after this slice."""
        return Clock(self.epoch, self.to_orbit, self.base)

    def written(self, compression: str) -> tuple[bytes, Headers]:
        """Return the record's value and all its headers; see `slice_values`."""
        value, encoding = value_of(self.text, compression)
        return value, [*self.headers(), *encoding]

    def headers(self) -> Headers:
        """Return the headers of a record whose value is the text itself."""
        return [
            ("run", str(self.run).encode()),
            ("number", str(self.number).encode()),
            ("producer", str(self.producer).encode()),
            ("epoch", str(self.epoch).encode()),
            ("from", str(self.from_orbit).encode()),
            ("to", str(self.to_orbit).encode()),
            ("split", str(int(self.split)).encode()),
            ("rows", str(self.rows).encode()),
            ("rows_so_far", str(self.rows_so_far).encode()),
            ("first_release", repr(self.first_release).encode()),
            ("last_release", repr(self.last_release).encode()),
            ("base", str(self.base).encode()),
            ("read_head", json.dumps(asdict(self.read_head)).encode()),
            ("carry_rows", str(self.carry_rows).encode()),
            ("carry", self.carry),
            ("end", str(int(self.end)).encode()),
        ]

    @classmethod
    def read(cls, headers: Iterable[tuple[str, bytes]], value: bytes | None) -> SliceRecord:
        """Read a record.

        Raises
        ------
        MalformedMessage : a header is missing or not what it should be.
        """
        by_name = {name: header for name, header in headers if header is not None}
        frame = Frame.read(by_name, value)
        try:
            return cls(
                run=frame.run,
                number=frame.number,
                producer=Writer.parse(by_name["producer"].decode()),
                from_orbit=frame.from_orbit,
                to_orbit=frame.to_orbit,
                epoch=frame.epoch,
                split=frame.split,
                rows=int(by_name["rows"]),
                rows_so_far=int(by_name["rows_so_far"]),
                first_release=frame.first_release,
                last_release=frame.last_release,
                base=int(by_name["base"]),
                read_head=ReadHead(**json.loads(by_name["read_head"])),
                carry=by_name["carry"],
                carry_rows=int(by_name["carry_rows"]),
                text=frame.text,
                end=_flag(by_name["end"]),
            )
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise MalformedMessage(f"expected the headers of a timeslice, got {error!r}") from error


@dataclass(frozen=True)
class Frame:
    """What the analysis needs of a slice record."""

    run: int
    number: int
    from_orbit: int
    to_orbit: int
    epoch: int
    split: bool
    first_release: float
    last_release: float
    text: bytes

    NAMES = ("run", "number", "from", "to", "epoch", "split", "first_release", "last_release")
    """Names of the headers it is read from."""

    @classmethod
    def read(cls, headers: dict[str, bytes], value: bytes | None) -> Frame:
        """Read the headers named in NAMES, and the value as its encoding says.

        Raises
        ------
        MalformedMessage : a header is missing or impossible, or the value is null or not in its encoding.
        """
        if value is None:
            raise MalformedMessage("expected the text of a timeslice, got a null record")
        try:
            frame = cls(
                run=_whole(headers["run"]),
                number=_whole(headers["number"]),
                from_orbit=int(headers["from"]),
                to_orbit=int(headers["to"]),
                epoch=int(headers["epoch"]),
                split=_flag(headers["split"]),
                first_release=_unix_s(headers["first_release"]),
                last_release=_unix_s(headers["last_release"]),
                text=text_of(value, headers.get(ENCODING)),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise MalformedMessage(f"expected the headers of a timeslice, got {error!r}") from error
        orbits_fit = 0 <= frame.from_orbit < ORBIT_MODULUS and 0 <= frame.to_orbit < ORBIT_MODULUS
        if not orbits_fit or frame.number < 0 or frame.epoch < NO_EPOCH:
            got = ", ".join(f"{name} {headers[name]!r}" for name in cls.NAMES)
            raise MalformedMessage(f"expected the headers of a timeslice, got impossible ones: {got}")
        return frame


def _whole(header: bytes) -> int:
    number = int(header)
    if str(number).encode() != header:  # int() takes ' 7', '+7' and '07' too, which a comparison does not
        raise ValueError(f"expected a whole number, got {header[:40]!r}")
    if len(header) > _MOST_DIGITS:
        raise ValueError(f"expected a number of 64 bits, got {header[:40]!r}")
    return number


def _flag(header: bytes) -> bool:
    if header not in (b"0", b"1"):
        raise ValueError(f"expected a flag, 0 or 1, got {header!r}")
    return header == b"1"


def _unix_s(header: bytes) -> float:
    time_s = float(header)
    if not 0 <= time_s < _YEAR_9999:  # false of nan too
        raise ValueError(f"expected a Unix time in s, got {header!r}")
    return time_s


def utc(unix_s: float) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(unix_s, tz=timezone.utc).isoformat(timespec="milliseconds")


def date_or_number(unix_s: float, write: Callable[[float], str]) -> str:
    """Return a time that somebody else set: as `write` writes it, or the number where it is no date."""
    try:
        return write(unix_s)
    except (ValueError, OverflowError, OSError):
        return f"{unix_s:.3f} s"
