"""NIfTI written by nibabel, opened by us."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import describe, open_volume
from napari_axonem.volumes.formats import flat

nibabel = pytest.importorskip("nibabel")

SHAPE = (5, 40, 50)
SIZE = (30.0, 8.0, 4.0)
UM = np.diag([0.004, 0.008, 0.03, 1])


def voxels(dtype="u1", shape=SHAPE):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def write(path, array=None, affine=UM, unit="micron", kind=nibabel.Nifti1Image):
    array = voxels() if array is None else array
    image = kind(array.T, affine, dtype=array.dtype)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("name", ["a b:c.nii", "a.nii.gz"])
@pytest.mark.parametrize("version", [1, 2])
def test_voxels(tmp_path, dtype, name, version):
    array = voxels(dtype)
    kind = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    volume = open_volume(write(tmp_path / name, array, kind=kind))
    assert (volume.format, volume.dtype) == (f"NIfTI-{version}", np.dtype(dtype))
    assert volume.grid.voxel_size == pytest.approx(SIZE)
    box = Box((2, 5, 31), (4, 33, 50))
    np.testing.assert_array_equal(volume.read(box), array[box.slices])
    np.testing.assert_array_equal(volume.read(volume.box), array)


def test_big_endian(tmp_path):
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(voxels("u2").T, UM, header, dtype="u2")
    nibabel.save(image, tmp_path / "a.nii")
    volume = open_volume(tmp_path / "a.nii", voxel_size=SIZE)
    assert volume.dtype == np.dtype("u2")
    np.testing.assert_array_equal(volume.levels[0], voxels())


def write_by_hand(path, array, offset=352, **fields):
    """Write a file with a header that nibabel would not write."""
    header = nibabel.load(write(path, array)).header
    for name, value in {**fields, "vox_offset": offset}.items():
        header[name] = value
    data = header.binaryblock + bytes(4) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_scaled_numbers(tmp_path, name):
    path = write_by_hand(tmp_path / name, voxels("i2"), scl_slope=0.5, scl_inter=10)
    volume = open_volume(path)
    assert volume.dtype == np.float32
    np.testing.assert_array_equal(volume.read(volume.box), voxels() * 0.5 + 10)
    np.testing.assert_array_equal(nibabel.load(path).get_fdata().T, volume.read(volume.box))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_inside_the_header_are_refused(tmp_path, name):
    with pytest.raises(VolumeError, match="voxels from byte 0"):
        open_volume(write_by_hand(tmp_path / name, voxels("i2"), offset=0))


@pytest.mark.parametrize(("unit", "nm"), [("micron", 1e3), ("mm", 1e6), ("meter", 1e9)])
def test_sizes(tmp_path, unit, nm):
    affine = np.diag([4 / nm, 8 / nm, 30 / nm, 1])
    assert open_volume(write(tmp_path / "a.nii", affine=affine, unit=unit)).grid.voxel_size == (
        pytest.approx(SIZE, rel=1e-6)
    )


def test_origin_is_the_corner_of_the_first_voxel(tmp_path):
    affine = UM.copy()
    affine[:3, 3] = 0.002, 1.004, -0.015
    info = describe(write(tmp_path / "a.nii", affine=affine))
    assert info.origin == pytest.approx((-30.0, 1000.0, 0.0), abs=1e-3)
    affine[0, 0] *= -1  # mirrored, as most scans of brains are
    info = describe(write(tmp_path / "b.nii", affine=affine))
    assert info.voxel_size == pytest.approx(SIZE)
    assert info.origin is None


@pytest.mark.parametrize(("unit", "nm"), [("micron", 1e3), ("mm", 1e6)])
@pytest.mark.parametrize("stored", ["sform", "qform", "pixdim"])
def test_numbers_of_32_bits_are_read_as_they_were_meant(tmp_path, unit, nm, stored):
    affine = np.diag([4 / nm, 8 / nm, 30 / nm, 1])
    affine[:3, 3] = (102.0 / nm, 40004.0 / nm, 105.0 / nm)
    header = nibabel.load(write(tmp_path / "a.nii", affine=affine, unit=unit)).header
    header["vox_offset"] = 352
    header["sform_code"] = stored == "sform"
    header["qform_code"] = stored == "qform"
    (tmp_path / "b.nii").write_bytes(header.binaryblock + bytes(4) + voxels().tobytes())
    info = describe(tmp_path / "b.nii")
    assert info.voxel_size == SIZE
    assert info.origin == (None if stored == "pixdim" else (90.0, 40000.0, 100.0))


def test_no_affine(tmp_path):
    pixdim = [1, 0.004, 0.008, 0.03, 1, 1, 1, 1]
    path = write_by_hand(tmp_path / "a.nii", voxels(), sform_code=0, qform_code=0, pixdim=pixdim)
    info = describe(path)
    assert info.voxel_size == pytest.approx(SIZE)
    assert info.origin is None


def test_unknown_size_is_never_guessed(tmp_path):
    with pytest.raises(VoxelSizeUnknownError, match="of an unknown unit"):
        open_volume(write(tmp_path / "a.nii", unit="unknown"))


def test_axes(tmp_path):
    path = write(tmp_path / "a.nii", voxels()[None])
    np.testing.assert_array_equal(open_volume(path).levels[0], voxels())
    with pytest.raises(VolumeError, match="axis 0 having 2 entries"):
        open_volume(write(tmp_path / "b.nii", np.stack([voxels()] * 2)))
    assert open_volume(write(tmp_path / "c.nii", voxels()[0])).shape == (1, 40, 50)


def test_colours_are_refused(tmp_path):
    rgb = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(VolumeError, match="which are not numbers"):
        open_volume(write(tmp_path / "a.nii", rgb))


def test_large_compressed_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(flat, "LARGEST_WHOLE", voxels().nbytes - 1)
    with pytest.raises(VolumeError, match=r"a\.nii\.gz: compressed as a whole"):
        open_volume(write(tmp_path / "a.nii.gz"))
    assert open_volume(write(tmp_path / "b.nii")).shape == SHAPE


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("share", [0.002, 0.04, 0.7, 0.99])
def test_cut_files(tmp_path, name, share):
    path = write(tmp_path / name)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(VolumeError, match=rf"/{name}: "):
        open_volume(path, voxel_size=SIZE).levels[0][:]


def test_threads_read_the_same(tmp_path):
    for name in ("a.nii", "a.nii.gz"):
        level = open_volume(write(tmp_path / name)).levels[0]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(level.__getitem__, range(5)))
        np.testing.assert_array_equal(found, voxels())


def test_without_the_library(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nii")
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(VolumeError, match=r"napari-axonem\[medical\]"):
        open_volume(path)
    with pytest.raises(VolumeError, match="no datasets, but 'raw'"):
        open_volume(f"{path}:raw")
