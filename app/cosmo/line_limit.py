"""How long a line may be, and usually is: what settings must know of the reader, without its libraries."""

from typing import Final

MAX_LINE_BYTES: Final = 64 * 1024
"""A longer line (binary without a newline, say) is cut to one byte more than this, and malformed."""
USUAL_LINE_BYTES: Final = 29
"""Most of a usual row, with its newline."""
