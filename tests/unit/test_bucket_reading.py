"""Reading ahead, waiting out a store that is away, and downloads, without a store."""

import hashlib
import logging
import os
import threading
from pathlib import Path

import pytest

from cosmo import download as download_module
from cosmo.download import download
from cosmo.errors import PreflightError, SourceError, StoreAway
from cosmo.sources import Block
from cosmo.sources.bucket import StoredObject
from cosmo.sources.read_ahead import END_OF_PASS, read_ahead
from cosmo.sources.steady import Outage, SteadyObject, Stopped, steady_chunks

CONTENT = bytes(range(256)) * 40
STORED = StoredObject("data_0.txt", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


class FlakyBucket:
    """Yields chunks of 100 bytes; each entry of `breaks` ends one answer after so many bytes."""

    def __init__(self, breaks=(), content=CONTENT, parts=None):
        self.asked = []
        self._parts = parts
        self._breaks = list(breaks)
        self._content = content

    def parts(self, _stored):
        return self._parts

    def chunks(self, _stored, start, end):
        self.asked.append((start, end))
        stop = start + self._breaks.pop(0) if self._breaks else end
        for at in range(start, min(stop, end), 100):
            yield self._content[at : min(at + 100, stop, end)]
        if stop < end:
            raise StoreAway("broken")


class Pauses:
    """A wait that takes no time and notes it."""

    def __init__(self, stop_after=None):
        self.taken = []
        self._stop_after = stop_after

    def __call__(self, seconds):
        if not seconds:  # only asked
            return False
        self.taken.append(seconds)
        return len(self.taken) == self._stop_after


def blocks_of(n, size=10):
    return [Block("data", size * i, size * (i + 1), b"x" * size) for i in range(n)]


def test_a_broken_answer_goes_on_at_its_byte():
    bucket, wait = FlakyBucket([300, 0, 0, 250]), Pauses()
    got = b"".join(steady_chunks(bucket, STORED, 1000, 3000, Outage(wait)))
    assert got == CONTENT[1000:3000]
    assert [start for start, _ in bucket.asked] == [1000, 1300, 1300, 1300, 1550]
    assert wait.taken == [0.1, 0.2, 0.4, 0.1]  # bytes came in between: a new outage


def test_an_outage_is_said_once_with_its_place(caplog):
    caplog.set_level(logging.INFO)
    list(steady_chunks(FlakyBucket([300, *[0] * 20]), STORED, 0, 3000, Outage(Pauses())))
    first, last = caplog.messages
    assert first == "waiting for the bucket, to go on with data_0.txt at byte 300: broken"
    assert last.startswith("the bucket answers again, after ")


def test_pauses_grow_to_5_s():
    wait = Pauses()
    list(steady_chunks(FlakyBucket([0] * 9), STORED, 0, 100, Outage(wait)))
    assert wait.taken == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_threads_share_an_outage(caplog):
    outage = Outage(Pauses())
    for place in ("one", "two", "three"):
        outage.wait_out(StoreAway("broken"), place)
    assert len(caplog.messages) == 1


def test_one_object_that_never_comes_is_waited_for_by_itself(caplog):
    caplog.set_level(logging.INFO)
    wait, times = Pauses(), iter(range(100))
    outage = Outage(wait, patience_s=4.0, clock=lambda: next(times))
    for _ in range(5):
        outage.wait_out(StoreAway("broken"), "this one")
        outage.over("another one")  # which flows
    assert wait.taken == [0.1, 0.2, 0.4, 0.8, 1.6]
    with pytest.raises(StoreAway):
        outage.wait_out(StoreAway("broken"), "this one")
    assert len(caplog.messages) == 1


def test_patience_ends():
    times = iter([0.0, 9.0, 10.0, 10.1])
    outage = Outage(Pauses(), patience_s=10.0, clock=lambda: next(times))
    for _ in range(3):
        outage.wait_out(StoreAway("broken"), "it")
    with pytest.raises(StoreAway, match="broken"):
        outage.wait_out(StoreAway("broken"), "it")


def test_a_stop_ends_the_wait():
    with pytest.raises(Stopped):
        list(steady_chunks(FlakyBucket([0, 0, 0]), STORED, 0, 100, Outage(Pauses(stop_after=2))))


@pytest.mark.parametrize("start", [0, 1, 5000, len(CONTENT)])
def test_a_steady_object_reads_part_by_part(monkeypatch, start):
    monkeypatch.setattr("cosmo.sources.steady.FIRST_PART_BYTES", 1024)
    monkeypatch.setattr("cosmo.sources.steady.PART_BYTES", 4096)
    bucket = FlakyBucket([150])
    stream = SteadyObject(bucket, STORED, start, Outage(Pauses()))
    assert stream.readall() == CONTENT[start:]
    assert max((end - begin for begin, end in bucket.asked), default=0) <= 4096


def test_a_part_is_what_comes_in_a_second(monkeypatch):
    monkeypatch.setattr("cosmo.sources.steady.FIRST_PART_BYTES", 100)
    monkeypatch.setattr("cosmo.sources.steady.PART_BYTES", 4096)
    bucket, took_s = FlakyBucket(), [0.1, 0.1, 8.0, 10.0, 0.0]
    moments = iter([moment for pause in took_s for moment in (100.0, 100.0 + pause)] + [0.0] * 99)
    stream = SteadyObject(bucket, STORED, 0, Outage(Pauses()), clock=lambda: next(moments))
    assert stream.readall() == CONTENT
    assert [end - begin for begin, end in bucket.asked][:6] == [100, 1000, 4096, 512, 100, 4096]


def test_reading_ahead_gives_the_same_blocks():
    blocks = blocks_of(50)
    assert list(read_ahead(lambda _stop: iter(blocks), 30)) == blocks
    assert list(read_ahead(lambda _stop: iter(()), 30)) == []


def test_reading_ahead_is_bounded():
    """At most the limit, the block that crosses it, and the block in the reader's hand wait."""
    taken, most = 0, 0

    def read(_stop):
        nonlocal most
        for n, block in enumerate(blocks_of(100)):
            most = max(most, n - taken)
            yield block

    for _ in read_ahead(read, 30):
        taken += 1
    assert taken == 100
    assert most <= 4


def test_the_reader_goes_one_pass_ahead_only():
    """However small a pass is: what is played in a loop is not fetched thousands of times in advance."""
    beyond = threading.Event()

    def read(_stop):
        for n in range(4):
            if n == 2:
                beyond.set()
            yield from blocks_of(1)
            yield END_OF_PASS

    blocks = read_ahead(read, 1000)
    assert next(blocks) == blocks_of(1)[0]
    assert not beyond.wait(0.2)
    assert next(blocks) is END_OF_PASS
    assert beyond.wait(10)
    assert len(list(blocks)) == 6


def test_the_reader_works_while_its_caller_does():
    reached = threading.Event()

    def read(_stop):
        for n, block in enumerate(blocks_of(4)):
            if n == 3:
                reached.set()
            yield block

    blocks = read_ahead(read, 1000)
    next(blocks)
    assert reached.wait(10)  # nothing more was asked for
    blocks.close()


def test_an_error_of_the_reader_comes_after_its_blocks():
    def read(_stop):
        yield from blocks_of(3)
        raise SourceError("gone")

    blocks = read_ahead(read, 1000)
    assert [next(blocks) for _ in range(3)] == blocks_of(3)
    with pytest.raises(SourceError, match="gone"):
        next(blocks)


def test_a_caller_gets_the_turn_while_the_reader_waits(monkeypatch):
    monkeypatch.setattr("cosmo.sources.read_ahead.TICK_S", 0.01)
    go_on = threading.Event()

    def read(stop):
        first, second = blocks_of(2)
        yield first
        while not (go_on.wait(0.01) or stop.is_set()):
            pass
        yield second

    blocks = read_ahead(read, 1000)
    assert next(blocks) == blocks_of(1)[0]
    assert next(blocks) == Block("data", 10, 10, b"")
    go_on.set()
    assert [block for block in blocks if block.text] == blocks_of(2)[1:]


def test_closing_ends_the_reader():
    ended = threading.Event()

    def read(stop):
        try:
            while not stop.is_set():
                yield from blocks_of(1)
        finally:
            ended.set()

    blocks = read_ahead(read, 30)
    next(blocks)
    blocks.close()
    assert ended.wait(10)


def test_a_download_that_arrives_damaged_twice_is_an_error(tmp_path):
    told = []
    with pytest.raises(SourceError, match=r"data_0.txt: expected bytes with ETag .*, got others twice"):
        download(FlakyBucket(content=b"x" * len(CONTENT)), [STORED], tmp_path, told.append)
    assert list(tmp_path.iterdir()) == []
    assert sum(told) == 0


@pytest.mark.parametrize("parts", [(5000, 5240), (1,) * len(CONTENT)], ids=["two", "many"])
def test_an_object_in_parts_of_any_size_is_checked_by_them(tmp_path, parts):
    starts = [sum(parts[:n]) for n in range(len(parts))] if len(parts) == 2 else range(len(CONTENT))
    pieces = [CONTENT[start : start + size] for start, size in zip(starts, parts, strict=True)]
    digests = b"".join(hashlib.md5(piece).digest() for piece in pieces)
    stored = StoredObject("data_0.txt", len(CONTENT), f"{hashlib.md5(digests).hexdigest()}-{len(parts)}")
    assert download(FlakyBucket(parts=parts), [stored], tmp_path / "whole").size_only == ()
    with pytest.raises(SourceError, match="got others twice"):
        download(FlakyBucket(content=CONTENT[::-1], parts=parts), [stored], tmp_path / "damaged")


def test_an_etag_of_an_encrypted_object_is_none(tmp_path):
    stored = StoredObject("data_0.txt", len(CONTENT), "0" * 32)
    assert download(FlakyBucket(parts=()), [stored], tmp_path).size_only == ("data_0.txt",)


@pytest.mark.parametrize("key", ["../data_0.txt", "/etc/data_0.txt", "a/../../data_0.txt", "a//data_0.txt"])
def test_keys_that_lead_elsewhere_are_refused(tmp_path, key):
    with pytest.raises(SourceError, match="expected object names that can be file names, got"):
        download(FlakyBucket(), [StoredObject(key, 1, "")], tmp_path / "here")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["a" * 245, "a" * 300])
