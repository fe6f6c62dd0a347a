"""Folders of sections written by tifffile, Pillow and imagecodecs, opened by us."""

from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import pytest
import tifffile

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import describe, open_volume
from napari_axonem.volumes.formats import pictures, sections
from napari_axonem.volumes.formats.section_cache import SectionCache
from napari_axonem.volumes.formats.section_names import arrange

SHAPE = (6, 40, 50)
SIZE = (30.0, 8.0, 4.0)


def voxels(dtype="u1"):
    return np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)


def write(path, section, **options):
    if path.suffix == ".tif":
        tifffile.imwrite(path, section, photometric="minisblack", **options)
    else:
        path.write_bytes(imagecodecs.png_encode(section))


def stack(folder, array=None, name="s_{:03}.tif", first=0, **options):
    """Write a folder of sections; return it."""
    folder.mkdir(exist_ok=True)
    for z, section in enumerate(voxels() if array is None else array):
        write(folder / name.format(z + first), section, **options)
    return folder


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("s_{:03}.tif", {}),
        ("s_{:03}.tif", {"compression": "zlib", "rowsperstrip": 7}),
        ("s_{:03}.tif", {"compression": "zlib", "predictor": True, "tile": (16, 32)}),
        ("s_{:03}.tif", {"byteorder": ">"}),
        ("{}.png", {}),
    ],
    ids=["plain", "strips", "tiles", "bigendian", "png"],
)
def test_voxels(tmp_path, dtype, name, options):
    array = voxels(dtype)
    folder = stack(tmp_path / "my stack: A", array, name, first=7, **options)
    volume = open_volume(folder, voxel_size=SIZE)
    assert (volume.shape, volume.dtype) == (SHAPE, np.dtype(dtype))
    np.testing.assert_array_equal(volume.read(volume.box), array)
    box = Box((2, 5, 31), (4, 33, 50))
    np.testing.assert_array_equal(volume.read(box), array[box.slices])
    np.testing.assert_array_equal(volume.read(box), array[box.slices])
    tile = options.get("tile", SHAPE[1:])
    assert describe(folder).chunks == (1, *tile)


@pytest.mark.parametrize("dtype", ["i2", "u4", "f4"])
def test_other_types(tmp_path, dtype):
    array = voxels(dtype)
    volume = open_volume(stack(tmp_path / "a", array, compression="zlib"), voxel_size=SIZE)
    assert volume.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.read(volume.box), array)


def test_order_is_that_of_the_numbers(tmp_path):
    for z in (10, 9, 11):
        write(
            tmp_path / f"EM 2021-05-03 z{z} x4.TIF".replace("TIF", "tif"), np.full((4, 5), z, "u1")
        )
    volume = open_volume(tmp_path, voxel_size=SIZE)
    assert volume.levels[0][:, 0, 0].tolist() == [9, 10, 11]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b.tif"], {0: "b.tif"}),
        (["s2.tif", "s10.tif", "s1.TIF"], {0: "s1.TIF", 1: "s2.tif", 9: "s10.tif"}),
        (["10.png", "20.png", "40.png"], {0: "10.png", 1: "20.png", 3: "40.png"}),
        (  # a time that grows too, with more gaps
            ["3_093015.tif", "4_093115.tif", "5_093217.tif"],
            {0: "3_093015.tif", 1: "4_093115.tif", 2: "5_093217.tif"},
        ),
        (["w1_s1.tif", "w1_s2.tif", "w2_s3.tif"], [1, 2, 3]),
    ],
)
def test_numbers(names, expected):
    if isinstance(expected, list):
        expected = dict(enumerate(names))
    assert arrange(names, "folder").names == expected


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (["s1.tif", "s2.tif", "overview.tif"], "'overview.tif' not named like 's1.tif'"),
        (["a.tif", "b.tif"], "'b.tif' not named like 'a.tif'"),
        (["r0_c0.tif", "r0_c1.tif", "r1_c0.tif", "r1_c1.tif"], "those of tiles"),
        (["1.tif", "01.tif"], "'1.tif' and '01.tif' have the same number"),
        (["1.tif", "2.tif", "2.png"], r"'2.tif' and '2.png' have the same number"),
        (["1.tif", "2.tif", "20210503.tif"], "nearly all sections would be missing"),
    ],
)
def test_names_that_leave_the_order_open(names, seen):
    with pytest.raises(VolumeError, match=f"folder: .*{seen}"):
        arrange(names, "folder")


