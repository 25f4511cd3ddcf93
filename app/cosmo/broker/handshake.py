"""One greeting or login to the broker, on a connection of its own, to learn whether it takes us.

The library tries a refused login again and again and reports only that time is up, or nothing, so the
question is asked before its clients are made: ApiVersions (version 0), SaslHandshake (version 1) and
SaslAuthenticate (version 0) of Kafka's protocol.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from kafka.net.sasl import get_sasl_mechanism

from cosmo.errors import AccessRefused

_API_VERSIONS: Final = (18, 0)
_HANDSHAKE: Final = (17, 1)
_AUTHENTICATE: Final = (36, 0)
_CLIENT: Final = b"cosmo"
_LONGEST_ANSWER_BYTES: Final = 1 << 16


def greet(connection: socket.socket) -> None:
    """Ask which requests it understands.

    Raises
    ------
    AccessRefused : it does not speak Kafka's protocol, or not in plaintext.
    OSError : the connection broke.
    """
    _ask(connection, _API_VERSIONS, b"")


def log_in(connection: socket.socket, mechanism: str, user: str, password: str) -> None:
    """Log in.

    Raises
    ------
    AccessRefused : the broker does not take this user with this password, or not by this mechanism.
    OSError : the connection broke.
    """
    name = mechanism.encode()
    answer = _ask(connection, _HANDSHAKE, struct.pack(">h", len(name)) + name)
    if struct.unpack_from(">h", answer)[0] != 0:
        raise AccessRefused(f"expected a broker with {mechanism}, it has no such login; run init again")
    login = get_sasl_mechanism(mechanism)(
        sasl_mechanism=mechanism, sasl_plain_username=user, sasl_plain_password=password
    )
    while not login.is_done():
        token = login.auth_bytes()
        answer = _ask(connection, _AUTHENTICATE, struct.pack(">i", len(token)) + token)
        code, length = struct.unpack_from(">hh", answer)
        at = 4 + max(length, 0)
        if code != 0:
            raise AccessRefused(
                f"the broker does not take the user '{user}' with this password; run init again, and "
                f"start what runs with an older one again"
            )
        (size,) = struct.unpack_from(">i", answer, at)
        login.receive(answer[at + 4 : at + 4 + size])


def _ask(connection: socket.socket, api: tuple[int, int], body: bytes) -> bytes:
    """Send a request and return the body of its answer."""
    request = struct.pack(">hhih", *api, 1, len(_CLIENT)) + _CLIENT + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    with connection.makefile("rb") as stream:
        (size,) = struct.unpack(">i", _exactly(stream.read(4), 4))
        if not 4 <= size <= _LONGEST_ANSWER_BYTES:
            raise AccessRefused(
                f"expected Kafka's protocol, got an answer of {size} bytes; set security.mode to what the "
                f"broker has, or see what listens there"
            )
        return _exactly(stream.read(size), size)[4:]


def _exactly(data: bytes, n_bytes: int) -> bytes:
    if len(data) < n_bytes:
        raise ConnectionResetError(f"the connection ended after {len(data)} of {n_bytes} bytes")
    return data
