"""Conversion: formats, types, parts, damage; what is refused; what is taken for what."""

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Checksum, Pyramid, open_volume, reduce_block, write_volume
from napari_axonem.volumes.checksum import tiled_block
from napari_axonem.volumes.conversion import ConvertSettings, convert, planning, steps
from napari_axonem.volumes.conversion.casting import cast_exactly
from napari_axonem.volumes.kinds import kind_of

GRID = Grid((30.0, 8.0, 8.0), (90.0, -16.0, 5.5))
SHAPE = (40, 150, 137)


def labels(shape=SHAPE, dtype="u4"):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 250, [n // 5 + 1 for n in shape]).astype(dtype)
    return small.repeat(5, 0).repeat(5, 1).repeat(5, 2)[tuple(slice(n) for n in shape)]


def source(folder, array, name="source.h5:main", grid=GRID):
    """Write a file of HDF5 by h5py alone."""
    file, dataset = name.split(":")
    with h5py.File(folder / file, "a") as h5:
        h5.create_dataset(dataset, data=array, chunks=(16, 64, 64))
        h5[dataset].attrs["voxel_size_nm"] = grid.voxel_size
        h5[dataset].attrs["origin_nm"] = grid.origin
    return f"{folder}/{name}"


def run(src, dst, progress=lambda done, total, doing: None, **options):
    settings = {"source": str(src), "destination": str(dst), "workers": 1, **options}
    return convert(ConvertSettings(**settings), progress)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.zarr", "OME-Zarr 0.5"),
        ("b.h5", "HDF5"),
        ("c.hdf5:volumes/ids", "HDF5"),
        ("s.zarr/labels/x", "OME-Zarr 0.5"),
        ("d.tif", "OME-TIFF"),
        ("e.precomputed", "precomputed"),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "u8", "f4"])
def test_every_voxel_arrives(tmp_path, name, form, dtype):
    array = labels(dtype=dtype)
    out = tmp_path / "out"
    grid = Grid(GRID.voxel_size, (90.0, -16.0, 8.0))  # whole voxels: precomputed has no others
    done = run(source(tmp_path, array, grid=grid), f"{out}/{name}", kind="image")
    assert (done.format, done.grid, done.shape) == (form, grid, SHAPE)
    volume = open_volume(done.location)
    np.testing.assert_array_equal(volume.read(volume.box), array)
    assert (volume.dtype, volume.grid) == (array.dtype, grid)
    expected = Checksum(SHAPE, array.dtype)
    expected.add(volume.box, array)
    assert done.checksum == expected.hexdigest()
    assert done.checked
    assert not list(out.rglob(".*.partial"))


def test_ids_to_the_63rd_bit_are_kept(tmp_path):
    ids = np.zeros((4, 5, 6), "u8")
    ids.flat[:5] = [1, 2**32, 2**53 + 1, 2**63 - 1, 2**63]
    path = source(tmp_path, ids.repeat(16, 0).repeat(16, 1).repeat(16, 2))
    for name in ("a.zarr", "a.h5"):
        done = run(path, tmp_path / name)
        assert done.kind == "labels"
        read = open_volume(done.location).levels[0][::16, ::16, ::16]
        np.testing.assert_array_equal(read, ids)


@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize("kind", ["image", "labels"])
def test_levels_are_means_or_modes(tmp_path, kind, version):
    array = labels((40, 300, 290), "u2")
    done = run(
        source(tmp_path, array), tmp_path / "a.zarr", kind=kind, format=f"ome-zarr-{version}"
    )
    pyramid = Pyramid.open(tmp_path / "a.zarr")
    assert done.format == f"OME-Zarr {version}" == pyramid.volume.format
    assert pyramid.factors == ((1, 1, 1), (1, 2, 2), (1, 4, 4))
    for level in (1, 2):
        array = reduce_block(array, (1, 2, 2), kind)
        np.testing.assert_array_equal(pyramid.arrays[level][:], array)


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_04_is_valid_and_read_by_others(tmp_path, kind):
    models = pytest.importorskip("ome_zarr_models.v04")
    tensorstore = pytest.importorskip("tensorstore")
    array = labels()
    run(source(tmp_path, array), tmp_path / "a.zarr", kind=kind, format="ome-zarr-0.4")
    group = zarr.open_group(tmp_path / "a.zarr", mode="r", zarr_format=2)
    model = models.ImageLabel if kind == "labels" else models.Image
    first = model.from_zarr(group).attributes.multiscales[0]
    assert first.version == "0.4"
    assert [(a.name, a.unit) for a in first.axes] == [(a, "nanometer") for a in "zyx"]
    spec = {"driver": "zarr", "kvstore": f"file://{tmp_path}/a.zarr/0"}
    read = tensorstore.open(spec, open=True, read=True).result().read().result()
    np.testing.assert_array_equal(read, array)
    assert (tmp_path / "a.zarr/0/0/0/0").is_file()


