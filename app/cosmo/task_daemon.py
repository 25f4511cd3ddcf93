"""What Spark starts on every executor to fork the Python processes of its tasks: its daemon, on a short path.

Spark puts itself on the path of Python as two zip files and a jar, and every task begins with
`importlib.invalidate_caches()`, which reads the directories of all of them anew: four times as much work as
to measure a small batch. The same pyspark is installed beside this package, so they are not needed.
"""

from __future__ import annotations

import os
import runpy
import sys

if __name__ == "__main__":
    sys.path[:] = filter(os.path.isdir, sys.path)
    for archive in sys.path_importer_cache.keys() - sys.path:
        del sys.path_importer_cache[archive]
    runpy.run_module("pyspark.daemon", run_name="__main__")
