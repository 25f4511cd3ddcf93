"""Stores that know less of S3 than most: HEAD without parts, lists in the older form."""

import functools
import gc
import hashlib
import http.server
import json
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from itertools import groupby, pairwise
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import botocore.session
import pytest
import yaml

from cosmo import cli
from cosmo.download import download
from cosmo.errors import SourceError, StoreAway
from cosmo.settings import Settings
from cosmo.sources import BucketSource
from cosmo.sources.bucket import Bucket
from sample_rows import hit

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
CONTENT = bytes(range(256)) * 40
PART_BYTES = 3000


def of_parts(content):
    starts = range(0, len(content), PART_BYTES)
    digests = [hashlib.md5(content[start : start + PART_BYTES]).digest() for start in starts]
    return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


class SimpleStore(http.server.ThreadingHTTPServer):
    """Answers as little as the tests need; a HEAD ignores partNumber."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.objects = {}
        self.etags = {}
        self.head_status = 200
        self.instead = lambda _method, _key: None  # or a status, headers and a body
        self.deliver = lambda write, content: write(content)
        self.requests = 0
        self.asked = []
        self.page = lambda _query: (list(self.objects), "")  # keys, and what else is in the list

    def put(self, key, content, etag=""):
        self.objects[key] = content
        self.etags[key] = etag or hashlib.md5(content).hexdigest()

    def handle_error(self, *_):
        """Pass over a client that has gone."""


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SimpleStore

    def do_HEAD(self):
        if not self._answered():
            self._answer(self.server.head_status, self._object())

    def do_GET(self):
        if self._answered():
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if "prefix" in query or "list-type" in query or "encoding-type" in query:
            self.server.asked.append(query)
            self._answer(200, self._list(*self.server.page(query)))
            return
        content = self._object()
        first, last = map(int, re.findall("[0-9]+", self.headers["Range"]))
        self._answer(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}")

    def _answered(self):
        self.server.requests += 1
        answer = self.server.instead(self.command, self._key())
        if answer:
            status, headers, content = answer
            self.send_response(status)
            if "Transfer-Encoding" not in headers:
                self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else content)
        return answer is not None

    def _key(self):
        return unquote(urlsplit(self.path).path).removeprefix("/b/")

    def _object(self):
        return self.server.objects[self._key()]

    def _list(self, keys, more):
        entries = "".join(
            f"<Contents><Key>{escape(quote(key))}</Key><Size>{len(self.server.objects[key])}</Size>"
            f"<ETag>{self.server.etags[key]}</ETag></Contents>"
            for key in keys
        )
        head = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        return f"{head}<EncodingType>url</EncodingType>{more}{entries}</ListBucketResult>".encode()

    def _answer(self, status, content, content_range=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if self._key() in self.server.etags:
            self.send_header("ETag", f'"{self.server.etags[self._key()]}"')
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if content_range:
            self.server.deliver(self.wfile.write, content)
        elif self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", autouse=True)
def _descriptions_of_s3_are_read_once():
    """Each test has a client of its own; what botocore knows of S3 is the same for all, and slow to read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture
def store():
    with SimpleStore() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def settings(store, tmp_path):
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"access_key": "A", "secret_key": "S"}))
    key.chmod(0o600)
    changes = {
        "bucket.name": "b",
        "bucket.prefix": "",
        "bucket.endpoint_url": f"http://127.0.0.1:{store.server_port}",
        "bucket.credentials_file": str(key),
        "bucket.ca_bundle": None,
    }
    return Settings.load(LOCALHOST, changes)


@pytest.fixture
def bucket(settings):
    return Bucket(settings.bucket)


@pytest.fixture
def document(settings, tmp_path):
    path = tmp_path / "cosmo.yml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    return path


