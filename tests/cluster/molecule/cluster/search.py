"""Find where on this host texts are that should be nowhere.

They come on standard input, a line each; the answer is JSON. Looked at: every file of the disk and of /run,
the journal, and the command line and environment of each process.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

NOT_ON_DISK = {"/proc", "/sys", "/dev"}
CHUNK_BYTES = 1 << 24


def files(folder):
    """Yield all regular files below a folder."""
    for path in folder.iterdir():
        if path.is_symlink() or str(path) in NOT_ON_DISK:
            continue
        if path.is_dir():
            yield from files(path)
        elif path.is_file():
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
    except FileNotFoundError:
        pass  # it has been removed since it was listed
    return False


pattern = re.compile(b"|".join(re.escape(line) for line in sys.stdin.buffer.read().splitlines()))
found = [str(path) for path in files(Path("/")) if has(path, pattern)]
journal = subprocess.run(["journalctl", "--no-pager", "--output=export"], capture_output=True, check=True)
if pattern.search(journal.stdout):
    found.append("the journal")
for process in Path("/proc").glob("[0-9]*"):
    found += [str(process / name) for name in ("cmdline", "environ") if has(process / name, pattern)]
json.dump({"searched_journal_bytes": len(journal.stdout), "found": found}, sys.stdout)
