"""Run a verb again and again, each time ended early at another point: interrupt.py VERB ansible-playbook ...

The points lie where half of something is there: a bundle, an environment, a broker that starts. How far into
each it is ended is drawn from a seed. Fails if a point is never reached.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A play or task by the words of its banner, the longest time to let it go on, and how to end it."""

    where: str
    within_s: float
    signal: signal.Signals


POINTS = {
    "init": (
        Point("The bundle lies there, whole", 1.5, signal.SIGKILL),
        Point("It has the locked packages and the application", 3.0, signal.SIGKILL),
        Point("It is complete, and what it imports is compiled", 3.0, signal.SIGINT),
        Point("The broker runs", 2.0, signal.SIGKILL),
    ),
    "run": (Point("The unit is enabled and runs with these files", 5.0, signal.SIGKILL),),
    "halt": (Point("cosmo : Wait for it", 1.0, signal.SIGINT),),
    "purge": (Point("Kafka and its topics", 2.0, signal.SIGKILL),),
}


def interrupted(argv: list[str], point: Point, after_s: float) -> bool:
    """Run a command and end it at a point; return whether it was reached."""
    # A session of its own, as a terminal gives it: Ctrl-C reaches all its processes, SIGKILL only the first.
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as ansible:
        assert ansible.stdout is not None
        end = os.killpg if point.signal == signal.SIGINT else os.kill
        for line in ansible.stdout:
            if line.startswith(("PLAY [", "TASK [")) and point.where in line:
                timer = threading.Timer(after_s, end, (ansible.pid, point.signal))
                timer.start()
                break
        else:
            return False
        rest = ansible.stdout.read()
        timer.cancel()
        code = ansible.wait()
    sys.stdout.write(f"{point.where}: {point.signal.name} after {after_s:.2f} s, exit code {code}\n")
    return code != 0 and "PLAY RECAP" not in rest


def main() -> None:
    """Interrupt at every point of a verb, in their order."""
    drawn = random.Random(8)
    _, verb, *argv = sys.argv
    missed = [
        point for point in POINTS[verb] if not interrupted(argv, point, drawn.uniform(0, point.within_s))
    ]
    if missed:
        sys.exit(f"expected to interrupt at every point, these were not reached or were over: {missed}")


main()
