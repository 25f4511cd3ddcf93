"""A recording to stream, and what the cluster measured of it against the oracle.

    python recorded.py write FILE
    python recorded.py compare FILE < results, as `cosmo tail results --json` shows them

The recording is that of the beam where it is at hand beside the checkout, else rows of the generator.
"""

import gzip
import json
import sys
from pathlib import Path

from against_oracle import as_oracle
from cosmo.cli import cosmo
from cosmo.results import Result
from cosmo.statistics import Summary
from oracle.summary import of_file_bytes

RECORDING = Path(__file__).parents[5] / "shared" / "data" / "minidt_beam_67000rows.csv.gz"


def write(path):
    """Write the rows to stream."""
    if RECORDING.exists():
        path.write_bytes(gzip.decompress(RECORDING.read_bytes()))
    else:
        cosmo.main(["generate", str(path), "--rows", "67000"], standalone_mode=False)


def compare(path, lines):
    """Compare the sum of the newest run's results, as `cosmo tail --json` shows them, bin by bin."""
    told = [json.loads(line)["result"] for line in lines]
    results = [Result.from_json(json.dumps(result).encode()) for result in told]
    newest = max(result.run for result in results)
    by_number = {}
    for result in results:
        if result.run == newest:
            by_number.setdefault(result.number, result)
    total = sum((result.summary.summary() for result in by_number.values()), Summary.empty())
    measured, expected = as_oracle(total), of_file_bytes(path.read_bytes())
    different = [name for name in expected if measured[name] != expected[name]]
    if different:
        sys.exit(f"expected what the oracle counts, these differ: {', '.join(different)}")
    sys.stdout.write(f"run {newest}: {total.rows:,} rows in {len(by_number)} results, as the oracle counts\n")


if __name__ == "__main__":
    verb, file = sys.argv[1], Path(sys.argv[2])
    write(file) if verb == "write" else compare(file, sys.stdin)
