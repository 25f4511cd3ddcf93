"""A generated recording as a file: whole or not there, and its truth beside."""

import gzip
import os
from itertools import islice

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from cosmo import generate as room
from cosmo.cli import cosmo
from cosmo.errors import SettingsError, SourceError
from cosmo.generate import generate
from cosmo.generator import Beam, Cosmics, parse_fault
from cosmo.sources import GeneratedSource
from generated_rows import summary_of


def test_a_file_is_the_first_rows(tmp_path):
    out = tmp_path / "rows.csv"
    told = []
    generate(Beam(), 120_000, out, progress=told.append)
    whole = b"".join(Beam().chunk(index).rows for index in range(3))
    assert out.read_bytes() == b"".join(whole.splitlines(keepends=True)[:120_000])
    assert sum(told) == 120_000
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_packed_file_holds_the_same_and_is_the_same_each_time(tmp_path):
    names = [tmp_path / name for name in ("a.csv.gz", "b.csv.gz", "c.csv")]
    for name in names:
        generate(Cosmics(), 3000, name)
    assert gzip.decompress(names[0].read_bytes()) == names[2].read_bytes()
    assert names[0].read_bytes() == names[1].read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("recording", [Beam(), Cosmics(muons_per_s=75.0)], ids=["beam", "cosmics"])
