"""The web page of COSMO: a Bokeh server application. The only importer of bokeh.

    broker -> feed (one thread) -> collector -> snapshot -> view (one a page) -> panels

One file per panel; a panel is `root`, `source` and `update(value)`, and knows
nothing of where values come from.
"""

from cosmo.dashboard.fake_feed import FakeFeed
from cosmo.dashboard.feed import BrokerFeed, Feed
from cosmo.dashboard.server import serve

__all__ = ["BrokerFeed", "FakeFeed", "Feed", "serve"]
