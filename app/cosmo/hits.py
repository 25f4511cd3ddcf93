"""CSV lines to columns: what a line is, and the hits among them. Pure; never raises on bytes.

A line is a row (a hit, an ancillary row, a malformed row), a header line or a blank line. Its `fate` says
which: fates 0-7 are the row's HEAD (2 is a hit), then one for each reason a row is malformed, then header
and blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from cosmo.detector import HIT_HEAD, MAX_BX, MAX_CHANNEL, MAX_FPGA, MAX_TDC, N_HEADS, ORBIT_MODULUS
from cosmo.line_limit import MAX_LINE_BYTES, USUAL_LINE_BYTES

COLUMNS: Final = ("HEAD", "FPGA", "TDC_CHANNEL", "ORBIT_CNT", "BX_COUNTER", "TDC_MEAS")
HEADER_LINE: Final = ",".join(COLUMNS).encode()

REASONS: Final = ("fields", "empty", "number", "head", "fpga", "channel", "orbit", "bx", "tdc", "long")
"""Why a row is malformed, in the order of the tests: not six fields; an empty field; a field that is no plain
decimal number; HEAD, or a field of a hit, out of range or not integral; a line longer than MAX_LINE_BYTES."""
MALFORMED: Final = {reason: N_HEADS + i for i, reason in enumerate(REASONS)}
HEADER: Final = N_HEADS + len(REASONS)
BLANK: Final = HEADER + 1
N_FATES: Final = BLANK + 1

# Else pyarrow takes SIGTERM and SIGINT for itself while it reads: the read fails, or the signal is lost.
pa.enable_signal_handlers(False)

Columns = dict[str, NDArray[np.generic]]

_PLAIN_DECIMAL = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_NEWLINE, _CARRIAGE_RETURN, _POINT = 10, 13, ord(".")
_NINE: Final = np.uint8(9)
_FILLER: Final = b"0,0,0,0,0,0\n"
_FRACTION_DIGITS: Final = 6
"""A number below 2^32 with no more decimals than this is integral in float64 only if it is so in its text."""
_RANGES: Final = (
    ("fpga", "FPGA", MAX_FPGA),
    ("channel", "TDC_CHANNEL", MAX_CHANNEL),
    ("orbit", "ORBIT_CNT", ORBIT_MODULUS - 1),
    ("bx", "BX_COUNTER", MAX_BX),
    ("tdc", "TDC_MEAS", MAX_TDC),
)
_HIT_TYPES: Final = {
    "FPGA": np.uint8,
    "TDC_CHANNEL": np.uint16,
    "ORBIT_CNT": np.uint32,
    "BX_COUNTER": np.uint16,
    "TDC_MEAS": np.uint8,
}
_INTEGERS: Final = dict(
    zip(COLUMNS, (pa.uint8(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint16(), pa.uint8()), strict=True)
)
_WHOLE: Final = dict.fromkeys(COLUMNS, pa.uint64())
_FLOAT_TDC: Final = {**_INTEGERS, "TDC_MEAS": pa.float64()}
_FLOATS: Final = dict.fromkeys(COLUMNS, pa.float64())


@dataclass(frozen=True)
class Lines:
    """Lines of CSV text, read. Arrays have one element a line; the columns mean something for hits only."""

    text: bytes  #: all lines, each with its newline
    ends: NDArray[np.int64]  #: offset in `text` just after each line's newline
    fate: NDArray[np.uint8]  #: see the module's text
    fpga: NDArray[np.uint8]
    channel: NDArray[np.uint16]
    orbit: NDArray[np.uint32]
    bx: NDArray[np.uint16]
    tdc: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def is_hit(self) -> NDArray[np.bool_]:
        """True for HEAD 2 rows that are valid; shape (lines,)."""
        return np.asarray(self.fate == HIT_HEAD)


def read(text: bytes) -> Lines:
    """Read lines of CSV text.

    Text that does not end with a newline gets one. Most text takes the fast way: all columns at once by
    pyarrow. Where that cannot be trusted (pyarrow gives up on a block for one bad field, and passes blanks
    and hexadecimals), the lines that look odd are set apart by their bytes and judged one by one; the others
    are again read at once.
    """
    if text and not text.endswith(b"\n"):
        text += b"\n"
    raw = np.frombuffer(text, dtype=np.uint8)
    if int(raw.max(initial=0)) <= ord("9"):
        control = np.flatnonzero(raw <= ord(" "))  # in plain text these are the newlines
        at_newline = raw[control] == _NEWLINE
        ends = control[at_newline] + 1
        # A lone carriage return is a line's end to pyarrow, not to us.
        plain = bool(at_newline.all()) or _only_crlf(raw, control[~at_newline])
        plain = plain and np.diff(ends, prepend=0).max(initial=0) <= MAX_LINE_BYTES + 1
        columns = _columns(text, raw, ends) if plain else None
        if columns is not None:
            return _lines(text, ends, _fates(columns), columns)
    return _read_with_odd_lines(text, raw)


def judge(line: bytes) -> int:
    """Return the fate of one line (without its newline), the plain definition of what a line is."""
    found = _fate_or_numbers(line)
    return found if isinstance(found, int) else int(_fates(_columns_of([found]))[0])


def _fate_or_numbers(line: bytes) -> int | list[float]:
    """Return the fate of a line, or its six numbers, nan where one's text is not integral."""
    if len(line) > MAX_LINE_BYTES:
        return MALFORMED["long"]
    line = line.removesuffix(b"\r")
    if not line:
        return BLANK
    if line == HEADER_LINE:
        return HEADER
    fields = line.split(b",")
    if len(fields) != len(COLUMNS):
        return MALFORMED["fields"]
    if not all(fields):
        return MALFORMED["empty"]
    if not all(_PLAIN_DECIMAL.fullmatch(field) for field in fields):
        return MALFORMED["number"]
    return [_value(field) for field in fields]