@pytest.mark.parametrize("head_status", [200, 501], ids=["parts ignored", "parts refused"])
def test_a_good_object_is_kept_where_the_store_tells_no_parts(store, bucket, tmp_path, head_status):
    store.put("data_0.txt", CONTENT, of_parts(CONTENT))
    store.head_status = head_status
    done = download(bucket, bucket.objects(), tmp_path / "here", patience_s=0.0)
    assert (done.fetched, done.size_only) == (1, ("data_0.txt",))
    assert (tmp_path / "here" / "data_0.txt").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("etag", "parts"),
    [
        pytest.param("0" * 32, (len(CONTENT),), id="whole"),
        pytest.param("0" * 32 + "-1", (len(CONTENT),), id="one part"),
        pytest.param("0" * 32 + "-2", None, id="two parts, and the whole is told"),
        pytest.param("opaque", (), id="no MD5"),
    ],
)
def test_parts_are_as_many_as_the_etag_says(store, bucket, etag, parts):
    store.put("data_0.txt", CONTENT, etag)
    (stored,) = bucket.objects()
    assert bucket.parts(stored) == parts


def test_a_damaged_object_is_found_without_parts(store, bucket, tmp_path):
    store.put("data_0.txt", CONTENT, hashlib.md5(CONTENT[::-1]).hexdigest())
    with pytest.raises(SourceError, match="got others twice"):
        download(bucket, bucket.objects(), tmp_path / "here")


def error(code, more=""):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code>{more}</Error>".encode()


PAGE = b"<html>\r\n<head><title>301 Moved Permanently</title></head>\r\n<body><hr></body>\r\n</html>\r\n"


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        pytest.param(
            (301, {"Location": "https://store/b?list-type=2"}, PAGE),
            "a redirect to https://store; write that address there",
            id="a web server that wants TLS",
        ),
        pytest.param(
            (307, {"Location": "http://other/s3/b/data_0.txt?x=/b"}, error("TemporaryRedirect")),
            "a redirect to http://other/s3; write",
            id="for now",
        ),
        pytest.param(
            (301, {}, error("PermanentRedirect", "<Endpoint>x.example</Endpoint>")),
            "a redirect to x.example; write",
            id="another region",
        ),
        pytest.param((302, {}, b""), r"a redirect \(status 302\); ask who runs", id="to nowhere"),
    ],
)
def test_a_redirect_is_named_and_not_followed(store, bucket, settings, tmp_path, refusal, said):
    store.put("data_0.txt", CONTENT)
    (stored,) = bucket.objects()
    store.instead, store.requests = lambda _method, _key: refusal, 0
    for ask in (
        bucket.objects,
        lambda: BucketSource.of(settings.bucket),
        lambda: download(bucket, [stored], tmp_path / "here"),
    ):
        with pytest.raises(SourceError, match=f"bucket.endpoint_url: expected an S3 store at .*, got {said}"):
            ask()
    assert store.requests == 3


def trickle(write, content):
    write(content[:5000])
    for byte in content[5000:]:
        time.sleep(0.1)
        write(bytes([byte]))


def fall_silent(write, content):
    write(content[:5000])
    time.sleep(60)


@pytest.mark.parametrize("deliver", [trickle, fall_silent])
def test_an_error_ends_a_download_while_another_object_trickles(store, bucket, tmp_path, deliver):
    for number in range(3):
        store.put(f"data_{number}.txt", CONTENT)
    store.deliver = deliver
    store.instead = lambda _, key: (403, {}, error("AccessDenied")) if key == "data_1.txt" else None
    began = time.monotonic()
    with pytest.raises(SourceError, match="AccessDenied"):
        download(bucket, bucket.objects(), tmp_path)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("deliver", [trickle, fall_silent])
def test_ctrl_c_ends_a_download_from_a_silent_store(store, bucket, tmp_path, caplog, deliver):
    store.put("data_0.txt", CONTENT)
    store.deliver = deliver
    began, told = time.monotonic(), []

    def interrupt(n_bytes):
        told.append(n_bytes)
        if sum(told[:-1]) < 5000 <= sum(told):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        download(bucket, bucket.objects(), tmp_path / "here", interrupt)
    assert time.monotonic() - began < 3
    assert caplog.messages == []  # it is not the bucket that is waited for
    (part,) = (tmp_path / "here").iterdir()
    assert 5000 <= part.stat().st_size < len(CONTENT)


