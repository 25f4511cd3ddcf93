"""The pure parts of the bucket: credentials, selection, ETags, what a store says."""

import hashlib
import json
from pathlib import Path

import pytest

from cosmo.errors import NotOurs, SourceError, StoreAway
from cosmo.settings import Settings
from cosmo.sources.bucket import Bucket, StoredObject
from cosmo.sources.credentials import Credentials
from cosmo.sources.etags import Likeness, likeness, part_sizes
from cosmo.sources.recording import require_rows
from cosmo.sources.refusals import Refusals
from cosmo.sources.selection import NumberRange, gaps, number_of, selected, with_content

MIB = 1 << 20
CLOUD = Path(__file__).parents[2] / "config" / "cloud" / "cosmo.yml"
OBJECTS = tuple(StoredObject(f"data_{n:06d}.txt", 10, "0" * 32) for n in (*range(4), 80))


def written(path: Path, content, mode=0o600):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def test_a_service_takes_the_key_of_systemd(tmp_path, monkeypatch):
    settings = Settings.load(CLOUD, {"bucket.credentials_file": str(tmp_path / "own.json")}).bucket
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(SourceError, match=r"own\.json: expected the credentials"):
        Bucket(settings)
    written(tmp_path / "bucket.json", {"access_key": "A", "secret_key": ""})
    with pytest.raises(SourceError, match=r"bucket\.json: expected one text 'secret_key'"):
        Bucket(settings)


@pytest.mark.parametrize("url", ["https://my_store:9000", "http://a..b", "https://-x"])
def test_an_address_that_is_none_is_named(tmp_path, url):
    key = written(tmp_path / "key.json", {"access_key": "A", "secret_key": "S"})
    changes = {"bucket.credentials_file": str(key), "bucket.endpoint_url": url, "bucket.ca_bundle": None}
    with pytest.raises(SourceError, match=r"bucket\.endpoint_url: expected the address of an S3 store, got"):
        Bucket(Settings.load(CLOUD, changes).bucket)


def test_what_the_environment_says_to_aws_tools_has_no_say(tmp_path, monkeypatch):
    key = written(tmp_path / "key.json", {"access_key": "A", "secret_key": "S"})
    for name in ("RETRY_MODE", "DEFAULTS_MODE", "ACCOUNT_ID_ENDPOINT_MODE", "PROFILE", "DEFAULT_REGION"):
        monkeypatch.setenv(f"AWS_{name}", "no such thing")
    changes = {"bucket.credentials_file": str(key), "bucket.ca_bundle": None}
    Bucket(Settings.load(CLOUD, changes).bucket)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"access_key": "A", "secret_key": "S"}, id="ours"),
        pytest.param({"key_id": "A", "key": "S"}, id="of the first COSMO"),
        pytest.param({"url": "https://x", "accessKey": "A", "secretKey": "S", "api": "s3v4"}, id="MinIO"),
        pytest.param({"aws_access_key_id": " A", "aws_secret_access_key": "S\n"}, id="AWS, with blanks"),
    ],
)
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_credentials(tmp_path, content, mode):
    credentials = Credentials.read(written(tmp_path / "key.json", content, mode))
    assert (credentials.access_key, credentials.secret_key) == ("A", "S")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666, 0o777])
