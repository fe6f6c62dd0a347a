"""zarr stores and OME-Zarr written by zarr and ome-zarr, opened by us."""

import json
import shutil

import numpy as np
import pytest
import zarr

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import describe, open_volume

SHAPE = (5, 6, 7)
SIZE = (30.0, 8.0, 4.0)
FORMATS = pytest.mark.parametrize("version", [2, 3])


def voxels(dtype="u1"):
    return np.arange(210).reshape(SHAPE).astype(dtype)


def write(path, version=3, array=None, attributes=None, **options):
    array = voxels() if array is None else array
    zarr.create_array(path, data=array, zarr_format=version, attributes=attributes, **options)
    return path


def axis(name, unit="nanometer"):
    if name in "tc":
        return {"name": name, "type": "time" if name == "t" else "channel"}
    return {"name": name, "type": "space", **({"unit": unit} if unit else {})}


def multiscale(path, levels, scales, *, axes="zyx", version="0.5", unit="nanometer", extra=None):
    """Write arrays as one OME-Zarr image, with translations where given."""
    transforms = [
        [{"type": "scale", "scale": s}] + [{"type": "translation", "translation": t}] * bool(t)
        for s, t in scales
    ]
    image = {
        "axes": [axis(a, unit) for a in axes],
        "datasets": [
            {"path": str(i), "coordinateTransformations": t} for i, t in enumerate(transforms)
        ],
        **(extra or {}),
    }
    if version == "0.5":
        attributes = {"ome": {"version": "0.5", "multiscales": [image]}}
    else:
        attributes = {"multiscales": [{**image, "version": version}]}
    zarr_format = 3 if version == "0.5" else 2
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=attributes)
    for i, array in enumerate(levels):
        group.create_array(str(i), data=array, chunks=(2,) * array.ndim)
    return path


@FORMATS
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "u8", "f4", "f8"])
def test_voxels(tmp_path, version, dtype):
    attributes = {"voxel_size_nm": SIZE, "origin_nm": [1, 2, 3]}
    path = write(tmp_path / "a.zarr", version, voxels(dtype), attributes, chunks=(2, 3, 4))
    volume = open_volume(path)
    assert (volume.format, volume.grid) == (f"zarr {version}", Grid(SIZE, (1, 2, 3)))
    assert volume.dtype == np.dtype(dtype)
    assert describe(path).chunks == (2, 3, 4)
    np.testing.assert_array_equal(volume.read(volume.box), voxels(dtype))


def test_big_endian(tmp_path):
    path = write(tmp_path / "a.zarr", 2, voxels(">u2"))
    volume = open_volume(path, voxel_size=SIZE)
    assert volume.dtype.isnative
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


@pytest.mark.parametrize(
    ("stored", "options"),
    [
        (voxels().T, {"dimension_names": ("x", "y", "z")}),
        (voxels().T, {"attributes": {"_ARRAY_DIMENSIONS": ["x", "y", "z"]}}),
        (voxels(), {"dimension_names": ("dim_0", "dim_1", "dim_2")}),
        (voxels()[np.newaxis], {"attributes": {"axis_names": ["c^", "z", "y", "x"]}}),
    ],
)
def test_axes_of_arrays(tmp_path, stored, options):
    path = write(tmp_path / "a.zarr", array=stored, **options)
    volume = open_volume(path, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


def test_unknown_size_is_never_guessed(tmp_path):
    path = write(tmp_path / "a.zarr")
    with pytest.raises(VoxelSizeUnknownError, match="--voxel-size Z,Y,X"):
        open_volume(path)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("unit", "nm"), [("nanometer", 1), ("micrometer", 1000), ("angstrom", 0.1), ("µm", 1000)]
)
def test_multiscale(tmp_path, version, unit, nm):
    levels = [voxels(), voxels()[:, ::2, ::2]]
    scales = [([30, 8, 4], [60, 0, 1]), ([30, 16, 8], [60, 4, 3])]
    path = multiscale(tmp_path / "a.zarr", levels, scales, version=version, unit=unit)
    volume = open_volume(path)
    assert volume.format == f"OME-Zarr {version}"
    assert volume.grid.voxel_size == pytest.approx([s * nm for s in SIZE])
    assert volume.grid.origin == pytest.approx([60 * nm, 0, nm])
    assert volume.factors == ((1, 1, 1), (1, 2, 2))
    for got, expected in zip(volume.levels, levels, strict=True):
        np.testing.assert_array_equal(got[:], expected)
    coarse = open_volume(path / "1")
    assert coarse.grid == volume.grid.coarser((1, 2, 2))
    np.testing.assert_array_equal(coarse.levels[0][:], levels[1])


