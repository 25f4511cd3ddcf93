"""Rows straight from a bucket: the same as from local files, whatever the network and the store do."""

from __future__ import annotations

import gzip
import json
import logging

import pytest
from bucket_store import Store, rows

from cosmo import cli
from cosmo.errors import SourceError
from cosmo.sources import BucketSource, FilesSource, steady
from cosmo.statistics import Summary
from cosmo.summarise import summarise
from cosmo.timeslices import Limits
from sample_rows import hit

KIB = 1 << 10
TEXTS = {"data_000000.txt": rows(1, 300 * KIB), "data_000001.csv": rows(2, 150 * KIB)}
PACKED = rows(3, 200 * KIB)
#: Two plain objects, one gzip object of two members, and what is no recording.
OBJECTS = {
    **TEXTS,
    "data_000002.txt.gz": gzip.compress(PACKED[: 90 * KIB]) + gzip.compress(PACKED[90 * KIB :]),
    "data_000003.txt": b"",
    "data_notes.md": b"no rows",
    "other.txt": rows(4, KIB),
}
CONTENT = {**TEXTS, "data_000002.txt.gz": PACKED}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Cut objects of 300 KiB into parts, as the real ones are."""
    monkeypatch.setattr(steady, "PART_BYTES", 128 * KIB)


@pytest.fixture
def source(store: Store):
    store.new_bucket(OBJECTS)
    return BucketSource.of(store.settings().bucket)


def text_of(blocks):
    """Return the text by object, checking that the blocks follow each other."""
    texts, ends = {}, {}
    for block in blocks:
        if block.text:
            assert block.start == ends.get(block.source, block.start)
            texts[block.source] = texts.get(block.source, b"") + block.text
            ends[block.source] = block.end
    return texts


def test_streaming_equals_local_files(source, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for key in CONTENT:
        (folder / key).write_bytes(OBJECTS[key])
    files = FilesSource.of([str(folder)])
    got = text_of(source.blocks())
    assert got == CONTENT
    assert list(got) == list(CONTENT)
    assert {folder / key: text for key, text in got.items()} == {
        folder / key.rpartition("/")[2]: text for key, text in text_of(files.blocks()).items()
    }
    limits = Limits(64, 1 << 18, 1 << 16)
    measured = summarise(source, limits)
    assert measured == summarise(files, limits)
    assert measured != Summary.empty()


def test_summarise_takes_the_bucket_of_the_settings(store, tmp_path, monkeypatch, capsys):
    store.new_bucket(OBJECTS)
    for key in CONTENT:
        (tmp_path / key).write_bytes(OBJECTS[key])

    def measured(*files):
        command = ["cosmo", "--config", str(store.document()), "summarise", "--json", *map(str, files)]
        monkeypatch.setattr("sys.argv", command)
        cli.main()
        return json.loads(capsys.readouterr().out)

    assert measured() == measured(*(tmp_path / key for key in CONTENT))


@pytest.mark.parametrize("key", CONTENT)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.99, 1.0])
def test_resuming_at_a_byte(source, key, share):
    """The rest of the object from there on, then the next objects from their start."""
    text = CONTENT[key]
    offset = text.rfind(b"\n", 0, int(share * len(text))) + 1
    keys = list(CONTENT)
    expected = {key: text[offset:], **{later: CONTENT[later] for later in keys[keys.index(key) + 1 :]}}
    got = text_of(source.blocks(key, offset))
    assert got == {name: rest for name, rest in expected.items() if rest}


def test_resuming_every_line_of_a_small_object(store):
    text = b"".join(hit(orbit) + b"\n" for orbit in range(12))
    store.new_bucket({"data_0.txt": text, "data_1.gz": gzip.compress(text)})
    source = BucketSource.of(store.settings().bucket)
    ends = [place + 1 for place, byte in enumerate(text) if byte == ord("\n")]
    for key in ("data_0.txt", "data_1.gz"):
        for end in ends:
            assert text_of(source.blocks(key, end)).get(key, b"") == text[end:]


def test_resuming_by_ranges_fetches_only_the_rest(source, store):
    text = CONTENT["data_000001.csv"]
    offset = text.rfind(b"\n", 0, len(text) - KIB) + 1
    before = store.proxy.bytes_down
    blocks = source.blocks("data_000001.csv", offset)
    assert next(block for block in blocks if block.text).text == text[offset:]
    blocks.close()
    # At most the next object and TLS come on top; the 150 KiB before the offset do not.
    assert store.proxy.bytes_down - before < len(OBJECTS["data_000002.txt.gz"]) + 40 * KIB


def test_an_object_that_is_not_there_cannot_be_resumed(source):
    with pytest.raises(SourceError, match=r"expected gone.txt, where the stream stands, in bucket"):
        next(source.blocks("gone.txt", 5))


def test_dropped_connections_go_on_at_their_byte(source, store, caplog):
    caplog.set_level(logging.INFO, logger="cosmo")
    store.proxy.down()
    store.proxy.break_after, store.proxy.break_times = 80 * KIB, 6
    store.proxy.up()
    assert text_of(source.blocks()) == CONTENT
    assert store.proxy.break_times == 0
    waits = [line for line in caplog.messages if line.startswith("waiting for the bucket, to go on with")]
    assert 1 <= len(waits) <= 6
    assert any("data_000000.txt at byte " in line and not line.endswith("byte 0") for line in waits)
    # Each break costs a handshake and what TLS and HTTP had under way, never the object from its start.
    total = sum(len(OBJECTS[key]) for key in CONTENT)
    assert store.proxy.bytes_down < total + 6 * 48 * KIB + 20 * KIB


def test_a_server_that_dies_and_returns(source, store, caplog):
    """Killed in the middle, away for a second, back with the same objects: not a byte is missing."""
    caplog.set_level(logging.INFO, logger="cosmo")
    small = BucketSource(source.bucket, source.objects, preload_bytes=KIB)
    got, empty_ones = [], 0
    for block in small.blocks():
        got.append(block)
        if len(got) == 1:
            store.proxy.down()
            store.server.kill()
        empty_ones += not block.text
        if empty_ones == 4 and not store.proxy.is_up:  # a second later; the caller had its turns meanwhile
            store.server.start()
            store.server.fill(store.changes["bucket.name"], OBJECTS)
            store.proxy.up()
    assert text_of(got) == CONTENT
    assert empty_ones >= 4
    assert sum(line.startswith("waiting for the bucket") for line in caplog.messages) == 1
    assert sum(line.startswith("the bucket answers again") for line in caplog.messages) == 1


def test_the_next_object_is_loaded_while_one_replays(store):
    """With the first block in hand and nothing more taken, the second object comes; the third does not."""
    texts = {f"data_{n}.txt": rows(n, 200 * KIB) for n in range(3)}
    store.new_bucket(texts)
    opened = BucketSource.of(store.settings().bucket)
    source = BucketSource(opened.bucket, opened.objects, preload_bytes=250 * KIB)
    store.proxy.down()
    store.proxy.up()
    blocks = source.blocks()
    first = next(block for block in blocks if block.text)
    store.proxy.wait_for_bytes(400 * KIB)
    assert text_of([first, *blocks]) == texts


def test_an_object_replaced_by_a_shorter_one_is_not_mixed(store):
    text = rows(1, 300 * KIB)
    name = store.new_bucket({"data_0.txt": text})
    source = BucketSource.of(store.settings().bucket)
    store.server.fill(name, {"data_0.txt": text[: 100 * KIB]})
    with pytest.raises(SourceError, match=r"data_0.txt: expected the object as it was listed, it has been"):
        list(source.blocks())


@pytest.mark.parametrize(
    "replacement",
    [
        pytest.param(rows(2, 100 * KIB), id="shorter"),
        pytest.param(rows(2, 300 * KIB).replace(b"2,0,", b"2,0,0"), id="its lines end elsewhere"),
    ],
)
def test_an_object_replaced_while_nobody_read_it_is_not_gone_on_with(store, replacement):
    text = rows(1, 300 * KIB)
    offset = text.rfind(b"\n", 0, 200 * KIB) + 1
    assert replacement[offset - 1 : offset] != b"\n"
    store.new_bucket({"data_0.txt": replacement})
    source = BucketSource.of(store.settings().bucket)
    with pytest.raises(SourceError, match=rf"data_0.txt: .* stands at byte {offset}, it has been replaced"):
        list(source.blocks("data_0.txt", offset))


def test_of_a_truncated_gzip_object_the_rows_before_are_used(store, caplog):
    text = rows(1, 200 * KIB)
    packed = gzip.compress(text)
    store.new_bucket({"data_0.gz": packed[: len(packed) // 2], "data_1.txt": text})
    got = text_of(BucketSource.of(store.settings().bucket).blocks())
    assert got["data_1.txt"] == text
    cut = got["data_0.gz"]
    assert len(cut) > len(text) // 4
    assert text.startswith(cut[: cut.rfind(b"\n", 0, -1)])
    assert "data_0.gz is cut off or damaged" in caplog.text


def test_the_description_is_that_of_the_content(store):
    store.new_bucket({"data_0.txt": rows(1, KIB)})
    settings = store.settings()
    before = BucketSource.of(settings.bucket).description
    assert before == BucketSource.of(settings.bucket).description
    store.server.fill(settings.bucket.name, {"data_1.txt": rows(2, KIB)})
    after = BucketSource.of(settings.bucket).description
    assert "1 objects" in before
    assert "2 objects" in after
    assert before.rpartition(" ")[2] != after.rpartition(" ")[2]
