"""Chunks decoded directly, against zarr."""

from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs

from napari_axonem.volumes.formats.zarr_fast import chunk_reader

SHAPE, CHUNKS = (6, 11, 9), (4, 5, 4)

LAYOUTS: dict[str, dict[str, object]] = {
    "zstd": {"compressors": zarr.codecs.ZstdCodec(level=1, checksum=True)},
    "blosc": {"compressors": zarr.codecs.BloscCodec(cname="lz4")},
    "gzip": {"compressors": zarr.codecs.GzipCodec()},
    "two": {"compressors": [zarr.codecs.GzipCodec(), zarr.codecs.ZstdCodec()]},
    "dots": {"chunk_key_encoding": {"name": "v2", "separator": "."}},
    "2 blosc": {"zarr_format": 2, "compressors": numcodecs.Blosc()},
    "2 zlib, nested": {
        "zarr_format": 2,
        "compressors": numcodecs.Zlib(),
        "chunk_key_encoding": {"name": "v2", "separator": "/"},
    },
}
LEFT_TO_ZARR: dict[str, dict[str, object]] = {
    "plain": {"compressors": None},
    "big-endian": {"serializer": zarr.codecs.BytesCodec(endian="big")},
    "shards": {"shards": (8, 10, 8)},
    "2 filtered": {"zarr_format": 2, "filters": [numcodecs.Delta(dtype="uint16")]},
    "2 by columns": {"zarr_format": 2, "order": "F"},
    "transposed": {"filters": [zarr.codecs.TransposeCodec(order=(2, 1, 0))]},
}


def made(path: Path, layout: dict[str, object]) -> tuple[zarr.Array, np.ndarray]:
    array = zarr.create_array(
        path, shape=SHAPE, chunks=CHUNKS, dtype=np.uint16, fill_value=7, **layout
    )
    voxels = np.random.default_rng(0).integers(0, 2**16, SHAPE, dtype=np.uint16)
    voxels[:4, :5, :4] = 7  # a chunk that is not written
    array[...] = voxels
    return zarr.open_array(path, mode="r"), voxels


def boxes() -> list[tuple[slice, ...]]:
    """Whole chunks, those cut off by the edges, and parts of one."""
    whole = [
        (slice(z, min(z + 4, 6)), slice(y, min(y + 5, 11)), slice(x, min(x + 4, 9)))
        for z in (0, 4)
        for y in (0, 5, 10)
        for x in (0, 4, 8)
    ]
    return [
        *whole,
        (slice(1, 2), slice(6, 9), slice(4, 8)),
        (slice(5, 6), slice(10, 11), slice(8, 9)),
    ]


@pytest.mark.parametrize("name", LAYOUTS)
def test_single_chunks_are_those_that_zarr_reads(tmp_path: Path, name: str) -> None:
    array, voxels = made(tmp_path / "a.zarr", LAYOUTS[name])

    def never(_: object) -> np.ndarray:
        raise AssertionError("left to zarr")

    read = chunk_reader(array, never)
    for box in boxes():
        found = read(box)
        np.testing.assert_array_equal(found, voxels[box])
        assert found.dtype == voxels.dtype
        assert found.flags.writeable


@pytest.mark.parametrize("name", LEFT_TO_ZARR)
def test_what_is_stored_otherwise_is_left_to_zarr(tmp_path: Path, name: str) -> None:
    array, voxels = made(tmp_path / "a.zarr", LEFT_TO_ZARR[name])
    read = chunk_reader(array, lambda box: array[box])
    for box in boxes():
        np.testing.assert_array_equal(read(box), voxels[box])


def test_boxes_of_several_chunks_and_damage_are_left_to_zarr(tmp_path: Path) -> None:
    array, voxels = made(tmp_path / "a.zarr", {})
    left = []
    read = chunk_reader(array, lambda box: left.append(box) or array[box])
    several = (slice(0, 6), slice(0, 11), slice(0, 9))
    np.testing.assert_array_equal(read(several), voxels)
    (tmp_path / "a.zarr" / "c" / "1" / "1" / "1").write_bytes(b"no chunk")
    damaged = (slice(4, 6), slice(5, 10), slice(4, 8))
    with pytest.raises(Exception, match=r"(?i)zstd|frame|decompress"):
        read(damaged)
    assert left == [several, damaged]