def test_credentials_open_to_others_are_refused(tmp_path, mode):
    path = written(tmp_path / "key.json", {"access_key": "A", "secret_key": "S"}, mode)
    with pytest.raises(SourceError, match=f"got mode {mode:04o}; chmod 600 {path}"):
        Credentials.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("SECRETSECRET", "expected JSON, got something else", id="no JSON"),
        pytest.param("[" * 100_000, "expected JSON", id="deeply nested"),
        pytest.param(["SECRETSECRET"], "one text 'access_key', got none", id="a list"),
        pytest.param({"access_key": "A"}, "one text 'secret_key', got none", id="no secret"),
        pytest.param({"access_key": "A", "key_id": "SECRETSECRET"}, "'access_key', got several", id="two"),
        pytest.param({"access_key": "", "secret_key": "SECRETSECRET"}, "got an empty one", id="empty"),
        pytest.param({"access_key": 5, "secret_key": "SECRETSECRET"}, "or no text", id="a number"),
        pytest.param({"access_key": "A", "secret_key": "SECRETSECRET\u00e9"}, "printable ASCII", id="accent"),
        pytest.param({"access_key": "A", "secret_key": "SECRETSECRET\nx"}, "printable", id="two lines"),
    ],
)
def test_what_is_no_credentials_is_not_quoted(tmp_path, content, said):
    with pytest.raises(SourceError) as caught:
        Credentials.read(written(tmp_path / "key.json", content))
    assert said in str(caught.value)
    assert "SECRETSECRET" not in f"{caught.value} {caught.value.__cause__} "
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_credentials_have_no_secret_in_their_repr(tmp_path):
    content = {"access_key": "SENTINEL", "secret_key": "SECRETSECRET"}
    credentials = Credentials.read(written(tmp_path / "key.json", content))
    assert repr(credentials) == f"Credentials(path={tmp_path / 'key.json'!r})"


@pytest.mark.parametrize(
    ("text", "first", "last"), [("3-7", 3, 7), ("3", 3, 3), ("0-0", 0, 0), ("000003-000080", 3, 80)]
)
def test_a_range(text, first, last):
    assert NumberRange.of(text) == NumberRange(first, last)


@pytest.mark.parametrize("text", ["", "7-3", "-3", "3-", "a-b", "1-2-3", "1,2", "\u0663"])
def test_no_range(text):
    with pytest.raises(SourceError, match=r"expected a range such as 3-7"):
        NumberRange.of(text)


@pytest.mark.parametrize(
    ("key", "number"),
    [("data_000012.txt", 12), ("a9/data_000012.csv.gz", 12), ("run3_004.txt", 4), ("notes.txt", None)],
)
def test_the_number_in_a_name(key, number):
    assert number_of(key) == number


@pytest.mark.parametrize(
    ("numbers", "names", "expected"),
    [
        pytest.param(None, [], [0, 1, 2, 3, 80], id="all"),
        pytest.param("2-80", [], [2, 3, 80], id="range"),
        pytest.param("80", ["data_000000.txt"], [0, 80], id="both, in the order of the bucket"),
        pytest.param(None, ["*[13].txt", "data_000001.txt"], [1, 3], id="globs"),
    ],
)
def test_selected(numbers, names, expected):
    found = selected(OBJECTS, NumberRange.of(numbers) if numbers else None, names)
    assert [number_of(stored.key) for stored in found] == expected


def test_a_name_is_itself_before_it_is_a_glob():
    objects = tuple(StoredObject(key, 1, "") for key in ("a/data_[1].txt", "data_1.txt", "data_2.txt"))
    for name, expected in {
        "data_[1].txt": ["a/data_[1].txt"],
        "a/data_[1].txt": ["a/data_[1].txt"],
        "data_[12].txt": ["data_1.txt", "data_2.txt"],
    }.items():
        assert [stored.key for stored in selected(objects, None, [name])] == expected


def numbered(*names):
    return tuple(StoredObject(name, 10, "") for name in names)


@pytest.mark.parametrize(
    ("objects", "numbers", "said"),
    [
        pytest.param(OBJECTS[:4], None, [], id="none"),
        pytest.param(OBJECTS[:4], "1-2", [], id="none in the range"),
        pytest.param(OBJECTS, "2-90", ["2-90: 4-79, 81-90"], id="in the range and after the end"),
        pytest.param((*OBJECTS[:2], OBJECTS[3]), None, ["0-3 after data_: 2"], id="in the bucket"),
        pytest.param(
            numbered("a/b_1.txt", "a/b_2.gz", "a/b_4.csv", "c/b_3.txt"),
            None,
            ["1-4 after a/b_: 3"],
            id="series",
        ),
        pytest.param(numbered("d_20240131.txt", "d_20240201.txt", "notes.txt"), None, [], id="dates"),
        pytest.param(numbered(f"d_{'9' * 30}.txt", "d_0.txt"), None, [], id="a number that is none"),
    ],
)
def test_gaps(objects, numbers, said):
    found = list(gaps(objects, NumberRange.of(numbers) if numbers else None))
    assert [sentence.removeprefix("missing in the bucket, of the numbers ") for sentence in found] == said