def test_what_came_before_a_break_is_kept_however_little(store, bucket, tmp_path):
    store.put("data_0.txt", CONTENT)

    def break_off(write, content):
        write(content[:3000])
        if len(content) > 3000:
            raise ConnectionAbortedError

    store.deliver = break_off
    download(bucket, bucket.objects(), tmp_path, patience_s=1.0)
    assert (tmp_path / "data_0.txt").read_bytes() == CONTENT


@pytest.fixture
def said(document, monkeypatch, capsys):
    """Return what runs `cosmo download` and returns its exit code and what it said."""

    def said(*arguments):
        monkeypatch.setattr(
            "sys.argv", ["cosmo", "--config", str(document), "download", *map(str, arguments)]
        )
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code, capsys.readouterr().err
        return 0, capsys.readouterr().err

    return said


def test_what_is_missing_or_empty_is_said(store, said, tmp_path):
    for number in (0, 1, 2, 4, 5):
        store.put(f"data_{number}.txt", b"" if number == 4 else CONTENT)
    missing, empty = "missing in the bucket, of the numbers", "empty in the bucket, and left out: data_4.txt"
    for arguments, expected in {
        (): (f"{missing} 0-5 after data_: 3", empty, "4 objects"),
        ("--range", "2-4"): (f"{missing} 2-4: 3", empty, "1 objects"),
        ("data_[45].txt",): (empty, "1 objects"),
        ("data_0.txt",): ("1 objects",),
    }.items():
        code, lines = said(*arguments, tmp_path / "here")
        assert (code, len(lines.splitlines())) == (0, len(expected))
        for line, start in zip(lines.splitlines(), expected, strict=True):
            assert line.startswith(start)
    assert "got only empty ones: data_4.txt" in said("--range", "4", tmp_path / "here")[1]
    code, line = said("--range", "3", tmp_path / "here")
    assert (code, line) == (2, "cosmo: expected objects with numbers 3, they are 0-2, 4-5; correct --range\n")


def test_the_next_command_is_one_that_works(store, said, tmp_path):
    for key in ("data_0.txt", "run1/data_0.txt", "run2/data_0.txt"):
        store.put(key, CONTENT)
    here = tmp_path / "my runs"
    assert said("run*", here)[1].endswith(f"Replay: cosmo demo '{here}/run1' '{here}/run2'\n")
    assert said("run1/*", tmp_path)[1].endswith(f"Replay: cosmo demo {tmp_path}/run1\n")


@pytest.mark.parametrize("names", [["data_3.txt"], ["data_*"], ["data_2.txt", "data_3.txt"]])
def test_a_forgotten_folder_is_asked_for(store, said, tmp_path, monkeypatch, names):
    monkeypatch.chdir(tmp_path)
    code, line = said(*names)
    assert code == 2
    assert f"expected a folder to download to, got {names[-1]}; name a folder after it" in line
    assert store.requests == 0
    assert not (tmp_path / names[-1]).exists()


def test_a_folder_may_be_called_so_if_it_is_there(store, said, tmp_path):
    store.put("data_0.txt", CONTENT)
    (tmp_path / "old.csv").mkdir()
    assert said(tmp_path / "old.csv")[0] == 0


def test_a_download_needs_no_stderr(store, document, tmp_path):
    store.put("data_0.txt", CONTENT)
    command = [sys.executable, "-m", "cosmo", "--config", document, "download", tmp_path / "here"]
    ended = subprocess.run(f"{shlex.join(map(str, command))} 2>&-", shell=True)
    assert ended.returncode == 0
    assert (tmp_path / "here" / "data_0.txt").read_bytes() == CONTENT


KEYS = [f"d é+%/data_{n}.txt" for n in range(5)]


def older_form(keys, *, names_marker=False, per_page=2):
    """Answer as a store that knows no list-type=2; the marker is named only for lists with a delimiter."""

    def page(query):
        later = [key for key in keys if key > query.get("marker", "")]
        shown = later[:per_page]
        marker = f"<NextMarker>{quote(shown[-1])}</NextMarker>" if names_marker and shown else ""
        return shown, f"<IsTruncated>{str(len(later) > per_page).lower()}</IsTruncated>{marker}"

    return page


