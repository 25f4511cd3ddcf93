"""A Summary in the oracle's words, so that the two can be compared: the only place that knows both."""

import functools

from cosmo.hits import REASONS
from oracle.summary import COUNTERS, TABLES, of_file_bytes
from sample_rows import recording

#: Counters that have another name in the product.
_NAMES = {"split": "split_slices"}


def as_oracle(summary):
    """Return a `Summary` as the dictionary that `oracle.summary` makes."""
    told = {name: getattr(summary, _NAMES.get(name, name)) for name in COUNTERS}
    told |= {name: getattr(summary, name).values(flow=name == "drift_time").tolist() for name in TABLES}
    told["hits"] = summary.hits.tolist()
    told["ancillary"] = {head: n for head, n in enumerate(summary.ancillary) if n}
    told["malformed"] = {reason: n for reason, n in zip(REASONS, summary.malformed, strict=True) if n}
    blocks = summary.active_by_orbit
    told["active_by_orbit"] = {
        "log2_block": blocks.log2_orbits,
        "blocks": {
            int(block): [int(orbits), total.tolist(), maximum.tolist()]
            for block, orbits, total, maximum in zip(
                blocks.block, blocks.orbits, blocks.total, blocks.maximum, strict=True
            )
        },
    }
    return told


@functools.cache
def oracle_of_recording(name):
    """Return the oracle's summary of a recording: seconds of work, so done once."""
    return of_file_bytes(recording(name))
