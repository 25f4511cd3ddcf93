"""A dashboard in this process, fed by the test, and Debian's Chromium looking at it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cosmo.dashboard import serve
from cosmo.dashboard.collector import Collector
from cosmo.settings import Settings
from dashboard_results import result, run_record

CONFIG = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000


@dataclass
class Dashboard:
    """A server and the collector behind it."""

    settings: Settings
    collector: Collector = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.collector = Collector(self.settings.dashboard)
        self.collector.begin(run_record(12), None)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.settings.ports.dashboard}/"

    def run(self, stop: threading.Event) -> None:
        """Be a feed that waits for the test to say something."""
        stop.wait()

    def receive(self, hits: int = 1, age_s: float = 0.0) -> None:
        """Take in the next result, with so many hits of chamber 0, channel 0; 0 hits are a heartbeat."""
        now_s = time.time() - age_s
        self.collector.add(result(self.number, hits, run=12, published_s=now_s), now_s)
        self.number += 1


@dataclass
class Tab:
    """A page of the browser, and all that it did."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready=yes]")

    def column(self, source: str, column: str) -> list[float]:
        """Return a column of a source, as the browser has it."""
        found = (
            "([source, column]) => [...Bokeh.documents[0].get_model_by_name(source + '_data').data[column]]"
        )
        values: list[float] = self.page.evaluate(found, [source, column])
        return values

    def wait_for_hits(self, hits: int) -> None:
        """Wait until the plot of hits per channel shows so many hits in channel 0 of chamber 0."""
        self.page.wait_for_function(
            "hits => Bokeh.documents[0].get_model_by_name('occupancy_data').data.chamber_0[0] === hits",
            arg=hits,
        )

    def wait_for_text(self, selector: str, text: str) -> None:
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
            arg=[selector, text],
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium` (no browser is downloaded)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    """Serve a dashboard on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    dashboard = Dashboard(Settings.load(CONFIG, {"ports.dashboard": port, "dashboard.quiet_after_s": 2}))
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=serve, args=(dashboard.settings, dashboard, stop, ready.set))
    thread.start()
    assert ready.wait(30)
    yield dashboard
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def new_tab(browser: Browser) -> Iterator[object]:
    """Open tabs, each with its own cookies, and see that none of them complained."""
    contexts, tabs = [], []

    def new(width: int = 1400, complains: bool = False, **options: object) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        tab = Tab(context.new_page())
        if not complains:
            tabs.append(tab)
        return tab

    yield new
    for context in contexts:
        context.close()
    assert [complaint for tab in tabs for complaint in tab.complaints] == []
