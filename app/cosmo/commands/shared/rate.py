"""The rate of a producer that runs: changed in the settings document, taken on SIGHUP."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

from cosmo.errors import SettingsError
from cosmo.pace import Rate
from cosmo.settings import Settings

log = logging.getLogger(__name__)


class RateOfDocument:
    """The rate that the settings document asks for, read again when SIGHUP has come."""

    def __init__(self, document: Path, settings: Settings) -> None:
        self._document = document
        self._settings = settings
        self._is_asked = False
        signal.signal(signal.SIGHUP, self._ask)

    def __call__(self) -> Rate:
        """Return the rate to stream at from now on."""
        if self._is_asked:
            self._is_asked = False
            self._read()
        return self._settings.producer.rows_per_s

    def _ask(self, _number: int, _frame: object) -> None:
        self._is_asked = True

    def _read(self) -> None:
        try:
            read = type(self._settings).load(self._document)
        except SettingsError as error:
            log.warning("the rate stays as it was: %s", error)
            return
        rate = read.producer.rows_per_s
        producer = self._settings.producer.model_copy(update={"rows_per_s": rate})
        self._settings = self._settings.model_copy(update={"producer": producer})
        log.info("streaming at %s from now on", rate if isinstance(rate, str) else f"{rate:g} rows/s")
        if read != self._settings:
            log.warning("%s has other changes too; they take effect at the next start", self._document)
