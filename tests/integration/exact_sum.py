"""What exactly-once means, in one place: the sum, the account and the numbers of a run."""

from __future__ import annotations

from pathlib import Path

from stream_parts import Parts

from against_oracle import as_oracle
from cosmo import runs
from cosmo.sources import FilesSource
from cosmo.statistics import Summary
from cosmo.summarise import summarise
from cosmo.timeslices import Limits


def summary_of(*paths: Path) -> Summary:
    """Measure files without Kafka or Spark."""
    return summarise(FilesSource(paths), Limits())


def assert_exact(parts: Parts, expected: Summary) -> Summary:
    """Check that every row of the source is in the results once, in every bin, and return their sum.

    The producer has ended and the analysis is still at work, or has ended through all that was sent.
    """
    results = parts.results()
    total = sum((result.summary.summary() for result in results), Summary.empty())
    assert as_oracle(total) == as_oracle(expected)

    account = runs.account(parts.broker, parts.run)
    assert (account.rows_sent, account.rows_accounted, account.rows_in_carry) == (
        expected.rows,
        expected.rows,
        0,
    )
    newest = parts.newest_slice()
    assert newest is not None
    assert total.lost_slices == 0
    assert total.numbers.count == newest.number + 1
    assert [result.number for result in results] == list(range(len(results)))
    assert (total.repeated_slices, total.foreign_slices, total.malformed_slices) == (copies(parts), 0, 0)
    return total


def copies(parts: Parts) -> int:
    """Count the records of the stream that are not the first of their number."""
    run = parts.run.number
    numbers = [record.number for record in parts.slice_records() if record.is_numbered(run)]
    return len(numbers) - len(set(numbers))
