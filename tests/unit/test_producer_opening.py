"""A producer whose bucket is away at its start waits for it; one whose settings are wrong ends."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from cosmo.errors import SourceError
from cosmo.producer import produce
from cosmo.settings import Settings
from cosmo.sources import bucket_source

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