def test_the_truth_beside_is_the_sixth_statistic_of_the_file(tmp_path, recording, suffix):
    out, truth = tmp_path / "rows.csv", tmp_path / f"truth.{suffix}"
    generate(recording, 60_001, out, truth)
    table = pyarrow.csv.read_csv(truth) if suffix == "csv" else pyarrow.parquet.read_table(truth)
    chamber, time = (table[name].to_numpy() for name in ("chamber", "drift_time_30th_ns"))
    expected = summary_of(out.read_bytes()).drift_time.view(flow=True)
    bins = np.clip(time // 30 + 101, 0, 601)
    assert len(time) > 1000
    for k in range(4):
        assert np.bincount(bins[chamber == k], minlength=602).tolist() == expected[k].tolist()
    assert "track" in table["origin"].to_pylist()
    # A drift time that is not known is empty, not a number.
    assert 0 < table["drift_time_ns"].null_count < len(time)


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    out = tmp_path / "rows.csv"
    out.write_text("older\n")

    def stop(_rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(Beam(), 120_000, out, tmp_path / "truth.csv", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    assert out.read_text() == "older\n"


def test_too_little_disk_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(SourceError, match="MiB of free disk, got"):
        generate(Beam(), 10**15, tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_estimate_of_a_rows_size_is_enough(tmp_path):
    for recording in (Beam(), Cosmics()):
        chunk = recording.chunk(0)
        assert len(chunk.rows) <= room.BYTES_PER_ROW * chunk.n_rows
    generate(Beam(), 50_000, tmp_path / "rows.csv", tmp_path / "truth.csv")
    assert (tmp_path / "truth.csv").stat().st_size <= room.TRUTH_BYTES_PER_ROW * 50_000


def test_no_folder(tmp_path):
    with pytest.raises(SourceError, match="expected a folder to write to, got: No such file"):
        generate(Beam(), 10, tmp_path / "absent" / "rows.csv")


def test_names_of_the_truth(tmp_path):
    with pytest.raises(SettingsError, match=r"ends in \.csv or \.parquet"):
        generate(Beam(), 10, tmp_path / "rows.csv", tmp_path / "truth.txt")
    (tmp_path / "sub").mkdir()
    for same in (tmp_path / "rows.csv", tmp_path / "sub" / ".." / "rows.csv"):
        with pytest.raises(SettingsError, match="expected another name"):
            generate(Beam(), 10, tmp_path / "rows.csv", same)


def test_what_is_no_file_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SettingsError, match="expected a file or a free name"):
        generate(Beam(), 10, pipe)
    assert pipe.is_fifo()


def test_a_link_stays_and_what_it_names_is_written(tmp_path):
    (tmp_path / "rows.csv").symlink_to("elsewhere.csv")
    generate(Beam(), 10, tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").is_symlink()
    assert len((tmp_path / "elsewhere.csv").read_bytes().splitlines()) == 10


def test_a_file_of_a_name_alike_is_left_alone(tmp_path):
    mine = tmp_path / "rows.csv.part"
    mine.write_text("mine")
    generate(Beam(), 10, tmp_path / "rows.csv")
    assert mine.read_text() == "mine"


def test_no_rows_for_ever_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MAX_EMPTY_CHUNKS", 20)
    lost = tuple(parse_fault(f"lost-fpga:fpga={fpga}") for fpga in (0, 1))
    with pytest.raises(SourceError, match="got none in 20 chunks"):
        generate(Beam(faults=lost), 10, tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_parts_without_rows_are_no_chunks_without(tmp_path, monkeypatch):
    """The first chunk has 27 parts for its burst, of which nothing is left."""
    monkeypatch.setattr(room, "MAX_EMPTY_CHUNKS", 2)
    lost = [f"lost-fpga:fpga={fpga},to_orbit=131072" for fpga in (0, 1)]
    faults = tuple(map(parse_fault, [*lost, "burst:hits_per_orbit=20,to_orbit=131072"]))
    generate(Cosmics(faults=faults), 10, tmp_path / "rows.csv")
    rows = Cosmics().chunk(1).rows.splitlines(keepends=True)
    assert (tmp_path / "rows.csv").read_bytes() == b"".join(rows[:10])


def test_the_command(tmp_path):
    out = tmp_path / "rows.csv"
    arguments = ["--rows", "1000", "--kind", "beam", "--seed", "3", "--fault", "dead-chamber:chamber=0"]
    done = CliRunner().invoke(cosmo, ["generate", str(out), *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    beam = Beam(seed=3, faults=(parse_fault("dead-chamber:chamber=0"),))
    assert out.read_bytes() == beam.chunk(0).first(1000).rows


def test_a_source_says_what_it_is_and_goes_on_inside_a_chunk():
    fault = parse_fault("dead-chamber:chamber=0,from_orbit=5")
    source = GeneratedSource(Beam(seed=4, faults=(fault,)))
    assert source.description == "generated beam, seed 4, dead-chamber:chamber=0,from_orbit=5"
    assert GeneratedSource(Cosmics(seed=4)).description == "generated cosmics, seed 4"
    blocks = source.blocks()
    first, second = next(blocks), next(blocks)
    line = first.text.index(b"\n", 1234) + 1
    resumed = source.blocks("0", line)
    part = next(resumed)
    assert (part.source, part.start, part.end) == ("0", line, len(first.text))
    assert part.text == first.text[line:]
    assert next(resumed) == second


def test_where_an_update_made_other_rows_of_a_chunk_a_source_goes_on_with_a_whole_line():
    source = GeneratedSource(Beam())
    first, second = islice(source.blocks(), 2)
    line = first.text.index(b"\n", 1234) + 1
    assert next(source.blocks("0", line - 1)).text == first.text[line:]
    beyond = source.blocks("0", len(first.text) + 1000)
    assert (next(beyond).text, next(beyond)) == (b"", second)


def test_where_a_part_is_no_longer_there_a_source_goes_on_with_all_of_the_next_chunk():
    source = GeneratedSource(Beam())
    _, second = islice(source.blocks(), 2)
    assert next(source.blocks("0.3", 1234)) == second


def test_a_source_passes_over_chunks_without_rows_with_pauses_and_gives_its_caller_the_turn():
    """The third to the sixtieth chunk are lost: more than the pauses grow for."""
    pauses_s = []
    lost = parse_fault("rate-drop:kept_share=0,from_orbit=1024,to_orbit=30720")
    blocks = GeneratedSource(Beam(faults=(lost,)), pauses_s.append).blocks()
    seen = [next(blocks) for _ in range(62)]
    assert [block.source for block in seen] == [str(index) for index in range(62)]
    assert [index for index, block in enumerate(seen) if block.text] == [0, 1, 60, 61]
    assert pauses_s[:5] == pytest.approx([0, 0, 0.001, 0.002, 0.003])
    assert pauses_s[58:] == pytest.approx([0.05, 0.05, 0, 0])


def test_a_source_goes_on_inside_a_part_of_a_chunk():
    """The burst is 2.6 million hits a chunk: 27 parts, and one of 1.3 million in the middle."""
    source = GeneratedSource(Cosmics(faults=(parse_fault("burst:hits_per_orbit=20,to_orbit=140000"),)))
    whole = next(source.blocks("0.25")).text
    line = whole.index(b"\n", 1234) + 1
    blocks = source.blocks("0.25", line)
    seen = [next(blocks) for _ in range(6)]
    assert [block.source for block in seen] == ["0.25", "0.26", "1", "1.1", "2", "3"]
    assert seen[0].text == whole[line:]
    assert (seen[0].start, seen[1].start) == (line, 0)
    line = seen[3].text.index(b"\n") + 1
    assert next(source.blocks("1.1", line)).text == seen[3].text[line:]


def test_a_file_with_a_large_burst_is_the_parts(tmp_path):
    out, cosmics = tmp_path / "rows.csv", Cosmics(faults=(parse_fault("burst:hits_per_orbit=1000"),))
    generate(cosmics, 150_000, out)
    parts = cosmics.parts(0)
    whole = next(parts).rows + next(parts).rows
    assert out.read_bytes() == b"".join(whole.splitlines(keepends=True)[:150_000])


@pytest.mark.parametrize("name", ["x.csv", "1.", "1.x", "-1", "1.2.3"])
def test_a_place_that_is_no_chunk_is_refused(name):
    with pytest.raises(SourceError, match="expected the index of a generated chunk, got "):
        next(GeneratedSource(Beam()).blocks(name))