@pytest.mark.parametrize("axes", ["tczyx", "czyx", "xyz", "zcyx"])
def test_other_axes_are_dropped_or_transposed(tmp_path, axes):
    order = [axes.index(a) for a in "zyx"]
    stored = np.empty([dict(zip("zyx", SHAPE, strict=True)).get(a, 1) for a in axes], "u1")
    squeezed = stored.reshape([n for n in stored.shape if n > 1])
    squeezed[:] = (
        voxels().transpose([sorted(order).index(o) for o in order]).reshape(squeezed.shape)
        if axes != "xyz"
        else voxels().T
    )
    scale = [dict(zip("zyx", SIZE, strict=True)).get(a, 1.0) for a in axes]
    path = multiscale(tmp_path / "a.zarr", [stored], [(scale, None)], axes=axes)
    volume = open_volume(path)
    assert volume.grid == Grid(SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


def test_channels_are_refused(tmp_path):
    stored = np.zeros((3, *SHAPE), "u1")
    path = multiscale(tmp_path / "a.zarr", [stored], [([1, 1, 1, 1], None)], axes="czyx")
    with pytest.raises(VolumeError, match="axis c having 3 entries"):
        open_volume(path)


@pytest.mark.parametrize(
    ("unit", "scales", "note"),
    [
        (None, [([30, 8, 4], None)], r"scale \[30.0, 8.0, 4.0\] has no unit"),
        ("pixel", [([30, 8, 4], None)], "has no unit"),
    ],
)
def test_scale_without_unit_is_no_size(tmp_path, unit, scales, note):
    path = multiscale(tmp_path / "a.zarr", [voxels()], scales, unit=unit)
    with pytest.raises(VoxelSizeUnknownError, match=note):
        open_volume(path)
    assert open_volume(path, voxel_size=SIZE).grid == Grid(SIZE)


def test_old_metadata_without_axes_or_scales(tmp_path):
    image = {"version": "0.1", "datasets": [{"path": "0"}, {"path": "1"}]}
    group = zarr.create_group(
        tmp_path / "a.zarr", zarr_format=2, attributes={"multiscales": [image]}
    )
    group.create_array("0", data=voxels()[np.newaxis, np.newaxis])
    group.create_array("1", data=voxels()[np.newaxis, np.newaxis, :, ::2, ::2])
    volume = open_volume(tmp_path / "a.zarr", voxel_size=SIZE)
    assert (volume.shape, volume.factors) == (SHAPE, ((1, 1, 1), (1, 2, 2)))


def test_common_transformations_come_after(tmp_path):
    extra = {
        "coordinateTransformations": [
            {"type": "scale", "scale": [10, 10, 10]},
            {"type": "translation", "translation": [5, 0, 0]},
        ]
    }
    path = multiscale(tmp_path / "a.zarr", [voxels()], [([3, 2, 1], [1, 0, 0])], extra=extra)
    assert open_volume(path).grid == Grid((30, 20, 10), (15, 0, 0))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_written_by_the_reference_library(tmp_path, version):
    writer = pytest.importorskip("ome_zarr.writer")
    formats = pytest.importorskip("ome_zarr.format")
    path = tmp_path / "a.zarr"
    kind = formats.FormatV04() if version == "0.4" else formats.FormatV05()
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3)
    writer.write_multiscale(
        [voxels(), voxels()[:, ::2, ::2]],
        group,
        fmt=kind,
        axes=[axis(a) for a in "zyx"],
        scale=dict(zip("zyx", SIZE, strict=True)),
    )
    volume = open_volume(path)
    assert (volume.grid, volume.factors) == (Grid(SIZE), ((1, 1, 1), (1, 2, 2)))
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


