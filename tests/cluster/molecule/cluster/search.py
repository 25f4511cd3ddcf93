"""Find where on this host texts are that should be nowhere.

They come on standard input, a line each; the answer is JSON. Looked at: every file of the disk and of /run,
the journal, and the command line and environment of each process.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

NOT_ON_DISK = {"/proc", "/sys", "/dev"}
CHUNK_BYTES = 1 << 24


def files():
    """Yield all regular files."""
    for place, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if str(Path(place, name)) not in NOT_ON_DISK]
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def has(path, pattern):
    """Say whether a file contains one of the texts, none of which is longer than a kilobyte."""
    rest = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                if pattern.search(rest + chunk):
                    return True
                rest = chunk[-1024:]
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has been removed, or has ended, since it was listed
    return False


pattern = re.compile(b"|".join(re.escape(line) for line in sys.stdin.buffer.read().splitlines()))
found = [str(path) for path in files() if has(path, pattern)]
journal = subprocess.run(["journalctl", "--no-pager", "--output=export"], capture_output=True, check=True)
if pattern.search(journal.stdout):
    found.append("the journal")
for process in Path("/proc").glob("[0-9]*"):
    if has(process / "cmdline", pattern):
        found.append(f"a command line: {process}")
    if has(process / "environ", pattern):
        found.append(f"an environment, of {process.owner()}: {process}")
json.dump({"searched_journal_bytes": len(journal.stdout), "found": found}, sys.stdout)
