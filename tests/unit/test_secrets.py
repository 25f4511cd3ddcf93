"""The secrets of a deployment: made once, kept, made anew when asked for."""

import datetime
import ssl
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).parents[2] / "roles" / "secrets" / "files"
USERS = ["admin", "producer"]
ADDRESSES = ["192.0.2.11", "cmaster"]


@pytest.fixture
def role(monkeypatch):
    monkeypatch.syspath_prepend(str(FILES))
    import secrets_document

    yield secrets_document
    for name in ("secrets_document", "authority"):
        sys.modules.pop(name, None)


@pytest.fixture
def made(role):
    document, _ = role.completed({}, "sample", USERS, ADDRESSES)
    return document


def test_what_is_missing_is_made_and_named(role):
    document, made = role.completed({"passwords": {"producer": "given"}}, "sample", USERS, ADDRESSES)
    assert made == [
        "the certificate authority",
        "the password of admin",
        "the secret of Spark",
        "the certificate of the broker",
    ]
    assert document["passwords"]["producer"] == "given"
    assert len({*document["passwords"].values(), document["spark"]}) == 3


def test_what_is_there_is_kept(role, made):
    assert role.completed(made, "sample", USERS, ADDRESSES) == (made, [])


def test_a_broker_that_moves_gets_another_certificate(role, made):
    moved, names = role.completed(made, "sample", USERS, ["192.0.2.12"])
    assert names == ["the certificate of the broker"]
    assert moved["ca"] == made["ca"]


def test_a_certificate_is_renewed_before_its_end(role, made):
    authority = sys.modules[role.Authority.__module__]
    ca = authority.Authority(made["ca"]["key"], made["ca"]["certificate"])
    now = datetime.datetime.now(datetime.timezone.utc)
    later = now + datetime.timedelta(days=authority.BROKER_DAYS - authority.RENEWED_BEFORE_DAYS + 1)
    assert ca.made(made["broker"]["certificate"], ADDRESSES, now)
    assert not ca.made(made["broker"]["certificate"], ADDRESSES, later)


def test_what_a_clock_that_was_ahead_made_is_made_anew(role, monkeypatch):
    authority = sys.modules[role.Authority.__module__]
    with monkeypatch.context() as patch:
        patch.setattr(authority, "CLOCKS_APART", datetime.timedelta(hours=-2))
        ahead, _ = role.completed({}, "sample", USERS, ADDRESSES)
    mended, names = role.completed(ahead, "sample", USERS, ADDRESSES)
    assert names == ["the certificate authority", "the certificate of the broker"]
    assert mended["passwords"] == ahead["passwords"]
    assert role.completed(mended, "sample", USERS, ADDRESSES) == (mended, [])


def test_a_broker_s_certificate_that_is_not_valid_yet_is_made_anew(role, made, monkeypatch):
    authority = sys.modules[role.Authority.__module__]
    ca = authority.Authority(made["ca"]["key"], made["ca"]["certificate"])
    monkeypatch.setattr(authority, "CLOCKS_APART", datetime.timedelta(hours=-2))
    key, certificate = ca.server(ADDRESSES)
    ahead = made | {"broker": {"key": key, "certificate": certificate}}
    _, names = role.completed(ahead, "sample", USERS, ADDRESSES)
    assert names == ["the certificate of the broker"]


def test_rotation_makes_all_anew_and_trusts_the_authority_before(role, made):
    rotated, names = role.completed(role.emptied(made), "sample", USERS, ADDRESSES)
    assert len(names) == 5
    assert rotated["ca"]["before"] == made["ca"]["certificate"]
    assert rotated["ca"]["key"] != made["ca"]["key"]
    assert not {*rotated["passwords"].values()} & {*made["passwords"].values()}
    again, _ = role.completed(role.emptied(rotated), "sample", USERS, ADDRESSES)
    assert again["ca"]["before"] == rotated["ca"]["certificate"]


def test_clients_can_read_what_they_are_to_trust(made, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(made["ca"]["certificate"])
    (known,) = ssl.create_default_context(cafile=path).get_ca_certs()
    assert known["subject"] == ((("commonName", "COSMO sample"),),)