def test_04_below_a_store_of_zarr_2(tmp_path):
    path = source(tmp_path, labels())
    store = tmp_path / "s.zarr"
    run(path, store / "image", format="ome-zarr-0.4", kind="image")
    with pytest.raises(VolumeError, match=r"zarr 3 cannot lie .* or the format ome-zarr-0\.4"):
        run(path, store / "labels" / "a", kind="labels")
    for name in ("a", "b"):
        run(path, store / "labels" / name, format="ome-zarr-0.4", kind="labels")
    group = zarr.open_group(store, mode="r", zarr_format=2)
    assert group["labels"].attrs["labels"] == ["a", "b"]


def test_a_region_stays_where_it_was(tmp_path):
    array = labels()
    done = run(source(tmp_path, array), tmp_path / "a.zarr", region="3:20,:,65:130")
    assert done.shape == (17, 150, 65)
    assert done.grid == Grid(GRID.voxel_size, (90 + 3 * 30, -16, 5.5 + 65 * 8))
    np.testing.assert_array_equal(open_volume(done.location).levels[0][:], array[3:20, :, 65:130])


@pytest.mark.parametrize("region", ["0:41,:,:", "5:5,:,:", "9:3,:,:", "40:,:,:"])
def test_region_outside(tmp_path, region):
    with pytest.raises(VolumeError, match=r"region .* is not inside the shape \(40, 150, 137\)"):
        run(source(tmp_path, labels()), tmp_path / "a.zarr", region=region)


def test_grid_that_is_given_wins(tmp_path):
    done = run(
        source(tmp_path, labels()), tmp_path / "a.h5", voxel_size=(40, 4, 4), origin=(-8, 0, 1)
    )
    assert done.grid == Grid((40, 4, 4), (-8, 0, 1)) == open_volume(done.location).grid


@pytest.mark.parametrize(
    ("dtype", "dataset", "kind", "reason"),
    [
        ("u1", "main", "image", "type is uint8"),
        ("f4", "main", "image", "type is float32"),
        ("u2", "main", "labels", "neighbouring voxels are mostly equal"),
        ("u4", "main", "labels", "type is uint32"),
        ("i8", "main", "labels", "type is int64"),
        ("u2", "volumes/raw", "image", "named 'raw'"),
        ("u1", "gt", "labels", "named 'gt'"),
        ("f4", "labels", "image", "type is float32"),
    ],
)
def test_what_it_is_taken_for(tmp_path, dtype, dataset, kind, reason):
    volume = open_volume(source(tmp_path, labels(dtype=dtype), f"s.h5:{dataset}"))
    taken = kind_of(volume)
    assert taken[0] == kind
    assert reason in taken[1]


def test_metadata_decide_before_the_type(tmp_path):
    array = labels(dtype="u1")
    write_volume(tmp_path / "l.zarr", lambda b: array[b.slices], SHAPE, "u1", GRID, "labels")
    done = run(tmp_path / "l.zarr", tmp_path / "a.zarr")
    assert done.kind == "labels"
    assert "metadata" in done.reason
    assert open_volume(tmp_path / "a.zarr").kind == "labels"


