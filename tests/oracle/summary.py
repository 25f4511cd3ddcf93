"""Count slices: everything COSMO says about a batch, as one dictionary of plain numbers."""

from collections.abc import Iterable

from .rows import Row, classify, limit, lines
from .timeslicer import NEAR, NO_EPOCH, ORBITS, Slice, cut, serial

MOST_BLOCKS = 512
OFFSET_30 = (2817, 3042, 2865, 2772)  # per chamber, in 1/30 ns: 93.9, 101.4, 95.5, 92.4 ns
LOW_30, HIGH_30 = -100 * 30, 500 * 30  # the drift-time axis, in 1/30 ns; 30 of them are one bin
BINS = 600

COUNTERS = (
    "rows",
    "header_lines",
    "blank_lines",
    "scintillator_hits",
    "unmapped",
    "late",
    "clock_jump",
    "split",
    "live_orbits",
    "unframed",
    "malformed_slices",
)
TABLES = {"occupancy": 64, "scintillator_occupancy": 64, "active_channels": 65, "drift_time": BINS + 2}

#: One orbit of one slice: its chamber hits, and the moments of its scintillator hits (1/30 bunch crossing).
Orbit = tuple[list[Row], list[int]]


def empty() -> dict:
    """Return the summary of nothing. Tables are lists of 4 rows, one per chamber."""
    total: dict = dict.fromkeys(COUNTERS, 0)
    total |= {name: [[0] * width for _ in range(4)] for name, width in TABLES.items()}
    total |= {"hits": [0, 0, 0, 0], "ancillary": {}, "malformed": {}}
    total["active_by_orbit"] = {"log2_block": 0, "blocks": {}}
    return total


def summary(slices: Iterable[Slice]) -> dict:
    """Sum over slices. An orbit is an orbit of its slice: the same number in two slices is two orbits."""
    total = empty()
    active: list[tuple[int, list[int]]] = []
    for piece in slices:
        active += count_slice(total, piece)
    total["active_by_orbit"] = by_block(active)
    return total


def count_slice(total: dict, piece: Slice) -> list[tuple[int, list[int]]]:
    """Add a slice to all but `active_by_orbit`; return its orbits, each with its active channels."""
    total["split"] += piece.split
    total["live_orbits"] += (piece.to_orbit - piece.from_orbit) % ORBITS
    orbits: dict[int, Orbit] = {}
    for line in piece.lines:
        row = classify(line)
        count_row(total, row)
        if row.kind == "hit":
            where = place(row.orbit, piece)
            if where == "inside":
                collect(orbits, row)
            else:
                total[where] += 1
    return [(number, count_orbit(total, orbit)) for number, orbit in orbits.items()]


def of_file_bytes(data: bytes, **parameters: int) -> dict:
    """Summary of a whole file; the parameters are those of `timeslicer.cut`."""
    return summary(cut(lines(data), **parameters))


def unframed(data: bytes | None) -> dict:
    """Summary of a record that is not a slice: its rows are counted, but it has no orbits."""
    total = empty()
    if data is None or not is_text(data):
        total["malformed_slices"] = 1
        return total
    for line in lines(data):
        count_row(total, classify(limit(line)))
    total["unframed"] = total["rows"]
    return total