def _columns_of(rows: list[list[float]]) -> Columns:
    return dict(zip(COLUMNS, np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS)).T, strict=True))


def _value(field: bytes) -> float:
    """Return the value of a plain decimal number, or nan where its text is not integral."""
    whole, _, fraction = field.partition(b".")
    return float("nan") if fraction.strip(b"0") else float(whole)


def line_bytes(text: bytes, ends: NDArray[np.int64], chosen: NDArray[np.bool_]) -> bytes:
    """Return the chosen lines of a text, in their order.

    Parameters
    ----------
    text : the lines, each with its newline.
    ends : offset just after each line, shape (lines,).
    chosen : which lines, shape (lines,).
    """
    if chosen.all():
        return text
    first_out = int(np.argmin(chosen))  # most often nearly all are chosen: take that stretch as it is
    start = int(ends[first_out - 1]) if first_out else 0
    offsets = np.concatenate((ends[first_out : first_out + 1] * 0 + start, ends[first_out:]))
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    )
    rest = array.filter(pa.array(chosen[first_out:]))
    used = np.frombuffer(rest.buffers()[1], dtype=np.int64)[rest.offset : rest.offset + len(rest) + 1]
    return text[:start] + rest.buffers()[2].to_pybytes()[used[0] : used[-1]] if len(rest) else text[:start]


def _only_crlf(raw: NDArray[np.uint8], others: NDArray[np.int64]) -> bool:
    """Whether the control bytes other than newlines are all carriage returns just before a newline."""
    return bool((raw[others] == _CARRIAGE_RETURN).all() and (raw[others + 1] == _NEWLINE).all())


def _columns(text: bytes, raw: NDArray[np.uint8], ends: NDArray[np.int64]) -> Columns | None:
    """Read text of digits, commas, dots and signs at once, or return None where a line does not allow it."""
    if b"." not in text and b"-" not in text:
        return _parse(text, len(ends), _INTEGERS)
    dots = np.flatnonzero(raw == _POINT)
    if len(dots) and (dots[0] == 0 or min(raw[dots - 1].min(), raw[dots + 1].min()) < ord("0")):
        return None  # pyarrow takes '.5' and '5.'
    columns = _parse(text, len(ends), _FLOAT_TDC)
    if columns is None:
        return None
    # So all dots are in the last column. 3: dot, carriage return, newline.
    long_fraction = ends[np.searchsorted(ends, dots)] - dots > _FRACTION_DIGITS + 3
    return None if long_fraction.any() else columns


