"""A producer waits for a bucket that is away at its start, ends if settings are wrong, closes its source."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from cosmo import producer
from cosmo.errors import SourceError
from cosmo.producer import produce
from cosmo.results import Run
from cosmo.settings import Settings
from cosmo.slice_records import Writer
from cosmo.sources import Block, bucket_source
from sample_rows import hit

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Return settings whose store is a port where nobody listens."""
    monkeypatch.setattr(bucket_source, "OPEN_WITHIN_S", 0.0)
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"access_key": "A", "secret_key": "S"}))
    key.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    changes = {"endpoint_url": address, "credentials_file": str(key), "ca_bundle": None, "name": "b"}
    return Settings.load(
        LOCALHOST, {"source.kind": "bucket", **{f"bucket.{name}": value for name, value in changes.items()}}
    )


def test_a_store_that_is_away_is_waited_for_until_the_stop(settings, caplog):
    stop, turns = threading.Event(), []

    def alive():
        turns.append(len(turns))
        if len(turns) == 6:
            stop.set()

    produce(settings, stop, on_alive=alive)
    assert len(turns) >= 6
    (message,) = caplog.messages
    assert message.startswith("waiting for the bucket, to go on with its list of objects: ")
    assert "Connection refused" in message


def test_settings_that_are_wrong_are_an_error_at_once(settings):
    settings.bucket.credentials_file.unlink()
    with pytest.raises(SourceError, match=r"key\.json: expected the credentials of the bucket"):
        produce(settings, threading.Event())


class Passes:
    """Gives the same text in each pass, and tells when it is closed."""

    description = "passes"

    def __init__(self, text):
        self._text = text
        self.is_closed = False

    def blocks(self, *_position):
        assert not self.is_closed
        yield Block("data_0.txt", 0, len(self._text), self._text)

    def close(self):
        self.is_closed = True


@pytest.fixture
def produced(settings, monkeypatch):
    """Return what streams a source in a loop, to a broker that takes all, until so many slices are sent."""

    def produced(source, n_slices):
        stop, log = threading.Event(), Mock()

        def publish(*_slice):
            if log.publish.call_count == n_slices:
                stop.set()
            return True

        log.publish.side_effect = publish
        run = Run.model_construct(number=1)
        monkeypatch.setattr(producer, "open_source", lambda *_settings: source)
        monkeypatch.setattr(
            producer, "Broker", lambda _: Mock(writer=Writer("host", 1, "2026-11-22T20:00:00Z"))
        )
        monkeypatch.setattr(producer, "wait_for", lambda *_what: (run, None, log))
        looped = settings.source.model_copy(update={"loop": True})
        paced = settings.producer.model_copy(update={"rows_per_s": "recorded"})
        produce(settings.model_copy(update={"source": looped, "producer": paced}), stop)

    return produced


def test_a_source_is_closed_after_the_stop(produced):
    source = Passes(hit(1) + b"\n")
    produced(source, n_slices=2)
    assert source.is_closed


@pytest.mark.parametrize("text", [b"", b"4,0,0,3999999999,0,-1.5\n"], ids=["no rows", "no hits"])
def test_a_source_that_cannot_be_looped_is_closed(produced, text):
    source = Passes(text)
    with pytest.raises(SourceError, match="in passes"):
        produced(source, n_slices=10)
    assert source.is_closed
