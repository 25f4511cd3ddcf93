"""What Spark starts on every executor to fork the Python processes of its tasks: its daemon, made ready.

Spark puts itself on the path of Python as two zip files and a jar, and every task begins with
`importlib.invalidate_caches()`, which reads the directories of all of them anew: four times as much work as
to measure a small batch. The same pyspark is installed beside this package, so they are not needed.

Every task ends with a full garbage collection, which looks at all that was ever imported: as much work again.
So what tasks import is imported here, once for all processes, and then kept out of the collector's sight.
"""

from __future__ import annotations

import gc
import os
import runpy
import sys

if __name__ == "__main__":
    sys.path[:] = filter(os.path.isdir, sys.path)
    for archive in sys.path_importer_cache.keys() - sys.path:
        del sys.path_importer_cache[archive]
    import pyspark.worker  # noqa: F401

    import cosmo.measuring  # noqa: F401

    gc.freeze()
    runpy.run_module("pyspark.daemon", run_name="__main__")
