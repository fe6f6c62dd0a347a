"""The verb `convert`: what it says, what it leaves, what it refuses."""

import json

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.cli import main
from napari_axonem.volumes import Pyramid, voxel_checksum

GRID = [30, 8, 8]


def test_convert_says_what_it_did(run, volumes, tmp_path):
    done = run("convert", f"{volumes}:fragments", str(tmp_path / "a.zarr"))
    assert done["destination"] == str(tmp_path / "a.zarr")
    assert (done["format"], done["dtype"], done["shape"]) == ("OME-Zarr 0.5", "uint32", [4, 8, 30])
    assert (done["voxel_size_nm"], done["origin_nm"]) == (GRID, [0, 0, 0])
    assert (done["kind"], done["kind_reason"]) == ("labels", "it is named 'fragments'")
    assert (done["checked"], done["unreadable"], done["started_anew"]) == (True, [], None)
    assert (done["blocks"], done["resumed_blocks"]) == (1, 0)
    pyramid = Pyramid.open(tmp_path / "a.zarr")
    assert done["checksum"] == voxel_checksum(pyramid.volume)
    with h5py.File(volumes) as file:
        np.testing.assert_array_equal(pyramid.arrays[0][:], file["fragments"][:])


def test_convert_with_every_flag(run, volumes, tmp_path):
    done = run(
        *("convert", f"{volumes}:image", str(tmp_path / "out")),
        *("--format", "ome-zarr-0.4", "--kind", "labels", "--dtype", "int16"),
        *("--region", "1:3,:,10:", "--voxel-size", "40,4,4", "--origin=-40,0,8"),
        *("--workers", "1", "--fill", "--overwrite", "--no-check"),
    )
    assert (done["format"], done["kind"], done["dtype"]) == ("OME-Zarr 0.4", "labels", "int16")
    assert (done["shape"], done["origin_nm"]) == ([2, 8, 20], [0, 0, 48])
    assert done["checked"] is False
    group = zarr.open_group(tmp_path / "out", mode="r", zarr_format=2)
    assert (group["0"][:] == 128).all()


def test_text_is_for_people(volumes, tmp_path, capsys):
    assert main(["convert", f"{volumes}:image", str(tmp_path / "a.h5")]) == 0
    printed = capsys.readouterr().out
    assert f"{tmp_path}/a.h5:image: HDF5, 4 x 8 x 30 voxels of 30 x 8 x 8 nm, uint8" in printed
    assert "taken for image: it is named 'image' (--kind says otherwise)" in printed
    assert "read back and compared: equal" in printed


def test_damage_is_listed(tmp_path, capsys):
    source = tmp_path / "s.zarr"
    codec = zarr.codecs.ZstdCodec(checksum=True)
    attributes = {"voxel_size_nm": GRID}
    array = np.ones((4, 8, 30), "u4")
    zarr.create_array(
        source, data=array, chunks=(4, 8, 1), compressors=codec, attributes=attributes
    )
    for x in range(25):
        (source / f"c/0/0/{x}").write_bytes(b"damaged")
    arguments = ["convert", str(source), str(tmp_path / "a.zarr")]
    assert main(arguments) == 2
    assert "chunk c/0/0/0, voxels (0, 0, 0)..(4, 8, 1), cannot be read" in capsys.readouterr().err
    assert main([*arguments, "--fill"]) == 0
    printed = capsys.readouterr().out
    assert "25 places cannot be read and are 0 now:" in printed
    assert printed.count("cannot be read (") == 20
    assert "… and 5 more; --json lists all" in printed
    assert main([*arguments, "--fill", "--overwrite", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["unreadable"]) == 25


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.h5", "a.zarr"], "no such file"),
        (["VOLUMES:fragments", "VOLUMES:other"], "in the way of the source"),
        (["VOLUMES:fragments", "a.xyz"], "no known format for the suffix"),
        (["VOLUMES:fragments", "a.zarr", "--format", "png"], "no known format 'png'"),
        (["VOLUMES:fragments", "a.zarr", "--region", "0:2,0:2"], "--region"),
        (["VOLUMES:fragments", "a.zarr", "--region", "0:2,0:2,a:3"], "--region"),
        (["VOLUMES:fragments", "a.zarr", "--region", "0:2,0:2,0-3"], "is not START:STOP"),
        (["VOLUMES:fragments", "a.zarr", "--region", "0:2,0:2,0:31"], "not inside the shape"),
        (["VOLUMES:fragments", "a.zarr", "--dtype", "uint7"], "invalid choice"),
        (["VOLUMES:image", "a.zarr", "--dtype", "int8"], "value 128 at voxel (0, 0, 0)"),
        (["VOLUMES:image", "a.zarr", "--workers", "-1"], "--workers"),
    ],
)
def test_refused_in_one_line(volumes, tmp_path, monkeypatch, refused, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(["convert", *(a.replace("VOLUMES", volumes) for a in arguments)])
    assert [path.name for path in tmp_path.iterdir()] == ["data.h5"]
