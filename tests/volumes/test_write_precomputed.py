"""Precomputed volumes written by us, read by tensorstore."""

import json

import numpy as np
import pytest

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Box, Grid, blocks
from napari_axonem.progress import silent
from napari_axonem.volumes import open_volume, voxel_checksum, write_volume
from napari_axonem.volumes.reduction import level_factors, reduce_block
from napari_axonem.volumes.writers import precomputed
from napari_axonem.volumes.writers.precomputed import PRECOMPUTED
from napari_axonem.volumes.writers.sink import Content

ts = pytest.importorskip("tensorstore")

SHAPE = (20, 150, 300)
SIZE = (30.0, 8.0, 8.0)
GRID = Grid(SIZE, (475 * 30.0, -3 * 8.0, 1792 * 8.0))


def voxels(dtype="u4"):
    array = np.random.default_rng(0).integers(0, 100, [n // 5 + 1 for n in SHAPE])
    big = array.repeat(5, 0).repeat(5, 1).repeat(5, 2)[tuple(slice(n) for n in SHAPE)]
    return big.astype(dtype)


def content(dtype="u4", kind="labels", grid=GRID):
    return Content(SHAPE, np.dtype(dtype), grid, kind, "a")


def write(path, array, kind="labels", grid=GRID):
    return write_volume(path, lambda box: array[box.slices], array.shape, array.dtype, grid, kind)


def read(path, scale=0):
    """Return a scale as an array (z, y, x) of tensorstore."""
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{path}/"},
        "scale_index": scale,
    }
    return ts.open(spec).result()[..., 0].T


def info(path):
    return json.loads((path / "info").read_text())


@pytest.mark.parametrize(
    ("dtype", "kind", "encoding"),
    [
        ("u1", "image", "raw"),
        ("i2", "image", "raw"),
        ("u4", "image", "raw"),
        ("f4", "image", "raw"),
        ("u1", "labels", "raw"),
        ("u2", "labels", "raw"),
        ("u4", "labels", "compressed_segmentation"),
        ("u8", "labels", "compressed_segmentation"),
    ],
)
def test_tensorstore_reads_it(tmp_path, dtype, kind, encoding):
    path = tmp_path / "a b.precomputed"
    array = voxels(dtype)
    assert write(path, array, kind).location == str(path)
    found = read(path)
    assert found.origin == (475, -3, 1792)
    assert found.dtype.numpy_dtype == array.dtype
    np.testing.assert_array_equal(found.read().result(), array)
    described = info(path)
    assert described["type"] == ("segmentation" if kind == "labels" else "image")
    assert {s["encoding"] for s in described["scales"]} == {encoding}
    assert described["scales"][0]["resolution"] == [8, 8, 30]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_we_read_it(tmp_path, kind):
    written = write(tmp_path / "a.precomputed", voxels(), kind)
    volume = open_volume(written.location)
    assert (volume.grid, volume.shape, volume.kind) == (GRID, SHAPE, kind)
    assert volume.factors == level_factors(SHAPE, SIZE)
    assert voxel_checksum(volume) == written.checksum


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_coarser_scales_of_a_volume_at_zero(tmp_path, kind):
    path = tmp_path / "a.precomputed"
    write(path, voxels(), kind, Grid(SIZE))
    factors = level_factors(SHAPE, SIZE)
    assert len(info(path)["scales"]) == len(factors) > 2
    expected = voxels()
    for scale in range(1, len(factors)):
        step = np.floor_divide(factors[scale], factors[scale - 1])
        expected = reduce_block(expected, step, kind)
        np.testing.assert_array_equal(read(path, scale).read().result(), expected)


def test_coarser_voxels_lie_on_the_lattice_of_space(tmp_path):
    """A coarse voxel is made from the fine ones that lie in it, wherever the volume begins."""
    path = tmp_path / "a.precomputed"
    start = (3, -3, 1793)
    array = np.ones(SHAPE, "f4")
    array[:] = np.arange(start[2], start[2] + SHAPE[2])
    write(path, array, "image", Grid(SIZE, tuple(np.multiply(start, SIZE))))
    for scale, described in enumerate(info(path)["scales"]):
        found = read(path, scale)
        step = described["resolution"][0] / SIZE[2]
        x = np.arange(found.origin[2], found.origin[2] + found.shape[2])
        centres = (x + 0.5) * step - 0.5
        first = found.read().result()[0, 0]
        np.testing.assert_allclose(first[1:-1], centres[1:-1])
        assert found.origin[1] == -3 // (described["resolution"][1] // 8)
        assert first[0] >= start[2]


def test_reduced_windows_that_begin_inside():
    array = np.arange(2 * 3 * 7).reshape(2, 3, 7)
    found = precomputed._reduced(array, (5, -1, 2), (2, 2, 4), "labels")
    assert found.shape == (2, 2, 3)
    whole = np.zeros((4, 4, 12), int)
    whole[1:3, 1:4, 2:9] = array + 1  # 0 where there is nothing
    inner = [
        whole[2 * z : 2 * z + 2, 2 * y : 2 * y + 2, 4 * x : 4 * x + 4]
        for z, y, x in [(z, y, x) for z in range(2) for y in range(2) for x in range(3)]
    ]
    smallest = [min(w[w > 0]) - 1 or 1 for w in inner]
    assert found.ravel().tolist() == smallest


def test_zeros_are_stored_too(tmp_path):
    path = tmp_path / "a.precomputed"
    write(path, np.zeros(SHAPE, "u4"))
    first = info(path)["scales"][0]
    chunks = np.prod(
        [-(-n // c) for n, c in zip(first["size"], first["chunk_sizes"][0], strict=True)]
    )
    assert len(list((path / first["key"]).iterdir())) == chunks


def test_blocks_in_any_order_by_several(tmp_path):
    path = tmp_path / "a"
    made = content()
    first = PRECOMPUTED.create(path, made)
    again = PRECOMPUTED.resume(path, made)
    todo = list(blocks(Box.of_shape(SHAPE), (16, 128, 128)))
    for i, box in enumerate(reversed(todo)):
        (again if i % 2 else first).write(box, voxels()[box.slices])
    last = PRECOMPUTED.resume(path, made)
    for level, boxes in enumerate(last.coarser, start=1):
        for box in [*reversed(boxes), boxes[0]]:
            last.make(level, box)
    (path / "8_8_30" / "0-1_0-1_0-1.__lock").write_text("left by a killed process")
    last.finish(silent)
    last.close()
    write(tmp_path / "b.precomputed", voxels())
    files = sorted(p.relative_to(path) for p in path.rglob("*") if p.is_file())
    other = tmp_path / "b.precomputed"
    assert files == sorted(p.relative_to(other) for p in other.rglob("*") if p.is_file())
    for file in files:
        assert (path / file).read_bytes() == (other / file).read_bytes()


def test_blocks_are_whole_chunks(tmp_path):
    sink = PRECOMPUTED.create(tmp_path / "a", content())
    for block, scale in zip([sink.block], sink.scales, strict=False):
        assert not np.any(np.mod(block, scale.chunk))
    for boxes, scale in zip(sink.coarser, sink.scales[1:], strict=True):
        assert sum(box.size for box in boxes) == scale.box.size
        assert not any(np.any(np.mod(box.start, scale.chunk)) for box in boxes)


@pytest.mark.parametrize("origin", [(0.0, 4.0, 0.0), (15.0, 0.0, 0.0)])
def test_origin_inside_a_voxel_is_refused(tmp_path, origin):
    with pytest.raises(VolumeError, match=r"is no multiple of the voxel size .*--origin"):
        write(tmp_path / "a.precomputed", voxels(), grid=Grid(SIZE, origin))
    assert list(tmp_path.iterdir()) == []


def test_origin_within_the_error_of_float32(tmp_path):
    size = (33.3, 8.4, 8.4)
    origin = tuple(float(np.float32(n * s)) for n, s in zip((475, 1793, -7), size, strict=True))
    write(tmp_path / "a.precomputed", voxels(), grid=Grid(size, origin))
    assert read(tmp_path / "a.precomputed").origin == (475, 1793, -7)


@pytest.mark.parametrize(("dtype", "kind"), [("f8", "image"), ("i8", "labels"), ("f2", "image")])
def test_types_that_the_format_has_not(tmp_path, dtype, kind):
    with pytest.raises(VolumeError, match=f"{kind} of type .*convert the voxels"):
        write(tmp_path / "a.precomputed", voxels(dtype), kind)
    assert list(tmp_path.iterdir()) == []


def test_without_tensorstore(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorstore", None)
    with pytest.raises(VolumeError, match=r"napari-axonem\[remote\]"):
        write(tmp_path / "a.precomputed", voxels())


def test_disk_that_fails(tmp_path):
    path = tmp_path / "a"
    sink = PRECOMPUTED.create(path, content())
    for scale in info(path)["scales"]:
        (path / scale["key"]).write_text("in the way of a folder")
    box = Box((0, 0, 0), (16, 128, 128))
    with pytest.raises(StorageError, match="of scale 0 cannot be written"):
        sink.write(box, voxels()[box.slices])
    (path / "info").write_text("{")
    with pytest.raises(StorageError, match="cannot be gone on with"):
        PRECOMPUTED.resume(path, content())