def is_text(data: bytes) -> bool:
    """Tell whether the bytes are UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def place(orbit: int, piece: Slice) -> str:
    """Where a hit lies: 'inside' the orbits of its slice, or the counter of those that do not."""
    length = (piece.to_orbit - piece.from_orbit) % ORBITS
    if (orbit - piece.from_orbit) % ORBITS < length:
        return "inside"
    if piece.epoch != NO_EPOCH and abs(serial(orbit, piece.to_orbit)) <= NEAR:
        return "late"
    return "clock_jump"


def count_row(total: dict, row: Row) -> None:
    """Count what needs no orbit: each row in exactly one place, a chamber hit also in its channel."""
    if row.kind == "header":
        total["header_lines"] += 1
        return
    if row.kind == "blank":
        total["blank_lines"] += 1
        return
    total["rows"] += 1
    if row.kind == "malformed":
        total["malformed"][row.reason] = total["malformed"].get(row.reason, 0) + 1
    elif row.kind == "ancillary":
        total["ancillary"][row.head] = total["ancillary"].get(row.head, 0) + 1
    elif row.is_scintillator:
        total["scintillator_hits"] += 1
    elif row.is_unmapped:
        total["unmapped"] += 1
    else:
        total["hits"][row.chamber] += 1
        total["occupancy"][row.chamber][row.chamber_channel] += 1


def collect(orbits: dict[int, Orbit], row: Row) -> None:
    """Add a hit to its orbit. An unmapped hit alone makes no orbit."""
    if row.is_unmapped:
        return
    chamber_hits, scintillator_moments = orbits.setdefault(row.orbit, ([], []))
    if row.is_scintillator:
        scintillator_moments.append(30 * row.bx + row.tdc)
    else:
        chamber_hits.append(row)


def count_orbit(total: dict, orbit: Orbit) -> list[int]:
    """Count what one whole orbit gives; return its number of active channels per chamber."""
    chamber_hits, scintillator_moments = orbit
    channels: list[set[int]] = [set(), set(), set(), set()]
    for hit in chamber_hits:
        channels[hit.chamber].add(hit.chamber_channel)
    active = [len(distinct) for distinct in channels]
    for chamber in range(4):
        total["active_channels"][chamber][active[chamber]] += 1
    if scintillator_moments:
        passage = min(scintillator_moments)
        for hit in chamber_hits:
            total["scintillator_occupancy"][hit.chamber][hit.chamber_channel] += 1
            drift_time_30 = 25 * (30 * hit.bx + hit.tdc - passage) + OFFSET_30[hit.chamber]
            total["drift_time"][hit.chamber][drift_time_bin(drift_time_30)] += 1
    return active


def drift_time_bin(drift_time_30: int) -> int:
    """Bin of a drift time in 1/30 ns: 0 underflow, 1..600, 601 overflow; low edges are inside."""
    if drift_time_30 < LOW_30:
        return 0
    if drift_time_30 >= HIGH_30:
        return BINS + 1
    return 1 + (drift_time_30 - LOW_30) // 30


def by_block(active: list[tuple[int, list[int]]]) -> dict:
    """Active channels against orbit, in the smallest blocks of which at most 512 are occupied."""
    k = 0
    while len({orbit >> k for orbit, _ in active}) > MOST_BLOCKS:
        k += 1
    blocks: dict[int, list] = {}
    for orbit, counts in active:
        put_block(blocks, orbit >> k, [1, counts, counts])
    return {"log2_block": k, "blocks": blocks}


def put_block(blocks: dict[int, list], block: int, entry: list) -> None:
    """Add [orbits, sums, maxima] to a block."""
    n, sums, maxima = blocks.get(block, [0, [0] * 4, [0] * 4])
    blocks[block] = [
        n + entry[0],
        [x + y for x, y in zip(sums, entry[1], strict=True)],
        [max(x, y) for x, y in zip(maxima, entry[2], strict=True)],
    ]


def add(a: dict, b: dict) -> dict:
    """Sum of two summaries; changes neither."""
    total = {name: a[name] + b[name] for name in COUNTERS}
    total["hits"] = [x + y for x, y in zip(a["hits"], b["hits"], strict=True)]
    for name in TABLES:
        total[name] = [
            [x + y for x, y in zip(row_a, row_b, strict=True)]
            for row_a, row_b in zip(a[name], b[name], strict=True)
        ]
    for name in ("ancillary", "malformed"):
        keys = a[name].keys() | b[name].keys()
        total[name] = {key: a[name].get(key, 0) + b[name].get(key, 0) for key in keys}
    total["active_by_orbit"] = add_blocks(a["active_by_orbit"], b["active_by_orbit"])
    return total


def add_blocks(a: dict, b: dict) -> dict:
    """Sum of two `active_by_orbit`: in the larger block of the two, or larger still if it must be."""
    entries = [
        (block << side["log2_block"], entry) for side in (a, b) for block, entry in side["blocks"].items()
    ]
    k = max(a["log2_block"], b["log2_block"])
    while len({orbit >> k for orbit, _ in entries}) > MOST_BLOCKS:
        k += 1
    blocks: dict[int, list] = {}
    for orbit, entry in entries:
        put_block(blocks, orbit >> k, entry)
    return {"log2_block": k, "blocks": blocks}
