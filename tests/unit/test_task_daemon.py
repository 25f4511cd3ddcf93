"""The process that tasks are forked from: what they need is there, and no collection looks at it."""

import subprocess
import sys

IN_PLACE_OF_SPARK = """
import gc, runpy, sys

def instead(name, **_):
    ready = {"pyspark.worker", "cosmo.measuring", "pandas"} <= sys.modules.keys()
    gc.collect()
    print(name, ready, gc.get_freeze_count() > 10 * len(gc.get_objects()))

run_module, runpy.run_module = runpy.run_module, instead
run_module("cosmo.task_daemon", run_name="__main__")
"""


def test_what_tasks_import_is_there_before_the_fork_and_out_of_the_collectors_sight():
    ran = subprocess.run(
        [sys.executable, "-c", IN_PLACE_OF_SPARK], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.split() == ["pyspark.daemon", "True", "True"], ran.stderr
