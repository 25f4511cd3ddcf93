"""All secrets of a deployment, as one document: what is missing is made, what is there is kept."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable
from typing import Any

from authority import Authority

PASSWORD_BYTES = 24


def completed(
    document: dict[str, Any], deployment: str, users: Iterable[str], addresses: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the document with all that is needed, and the names of what was made for it.

    Parameters
    ----------
    document : as it was read, {} at first.
    users : of the broker: each has a password.
    addresses : under which clients reach the broker.
    """
    made = []
    result: dict[str, Any] = {"ca": {}, "broker": {}, "passwords": {}, **document}
    now = datetime.datetime.now(datetime.timezone.utc)
    ca = result["ca"]
    if not ca.get("key") or not Authority(ca["key"], ca["certificate"]).has_begun(now):
        new = Authority.new(f"COSMO {deployment}")
        result["ca"] = {**ca, "certificate": new.certificate, "key": new.key}
        made.append("the certificate authority")
    for user in users:
        if not result["passwords"].get(user):
            result["passwords"][user] = secrets.token_urlsafe(PASSWORD_BYTES)
            made.append(f"the password of {user}")
    if not result.get("spark"):
        result["spark"] = secrets.token_urlsafe(PASSWORD_BYTES)
        made.append("the secret of Spark")
    ca = Authority(result["ca"]["key"], result["ca"]["certificate"])
    broker = result["broker"]
    if not broker.get("key") or not ca.made(broker["certificate"], addresses, now):
        key, certificate = ca.server(addresses)
        result["broker"] = {"key": key, "certificate": certificate}
        made.append("the certificate of the broker")
    return result, made


def emptied(document: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of a document when all is to be made anew.

    The certificate of the authority stays trusted until the next time: clients that have not yet been
    started again, and a broker that has not, go on with it.
    """
    before = document.get("ca", {}).get("certificate")
    return {"ca": {"before": before}} if before else {}