@pytest.mark.parametrize(
    ("value", "given", "wanted"),
    [
        (255, "u4", "u1"),
        (2**63, "u8", "f4"),
        (2**24, "i4", "f4"),
        (-(2**63), "i8", "f8"),
        (2**63 - 1, "u8", "i8"),
        (-128, "i8", "i1"),
        (7.0, "f4", "u1"),
        (2.0**63, "f8", "u8"),
        (np.nan, "f8", "f4"),
        (np.inf, "f8", "f4"),
        (-0.0, "f4", "u1"),
        (True, "?", "u1"),
    ],
)
def test_values_that_fit(value, given, wanted):
    cast = cast_exactly(np.full((1, 1, 2), value, given), np.dtype(wanted), (0, 0, 0), "x")
    assert cast.dtype == wanted
    np.testing.assert_array_equal(cast, np.full((1, 1, 2), value, wanted))


@pytest.mark.parametrize(
    ("value", "given", "wanted"),
    [
        (256, "u4", "u1"),
        (2**63, "u8", "i8"),
        (-1, "i8", "u8"),
        (-1, "i1", "u8"),
        (2**24 + 1, "i4", "f4"),
        (2**53 + 1, "u8", "f8"),
        (2**64 - 1, "u8", "f8"),
        (-(2**53) - 1, "i8", "f8"),
        (0.5, "f4", "i4"),
        (np.nan, "f4", "u1"),
        (np.inf, "f8", "i8"),
        (2.0**64, "f8", "u8"),
        (2.0**63, "f4", "i8"),
        (1 + 2.0**-40, "f8", "f4"),
        (1e300, "f8", "f4"),
    ],
)
def test_values_that_do_not_fit_are_named(value, given, wanted):
    voxels = np.zeros((2, 3, 4), given)
    voxels[1, 2, 3] = value
    with pytest.raises(VolumeError, match=r"at voxel \(11, 22, 33\) cannot be kept in") as caught:
        cast_exactly(voxels, np.dtype(wanted), (10, 20, 30), "x")
    assert f"value {voxels[1, 2, 3].item()!r} at" in str(caught.value)


def test_floating_labels_and_the_way_out(tmp_path):
    array = labels(dtype="f4")
    path = source(tmp_path, array)
    with pytest.raises(VolumeError, match=r"convert SRC DST --kind labels --dtype uint32"):
        run(path, tmp_path / "a.zarr", kind="labels")
    done = run(path, tmp_path / "a.zarr", kind="labels", dtype="uint32")
    assert done.dtype == np.uint32
    np.testing.assert_array_equal(open_volume(done.location).levels[0][:], array)


def test_negative_labels_are_named(tmp_path):
    array = labels(dtype="i4")
    array[7, 80, 90] = -3
    path = source(tmp_path, array)
    for options in ({}, {"dtype": "uint32"}):
        with pytest.raises(VolumeError, match=r"value -3 at voxel \(7, 80, 90\) cannot be kept in"):
            run(path, tmp_path / "a.zarr", **options)
    assert names(tmp_path) == ["source.h5"]


@pytest.fixture
def damaged(tmp_path):
    """Labels of which one chunk is damaged: the voxels, and where they lie."""
    array = labels()
    path = tmp_path / "damaged.zarr"
    codec = zarr.codecs.ZstdCodec(checksum=True)
    attributes = {"voxel_size_nm": GRID.voxel_size}
    made = zarr.create_array(
        path, data=array, chunks=(16, 64, 64), compressors=codec, attributes=attributes
    )
    assert made.shape == SHAPE
    (path / "c/1/1/0").write_bytes(b"damaged")
    return array, path


@pytest.mark.parametrize("name", ["a.zarr", "a.h5"])
def test_damage_ends_it_or_is_filled(tmp_path, damaged, name):
    array, path = damaged
    with pytest.raises(VolumeError, match=r"chunk c/1/1/0, voxels \(16, 64, 0\)"):
        run(path, tmp_path / name)
    done = run(path, tmp_path / name, fill=True)
    (lost,) = done.unreadable
    assert "chunk c/1/1/0, voxels (16, 64, 0)..(32, 128, 64)" in lost
    array[16:32, 64:128, 0:64] = 0
    np.testing.assert_array_equal(open_volume(done.location).levels[0][:], array)


