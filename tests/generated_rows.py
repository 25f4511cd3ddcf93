"""Generated rows as numbers, and what is measured from them."""

import numpy as np

from cosmo.hits import read
from cosmo.statistics import Summary
from cosmo.timeslices import Limits, cut_lines


def hits_of(text):
    """Return (FPGA, channel, orbit, BX, TDC) of the HEAD 2 rows as columns, in the order of the rows."""
    rows = b",".join(line for line in text.splitlines() if line.startswith(b"2,"))
    head, *columns = np.fromstring(rows, np.int64, sep=",").reshape(-1, 6).T
    assert (head == 2).all()
    return np.array(columns)


def summary_of(text):
    return Summary.of(cut_lines([read(text)], Limits()))


def chambers_of(fpga, channel):
    """Return the chamber of each hit, -1 for none."""
    return np.where(channel < 128, 2 * fpga + channel // 64, -1)


def most_disorder(orbit):
    """Return how many rows a hit comes, at most, after the first of a later orbit, and how many orbits."""
    newest = np.maximum.accumulate(orbit)
    late = np.flatnonzero(orbit < newest)
    rows = late - np.searchsorted(newest, orbit[late], side="right")
    return int(rows.max(initial=0)), int((newest - orbit).max(initial=0))
