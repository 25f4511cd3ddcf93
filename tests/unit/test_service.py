"""What a part tells systemd: at the socket that a unit of Type=notify gets."""

import socket
import threading

import pytest

from cosmo.commands.shared import service

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # sdnotify closes none


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Return what returns the messages since the last call."""
    monkeypatch.setattr(service, "_is_ready", threading.Event())
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)

        def told():
            messages = []
            while True:
                try:
                    messages.append(systemd.recv(1000).decode())
                except BlockingIOError:
                    return messages

        yield told


def test_a_start_that_goes_on_is_extended_until_the_part_is_ready(told):
    service.alive()
    service.alive()
    assert told() == ["EXTEND_TIMEOUT_USEC=60000000"] * 2
    service.ready()
    assert told() == ["READY=1"]
    service.alive()
    assert told() == ["WATCHDOG=1"]


def test_a_unit_without_a_watchdog_is_not_told_of_it(told, monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC")
    service.ready()
    service.alive()
    assert told() == ["READY=1"]
