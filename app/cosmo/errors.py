"""Every error of COSMO, as one tree. Each class says who acts on it.

A message has three parts: what was expected, what came, what to do. Only `cosmo.cli` catches `CosmoError`:
it prints the message in one line and leaves with `exit_code`.
"""

import errno
from typing import Final

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Of the system's errors those that mean a disk, a quota or a limit on files is full."""


class CosmoError(Exception):
    """Base of all errors that COSMO raises on purpose."""

    exit_code = 1


class SettingsError(CosmoError):
    """The settings document is missing, incomplete or inconsistent. The operator mends it."""

    exit_code = 2


class SourceError(CosmoError):
    """A source of rows is missing, unreadable or holds no rows. Who named it corrects the name."""

    exit_code = 2


class NotOurs(SourceError):
    """A file or object has lines, none of them a row of ours, or columns in another order.

    Among others, pass it over and say so.
    """


class StoreAway(SourceError):
    """The store of the bucket does not answer, or not to the end. Wait and go on; tell the operator once."""


class PreflightError(CosmoError):
    """The machine cannot run what was asked for: a port, disk, Python or network. Found before any start."""

    exit_code = 2


class ArtifactError(CosmoError):
    """A locked artifact cannot be fetched, or its checksum is another. The operator checks the network."""


class BrokerError(CosmoError):
    """The broker answers, but with something that cannot be worked with. The operator looks at its log."""


class BrokerAway(BrokerError):
    """The broker does not answer. Wait and try again; tell the operator once."""


class AccessRefused(BrokerError):
    """The broker does not know us, forbids what we ask, or is not ours. The operator runs init again."""


class Superseded(CosmoError):
    """Another process published this number first. This one stops; a restart goes on from the winner."""

    exit_code = 3


class AlreadyRunning(CosmoError):
    """Another process already does this work for the same run. The operator decides which one stays."""

    exit_code = 3


class MalformedMessage(CosmoError):
    """A message of a COSMO topic cannot be read, or has another schema version. Skip it and say so."""


class PartFailed(CosmoError):
    """A part of the stack stopped or did not become ready. The message holds its last log lines."""


class NoRun(CosmoError):
    """No run is recorded. The operator starts one."""
