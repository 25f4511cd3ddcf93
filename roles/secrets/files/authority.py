"""The deployment's own certificate authority: its certificate, and that of the broker.

Keys and certificates are PEM texts. The broker has its own inside its configuration, where Kafka takes a key
without a password: the file is as private as a key store beside its password would be.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
BROKER_DAYS = 825
RENEWED_BEFORE_DAYS = 90
"""A certificate of the broker with fewer days left is made anew by the next init."""
CLOCKS_APART = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Authority:
    """A certificate authority."""

    key: str
    certificate: str

    @classmethod
    def new(cls, name: str) -> Authority:
        """Make one."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _certificate(subject, subject, key.public_key(), AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(_pem(key), certificate.public_bytes(serialization.Encoding.PEM).decode())

    def server(self, addresses: list[str]) -> tuple[str, str]:
        """Make the key of a server with these addresses, and its certificate with that of the authority."""
        own = x509.load_pem_x509_certificate(self.certificate.encode())
        own_key = serialization.load_pem_private_key(self.key.encode(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kafka")])
        certificate = (
            _certificate(subject, own.subject, key.public_key(), BROKER_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_name(a) for a in addresses]), critical=False)
            .sign(own_key, hashes.SHA256())
        )
        chain = certificate.public_bytes(serialization.Encoding.PEM).decode() + self.certificate
        return _pem(key), chain

    def has_begun(self, now: datetime.datetime) -> bool:
        """Say whether its certificate is valid yet: the clock that it was made by may have been ahead."""
        return x509.load_pem_x509_certificate(self.certificate.encode()).not_valid_before_utc <= now

    def made(self, certificate: str, addresses: list[str], now: datetime.datetime) -> bool:
        """Say whether a certificate, the first of a chain, is ours, for these addresses, and long valid."""
        broker = x509.load_pem_x509_certificate(certificate.encode())
        own = x509.load_pem_x509_certificate(self.certificate.encode())
        names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if list(names) != [_name(address) for address in addresses]:
            return False
        try:
            broker.verify_directly_issued_by(own)
        except (InvalidSignature, TypeError, ValueError):
            return False
        if broker.not_valid_before_utc > now or not self.has_begun(now):
            return False
        return broker.not_valid_after_utc - now > datetime.timedelta(days=RENEWED_BEFORE_DAYS)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
