"""Objects of a bucket that are not ours: passed over among others, refused alone. Without a store."""

import gzip

import pytest

from cosmo.errors import SourceError
from cosmo.settings import BucketSettings
from cosmo.sources import BucketSource, bucket_source
from cosmo.sources.bucket import StoredObject
from cosmo.sources.recording import tell_of_foreign
from sample_rows import hit

ROWS = b"".join(hit(orbit) + b"\n" for orbit in range(20))
FOREIGN = b"time,voltage\n1,2\n3,4\n"


@pytest.fixture(autouse=True)
def _nothing_told_yet():
    tell_of_foreign.cache_clear()


class Shelf:
    """A bucket in memory."""

    description = "shelf"

    def __init__(self, objects):
        self._objects = objects

    def objects(self):
        return tuple(StoredObject(key, len(content), key) for key, content in self._objects.items())

    def chunks(self, stored, start, end):
        yield self._objects[stored.key][start:end]


@pytest.fixture
def opened(monkeypatch):
    def opened(**objects):
        named = {name.replace("_", "."): content for name, content in objects.items()}
        monkeypatch.setattr(bucket_source, "Bucket", lambda _settings: Shelf(named))
        return BucketSource.of(BucketSettings.model_construct(preload_mib=1))

    return opened


def text_of(blocks):
    return [(block.source, block.text) for block in blocks if block.text]


@pytest.mark.parametrize(
    ("foreign", "said"),
    [
        pytest.param({"b_txt": b"\0,,,,,\xff\n"}, "b.txt: expected rows of 6 numbers", id="binary"),
        pytest.param({"b_csv": FOREIGN}, "b.csv: expected rows of 6 numbers", id="other columns"),
        pytest.param({"b_csv": b"\xef\xbb\xbf" + FOREIGN}, "b.csv: expected rows of 6", id="after a mark"),
        pytest.param({"b_gz": ROWS}, "b.gz: expected a gzip object by its name", id="no gzip"),
        pytest.param({"b_gz": gzip.compress(FOREIGN)}, "b.gz: expected rows of 6 numbers", id="packed"),
    ],
)
def test_an_object_that_is_not_ours_is_passed_over_and_told_of_once(opened, caplog, foreign, said):
    source = opened(a_csv=ROWS, **foreign, c_csv=ROWS)
    for _ in range(2):  # as when it is played in a loop
        assert text_of(source.blocks()) == [("a.csv", ROWS), ("c.csv", ROWS)]
    (message,) = caplog.messages
    assert message.startswith(f"passing over an object: {said}")


def test_the_first_object_may_be_another(opened):
    assert text_of(opened(a_txt=FOREIGN, b_csv=ROWS).blocks()) == [("b.csv", ROWS)]


def test_a_bucket_of_others_is_refused_at_the_start(opened):
    with pytest.raises(SourceError, match=r"a\.csv: expected rows of 6 numbers .*, got none in 3 lines"):
        opened(a_csv=FOREIGN, b_csv=FOREIGN)


@pytest.mark.parametrize("place", [0, len(hit(0)) + 1, len(ROWS)])
def test_a_stream_that_stands_before_it_goes_on_behind_it(opened, place):
    source = opened(a_csv=ROWS, b_csv=FOREIGN, c_csv=ROWS)
    rest = [("a.csv", ROWS[place:])] if place < len(ROWS) else []
    assert text_of(source.blocks("a.csv", place)) == [*rest, ("c.csv", ROWS)]


@pytest.mark.parametrize("place", [0, len(hit(0)) + 1])
def test_an_object_is_packed_by_its_content(opened, place):
    source = opened(a_txt=gzip.compress(ROWS), b_csv=ROWS)
    assert text_of(source.blocks("a.txt", place)) == [("a.txt", ROWS[place:]), ("b.csv", ROWS)]


def test_an_object_of_which_rows_were_read_is_not_passed_over(opened):
    with pytest.raises(SourceError, match=r"b\.gz: expected a gzip object"):
        list(opened(a_csv=ROWS, b_gz=ROWS).blocks("b.gz", 10))