def _parse(text: bytes, n_lines: int, types: dict[str, pa.DataType]) -> Columns | None:
    try:
        table = pacsv.read_csv(
            pa.py_buffer(text),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=COLUMNS),
            parse_options=pacsv.ParseOptions(quote_char=False, escape_char=False, newlines_in_values=False),
            convert_options=pacsv.ConvertOptions(
                column_types=types, null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:  # one field or line is not as expected: the caller finds out which
        return None
    if table.num_rows != n_lines:  # pyarrow leaves blank lines out
        return None
    return {name: table.column(name).to_numpy() for name in COLUMNS}


def _fates(columns: Columns) -> NDArray[np.uint8]:
    """Return the fates of rows of six plain decimal numbers each."""
    head = columns["HEAD"].copy()
    head[_outside(head, N_HEADS - 1)] = MALFORMED["head"]
    fate = head.astype(np.uint8)
    for reason, name, largest in reversed(_RANGES):  # reversed: the first reason is written last and stays
        outside = _outside(columns[name], largest)
        fate[outside[head[outside] == HIT_HEAD]] = MALFORMED[reason]
    return fate


def _outside(values: NDArray[np.generic], largest: int) -> NDArray[np.int64]:
    """Return the places of values that are not a whole number from 0 to the largest."""
    outside = values > largest  # type: ignore[operator]
    if values.dtype.kind == "f":
        outside |= (values < 0) | (values != np.floor(values))  # type: ignore[operator]
    return np.flatnonzero(outside)


def _lines(text: bytes, ends: NDArray[np.int64], fate: NDArray[np.uint8], columns: Columns) -> Lines:
    def hits_only(name: str) -> NDArray[np.generic]:
        values, wanted = columns[name], _HIT_TYPES[name]
        if values.dtype.kind == "f":  # an ancillary row may hold anything
            values = np.where(fate == HIT_HEAD, values, 0)
        return values.astype(wanted, copy=False)

    return Lines(text, ends, fate, *(hits_only(name) for name in COLUMNS[1:]))  # type: ignore[arg-type]


def _read_with_odd_lines(text: bytes, raw: NDArray[np.uint8]) -> Lines:
    """Read lines among which are some that pyarrow gives up on, or takes for something else.

    Most are still six plain whole numbers: those are read at once, with rows of zeros in the places of the
    rest. The rest, a text of its own, is read as floating point but for its odd lines, and these are judged
    one by one.
    """
    ends, rest = _unusual_lines(raw)
    mostly_usual = 2 * int(rest.sum()) < len(rest)
    columns = _parse(_filled(text, ends, rest), len(ends), _WHOLE) if mostly_usual else None
    if columns is None:  # then all lines are the rest
        rest[:] = True
        columns = {name: np.zeros(len(ends), dtype=np.uint64) for name in COLUMNS}
    lines = _lines(text, ends, _fates(columns), columns)

    def put(chosen: NDArray[np.int64], columns: Columns) -> None:
        found = _lines(b"", ends[:0], _fates(columns), columns)
        for attribute in ("fate", "fpga", "channel", "orbit", "bx", "tdc"):
            getattr(lines, attribute)[chosen] = getattr(found, attribute)

    places = np.flatnonzero(rest)
    rest_text = line_bytes(text, ends, rest) if len(places) else b""
    rest_ends = np.cumsum(np.diff(ends, prepend=0)[rest])
    odd = _odd_lines(np.frombuffer(rest_text, dtype=np.uint8), rest_ends)
    if not odd.all():
        columns = _parse(line_bytes(rest_text, rest_ends, ~odd), len(odd) - int(odd.sum()), _FLOATS)
        if columns is None:  # our rules let something through that pyarrow does not: judge every line
            odd[:] = True
        else:
            put(places[~odd], columns)
    numbers: dict[int, list[float]] = {}
    for i in np.flatnonzero(odd).tolist():
        verdict = _fate_or_numbers(rest_text[rest_ends[i - 1] if i else 0 : rest_ends[i] - 1])
        if isinstance(verdict, int):
            lines.fate[places[i]] = verdict
        else:
            numbers[int(places[i])] = verdict
    if numbers:
        put(np.array(list(numbers)), _columns_of(list(numbers.values())))
    return lines


def _filled(text: bytes, ends: NDArray[np.int64], out: NDArray[np.bool_]) -> bytes:
    """Return the text with a row of zeros in the place of each line that is `out`."""
    stops = ends[out].tolist()
    starts = (ends - np.diff(ends, prepend=0))[out].tolist()
    return _FILLER.join([text[a:b] for a, b in zip([0, *stops], [*starts, len(text)], strict=True)])


def _unusual_lines(raw: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the lines' ends, and which are not six numbers of digits in few bytes; shapes (lines,)."""
    is_mark = (raw - np.uint8(ord("0"))) > _NINE
    marks = np.flatnonzero(is_mark)
    kinds = raw[marks]
    newlines = np.flatnonzero(kinds == _NEWLINE)
    ends = marks[newlines] + 1
    # In so few bytes no number has more than 18 digits, and uint64 holds it.
    too_long = np.diff(ends, prepend=0) > USUAL_LINE_BYTES
    unusual = (np.diff(newlines, prepend=-1) != len(COLUMNS)) | too_long
    unusual[:1] |= is_mark[:1]
    after_mark = np.flatnonzero(is_mark[1:] & is_mark[:-1]) + 1  # an empty field
    others = marks[(kinds != ord(",")) & (kinds != _NEWLINE)]
    unusual[np.searchsorted(ends, np.concatenate((after_mark, others)), side="right")] = True
    return ends, unusual


# Classes of bytes, and which may follow which in a row of plain decimal numbers.
_DIGIT, _COMMA, _END, _MINUS, _DOT, _RETURN, _OTHER = range(7)
_CLASS = np.full(256, _OTHER, dtype=np.uint8)
_CLASS[ord("0") : ord("9") + 1] = _DIGIT
for _byte, _class in ((b",", _COMMA), (b"\n", _END), (b"-", _MINUS), (b".", _DOT), (b"\r", _RETURN)):
    _CLASS[_byte[0]] = _class
_FOLLOWS = np.zeros(64, dtype=np.bool_)
for _before, _after in (
    (_DIGIT, (_DIGIT, _COMMA, _END, _DOT, _RETURN)),
    (_COMMA, (_DIGIT, _MINUS)),
    (_END, (_DIGIT, _MINUS)),
    (_MINUS, (_DIGIT,)),
    (_DOT, (_DIGIT,)),
    (_RETURN, (_END,)),
):
    _FOLLOWS[[8 * _before + after for after in _after]] = True


def _odd_lines(raw: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which lines are not six plain decimal numbers that float64 can tell apart; shape (lines,)."""
    classes = _CLASS[raw]
    before = np.empty_like(classes)
    before[:1] = _END
    before[1:] = classes[:-1]
    misplaced = np.flatnonzero(~_FOLLOWS[8 * before + classes])
    marks = np.flatnonzero((classes == _COMMA) | (classes == _END) | (classes == _DOT))
    mark_classes = classes[marks]
    after_dot = mark_classes[:-1] == _DOT
    second_dot = marks[1:][after_dot & (mark_classes[1:] == _DOT)]
    at_end = mark_classes[1:] == _END  # there a carriage return may stand before the mark
    long_fraction = marks[1:][after_dot & (np.diff(marks) > _FRACTION_DIGITS + 1 + at_end)]
    odd = np.zeros(len(ends), dtype=np.bool_)
    for positions in (misplaced, second_dot, long_fraction):
        odd[np.searchsorted(ends, positions, side="right")] = True
    commas_before = np.searchsorted(marks[mark_classes == _COMMA], ends)
    odd |= np.diff(commas_before, prepend=0) != len(COLUMNS) - 1
    odd |= np.diff(ends, prepend=0) > MAX_LINE_BYTES + 1
    return odd