def test_few_files_are_looked_into(tmp_path, monkeypatch):
    folder = stack(tmp_path / "a")
    looked = []
    monkeypatch.setattr(sections, "look", lambda path: looked.append(path) or pictures.look(path))
    open_volume(folder, voxel_size=SIZE)
    assert len(looked) == SHAPE[0]
    monkeypatch.setattr(sections, "_FEW", 5)
    looked.clear()
    volume = open_volume(folder, voxel_size=SIZE)
    assert [path.name for path in looked] == ["s_000.tif"]
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


@pytest.mark.parametrize(
    "other",
    [np.zeros((40, 51), "u1"), np.zeros(SHAPE[1:], "u2")],
    ids=["size", "type"],
)
def test_section_that_does_not_fit(tmp_path, other, monkeypatch):
    folder = stack(tmp_path / "a")
    write(folder / "s_003.tif", other)
    seen = rf"s_003\.tif: a section of {other.shape[0]} x {other.shape[1]} {other.dtype}, while "
    with pytest.raises(VolumeError, match=seen + r"s_000\.tif has 40 x 50 uint8"):
        open_volume(folder, voxel_size=SIZE)
    monkeypatch.setattr(sections, "_FEW", 5)
    volume = open_volume(folder, voxel_size=SIZE)
    with pytest.raises(VolumeError, match=seen):
        volume.read(volume.box)
    np.testing.assert_array_equal(volume.levels[0][:3], voxels()[:3])


@pytest.mark.parametrize("name", ["{}.tif", "{}.png"])
@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.6])
@pytest.mark.parametrize("few", [64, 2])
def test_truncated_section(tmp_path, monkeypatch, name, at, share, few):
    monkeypatch.setattr(sections, "_FEW", few)
    folder = stack(tmp_path / "a", name=name)
    path = folder / name.format(at)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    volume = open_volume(folder, voxel_size=SIZE)
    assert volume.shape == SHAPE
    with pytest.raises(VolumeError, match=rf"/{path.name}: "):
        volume.read(Box((at, 0, 0), (at + 1, 40, 50)))
    np.testing.assert_array_equal(volume.levels[0][at + 1 :], voxels()[at + 1 :])


def test_changed_byte_of_a_png_is_noticed(tmp_path):
    folder = stack(tmp_path / "a", name="{}.png")
    data = bytearray((folder / "2.png").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "2.png").write_bytes(data)
    with pytest.raises(VolumeError, match=r"2\.png: .*IDAT"):
        open_volume(folder, voxel_size=SIZE).levels[0][:]


def test_no_section_can_be_read(tmp_path):
    folder = stack(tmp_path / "a", name="{}.png")
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(VolumeError, match=r"0\.png: a section that cannot be read"):
        open_volume(folder)


def test_missing_section(tmp_path):
    folder = stack(tmp_path / "a")
    (folder / "s_002.tif").unlink()
    volume = open_volume(folder, voxel_size=SIZE)
    assert volume.shape == SHAPE
    np.testing.assert_array_equal(volume.levels[0][3:], voxels()[3:])
    with pytest.raises(VolumeError, match=r"a: section 2 \(z = 2\) is missing"):
        volume.read(volume.box)
    assert "missing: 2" in describe(folder).reason
    for z in (1, 3, 4):
        (folder / f"s_00{z}.tif").unlink()
    assert "0 to 5 in steps of 5" in describe(folder).reason


def test_what_is_passed_over(tmp_path):
    folder = stack(tmp_path / "a")
    (folder / "thumbnails").mkdir()
    for name in ("Thumbs.db", "notes.txt", ".hidden.tif", "._s_001.tif"):
        (folder / name).write_text("x")
    info = describe(folder)
    assert info.shape == SHAPE
    assert info.reason == (
        "the folder holds 6 TIFF files numbered 0 to 5; "
        "passed over: Thumbs.db, notes.txt, thumbnails"
    )


def test_content_decides_where_names_do_not(tmp_path):
    for z, section in enumerate(voxels()):
        tifffile.imwrite(tmp_path / f"stack.{z:03}", section)
    (tmp_path / "readme").write_text("words")
    volume = open_volume(tmp_path, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())
    assert volume.format == "TIFF sections"


