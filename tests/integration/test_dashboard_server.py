"""The server: it answers, says how it is, lets nobody else in, and ends when told."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from cosmo.dashboard import serve
from cosmo.dashboard.collector import Collector
from cosmo.errors import PartFailed, PreflightError
from cosmo.settings import Settings
from dashboard_results import result, run_record

CONFIG = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"


class HeldFeed:
    """A feed that does nothing by itself."""

    def __init__(self, settings):
        self.collector = Collector(settings.dashboard)

    def run(self, stop):
        stop.wait()


class BrokenFeed(HeldFeed):
    def run(self, stop):  # noqa: ARG002  # a feed is called so
        raise ZeroDivisionError("a fault of the feed")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def serving():
    settings = Settings.load(CONFIG, {"ports.dashboard": free_port()})
    feed, stop, ready = HeldFeed(settings), threading.Event(), threading.Event()
    thread = threading.Thread(target=serve, args=(settings, feed, stop, ready.set))
    thread.start()
    assert ready.wait(30)
    try:
        yield settings.ports.dashboard, feed.collector
    finally:
        began = time.monotonic()
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        assert time.monotonic() - began < 2


def get(port, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def test_it_says_how_it_is():
    with serving() as (port, collector):
        before = json.loads(get(port, "/healthz"))
        assert before["run"] is None
        assert before["result_age_s"] is None
        assert before["waiting"]
        collector.begin(run_record(12), None)
        collector.add(result(0, 3, run=12), time.time() - 5)
        after = json.loads(get(port, "/healthz"))
        collector.add(result(1, 3, run=12), time.time() + 3600)
        set_back = json.loads(get(port, "/healthz"))
    assert (after["run"], after["rows"], after["results"], after["waiting"]) == (12, 3, 1, None)
    assert 5 <= after["result_age_s"] < 15
    assert after["behind_s"] == 0.3
    assert set_back["result_age_s"] < -3500


def test_the_page_names_no_other_host_and_only_what_it_uses():
    with serving() as (port, _):
        page = get(port, "/")
    assert 'src="static/js/bokeh.min.js' in page
    assert "mathjax" not in page
    for outside in ("https://", "cdn.", "//fonts"):
        assert outside not in page


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_it_answers_to_the_names_of_this_machine_only(path):
    with serving() as (port, _):
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert get(port, path, Host=f"{host}:{port}")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            get(port, path, Host=f"evil.example:{port}")


def test_a_page_is_not_kept_but_its_scripts_are():
    with serving() as (port, _):
        base = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{base}/", timeout=10) as page:
            assert page.headers["Cache-Control"] == "no-store"
        with urllib.request.urlopen(f"{base}/static/js/bokeh.min.js", timeout=10) as script:
            assert script.headers["Cache-Control"] != "no-store"


def test_the_theme_of_the_last_visit_is_there_at_once():
    with serving() as (port, _):
        assert '<html lang="en" data-theme="dark">' in get(port, "/", Cookie="cosmo_theme=dark")
        assert '<html lang="en" data-theme="light">' in get(port, "/", Cookie="cosmo_theme=<b>")


@pytest.mark.parametrize(
    ("asked", "origin", "status"),
    [
        pytest.param("localhost:{port}", "http://localhost:{port}", 101, id="localhost"),
        pytest.param("127.0.0.1:{port}", "http://127.0.0.1:{port}", 101, id="loopback address"),
        pytest.param("[::1]:15006", "http://[::1]:15006", 101, id="IPv6, through a tunnel"),
        pytest.param("localhost:15006", "http://localhost:15006", 101, id="another port of a tunnel"),
        pytest.param("localhost", "http://localhost", 101, id="port 80 of a tunnel"),
        pytest.param("127.0.0.1:{port}", "http://evil.example", 403, id="another site"),
        pytest.param("127.0.0.1:{port}", "http://127.0.0.1:1", 403, id="another port"),
        pytest.param("evil.example", "http://evil.example", 403, id="another name"),
        pytest.param("127.0.0.1:{port}", "null", 403, id="a file"),
    ],
)
def test_pages_of_other_sites_get_no_data(asked, origin, status):
    with serving() as (port, _):
        page = get(port, "/")
        token = page.split('"token":"')[1].split('"')[0]
        lines = [
            "GET /ws HTTP/1.1",
            f"Host: {asked.format(port=port)}",
            f"Origin: {origin.format(port=port)}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"Sec-WebSocket-Protocol: bokeh, {token}",
        ]
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            answer = connection.recv(100).decode("latin-1")
    assert answer.startswith(f"HTTP/1.1 {status} ")


def test_a_taken_port_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = Settings.load(CONFIG, {"ports.dashboard": listening.getsockname()[1]})
        with pytest.raises(PreflightError, match=r"change ports\.dashboard"):
            serve(settings, HeldFeed(settings), threading.Event())


def test_a_feed_that_fails_ends_the_server():
    settings = Settings.load(CONFIG, {"ports.dashboard": free_port()})
    with pytest.raises(PartFailed, match="a fault of the feed"):
        serve(settings, BrokenFeed(settings), threading.Event())