@pytest.mark.parametrize("names_marker", [False, True])
def test_a_list_in_the_older_form_is_read_to_its_end(store, bucket, names_marker):
    for key in KEYS:
        store.put(key, b"rows")
    store.page = older_form(KEYS, names_marker=names_marker)
    assert [stored.key for stored in bucket.objects()] == KEYS
    assert [query.get("marker") for query in store.asked] == [None, KEYS[1], KEYS[3]]


def listing(*entries):
    head = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    return (
        f"{head}{''.join(f'<Contents>{entry}</Contents>' for entry in entries)}</ListBucketResult>".encode()
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("<Key>a.txt</Key><Size>many</Size>", "with a date or number that is none", id="size"),
        pytest.param(
            "<Key>a.txt</Key><Size>5</Size><LastModified>yesterday</LastModified>",
            "with a date or number that is none",
            id="date",
        ),
        pytest.param("<Key>a.txt</Key><Size>-5</Size><ETag>e</ETag>", "with a size below 0", id="below 0"),
    ],
)
def test_a_list_with_a_field_that_is_none_is_refused(store, bucket, entry, said):
    store.instead = lambda _method, _key: (200, {}, listing(entry))
    with pytest.raises(SourceError, match=f"expected an S3 store at .*, got a list of objects {said}"):
        bucket.objects()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        pytest.param(b"<html><head><br></head></html>", "an answer that is no XML", id="a page"),
        pytest.param(b'{"buckets": []}', "an answer that is no XML", id="JSON"),
        pytest.param(
            listing("<Key>\xff</Key>").replace("ÿ".encode(), b"\xff"), "an answer that", id="no UTF-8"
        ),
        pytest.param(b"<html><body>Login</body></html>", "an answer that is no list of", id="a strict page"),
        pytest.param(b"", "an answer that is no list of objects", id="nothing"),
    ],
)
def test_a_web_site_is_no_store(store, bucket, page, said):
    store.instead = lambda _method, _key: (200, {}, page)
    with pytest.raises(SourceError, match=f"bucket.endpoint_url: expected an S3 store at .*, got {said}"):
        bucket.objects()


def test_a_list_that_breaks_off_is_asked_for_again(store, bucket):
    store.instead = lambda _method, _key: (200, {}, listing("<Key>a.txt</Key>")[:-30])
    with pytest.raises(StoreAway):
        bucket.objects()


def test_a_store_that_lists_nothing_is_one(store, bucket):
    store.instead = lambda _method, _key: (200, {}, listing().replace(b"></", b"><Name>b</Name></"))
    assert bucket.objects() == ()


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket")
def test_an_object_with_a_field_that_is_none_is_refused(store, bucket, tmp_path):
    store.put("data_0.txt", CONTENT)
    (stored,) = bucket.objects()
    store.instead = lambda _method, _key: (200, {"Last-Modified": "yesterday", "ETag": stored.etag}, CONTENT)
    with pytest.raises(SourceError, match=r"got the object data_0.txt with a date or number that is none"):
        download(bucket, [stored], tmp_path / "here")
    gc.collect()  # botocore leaves the connection to it: here, not in the next test


def test_a_range_in_pieces_needs_no_length(store, bucket, tmp_path):
    store.put("data_0.txt", CONTENT)
    (stored,) = bucket.objects()
    in_pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (CONTENT[:99], CONTENT[99:], b""))
    headers = {"Transfer-Encoding": "chunked", "ETag": stored.etag}
    headers["Content-Range"] = f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"
    store.instead = lambda method, _key: (206, headers, in_pieces) if method == "GET" else None
    download(bucket, [stored], tmp_path / "here")
    assert (tmp_path / "here" / "data_0.txt").read_bytes() == CONTENT


