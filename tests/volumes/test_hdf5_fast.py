"""Chunks of HDF5 decoded directly, against HDF5 itself."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box
from napari_axonem.volumes import open_volume
from napari_axonem.volumes.formats.hdf5_fast import chunk_reader

SHAPE, CHUNKS = (6, 11, 9), (4, 5, 4)
OURS: dict[str, dict[str, object]] = {
    "deflate": {"compression": "gzip"},
    "shuffled": {"compression": "gzip", "shuffle": True},
    "bytes": {"compression": "gzip", "dtype": "u1"},
    "big-endian": {"compression": "gzip", "shuffle": True, "dtype": ">u4"},
    "wide": {"compression": "gzip", "shuffle": True, "dtype": "i8"},
    "numbers": {"compression": "gzip", "dtype": "f4"},
}
LEFT_TO_HDF5: dict[str, dict[str, object]] = {
    "plain": {},
    "lzf": {"compression": "lzf"},
    "checksums": {"compression": "gzip", "fletcher32": True},
}


def voxels(dtype: object = "u2") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)


def dataset(path: Path, layout: dict[str, object]) -> h5py.Dataset:
    with h5py.File(path, "w") as file:
        options = {"dtype": "u2", "chunks": CHUNKS, "fillvalue": 7} | layout
        made = file.create_dataset("raw", SHAPE, **options)
        made[:] = voxels(made.dtype)
    return h5py.File(path, "r")["raw"]


def boxes() -> list[tuple[slice, ...]]:
    rng = np.random.default_rng(1)
    ends = [np.sort(rng.choice(n + 1, (40, 2)), axis=1) for n in SHAPE]
    found = [tuple(slice(int(a), int(b)) for a, b in row) for row in zip(*ends, strict=True)]
    found = [box for box in found if all(s.start < s.stop for s in box)]
    return [tuple(slice(0, n) for n in SHAPE), *found]


@pytest.mark.parametrize("layout", OURS.values(), ids=OURS.keys())
def test_any_box_is_what_hdf5_reads(tmp_path: Path, layout: dict[str, object]) -> None:
    stored = dataset(tmp_path / "a.h5", layout)
    asked = []

    def otherwise(box: tuple[slice, ...]) -> np.ndarray:
        asked.append(box)
        return stored[box]

    read = chunk_reader(stored, otherwise)
    for box in boxes():
        found = read(box)
        np.testing.assert_array_equal(found, stored[box])
        assert found.dtype == stored.dtype
    size = [np.prod([s.stop - s.start for s in box]) for box in asked]
    assert all(4 * n < np.prod(CHUNKS) for n in size), "only what is small is left to HDF5"


@pytest.mark.parametrize("layout", LEFT_TO_HDF5.values(), ids=LEFT_TO_HDF5.keys())
def test_what_is_stored_otherwise_is_left_to_hdf5(tmp_path: Path, layout) -> None:
    def otherwise(box: tuple[slice, ...]) -> np.ndarray:
        raise NotImplementedError

    assert chunk_reader(dataset(tmp_path / "a.h5", layout), otherwise) is otherwise


def test_chunks_that_were_never_written_have_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset(
            "raw", SHAPE, "u2", chunks=CHUNKS, compression="gzip", fillvalue=7
        )
        made[:4] = voxels()[:4]
    volume = open_volume(f"{tmp_path / 'a.h5'}:raw", voxel_size=(1.0, 1.0, 1.0))
    found = volume.read(Box((0, 0, 0), SHAPE))
    np.testing.assert_array_equal(found[:4], voxels()[:4])
    assert (found[4:] == 7).all()


def test_a_damaged_chunk_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    dataset(path, OURS["deflate"]).file.close()
    with h5py.File(path) as file:
        place = file["raw"].id.get_chunk_info_by_coord((0, 0, 0))
    content = bytearray(path.read_bytes())
    content[place.byte_offset : place.byte_offset + place.size] = bytes(place.size)
    path.write_bytes(content)
    volume = open_volume(f"{path}:raw", voxel_size=(1.0, 1.0, 1.0))
    with pytest.raises(VolumeError, match=r"a\.h5"):
        volume.read(Box((0, 0, 0), SHAPE))
    whole = volume.read(Box((4, 5, 4), SHAPE))
    np.testing.assert_array_equal(whole, voxels()[4:, 5:, 4:])
