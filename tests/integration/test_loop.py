"""A recording that is played again and again is one stream: its orbits go on where they ended."""

from __future__ import annotations

import gzip
from collections import Counter

from recordings import NewParts, Recording
from stream_parts import wait_until

from cosmo import runs
from cosmo.slice_records import SliceRecord

PASSES = 3
LAG_ROWS = 64
HEADER = "HEAD,"


def test_passes_follow_each_other(beam: Recording, new_parts: NewParts, spark) -> None:
    parts = new_parts(
        source__kind="files",
        source__files=[str(beam.path)],
        source__loop=True,
        producer__rows_per_s=60_000,
        producer__linger_ms=100,
    )
    parts.begin_run()
    with parts.analysing(spark):
        with parts.producing():
            wait_until(lambda: parts.rows_sent() > PASSES * beam.rows, "three passes and some rows")
        total = parts.wait_until_through()

    account = runs.account(parts.broker, parts.run)
    assert account.is_closed
    assert account.rows_sent == total.rows
    assert (total.late, total.clock_jump, total.lost_slices, sum(total.malformed)) == (0, 0, 0, 0)

    # A pass is as long as from its least orbit to one past the newest of its last 64 hits.
    once = gzip.decompress(beam.path.read_bytes()).decode().splitlines()
    hits = [line.split(",") for line in once if line.startswith("2,")]
    orbits = [int(fields[3]) for fields in hits]
    length = max(orbits[-LAG_ROWS:]) + 1 - min(orbits[:LAG_ROWS])
    newest = parts.newest_slice()
    assert newest.read_head.pass_number >= PASSES
    assert newest.read_head.orbit_shift == newest.read_head.pass_number * length
    assert total.live_orbits == newest.to_orbit - min(orbits)

    # What was sent, with what is carried, is what was read: pass after pass, each shifted by one length more.
    slices = [SliceRecord.read(record.headers, record.value) for record in parts.slice_records()]
    sent = b"".join(each.text for each in slices) + newest.carry
    expected: Counter[str] = Counter()
    wanted = account.rows_sent + account.rows_in_carry
    for pass_number in range(newest.read_head.pass_number + 1):
        for fields in hits[: wanted - pass_number * beam.rows]:
            orbit = int(fields[3]) + pass_number * length
            expected[",".join((*fields[:3], str(orbit), *fields[4:]))] += 1
    assert Counter(line for line in sent.decode().splitlines() if not line.startswith(HEADER)) == expected
