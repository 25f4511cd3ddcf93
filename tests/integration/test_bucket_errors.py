"""What is wrong with a bucket is one sentence and exit code 2, and no secret is ever in it."""

from __future__ import annotations

import contextlib
import http.server
import logging
import socket
import ssl
import threading
import traceback
from pathlib import Path

import pytest
from bucket_store import Store, rows
from s3_server import HOST, make_authority

from cosmo import cli
from cosmo.errors import SourceError
from cosmo.sources import BucketSource, bucket, bucket_source

SENTINEL = "SENTINEL0ACCESS"
SECRET = "sentinel/secret+of/forty+characters=="
ONE_OBJECT = {"data_0.txt": rows(1, 2000)}


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(bucket_source, "OPEN_WITHIN_S", 0.2)
    monkeypatch.setattr(bucket, "SILENCE_S", 1.0)


@pytest.fixture
def ready(store: Store) -> Store:
    store.new_bucket(ONE_OBJECT)
    return store


def said_by(document: Path, folder: Path, capsys, monkeypatch) -> str:
    """Run `cosmo download`, which must fail with code 2 and one line; return the line."""
    monkeypatch.setattr("sys.argv", ["cosmo", "--config", str(document), "download", str(folder / "here")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert [line for line in lines if not _is_log(line)] == [lines[-1]]
    assert shown.out == ""
    assert not (folder / "here").exists()
    return lines[-1]


def _is_log(line: str) -> bool:
    return " WARNING cosmo." in line


def wrong_access_key(store):
    return {"credentials_file": str(store.write_credentials({"access_key": SENTINEL, "secret_key": SECRET}))}


def wrong_secret(store):
    content = {**store.server.reader, "secret_key": SECRET}
    return {"credentials_file": str(store.write_credentials(content))}


def no_right(store):
    return {"credentials_file": str(store.write_credentials(store.server.stranger))}


def open_to_all(store):
    return {"credentials_file": str(store.write_credentials(store.server.reader, 0o644))}


def no_json(store):
    return {"credentials_file": str(store.write_credentials(f"{SENTINEL}:{SECRET}"))}


def no_secret(store):
    return {"credentials_file": str(store.write_credentials({"access_key": SENTINEL}))}


def refused_port(_store):
    with socket.create_server((HOST, 0)) as listener:
        return {"endpoint_url": f"https://{HOST}:{listener.getsockname()[1]}"}


def another_ca(store):
    return {"ca_bundle": str(make_authority(store.folder / "another") / "ca.pem")}


def key_as_ca(store):
    return {"ca_bundle": str(store.write_credentials("no certificate"))}


CASES = [
    pytest.param(wrong_access_key, "the right access and secret key", id="unknown access key"),
    pytest.param(wrong_secret, "got: SignatureDoesNotMatch; write the right", id="wrong secret"),
    pytest.param(no_right, "got: AccessDenied; ask its owner", id="no right to read"),
    pytest.param(
        lambda store: {"credentials_file": str(store.folder / "none")},
        "/none: expected the credentials of the bucket, got: No such file",
        id="no credentials",
    ),
    pytest.param(open_to_all, "only their owner may read, got mode 0644; chmod 600 ", id="world-readable"),
    pytest.param(no_json, "expected JSON, got something else", id="credentials are no JSON"),
    pytest.param(no_secret, "expected one text 'secret_key', got none", id="no secret"),
    pytest.param(
        lambda _: {"name": "absent-bucket"},
        "bucket.name: expected a bucket absent-bucket at https://",
        id="missing bucket",
    ),
    pytest.param(
        lambda _: {"prefix": "nothing/"}, "correct bucket.name or bucket.prefix", id="nothing of the prefix"
    ),
    pytest.param(refused_port, "bucket.endpoint_url: expected https://127.0.0.1:", id="nobody listens"),
    pytest.param(
        lambda _: {"endpoint_url": "https://store.invalid"},
        "bucket.endpoint_url: expected https://store.invalid to answer, got: ",
        id="no such host",
    ),
    pytest.param(
        lambda store: {"endpoint_url": f"https://localhost:{store.proxy.port}"},
        "the name that is in the certificate into bucket.endpoint_url",
        id="certificate of another name",
    ),
    pytest.param(
        lambda _: {"ca_bundle": None}, "set bucket.ca_bundle to the PEM file of the CA", id="a private CA"
    ),
    pytest.param(another_ca, "set bucket.ca_bundle to the PEM file of the CA", id="the CA is another"),
    pytest.param(
        lambda store: {"ca_bundle": str(store.folder / "none.pem")},
        "none.pem, got: No such file or directory; correct the path",
        id="no CA file",
    ),
    pytest.param(key_as_ca, "got: no certificate in it; correct the path", id="CA file without a CA"),
]


@pytest.mark.parametrize(("change", "said"), CASES)
def test_one_sentence_and_exit_code_2(ready, tmp_path, capsys, monkeypatch, caplog, change, said):
    caplog.set_level(logging.DEBUG)
    line = said_by(ready.document(**change(ready)), tmp_path, capsys, monkeypatch)
    assert line.startswith("cosmo: ")
    assert said in line
    for secret in (SENTINEL, SECRET, *ready.server.reader.values()):
        assert secret not in line + caplog.text


def test_an_empty_bucket(store, tmp_path, capsys, monkeypatch):
    store.new_bucket({})
    line = said_by(store.document(), tmp_path, capsys, monkeypatch)
    assert "expected .txt, .csv, .gz objects with rows, got 0 objects" in line


def test_a_bucket_of_empty_objects(store, tmp_path, capsys, monkeypatch):
    store.new_bucket({"data_0.txt": b"", "data_1.txt": b""})
    line = said_by(store.document(), tmp_path, capsys, monkeypatch)
    assert "got 2 objects, none of them such" in line


def test_a_server_that_is_no_store(ready, tmp_path, capsys, monkeypatch):
    with web_server(ready.server.authority) as port:
        document = ready.document(endpoint_url=f"https://{HOST}:{port}")
        line = said_by(document, tmp_path, capsys, monkeypatch)
    assert "bucket.endpoint_url: expected an S3 store at https://127.0.0.1:" in line
    assert "got an answer that is no XML, as of a web site; correct the address" in line


def test_plain_http_where_tls_is_spoken(ready, tmp_path, capsys, monkeypatch):
    document = ready.document(endpoint_url=f"http://{HOST}:{ready.proxy.port}")
    assert "bucket.endpoint_url: expected http://" in said_by(document, tmp_path, capsys, monkeypatch)


def test_the_environment_has_no_say(ready, monkeypatch):
    """Neither AWS's variables nor its files change what the settings say."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": SENTINEL,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_PROFILE": "absent",
        "AWS_CA_BUNDLE": "/nowhere.pem",
        "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    assert len(BucketSource.of(ready.settings().bucket).objects) == 1


def test_no_secret_in_repr_or_traceback_or_debug_log(ready, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = tuple(ready.server.reader.values())
    source = BucketSource.of(ready.settings().bucket)
    assert len(list(source.blocks())) >= 1
    told = [repr(source), repr(source.bucket), str(vars(source.bucket)), source.description, caplog.text]
    with pytest.raises(SourceError) as caught:
        BucketSource.of(ready.settings(**wrong_secret(ready)).bucket)
    told += ["".join(traceback.format_exception(caught.value)), repr(caught.value.__cause__)]
    for text in told:
        for secret in (*secrets, SECRET):
            assert secret not in text


@contextlib.contextmanager
def web_server(authority: Path):
    """Run a web site over TLS that answers everything with a page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "13")
            self.end_headers()
            self.wfile.write(b"<html>hi</htm")

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    with http.server.ThreadingHTTPServer((HOST, 0), Page) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
