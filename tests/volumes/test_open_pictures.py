"""Pictures of one section: kinds of files, colours and palettes."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_axonem.errors import VolumeError
from napari_axonem.volumes import describe, open_volume

SHAPE = (40, 50)
SIZE = (30.0, 8.0, 4.0)


def grey_values(seed=0):
    return np.random.default_rng(seed).integers(0, 200, SHAPE).astype("u1")


@pytest.mark.parametrize("suffix", ["jpg", "bmp"])
def test_jpeg_and_bmp(tmp_path, suffix):
    for z in range(3):
        Image.fromarray(np.full(SHAPE, 50 * z, "u1")).save(tmp_path / f"{z}.{suffix}")
    volume = open_volume(tmp_path, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.levels[0][:, 0, 0], [0, 50, 100])
    assert volume.shape == (3, 40, 50)


def test_cut_jpeg_is_not_filled_up(tmp_path):
    path = tmp_path / "0.jpg"
    Image.fromarray(grey_values()).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(VolumeError, match="truncated"):
        open_volume(tmp_path, voxel_size=SIZE).levels[0][:]


COLOUR = np.stack([grey_values(), grey_values(1), grey_values(2)], -1)
GREY = np.repeat(grey_values()[..., None], 3, -1)
OPAQUE = np.full((*SHAPE, 1), 99, "u1")


@pytest.mark.parametrize("suffix", ["png", "tif", "planar.tif", "tiled.tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_colours(tmp_path, suffix, alpha):
    def colour(array):
        array = np.concatenate([array, OPAQUE], -1) if alpha else array
        path = tmp_path / f"0.{suffix}"
        if suffix == "png":
            path.write_bytes(imagecodecs.png_encode(array))
            return
        planar = suffix.startswith("planar")
        tifffile.imwrite(
            path,
            np.moveaxis(array, -1, 0) if planar else array,
            photometric="rgb",
            planarconfig="separate" if planar else "contig",
            extrasamples=["unassalpha"] if alpha else None,
            tile=(16, 16) if suffix.startswith("tiled") else None,
        )

    colour(GREY)
    volume = open_volume(tmp_path, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box)[0], grey_values())
    colour(COLOUR)
    with pytest.raises(VolumeError, match=rf"0\.{suffix}: a picture in colour"):
        open_volume(tmp_path, voxel_size=SIZE)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("1", np.where(grey_values() > 99, 255, 0)),
        ("P", grey_values()),
        ("LA", grey_values()),
        ("RGBA", grey_values()),
        ("I;16", grey_values().astype("u2") * 300),
    ],
)
def test_kinds_of_png(tmp_path, mode, expected):
    path = tmp_path / "a.png"
    grey = Image.fromarray(grey_values())
    if mode == "1":
        image = Image.fromarray(grey_values() > 99)
    elif mode == "I;16":
        image = Image.fromarray(expected)
    elif mode == "P":
        image = grey.copy()
        image.putpalette([v for v in range(256) for _ in range(3)])
    else:
        image = grey.convert(mode)
    assert image.mode == mode
    image.save(path)
    volume = open_volume(path, voxel_size=SIZE)  # a file by itself is a volume of one section
    assert volume.format == "PNG section"
    assert volume.dtype == np.dtype("u2" if mode == "I;16" else "u1")
    np.testing.assert_array_equal(volume.read(volume.box), [expected])


def test_palette_of_colours(tmp_path):
    image = Image.fromarray(grey_values())
    image.putpalette([(v * k) % 256 for v in range(256) for k in (1, 2, 3)])
    image.save(tmp_path / "a.png")
    with pytest.raises(VolumeError, match="a picture in colour"):
        open_volume(tmp_path / "a.png")


def test_dataset_of_a_picture_is_refused(tmp_path):
    Image.fromarray(grey_values()).save(tmp_path / "a.png")
    with pytest.raises(VolumeError, match="no datasets, but 'raw'"):
        open_volume(f"{tmp_path}/a.png:raw")
    assert describe(tmp_path / "a.png").reason == "the file has the PNG signature"