def test_the_first_rows_come_before_much_is_fetched(store, settings):
    """The first bytes are read twice, to check and to stream; the rest does not come here."""
    text = b"".join(hit(orbit) + b"\n" for orbit in range(100_000))
    store.put("data_0.txt", text)
    sent, go_on = [], threading.Event()

    def deliver(write, content):
        if sum(sent) + len(content) > 300_000:
            go_on.wait(20)
        sent.append(len(content))
        write(content)

    store.deliver = deliver
    blocks = BucketSource.of(settings.bucket).blocks()
    began = time.monotonic()
    first = next(block for block in blocks if block.text)
    assert time.monotonic() - began < 10
    go_on.set()
    assert first.text + b"".join(block.text for block in blocks) == text


def text_of_pass(source, *start):
    got = [block for block in source.blocks(*start) if block.text]
    assert all(one.end == other.start for one, other in pairwise(got) if one.source == other.source)
    return [
        (key, b"".join(block.text for block in of_key)) for key, of_key in groupby(got, lambda b: b.source)
    ]


def test_the_next_pass_is_read_ahead_while_the_last_object_replays(store, settings):
    texts = {f"data_{n}.txt": b"".join(hit(n + orbit) + b"\n" for orbit in range(9000)) for n in range(2)}
    for key, text in texts.items():
        store.put(key, text)
    asked = []
    store.instead = lambda _method, key: asked.append(key)
    source = BucketSource.of(settings.bucket, to_loop=True)
    asked.clear()
    blocks = source.blocks()
    assert next(block for block in blocks if block.source == "data_1.txt").text
    deadline = time.monotonic() + 10
    while asked.count("data_0.txt") < 4:  # of each pass: what it is packed with, and a part
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert all(block.source in ("data_1.txt", "") for block in blocks)
    for _ in range(3):
        assert text_of_pass(source) == list(texts.items())
    source.close()
    offset = len(hit(1)) + 1
    resumed = BucketSource.of(settings.bucket, to_loop=True)
    assert text_of_pass(resumed, "data_1.txt", offset) == [("data_1.txt", texts["data_1.txt"][offset:])]
    assert text_of_pass(resumed) == list(texts.items())
    resumed.close()


def test_closing_ends_what_is_read_ahead_of_a_pass_that_never_comes(store, settings):
    store.put("data_0.txt", hit(0) + b"\n")
    source = BucketSource.of(settings.bucket, to_loop=True)
    assert len(text_of_pass(source)) == 1
    assert "read-ahead" in {thread.name for thread in threading.enumerate()}
    source.close()
    assert "read-ahead" not in {thread.name for thread in threading.enumerate()}
    source.close()  # once more is no error


def test_one_pass_reads_nothing_of_a_next(store, settings):
    store.put("data_0.txt", hit(0) + b"\n")
    asked = []
    store.instead = lambda _method, key: asked.append(key)
    assert len(text_of_pass(BucketSource.of(settings.bucket))) == 1
    assert asked.count("data_0.txt") == 4  # to check it, and to stream it


def test_a_key_that_is_listed_twice_is_one_object(store, bucket):
    for key in KEYS[:2]:
        store.put(key, b"rows")
    store.page = lambda _query: ([*KEYS[:2], *KEYS[:2]], "")
    assert [stored.key for stored in bucket.objects()] == KEYS[:2]


CUT_OFF = "<IsTruncated>true</IsTruncated>"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        pytest.param(lambda _: ([], CUT_OFF), "a list of objects that breaks off after 0", id="no object"),
        pytest.param(
            lambda query: ([] if "marker" in query else KEYS[:2], CUT_OFF),
            "a list of objects that breaks off after 2",
            id="an empty page",
        ),
        pytest.param(lambda _: (KEYS[:2], CUT_OFF), "an answer that is none", id="always the same page"),
    ],
)
def test_a_list_without_its_end_is_refused(store, bucket, page, said):
    for key in KEYS:
        store.put(key, b"rows")
    store.page = page
    with pytest.raises(SourceError, match=f"expected an S3 store at .*, got {said}"):
        bucket.objects()
