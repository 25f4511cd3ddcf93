"""What browser and server tell each other beside the plots."""

from __future__ import annotations

from bokeh.core.properties import Any, Bool, Dict, String
from bokeh.model import DataModel

# bokeh is not followed by the type checker, so its classes count as Any.


class Controls(DataModel):  # type: ignore[misc]
    """What the reader has chosen. The browser writes, the server reads."""

    tab = String(default="quality")
    window = String(default="run")
    theme = String(default="light")
    paused = Bool(default=False)
    collecting = Bool(default=True)  #: whether a pause keeps what comes meanwhile
    zone = String(default="")  #: name and offset of the browser's time zone


class Status(DataModel):  # type: ignore[misc]
    """What the head of the page says. The server writes, all at once; the browser reads."""

    shown = Dict(String, Any, default={})
