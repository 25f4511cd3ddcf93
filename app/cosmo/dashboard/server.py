"""The web server of the dashboard, on loopback only."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakSet

from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream
from tornado.web import ErrorHandler, OutputTransform

from cosmo.dashboard import look
from cosmo.dashboard.feed import BrokerFeed, Feed
from cosmo.dashboard.health import HealthHandler
from cosmo.dashboard.session import Session
from cosmo.errors import PartFailed, PreflightError
from cosmo.settings import Settings
from cosmo.steady_memory import keep_freed_memory

log = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.1"
NAMES: Final = ("localhost", ADDRESS, "[::1]")
"""What a browser calls this machine, also at the other end of a tunnel."""
THEME_COOKIE: Final = "cosmo_theme"
ALIVE_MS: Final = 5000
FEED_STOP_S: Final = 1.0
"""A feed that waits for a broker that is away is left behind after this: it holds nothing."""


def serve(
    settings: Settings,
    feed: Feed | None = None,
    stop: threading.Event | None = None,
    on_ready: Callable[[], None] = lambda: None,
    on_alive: Callable[[], None] = lambda: None,
) -> None:
    """Show a feed to browsers on this machine, until stopped.

    Parameters
    ----------
    feed : results of the broker, if None.
    stop : set it from anywhere to end within 2 s.
    on_ready : called once, when the server answers.
    on_alive : called every few seconds by the loop that answers.

    Raises
    ------
    PreflightError : the port is taken.
    PartFailed : the feed ended by itself; the reason is its cause.
    """
    keep_freed_memory()
    _insist_on_port(settings.ports.dashboard)
    stop = stop or threading.Event()
    feed = feed or BrokerFeed(settings)
    ended = threading.Event()
    failure: list[Exception] = []

    def fill() -> None:
        try:
            feed.run(ended)
        except Exception as error:  # noqa: BLE001  # told below, by the thread that can end the server
            failure.append(error)
            ended.set()

    def pass_on() -> None:
        stop.wait()
        ended.set()

    filling = threading.Thread(target=fill, name="feed", daemon=True)
    filling.start()
    threading.Thread(target=pass_on, name="stop", daemon=True).start()
    try:
        asyncio.run(_serve(settings, feed, ended, on_ready, on_alive))
    finally:
        ended.set()
        filling.join(FEED_STOP_S)
    if failure:
        raise PartFailed(
            f"expected the dashboard's feed to go on, it ended: {failure[0]!r}; start the dashboard again"
        ) from failure[0]


class _HttpServer(HTTPServer):
    """Knows its connections, websockets included, which tornado and bokeh leave open at the end."""

    def initialize(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # tornado's
        self._streams: WeakSet[IOStream] = WeakSet()
        super().initialize(*args, **options)

    def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        """Serve a connection."""
        self._streams.add(stream)
        super().handle_stream(stream, address)

    def close_streams(self) -> None:
        """Close every connection."""
        for stream in list(self._streams):
            stream.close()


class _NotKept(OutputTransform):
    """A page is of one session: what a browser keeps of it could only fail to connect."""

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: ARG002  # tornado's
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Mark pages as not to be kept; scripts and styles are."""
        if headers.get("Content-Type", "").startswith("text/html"):
            headers["Cache-Control"] = "no-store"
        return status_code, headers, chunk


class _Pages(BokehTornado):  # type: ignore[misc]  # bokeh tells no types
    """Answers to those who ask for this machine, not to a page elsewhere whose name leads here.

    A page of ours may connect, whatever port a tunnel gives it; a page of another server may not.
    """

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:  # noqa: ANN401  # tornado's
        """Refuse other names and other pages."""
        origin = request.headers.get("Origin")
        is_of_ours = origin is None or urlsplit(origin).netloc == request.host
        if request.host_name not in NAMES or not is_of_ours:
            return self.get_handler_delegate(request, ErrorHandler, {"status_code": 403})
        return super().find_handler(request, **options)


async def _serve(
    settings: Settings,
    feed: Feed,
    ended: threading.Event,
    on_ready: Callable[[], None],
    on_alive: Callable[[], None],
) -> None:
    port = settings.ports.dashboard

    def open_page(document: Document) -> None:
        Session(document, feed.collector, settings.dashboard, _theme_of(document))

    pages = _Pages(
        {"/": Application(FunctionHandler(open_page))},
        extra_websocket_origins=[f"{name}:*" for name in NAMES],  # the same page: see _Pages
        extra_patterns=[(r"/healthz", HealthHandler, {"feed": feed, "clock": time.time})],
        # A page that was closed is forgotten soon: a reload makes a new one.
        unused_session_lifetime_milliseconds=15_000,
        check_unused_sessions_milliseconds=5_000,
    )
    pages.add_transform(_NotKept)
    http = _HttpServer(pages)
    http.listen(port, ADDRESS)
    server = BaseServer(IOLoop.current(), pages, http)
    server.start()
    alive = PeriodicCallback(on_alive, ALIVE_MS)
    alive.start()
    try:
        log.info("the dashboard answers at http://localhost:%d/", port)
        on_ready()
        await asyncio.get_running_loop().run_in_executor(None, ended.wait)
    finally:
        ended.set()  # or the thread that waits for it would outlive an interrupt
        alive.stop()
        server.stop()
        http.close_streams()
        await http.close_all_connections()


def _insist_on_port(port: int) -> None:
    # Asked beforehand: tornado would leave a socket open, and the feed would already run.
    try:
        socket.create_server((ADDRESS, port)).close()
    except OSError as error:
        raise PreflightError(
            f"expected port {port} of {ADDRESS} to be free for the dashboard, got: {error.strerror}; "
            "stop what listens there or change ports.dashboard"
        ) from error


def _theme_of(document: Document) -> str:
    """Return the theme the browser had last time: so the first picture has the right colours."""
    context = document.session_context
    cookies = context.request.cookies if context and context.request else {}
    return look.DARK if cookies.get(THEME_COOKIE) == look.DARK else look.LIGHT
