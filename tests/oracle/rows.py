"""One line of text: what it is, and if it is not a row of the detector, why not."""

import re
from typing import NamedTuple

HEADER = b"HEAD,FPGA,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS"
PLAIN_DECIMAL = re.compile(rb"-?[0-9]+(\.[0-9]+)?")

#: Greatest value of each column of a hit; the least is 0.
LIMITS = (("fpga", 7), ("channel", 511), ("orbit", 2**32 - 1), ("bx", 3563), ("tdc", 30))

#: (FPGA, TDC_CHANNEL // 64) of each chamber.
CHAMBERS = {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 3}
SCINTILLATOR = (1, 128)  # (FPGA, TDC_CHANNEL)


LINE_MAX_BYTES = 64 * 1024


class CutLine(bytes):
    """The beginning of a line that was longer than allowed: malformed whatever it says."""


class Row(NamedTuple):
    """What one line is.

    `kind` is 'blank', 'header', 'malformed' (see `reason`), 'ancillary' (see `head`) or 'hit' (all
    the numbers, as they stand in the line). Blank and header lines are not rows.
    """

    kind: str
    reason: str = ""
    head: int = -1
    fpga: int = -1
    channel: int = -1  # TDC_CHANNEL
    orbit: int = -1
    bx: int = -1
    tdc: int = -1

    @property
    def chamber(self) -> int | None:
        """Chamber 0-3 of a hit; None for the scintillator, an unmapped channel, or no hit."""
        return CHAMBERS.get((self.fpga, self.channel // 64))

    @property
    def chamber_channel(self) -> int:
        """Channel 0-63 inside the chamber (has no meaning where `chamber` is None)."""
        return self.channel % 64

    @property
    def is_scintillator(self) -> bool:
        return (self.fpga, self.channel) == SCINTILLATOR

    @property
    def is_unmapped(self) -> bool:
        return self.kind == "hit" and self.chamber is None and not self.is_scintillator


def lines(data: bytes) -> list[bytes]:
    r"""Split at every '\n'. The last line may lack its '\n'; a final '\n' makes no extra line."""
    pieces = data.split(b"\n")
    if pieces[-1] == b"":
        pieces.pop()
    return pieces


def limit(line: bytes, most_bytes: int = LINE_MAX_BYTES) -> bytes:
    """Cut a line that is too long: one byte more than allowed is kept, so that it stays too long."""
    return CutLine(line[: most_bytes + 1]) if len(line) > most_bytes else line


def whole_number(field: bytes, greatest: int) -> int | None:
    """Value of a plain decimal if it is integral and in 0..greatest, else None. '26.0' and '-0' are."""
    whole, _, fraction = field.partition(b".")
    digits = whole.lstrip(b"-0")
    # Ten digits are enough for every limit, and Python refuses to convert thousands of them.
    if fraction.strip(b"0") or len(digits) > 10:
        return None
    value = int(digits or b"0")
    if whole.startswith(b"-"):
        value = -value
    return value if 0 <= value <= greatest else None


def classify(line: bytes) -> Row:
    r"""Say what a line is; its '\n' is already off. Every bytes value has an answer."""
    if isinstance(line, CutLine):
        return Row("malformed", reason="long")
    if line.endswith(b"\r"):
        line = line[:-1]
    if line == b"":
        return Row("blank")
    if line == HEADER:
        return Row("header")

    return classify_fields(line.split(b","))


def classify_fields(fields: list[bytes]) -> Row:
    """Say what the fields of a line are: the first rule that is broken names the reason."""
    if len(fields) != 6:
        return Row("malformed", reason="fields")
    if b"" in fields:
        return Row("malformed", reason="empty")
    if not all(PLAIN_DECIMAL.fullmatch(field) for field in fields):
        return Row("malformed", reason="number")
    head = whole_number(fields[0], 7)
    if head is None:
        return Row("malformed", reason="head")
    if head != 2:
        return Row("ancillary", head=head)

    numbers = []
    for (name, greatest), field in zip(LIMITS, fields[1:], strict=True):
        number = whole_number(field, greatest)
        if number is None:
            return Row("malformed", reason=name)
        numbers.append(number)
    return Row("hit", "", 2, *numbers)
