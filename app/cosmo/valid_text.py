"""Text that can be written as UTF-8."""


def valid_text(text: str) -> str:
    r"""Return a name or an argument of the system with its bytes that are no UTF-8 written as `\xff`."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
