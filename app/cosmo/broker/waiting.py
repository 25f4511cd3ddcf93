"""Waiting for a broker that is away, or for a run to be begun."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from cosmo.errors import BrokerAway, NoRun

log = logging.getLogger(__name__)
_T = TypeVar("_T")


def wait_for(what: Callable[[], _T], stopped: Callable[[float], bool], waiting_for: str) -> _T | None:
    """Try until the broker answers and a run is on.

    Parameters
    ----------
    what : is called until it raises neither BrokerAway nor NoRun.
    stopped : waits up to the seconds given and returns True to give up.
    waiting_for : is said, once, with the reason.

    Returns
    -------
    What `what` returned, or None if stopped.
    """
    pause_s, said = 0.1, False
    while True:
        try:
            found = what()
        except (BrokerAway, NoRun) as error:
            if not said:
                log.warning("waiting for %s: %s", waiting_for, error)
                said = True
        else:
            if said:
                log.info("the wait for %s is over", waiting_for)
            return found
        if stopped(pause_s):
            return None
        pause_s = min(2 * pause_s, 2.0)