def test_keys_too_long_for_a_file_are_said_before_anything_is_written(tmp_path, key):
    with pytest.raises(PreflightError, match="expected a name that a file can have, got: File name too long"):
        download(FlakyBucket(), [STORED, StoredObject(key, 1, STORED.etag)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_etag_that_is_no_file_name_is_none(tmp_path):
    done = download(FlakyBucket(), [StoredObject("data_0.txt", len(CONTENT), "a/b+c=")], tmp_path)
    assert done.size_only == ("data_0.txt",)
    assert [path.name for path in tmp_path.iterdir()] == ["data_0.txt"]


def test_a_full_disk_leaves_a_partial_file_to_go_on_with(tmp_path, monkeypatch):
    def fsync(_fd):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(download_module.os, "fsync", fsync)
        with pytest.raises(PreflightError, match=r"got: No space left on device; .*the same command goes on"):
            download(FlakyBucket(), [STORED], tmp_path)
    (part,) = tmp_path.iterdir()
    assert part.name.endswith(".part")
    bucket = FlakyBucket()
    download(bucket, [STORED], tmp_path)
    assert (tmp_path / "data_0.txt").read_bytes() == CONTENT
    assert bucket.asked == []  # all bytes were there


def test_what_is_left_of_a_replaced_object_is_deleted(tmp_path):
    others = [
        "data_1.txt.0123.part",
        "data_0.txt.part",
        "data_0.txt.a.b.part",
        "data_0.txt.0123456789abc.part",
        "data_0.txt.mine.part",
    ]
    for name in ("data_0.txt.0123456789ab.part", "data_0.txt.0123456789-2.part", *others):
        (tmp_path / name).write_bytes(b"x")
    folder = "data_0.txt.0123456789cd.part"
    (tmp_path / folder).mkdir()
    download(FlakyBucket(), [STORED], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([STORED.key, *others, folder])


@pytest.mark.skipif(os.geteuid() != 0, reason="to be another user for a while")
@pytest.mark.parametrize("mode", [0o300, 0o500], ids=["not to be listed", "not to be written to"])
def test_what_is_left_in_a_folder_without_rights_is_no_matter(tmp_path, monkeypatch, mode):
    """A folder that cannot be listed can be written to; in one that cannot be written to all is there."""
    stored = [StoredObject(f"{run}/data_0.txt", len(CONTENT), STORED.etag) for run in ("a", "b")]
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "data_0.txt").write_bytes(CONTENT)
        (tmp_path / run / "data_0.txt.0123456789ab.part").write_bytes(b"x")
    (tmp_path / "a").chmod(mode)
    for path in (tmp_path, tmp_path / "a", tmp_path / "b"):
        os.chown(path, 65534, 65534)
    monkeypatch.chdir(tmp_path)  # the folders above it are root's own
    os.seteuid(65534)
    try:
        assert download(FlakyBucket(), stored, Path()).already_there == 2
    finally:
        os.seteuid(0)
    assert (tmp_path / "a" / "data_0.txt.0123456789ab.part").exists()
    assert not (tmp_path / "b" / "data_0.txt.0123456789ab.part").exists()


def test_a_folder_in_the_place_of_a_file_is_not_blamed_on_the_disk(tmp_path):
    (tmp_path / "data_0.txt").mkdir()
    with pytest.raises(SourceError, match=r"data_0.txt: expected this file to be .*, it is another; move it"):
        download(FlakyBucket(), [STORED], tmp_path)
    (tmp_path / "data_0.txt").rmdir()
    (tmp_path / f"data_0.txt.{STORED.etag[:12]}.part").mkdir()
    with pytest.raises(PreflightError, match=r"got: Is a directory; choose another folder"):
        download(FlakyBucket(), [STORED], tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="to be another user for a while")
def test_a_folder_without_rights_is_said(tmp_path):
    tmp_path.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(PreflightError, match=r"expected the right to write here, got: Permission denied"):
            download(FlakyBucket(), [STORED], tmp_path / "here")
    finally:
        os.seteuid(0)


def test_names_that_differ_only_in_their_folder_do_not_meet(tmp_path):
    stored = [StoredObject(f"{run}/data_0.txt", len(CONTENT), STORED.etag) for run in ("a", "b")]
    assert download(FlakyBucket(), stored, tmp_path).fetched == 2
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")) == [
        "a/data_0.txt",
        "b/data_0.txt",
    ]