def test_empty_objects_are_no_content():
    empty = StoredObject("data_000009.txt", 0, "")
    assert with_content([*OBJECTS, empty]) == OBJECTS
    with pytest.raises(SourceError, match=r"got only empty ones: data_000009.txt; choose others"):
        with_content([empty])


def test_what_fits_nothing_is_named():
    with pytest.raises(SourceError, match=r"numbers 4-79, they are 0-3, 80; correct --range"):
        selected(OBJECTS, NumberRange(4, 79))
    with pytest.raises(SourceError, match=r"expected an object gone.txt in the bucket, it has data_000000"):
        selected(OBJECTS, None, ["data_000001.txt", "gone.txt"])
    with pytest.raises(SourceError, match=r"none has a number in its name"):
        selected((StoredObject("notes.txt", 1, ""),), NumberRange(0, 1))


@pytest.mark.parametrize(
    ("size_bytes", "parts", "in_mib"),
    [
        pytest.param(40 * MIB, 5, [8], id="8 MiB, all full"),
        pytest.param(39 * MIB, 8, [5], id="5 MiB, the last one shorter"),
        pytest.param(12 * MIB, 2, [8, 10], id="either"),
        pytest.param(12 * MIB, 1, [12], id="one part of any size"),
        pytest.param(12 * MIB, 7, [], id="no usual size"),
    ],
)
def test_part_sizes_in_mib(size_bytes, parts, in_mib):
    assert [size // MIB for size in part_sizes(size_bytes, parts) if size % MIB == 0] == in_mib


def md5(content):
    return hashlib.md5(content).hexdigest()


def of_parts(content, part_bytes):
    starts = range(0, len(content), part_bytes)
    digests = [hashlib.md5(content[start : start + part_bytes]).digest() for start in starts]
    return f"{md5(b''.join(digests))}-{len(digests)}"


CONTENT = bytes(range(256)) * 4096 * 12  # 12 MiB
DAMAGED = CONTENT[:-1] + b"x"


@pytest.mark.parametrize(
    ("content", "etag", "expected"),
    [
        pytest.param(CONTENT, md5(CONTENT), Likeness.SAME, id="whole"),
        pytest.param(DAMAGED, md5(CONTENT), Likeness.DIFFERENT, id="one byte is another"),
        pytest.param(CONTENT[:-1], md5(CONTENT[:-1]), Likeness.DIFFERENT, id="shorter than listed"),
        pytest.param(CONTENT, of_parts(CONTENT, 5 * MIB), Likeness.SAME, id="parts of 5 MiB"),
        pytest.param(CONTENT, of_parts(CONTENT, 10 * 10**6), Likeness.SAME, id="parts of 10 MB"),
        pytest.param(CONTENT, of_parts(CONTENT, 12 * MIB), Likeness.SAME, id="one part"),
        pytest.param(CONTENT, of_parts(CONTENT, 7 * MIB), Likeness.SAME_SIZE, id="parts of an odd size"),
        pytest.param(DAMAGED, of_parts(CONTENT, 5 * MIB), Likeness.SAME_SIZE, id="damaged, in parts"),
        pytest.param(CONTENT, "opaque", Likeness.SAME_SIZE, id="no MD5"),
    ],
)
def test_likeness(tmp_path, content, etag, expected):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert likeness(path, len(CONTENT), etag) is expected


@pytest.mark.parametrize(
    ("code", "status", "kind", "said"),
    [
        pytest.param("SlowDown", 503, StoreAway, "got: status 503 (SlowDown)", id="busy"),
        pytest.param("502", 502, StoreAway, "got: status 502; see that", id="a proxy in between"),
        pytest.param("NotImplemented", 501, SourceError, "NotImplemented (status 501)", id="not known there"),
        pytest.param("RequestTimeout", 400, StoreAway, "RequestTimeout", id="too slow"),
        pytest.param("InvalidAccessKeyId", 403, SourceError, "/key.json: expected keys", id="keys"),
        pytest.param("AccessDenied", 403, SourceError, "that may read data_0.txt in bucket", id="rights"),
        pytest.param("InvalidObjectState", 403, SourceError, "data_0.txt: expected an obj", id="archived"),
        pytest.param("NoSuchBucket", 404, SourceError, "bucket.name: expected a bucket rec", id="bucket"),
        pytest.param("NoSuchKey", 404, SourceError, "or the download again", id="object"),
        pytest.param("PreconditionFailed", 412, SourceError, "has been replaced since", id="changed"),
        pytest.param("RequestTimeTooSkewed", 403, SourceError, "this machine's clock", id="clock"),
        pytest.param("MethodNotAllowed", 405, SourceError, "MethodNotAllowed (status 405)", id="other"),
    ],
)
def test_refusals(code, status, kind, said):
    error = Refusals("recordings", "https://store", Path("/key.json")).refused(code, status, "data_0.txt")
    assert type(error) is kind
    assert said in str(error)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("https://store/recordings?list-type=2", "https://store"),
        ("https://store/recordings/data_0.txt", "https://store"),
        ("http://recordings/other", "http://recordings/other"),
        ("https://recordings.s3.example/", "https://recordings.s3.example/"),
        ("http://store/recordings/", "(status 301)"),
        ("", "(status 301)"),
    ],
)
def test_the_address_in_a_redirect(place, address):
    error = Refusals("recordings", "http://store", Path("/key.json")).redirected(301, place)
    assert f"got a redirect {'' if '(' in address else 'to '}{address}; " in str(error)


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("unable to get local issuer certificate", "set bucket.ca_bundle"),
        ("self-signed certificate in certificate chain", "set bucket.ca_bundle"),
        ("Hostname mismatch, certificate is not valid for 'x'.", "bucket.endpoint_url"),
        ("certificate has expired", "this machine's clock is right"),
    ],
)
def test_untrusted_certificates(reason, advice):
    error = Refusals("recordings", "https://store", Path("/key.json")).untrusted(reason)
    assert f"got: {reason}; " in str(error)
    assert advice in str(error).rpartition("; ")[2]


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        (b"2,0,5,1,1,1\n", True),
        (b"2,0,5,1,1,1", True),
        (b"", True),
        (b"time,voltage\n1,2\n", False),
        (b"no rows\n2,0,5,1,1,1\n", True),
        (b"2,0,999,1,1,1\n", True),  # out of range
        (b"9,-1,0.5,1,1,1\n", True),
        (b"HEAD,FPGA,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS\nno rows\n", True),
        (b"2,0,5,1,1,\n", False),
        (b"2,0,5,1,1,1e0\n", False),
        (b"a,b,c,d,e,f\n", False),
        (b"2,0,5,1,1,1\n".decode().encode("utf-16"), False),
    ],
)
def test_rows_are_required(text, is_ours):
    if is_ours:
        require_rows("data_0.txt", text)
    else:
        with pytest.raises(SourceError, match=r"data_0.txt: expected rows of 6 numbers"):
            require_rows("data_0.txt", text)


def test_columns_in_another_order_are_refused():
    with pytest.raises(NotOurs, match=r"data_0.txt: expected the columns HEAD,FPGA,.*, got FPGA,HEAD,"):
        require_rows("data_0.txt", b"FPGA,HEAD,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS\n0,2,5,1,1,1\n")
