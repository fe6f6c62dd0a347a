"""`axonem check` and `axonem submit`: what they print, and with which status they end."""

import dataclasses
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.cli import main
from napari_axonem.volumes.axonem import HUMAN, MOUSE
from napari_axonem.volumes.axonem.release import LAYOUT, file_name
from tests.volumes.axonem_files import write_block, write_image, zipped

from .conftest import Run

Refused = Callable[[Sequence[str]], str]

NAME = "475-1792-1792"


@pytest.fixture
def blocks(tmp_path: Path) -> Path:
    """A folder with the human block in the middle, at its real size."""
    folder = tmp_path / "EM30-H some blocks"
    write_block(folder, HUMAN.centre, LAYOUT)
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both volumes of the challenge, shrunk."""
    shapes = {"human": (3, 32, 32), "mouse": (2, 32, 64)}
    volumes = {v.key: dataclasses.replace(v, shape=shapes[v.key]) for v in (HUMAN, MOUSE)}
    monkeypatch.setattr("napari_axonem.cli.axonem.volume_named", volumes.get)


@pytest.fixture
def segmentations(tmp_path: Path, small: None) -> list[str]:
    """Flags for a segmentation of each."""
    flags = []
    for key, shape in (("human", (3, 32, 32)), ("mouse", (2, 32, 64))):
        with h5py.File(tmp_path / f"{key}.h5", "w") as file:
            file["main"] = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape) // 64
        flags += [f"--{key}", f"{tmp_path / key}.h5"]
    return flags


def test_sound_blocks_end_with_0(run: Run, blocks: Path) -> None:
    found = run("axonem", "check", str(blocks))
    assert found["kind"] == "training blocks"
    assert found["sound"] is True
    (block,) = found["blocks"]
    expected = {
        "name": NAME,
        "volume": "human",
        "labels_dtype": "uint16",
        "objects": 2,
        "labelled_voxels": 400,
        "held_out": False,
        "missing_tiles": [],
        "sound": True,
        "problems": [],
        "dirt_confirmed": None,
    }
    assert {key: block[key] for key in expected} == expected
    assert block["image"] == str(blocks / file_name("im", HUMAN.centre))
    assert len(found["missing"]["human"]) == 8
    assert len(found["missing"]["mouse"]) == 9
    assert found["passed_over"] == []


def test_a_table_for_people(
    blocks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (blocks / "valid_mask.h5").write_text("")
    archive = zipped(blocks, tmp_path / "blocks.zip")
    assert main(["axonem", "check", str(archive)]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == f"{archive}: 1 sound block"
    (row,) = [line for line in lines if NAME in line]
    assert row.split() == ["human", NAME, "uint16", "2", "400", "0", "sound"]
    assert "mouse: there is no block" in lines
    assert any(line.startswith("human: missing 0-0-0, 0-0-3584") for line in lines)
    assert any(line.startswith("passed over") and "valid_mask.h5" in line for line in lines)
    assert printed.err == ""


def test_a_block_that_is_not_sound_ends_with_1(
    blocks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(blocks / file_name("im", (0, 0, 0)), LAYOUT, dtype=np.uint16)
    assert main(["axonem", "check", str(blocks), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is False
    states = {block["name"]: block["sound"] for block in found["blocks"]}
    assert states == {"0-0-0": False, NAME: True}
    assert main(["axonem", "check", str(blocks)]) == 1
    out = capsys.readouterr().out
    assert "1 sound block, 1 not" in out
    assert "human 0-0-0: problem: image of type uint16, not uint8" in out
    assert "seg_0-0-0_pad.h5 is missing" in out


def test_the_user_decides_where_nothing_tells(run: Run, tmp_path: Path) -> None:
    write_block(tmp_path, (0, 0, 0), LAYOUT)
    found = run("axonem", "check", str(tmp_path), "--volume", "mouse")
    assert found["blocks"][0]["volume"] == "mouse"
    assert found["blocks"][0]["known_ids"] == 1
    assert found["blocks"][0]["dirt_confirmed"] is False
    assert main(["axonem", "check", str(tmp_path)]) == 1


def test_nothing_to_check_is_a_mistake(refused: Refused, tmp_path: Path) -> None:
    assert "no training block" in refused(["axonem", "check", str(tmp_path)])
    assert "no such file" in refused(["axonem", "check", str(tmp_path / "none")])
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    assert "neither a folder nor a zip" in refused(["axonem", "check", str(tmp_path / "a.zip")])


def test_submit_writes_what_check_takes(run: Run, segmentations: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out.zip")
    made = run("axonem", "submit", *segmentations, out)
    assert (made["complete"], made["verified"], made["warnings"]) == (True, True, [])
    human, mouse = made["files"]
    assert (human["shape"], mouse["shape"]) == ([3, 8, 8], [2, 8, 16])
    assert human["factor"] == [1, 4, 4]
    assert human["covered"] == {"start": [0, 0, 0], "stop": [3, 8, 8]}
    assert "does not state its voxel size" in human["notes"][0]
    found = run("axonem", "check", out)
    assert (found["kind"], found["sound"]) == ("submission", True)
    assert [f["checksum"] for f in found["files"]] == [human["checksum"], mouse["checksum"]]
    assert [f["objects"] for f in found["files"]] == [human["objects"], mouse["objects"]]


def test_a_submission_in_words(
    segmentations: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert main(["axonem", "submit", *segmentations[:2], out, "--reduce", "sample"]) == 0
    said = capsys.readouterr().out
    assert f"wrote {out} and read it back" in said
    assert "warning: nothing for the mouse volume" in said
    assert main(["axonem", "check", out]) == 1
    said = capsys.readouterr().out
    assert "not a submission that would be taken" in said
    assert "mouse: problem: 1_mouse_instance_seg_pred.h5 is missing" in said
    assert main(["axonem", "submit", *segmentations[2:], out]) == 0
    assert "warning" not in capsys.readouterr().out  # the human one is there already
    assert main(["axonem", "submit", *segmentations, out, "--overwrite"]) == 0
    assert main(["axonem", "check", out]) == 0
    assert "a sound submission" in capsys.readouterr().out


def test_mistakes_of_submit(refused: Refused, segmentations: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    human = segmentations[:2]
    assert "pass --human SEG" in refused(["axonem", "submit", out])
    assert "no --mouse" in refused(["axonem", "submit", *human, "--mouse-origin", "0,0,0", out])
    wrong = ["--human-voxel-size", "30,9,9"]
    said = refused(["axonem", "submit", *human, *wrong, out])
    assert "voxels of 30 x 9 x 9 nm do not fit" in said
    assert "30 x 32 x 32 nm" in said
    assert "no such file" in refused(["axonem", "submit", "--human", str(tmp_path / "no.h5"), out])
    assert not (tmp_path / "out").exists()


def test_fetch_names_the_files_of_a_kept_block(
    run: Run, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXONEM_CACHE", str(tmp_path))
    folder = tmp_path / HUMAN.archive.removesuffix(".zip") / NAME
    files = write_block(folder, HUMAN.centre)
    found = run("axonem", "fetch", "human", NAME)
    assert found == {"folder": str(folder), "files": [str(path) for path in files]}
    said = refused(["axonem", "fetch", "mouse", NAME])
    assert "name one of 0-0-0" in said
    assert "350-1792-1792" in said


def test_fetch_says_that_it_is_offline(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as listener:  # bound and not listening: nobody answers there
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        monkeypatch.setenv("AXONEM_CACHE", str(tmp_path))
        monkeypatch.setenv("AXONEM_PLACE", f"http://127.0.0.1:{port}/")
        said = refused(["axonem", "fetch", "human", NAME])
    assert f"cannot reach 127.0.0.1:{port}" in said
    assert f"http://127.0.0.1:{port}/{HUMAN.archive}" in said