def test_sections_are_not_decoded_for_each_of_many_blocks():
    shape, chunk, edges = (1200, 4096, 4096), (16, 128, 128), (30.0, 8.0, 8.0)
    assert tiled_block(shape, chunk, 1, edges) == (256, 512, 512)
    assert tiled_block(shape, chunk, 1, edges, (64, 64, 64)) == (256, 512, 512)
    assert tiled_block(shape, chunk, 1, edges, (1, 4096, 4096)) == (64, 2048, 2048)
    assert tiled_block(shape, chunk, 1, edges, (1200, 1, 1024)) == (2048, 128, 1024)


def test_destinations_that_are_refused(tmp_path):
    path = source(tmp_path, labels())
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(VolumeError, match="exists already"):
        run(path, tmp_path / "a.zarr")
    for destination in (path, f"{tmp_path}/source.h5:other", tmp_path / "source.h5" / "x.zarr"):
        with pytest.raises(VolumeError, match="lies in the way of the source"):
            run(path, destination, overwrite=True)
    with pytest.raises(VolumeError, match=r"no known format for the suffix '\.xyz'"):
        run(path, tmp_path / "a.xyz")
    with pytest.raises(VolumeError, match=r"no known format 'xyz'; choose one of ome-zarr-0\.5, "):
        run(path, tmp_path / "a.zarr", format="xyz", overwrite=True)
    assert names(tmp_path) == ["a.zarr", "source.h5"]


def test_other_datasets_are_never_lost(tmp_path):
    path = source(tmp_path, labels())
    other = source(tmp_path, labels(), "other.h5:raw")
    with pytest.raises(VolumeError, match=r"holds other datasets \(raw\)"):
        run(path, f"{tmp_path}/other.h5:labels", overwrite=True)
    assert open_volume(other).shape == SHAPE


def test_other_volumes_of_a_zarr_group_are_never_lost(tmp_path):
    path, store = source(tmp_path, labels()), tmp_path / "s.zarr"
    run(path, store)
    run(path, store / "labels" / "gt")
    zarr.create_array(store / "affinities", shape=(3, 4, 4, 4), dtype="u1")
    with pytest.raises(VolumeError, match=r"other volumes \(affinities, labels/gt\), which would"):
        run(path, store, overwrite=True)
    run(path, store / "labels" / "gt", overwrite=True, region="0:8,:,:")
    assert open_volume(store / "labels" / "gt").shape == (8, 150, 137)
    bare = tmp_path / "bare.zarr"  # arrays of zarr 2 whose group has no metadata
    zarr.create_array(bare / "volumes" / "raw", shape=(4, 4, 4), dtype="u1", zarr_format=2)
    (bare / "zarr.json").unlink(missing_ok=True)
    with pytest.raises(VolumeError, match=r"holds other volumes \(volumes/raw\)"):
        run(path, bare, overwrite=True)
    (store / "zarr.json").write_text("no JSON")
    with pytest.raises(VolumeError, match="so that nothing says what would be lost; remove it"):
        run(path, store, overwrite=True)
    assert names(store) == ["0", "1", "affinities", "labels", "zarr.json"]


def test_replacing(tmp_path):
    path = source(tmp_path, labels())
    for name in ("a.zarr", "a.h5"):
        run(path, tmp_path / name)
        run(path, tmp_path / name, overwrite=True, region="0:8,:,:")
        assert open_volume(tmp_path / name).shape == (8, 150, 137)
    assert names(tmp_path) == ["a.h5", "a.zarr", "source.h5"]


@pytest.mark.parametrize("name", ["a.zarr", "a.h5"])
def test_wrong_bytes_on_the_disk_are_found(tmp_path, monkeypatch, name):
    path = source(tmp_path, labels())
    monkeypatch.setattr(planning.Plan, "about", {"not": "compared here"})
    real = steps.Check.digest
    monkeypatch.setattr(steps.Check, "digest", lambda self, box: real(self, box)[::-1])
    with pytest.raises(StorageError, match=r"voxels \(0, 0, 0\).* are not what was written"):
        run(path, tmp_path / name)
    assert not (tmp_path / name).exists()
    run(path, tmp_path / name, check=False)
    assert open_volume(tmp_path / name).shape == SHAPE
