"""Values of the generator at their limits are kept to; beyond, they are refused by name."""

import pytest

from cosmo.errors import SettingsError, SourceError
from cosmo.generator import Cosmics


@pytest.mark.parametrize(
    "share", [pytest.param(0.0, id="none"), pytest.param(0.5, id="as at the start of a recording")]
)
def test_the_share_of_ancillary_rows(share):
    rows = Cosmics(ancillary_share=share).chunk(0).rows.splitlines()
    n_others = sum(row[:1] != b"2" for row in rows)
    assert n_others == pytest.approx(share * len(rows), abs=8)


def test_an_empty_chunk_is_no_rows():
    chunk = Cosmics(hits_per_s=1e-9, muons_per_s=0.0).chunk(0)
    assert (chunk.rows, chunk.n_rows, chunk.truth.n_orbits) == (b"", 0, 0)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        pytest.param({"seed": -1}, "seed", id="negative seed"),
        pytest.param({"hits_per_s": 0.0}, "hits_per_s", id="no hits"),
        pytest.param({"hits_per_s": float("nan")}, "hits_per_s", id="rate is NaN"),
        pytest.param({"hits_per_s": 100_001.0}, "hits_per_s", id="a chunk too large for memory"),
        pytest.param({"muons_per_s": -1.0}, "muons_per_s", id="negative muons"),
        pytest.param({"muons_per_s": 76.0}, "muons_per_s", id="more muons than hits allow"),
        pytest.param({"ancillary_share": 0.51}, "ancillary_share", id="more than half ancillary"),
        pytest.param({"first_orbit": 2**32}, "first_orbit", id="orbit beyond 32 bits"),
    ],
)
def test_impossible_values_are_refused_by_name(wrong, named):
    with pytest.raises(SettingsError, match=f"^{named} must be"):
        Cosmics(**wrong)


def test_a_negative_chunk_is_refused():
    with pytest.raises(SourceError, match="index must be 0 or more, got -1"):
        Cosmics().chunk(-1)
