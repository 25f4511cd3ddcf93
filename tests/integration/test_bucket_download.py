"""`cosmo download` from a real store: complete, checked, resumed, and never over what is there."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace

import pytest
from bucket_store import Store, rows

from cosmo import cli
from cosmo import download as download_module
from cosmo.download import download
from cosmo.errors import AlreadyRunning, PreflightError, SourceError, StoreAway
from cosmo.sources import Bucket

MIB = 1 << 20
SMALL = {f"data_{number:06d}.txt": rows(number, 40_000) for number in range(6)}
LARGE = {"data_000000.txt": rows(7, 2 * MIB)}


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


def opened(store: Store, objects):
    store.new_bucket(objects)
    bucket = Bucket(store.settings().bucket)
    return bucket, bucket.objects()


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(store, monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["cosmo", "--config", str(store.document()), "download", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        assert ended.code == 0  # noqa: PT017
    return capsys.readouterr().err


def test_all_objects(store, here, monkeypatch, capsys):
    store.new_bucket({**SMALL, "data_notes.md": b"no rows", "other.txt": b"1"})
    said = run(store, monkeypatch, capsys, str(here))
    assert content(here) == SMALL
    assert "6 objects, 0.2 MB, are in" in said
    assert "(6 fetched, 0 were there), sizes and ETags checked. Replay: cosmo demo" in said


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        pytest.param(["--range", "2-4"], [2, 3, 4], id="range"),
        pytest.param(["--range", "5"], [5], id="one number"),
        pytest.param(["--range", "4-90"], [4, 5], id="range beyond the end"),
        pytest.param(["data_000001.txt", "data_00000[45].txt"], [1, 4, 5], id="names"),
        pytest.param(["--range", "0", "data_000003.txt"], [0, 3], id="both"),
    ],
)
def test_some_objects(store, here, monkeypatch, capsys, arguments, numbers):
    store.new_bucket(SMALL)
    run(store, monkeypatch, capsys, *arguments, str(here))
    assert content(here) == {key: SMALL[key] for key in (f"data_{number:06d}.txt" for number in numbers)}


def test_folders_in_keys_are_folders(store, here):
    store.changes["bucket.prefix"] = ""
    bucket, objects = opened(store, {"run1/data_0.txt": b"1\n", "run2/data_0.txt": b"2\n"})
    download(bucket, objects, here)
    assert content(here) == {"run1/data_0.txt": b"1\n", "run2/data_0.txt": b"2\n"}


def test_again_fetches_nothing_but_what_is_missing(store, here):
    bucket, objects = opened(store, SMALL)
    download(bucket, objects, here)
    (here / "data_000003.txt").unlink()
    done = download(bucket, objects, here)
    assert (done.fetched, done.already_there) == (1, 5)
    assert content(here) == SMALL


def test_an_object_in_parts_is_checked_by_its_parts(store, here):
    bucket, _ = opened(store, SMALL)
    text = rows(9, 11 * MIB)
    store.server.put_in_parts(store.changes["bucket.name"], "data_usual.txt", text, 5 * MIB)
    store.server.put_in_parts(store.changes["bucket.name"], "data_odd.txt", text, 7 * MIB + 1)
    objects = [stored for stored in bucket.objects() if stored.key.endswith(("usual.txt", "odd.txt"))]
    assert [stored.etag[-2:] for stored in objects] == ["-2", "-3"]  # odd, usual
    done = download(bucket, objects, here)
    assert content(here) == {"data_usual.txt": text, "data_odd.txt": text}
    assert done.size_only == ()


def test_it_says_what_it_could_not_check(store, here, monkeypatch, capsys):
    store.new_bucket({})
    text = rows(9, 11 * MIB)
    store.server.put_in_parts(store.changes["bucket.name"], "data_odd.txt", text, 7 * MIB + 1)
    monkeypatch.setattr(Bucket, "parts", lambda _bucket, _stored: None)  # as an older store
    said = run(store, monkeypatch, capsys, str(here))
    assert "sizes and ETags checked; only the size of 1: their ETags cannot be checked" in said


def test_a_broken_off_download_goes_on_where_it_stands(store, here):
    bucket, objects = opened(store, LARGE)
    store.proxy.break_after, store.proxy.break_times = MIB, 2
    store.proxy.down()
    store.proxy.up()
    with pytest.raises(StoreAway):
        download(bucket, objects, here, patience_s=-1)  # gives up at the first break
    (part,) = content(here)
    held = (here / part).stat().st_size
    assert part == f"data_000000.txt.{objects[0].etag[:12]}.part"
    assert held > MIB // 2
    assert LARGE["data_000000.txt"].startswith((here / part).read_bytes())
    store.proxy.down()
    store.proxy.break_times = 0
    store.proxy.up()
    told = []
    download(bucket, objects, here, told.append)
    assert content(here) == LARGE
    assert store.proxy.bytes_down < 2 * MIB - held + 40_000
    assert told[0] == held
    assert sum(told) == objects[0].size_bytes


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(b"x" * 5000, id="damaged"),
        pytest.param(b"x" * (3 * MIB), id="too long"),
        pytest.param(b"x" * len(LARGE["data_000000.txt"]), id="complete but damaged"),
    ],
)
def test_what_an_earlier_attempt_left_is_checked(store, here, left):
    bucket, objects = opened(store, LARGE)
    here.mkdir()
    (here / f"data_000000.txt.{objects[0].etag[:12]}.part").write_bytes(left)
    told = []
    download(bucket, objects, here, told.append)
    assert content(here) == LARGE
    assert sum(told) == objects[0].size_bytes


def test_a_server_that_dies_and_returns(store, here, caplog):
    caplog.set_level(logging.INFO, logger="cosmo")
    objects_by_key = {f"data_{number}.txt": rows(number, MIB) for number in range(4)}
    bucket, objects = opened(store, objects_by_key)
    store.proxy.break_after, store.proxy.break_times = MIB // 2, 4
    store.proxy.down()
    store.proxy.up()
    died = threading.Event()

    def progress(_bytes):
        if not died.is_set():
            died.set()
            store.proxy.down()
            store.server.kill()
            threading.Thread(target=back).start()

    def back():
        store.server.start()
        store.server.fill(store.changes["bucket.name"], objects_by_key)
        store.proxy.up()

    def first_bytes(n_bytes):
        if n_bytes:
            progress(n_bytes)

    download(bucket, objects, here, first_bytes)
    assert died.is_set()
    assert content(here) == objects_by_key
    assert 1 <= sum(line.startswith("waiting for the bucket") for line in caplog.messages) <= 5


@pytest.mark.parametrize(
    "other", [pytest.param(b"mine", id="of another size"), pytest.param(None, id="of the same size")]
)
def test_a_file_that_is_another_is_left_alone(store, here, other):
    bucket, objects = opened(store, SMALL)
    mine = other or b"x" * len(SMALL["data_000000.txt"])
    here.mkdir()
    (here / "data_000000.txt").write_bytes(mine)
    with pytest.raises(
        SourceError, match=r"data_000000.txt: expected this file to be the object .* is another"
    ):
        download(bucket, objects, here)
    assert (here / "data_000000.txt").read_bytes() == mine


def test_too_small_a_disk_is_said_before_anything_is_fetched(store, here, monkeypatch):
    bucket, objects = opened(store, LARGE)

    def disk_with(free_mib):
        monkeypatch.setattr(
            download_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=free_mib * MIB)
        )

    disk_with(65)
    with pytest.raises(PreflightError, match=r"expected 65 MiB of free disk for the objects, got 65 MiB"):
        download(bucket, objects, here)
    assert content(here) == {}
    disk_with(67)
    download(bucket, objects, here)
    disk_with(0)
    assert download(bucket, objects, here).already_there == 1  # needs nothing more


def test_a_folder_that_cannot_be_made(store, here):
    bucket, objects = opened(store, SMALL)
    here.write_bytes(b"a file")
    with pytest.raises(PreflightError, match=r"here: expected a folder to write to, got: File exists"):
        download(bucket, objects, here)


def test_one_download_a_folder(store, here):
    bucket, objects = opened(store, SMALL)
    refused = []

    def progress(_bytes):
        if not refused:
            with pytest.raises(AlreadyRunning) as caught:
                download(bucket, objects, here)
            refused.append(caught.value)

    download(bucket, objects, here, progress)
    assert "one is at work; wait for its end" in str(refused[0])
    assert content(here) == SMALL