def test_folders_that_are_no_stack(tmp_path):
    for name in ("empty", "words"):
        (tmp_path / name).mkdir()
    (tmp_path / "words" / "a.tif").write_text("words")
    for name in ("empty", "words"):
        with pytest.raises(VolumeError, match=f"{name}: not a folder of any known format"):
            open_volume(tmp_path / name)
    for z in range(2):
        stack(tmp_path / f"sections {z}", name="tile_{}.tif")
    with pytest.raises(VolumeError, match=r"folders of pictures .*; stitch the tiles"):
        open_volume(tmp_path)
    (tmp_path / "sections 0" / "notes.txt").write_text("words")
    for name, seen in (("no.tif", "no such file"), ("notes.txt", "not a file of any known")):
        with pytest.raises(VolumeError, match=rf"sections 0/{name}: {seen}"):
            open_volume(tmp_path / "sections 0" / name)


def test_several_pages_in_a_section(tmp_path):
    folder = stack(tmp_path / "a")
    tifffile.imwrite(folder / "s_002.tif", voxels())
    with pytest.raises(VolumeError, match=r"s_002\.tif: 6 pages in a file"):
        open_volume(folder, voxel_size=SIZE).levels[0][2]
    for path in folder.iterdir():
        tifffile.imwrite(path, voxels())
    with pytest.raises(VolumeError, match=r"s_000\.tif: 6 pages"):
        open_volume(folder)


def test_size_along_z_is_never_guessed(tmp_path):
    per_cm = (1e7 / 4, 1e7 / 8)
    folder = stack(tmp_path / "a", resolution=per_cm, resolutionunit="CENTIMETER")
    with pytest.raises(
        VoxelSizeUnknownError, match=r"along y and x .* 8 and 4 nm, along z nothing"
    ):
        open_volume(folder)
    imagej = {"metadata": {"unit": "um"}, "imagej": True, "resolution": (250, 125)}
    with pytest.raises(VoxelSizeUnknownError, match="8 and 4 nm"):
        open_volume(stack(tmp_path / "b", **imagej))
    with pytest.raises(VoxelSizeUnknownError) as caught:
        open_volume(stack(tmp_path / "c", resolution=(300, 300), resolutionunit="INCH"))
    assert "along y" not in str(caught.value)
    with pytest.raises(VoxelSizeUnknownError):
        open_volume(stack(tmp_path / "d", name="{}.png"))
    stated = stack(tmp_path / "e", metadata={"voxel_size_nm": SIZE})
    assert open_volume(stated).grid.voxel_size == SIZE


def test_sections_of_a_split_ome_tiff(tmp_path):
    """Each file names all others; only one is looked into at a time."""
    with tifffile.TiffWriter(tmp_path / "all.ome.tif") as writer:
        writer.write(voxels(), metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "all.ome.tif") as file:
        xml = file.ome_metadata
    (tmp_path / "all.ome.tif").unlink()
    for z, section in enumerate(voxels()):
        tifffile.imwrite(tmp_path / f"{z}.tif", section, description=xml, metadata=None)
    volume = open_volume(tmp_path, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


def test_threads_read_the_same(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (12, 64, 64)).astype("u1")
    for options in ({"compression": "zlib"}, {"tile": (16, 16)}, {}):
        level = open_volume(stack(tmp_path / "a", array, **options), voxel_size=SIZE).levels[0]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda z, level=level: level[z % 12], range(36)))
        np.testing.assert_array_equal(found, np.concatenate([array] * 3))


def test_sections_are_decoded_once(tmp_path, monkeypatch):
    decoded = []
    real = imagecodecs.png_decode
    monkeypatch.setattr(imagecodecs, "png_decode", lambda data: decoded.append(1) or real(data))
    level = open_volume(stack(tmp_path / "a", name="{}.png"), voxel_size=SIZE).levels[0]
    first = level[:]
    first[:] = 0  # what is handed out is the caller's own
    for y in range(0, 40, 10):
        np.testing.assert_array_equal(level[:, y : y + 10], voxels()[:, y : y + 10])
    assert len(decoded) == SHAPE[0]


def test_cache_is_bounded():
    decoded = []
    cache = SectionCache(lambda z: decoded.append(z) or np.full((10, 10), z, "u1"), 250)
    for z in (0, 1, 0, 2, 0, 1):
        assert cache.decoded(z)[0, 0] == z
    assert decoded == [0, 1, 2, 1]
    big = SectionCache(lambda z: decoded.append(z) or np.zeros((20, 20), "u1"), 250)
    decoded.clear()
    for z in (0, 0, 1, 0):
        big.decoded(z)
    assert decoded == [0, 1, 0]


def test_cache_forgets_a_failure():
    outcomes = [VolumeError("damaged"), np.zeros((2, 2))]

    def decode(z):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    cache = SectionCache(decode)
    with pytest.raises(VolumeError):
        cache.decoded(0)
    assert cache.decoded(0).shape == (2, 2)
