"""`cosmo fake`: invented results, to work on the dashboard."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("fake")
@click.option("--publish", is_flag=True, help="Put them on the results topic, as a run of their own.")
@click.option("--rate", type=click.FloatRange(1), default=2000.0, show_default=True, help="Rows per second.")
@click.option(
    "--period", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Of results, in s."
)
@click.option("--past", type=click.IntRange(0), default=60, show_default=True, help="Seconds of history.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Equal seeds, equal results."
)
@click.option("--faultless", is_flag=True, help="No malformed rows, no repeated or lost slices.")
@click.pass_obj
def command(
    document: Path, rate: float, period: float, past: int, seed: int, *, publish: bool, faultless: bool
) -> None:
    """Show the dashboard with invented results.

    No broker, no Spark, nothing else needs to run. Ctrl-C stops it.
    With --publish the results go to the broker instead, for a dashboard that runs already.
    """
    import time

    from cosmo.broker import Broker
    from cosmo.commands.shared import service
    from cosmo.commands.shared.person import say
    from cosmo.dashboard import FakeFeed, serve
    from cosmo.fake import FakeRun
    from cosmo.publish_fake import publish as publish_fake
    from cosmo.settings import Settings

    settings = Settings.load(document)
    fake = FakeRun(time.time() - past, period, rate, seed=seed, with_faults=not faultless)
    with service.stopped_by_signals() as stop:
        if publish:
            published = publish_fake(Broker(settings), fake, stop)
            say(f"published {published:,} invented results to {settings.topics.results.name}")
            return
        say(f"invented results: http://localhost:{settings.ports.dashboard}/ (Ctrl-C stops it)")
        serve(settings, FakeFeed(settings, fake), stop, service.ready)