@FORMATS
def test_groups(tmp_path, version):
    path = tmp_path / "store.zarr"
    root = zarr.create_group(path, zarr_format=version)
    root.create_group("empty")
    truth = root.create_array("labels/truth", data=voxels())
    truth.attrs["voxel_size_nm"] = SIZE
    for location in (path, path / "labels", path / "labels" / "truth", f"{path}:labels/truth"):
        assert open_volume(location).location == str(path / "labels" / "truth")
    root.create_array("raw", data=voxels())
    with pytest.raises(VolumeError, match="a zarr group of 2 arrays and images") as caught:
        open_volume(path)
    assert "labels/truth, raw" in caught.value.remedy
    for missing in (path / "labels" / "nope", f"{path}:labels/nope"):
        with pytest.raises(VolumeError, match=r"nothing named '(labels/)?nope'; name one of those"):
            open_volume(missing)
    with pytest.raises(VolumeError, match="of 0 arrays"):
        open_volume(path / "empty")


def test_image_with_labels_inside(tmp_path):
    path = multiscale(tmp_path / "a.zarr", [voxels()], [([30, 8, 4], None)])
    multiscale(path / "labels" / "truth", [voxels("u4")], [([30, 8, 4], None)])
    zarr.create_group(path / "labels", zarr_format=3)
    assert open_volume(path).dtype == np.uint8
    assert open_volume(path / "labels").dtype == np.uint32
    assert open_volume(f"{path}/labels/truth/0").grid == Grid(SIZE)


@pytest.mark.parametrize(
    "name", ["with space.zarr", "a:b.zarr", "no_suffix", "like.h5", "like.tif"]
)
def test_content_decides_and_names_may_be_odd(tmp_path, name):
    folder = tmp_path / "dir:with colon"
    folder.mkdir()
    path = write(folder / name)
    info = describe(path)
    assert info.format == "zarr 3"
    assert info.reason == "the folder holds zarr.json, the metadata of zarr 3"


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.pop("datasets"),
        lambda image: image.update(datasets=[]),
        lambda image: image.update(datasets=[{"path": "7"}]),
        lambda image: image["datasets"][0].update(coordinateTransformations=[{"type": "affine"}]),
        lambda image: image["datasets"][0].update(
            coordinateTransformations=[{"type": "scale", "scale": [1]}]
        ),
        lambda image: image.update(axes=[{"name": "y"}, {"name": "x"}, {"name": "q"}]),
        lambda image: image.update(axes=3),
    ],
)
def test_wrong_metadata(tmp_path, change):
    path = multiscale(tmp_path / "a.zarr", [voxels()], [([30, 8, 4], None)])
    metadata = json.loads((path / "zarr.json").read_text())
    change(metadata["attributes"]["ome"]["multiscales"][0])
    (path / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(VolumeError, match=r"a\.zarr"):
        open_volume(path)
    metadata["attributes"]["ome"]["multiscales"][0]["datasets"] = 3
    (path / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(VolumeError, match="name one array of the group instead"):
        open_volume(path)
    one = open_volume(path / "0", voxel_size=(30, 8, 4))  # as the error says
    np.testing.assert_array_equal(one.read(one.box), voxels())


def test_a_level_opens_where_others_are_missing(tmp_path):
    levels = [voxels(), voxels()[:, ::2, ::2]]
    scales = [([30, 8, 4], [60, 0, 0]), ([30, 16, 8], [60, 4, 2])]
    path = multiscale(tmp_path / "a.zarr", levels, scales)
    whole = open_volume(path / "1")
    shutil.rmtree(path / "0")
    with pytest.raises(VolumeError, match="level '0' is missing"):
        open_volume(path)
    one = open_volume(path / "1")
    assert (one.grid, one.format) == (whole.grid, whole.format)
    assert one.grid == Grid((30, 16, 8), (60, 0, 0))
    np.testing.assert_array_equal(one.read(one.box), levels[1])


def test_array_of_records_is_refused(tmp_path):
    path = write(tmp_path / "a.zarr", array=np.zeros(SHAPE, "c8"))
    with pytest.raises(VolumeError, match="not numbers"):
        open_volume(path)


def test_a_folder_that_segment_made_stands_for_its_segments(tmp_path) -> None:
    made = tmp_path / "mine.segmentation"
    made.mkdir()
    write(made / "fragments.zarr", array=voxels("u4") + 1)
    with pytest.raises(VolumeError, match="not a folder of any known format"):
        open_volume(made, voxel_size=SIZE)
    write(made / "segmentation.zarr", array=voxels("u4"))
    volume = open_volume(made, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels("u4"))
    assert describe(made).location.endswith("segmentation.zarr")
