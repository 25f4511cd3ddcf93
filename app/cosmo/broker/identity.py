"""Who we are to the broker, and how we know that the broker is ours."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field

from cosmo import credentials
from cosmo.broker.handshake import greet, log_in
from cosmo.errors import AccessRefused, SettingsError
from cosmo.settings import Settings

MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Identity:
    """A user with a password over TLS, or, on loopback, nobody in particular."""

    user: str
    _password: str = field(repr=False)
    _tls: ssl.SSLContext | None = field(repr=False)

    def __str__(self) -> str:
        return f"the user '{self.user}'" if self.user else "a client without a name"

    @classmethod
    def of(cls, settings: Settings) -> Identity:
        """Read what the settings ask for.

        Raises
        ------
        SettingsError : the credentials or the certificate of the CA are missing or not usable.
        """
        if not settings.security.is_on:
            return cls("", "", None)
        user = credentials.kafka_user(settings)
        return cls(user.name, user.password, _trusting(settings))

    @property
    def options(self) -> dict[str, object]:
        """What the library needs of it."""
        if self._tls is None:
            return {"security_protocol": "PLAINTEXT"}
        return {
            "security_protocol": "SASL_SSL",
            "ssl_context": self._tls,
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self._password,
        }

    def require_ours(self, address: str, within_s: float) -> None:
        """Connect once, to see that something listens, that it has a certificate by our CA, and takes us.

        Raises
        ------
        OSError : nothing listens, or it went away.
        AccessRefused : it is another broker, one in plaintext, or one with another password for us.
        """
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=within_s) as plain:
            if self._tls is None:
                greet(plain)
                return
            try:
                with self._tls.wrap_socket(plain, server_hostname=host) as connection:
                    log_in(connection, MECHANISM, self.user, self._password)
            except ssl.SSLCertVerificationError as error:
                raise AccessRefused(
                    f"expected at {address} a broker with a certificate of our own CA, got: "
                    f"{error.verify_message}; run init again, or correct security.ca"
                ) from error
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                raise  # it is being stopped
            except ssl.SSLError as error:
                raise AccessRefused(
                    f"expected a broker with TLS at {address}, got: {error.reason}; run init again, or set "
                    f"security.mode to what the broker has"
                ) from error


def _trusting(settings: Settings) -> ssl.SSLContext:
    path = settings.security.ca
    try:
        context = ssl.create_default_context(cafile=str(path))
    except OSError as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(
            f"security.ca: expected a PEM file with the certificate of our CA at {path}, got: {reason}; "
            f"run init, or correct the path"
        ) from error
    return context
