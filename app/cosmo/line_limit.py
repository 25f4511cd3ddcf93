"""How long a line may be: what the settings must know of the reader of rows, without its libraries."""

from typing import Final

MAX_LINE_BYTES: Final = 64 * 1024
"""A longer line (binary without a newline, say) is cut to one byte more than this, and malformed."""
