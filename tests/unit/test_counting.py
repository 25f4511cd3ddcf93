"""Numbers that a usual slice does not reach."""

import numpy as np
import pytest

from cosmo.counting import N_CELLS, orbit_cells

FIT_32_BITS = 2**31 // N_CELLS - 1  # orbits


@pytest.mark.parametrize("n_orbits", [1, FIT_32_BITS, FIT_32_BITS + 1, FIT_32_BITS + 2, 2**31 - 1])
def test_cells_of_many_orbits_differ(n_orbits):
    rank = np.array([0, n_orbits - 1, n_orbits - 1], dtype=np.int32)
    found = orbit_cells(rank, np.array([255, 0, 255], dtype=np.uint16), n_orbits)
    last = 256 * (n_orbits - 1)
    assert found.tolist() == [255, last, last + 255]


def test_of_a_usual_slice_they_take_32_bits():
    assert orbit_cells(np.zeros(1, np.int32), np.zeros(1, np.uint16), FIT_32_BITS).dtype == np.int32
