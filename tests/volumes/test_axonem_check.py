"""Training blocks as the release has them, and as a damaged download may have them."""

import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.volumes.axonem import HUMAN, MOUSE, check_release
from napari_axonem.volumes.axonem.release import LAYOUT, VOLUMES, file_name

from .axonem_files import SMALL, column, write_block, write_image, write_labels, write_release
from .axonem_files import zipped as pack

CENTRE = HUMAN.centre
NAME = "475-1792-1792"


def check(root: Path, volume=None, layout=SMALL):
    return check_release(root, volume, layout=layout)


def problem(folder: Path) -> str:
    """Return the only problem of the only block."""
    report = check(folder)
    assert not report.is_sound
    (block,) = report.blocks
    (found,) = block.problems
    return found


def test_the_facts_are_those_of_the_release():
    assert LAYOUT.shape == (90, 1536, 1536)
    for volume in VOLUMES:
        assert len(set(volume.offsets)) == 9
        assert volume.held_out in volume.offsets
        for offset in volume.offsets:
            ends = np.add(offset, LAYOUT.block)
            assert np.all(ends <= volume.shape)
        assert len(bytes.fromhex(volume.archive_sha256)) == 32
    assert HUMAN.challenge_shape == (1000, 1024, 1024)
    assert MOUSE.challenge_shape == (750, 1024, 1024)
    assert HUMAN.challenge_grid.voxel_size == (30, 32, 32)
    assert MOUSE.challenge_grid.voxel_size == (40, 32, 32)
    assert {o for o, _ in MOUSE.dirty} <= set(MOUSE.offsets)


def test_a_block_of_the_real_size(tmp_path: Path):
    """The one test at full size: 90×1536×1536, of which a few chunks are on disk."""
    image, labels = write_block(tmp_path, CENTRE, LAYOUT, ids=(7, 8, 9))
    assert image.stat().st_size + labels.stat().st_size < 2**20
    report = check(tmp_path, layout=LAYOUT)
    assert report.is_sound
    (block,) = report.blocks
    assert (block.volume, block.objects, block.labelled_voxels) == ("human", 3, 3 * 4 * 50)
    assert (block.image_dtype, block.labels_dtype) == ("uint8", "uint16")
    assert block.missing_tiles == ()


def test_both_volumes_in_one_folder_are_told_apart_by_name(tmp_path: Path):
    for volume in VOLUMES:
        write_release(tmp_path / volume.archive.removesuffix(".zip"), volume)
    report = check(tmp_path)
    assert report.is_sound
    assert [b.volume for b in report.blocks] == ["human"] * 9 + ["mouse"] * 9
    assert report.missing == {"human": (), "mouse": ()}
    assert {b.name for b in report.blocks if b.held_out} == {"950-3584-3584", "700-3584-3584"}
    dirty = {b.name: (b.objects, b.dirt_confirmed) for b in report.blocks if b.known_ids}
    assert dirty == {"0-0-0": (1, True), "0-0-3584": (10, True), "0-3584-3584": (4, True)}


def test_dirt_that_is_not_as_known_is_told_and_no_problem(tmp_path: Path):
    write_release(tmp_path, MOUSE, ids={(0, 0, 0): (1, 2, 3)})
    report = check(tmp_path)
    assert report.is_sound
    block = report.blocks[0]
    assert block.dirt_confirmed is False
    assert block.notes == ["lies inside a cell body; 3 ids, not 1 as known"]


@pytest.mark.parametrize("volume", VOLUMES, ids=lambda v: v.key)
def test_offsets_tell_the_volume_where_no_name_does(tmp_path: Path, volume):
    folder = write_release(tmp_path / "some blocks", volume)
    for name in ("im", "seg"):
        (folder / file_name(name, (0, 0, 3584))).unlink()
    report = check(tmp_path)
    assert report.is_sound
    assert {b.volume for b in report.blocks} == {volume.key}
    assert report.missing[volume.key] == ("0-0-3584",)


def test_what_cannot_be_told_apart_is_said_and_can_be_decided(tmp_path: Path):
    write_block(tmp_path, (0, 0, 0))
    assert "pass --volume human or --volume mouse" in problem(tmp_path)
    (block,) = check(tmp_path, "mouse").blocks
    assert (block.volume, block.known_ids) == ("mouse", 1)
    write_block(tmp_path, (475, 1792, 1792))
    write_block(tmp_path, (350, 1792, 1792))
    assert not check(tmp_path).is_sound


def test_images_and_labels_in_folders_of_their_own(tmp_path: Path):
    write_image(tmp_path / "im" / file_name("im", CENTRE))
    write_labels(tmp_path / "seg" / file_name("seg", CENTRE))
    report = check(tmp_path)
    assert report.is_sound
    assert len(report.blocks) == 1


def test_a_block_of_the_other_volume_or_of_none(tmp_path: Path):
    write_block(tmp_path / "EM30-H", (700, 0, 0))
    expected = "no block of the human volume is at 700-0-0, but one of the mouse volume"
    assert problem(tmp_path) == expected
    shutil.rmtree(tmp_path / "EM30-H")
    write_block(tmp_path / "EM30-M", (10, 20, 30))
    assert problem(tmp_path) == "no block of the mouse volume is at 10-20-30"


def test_what_is_passed_over_is_said_with_its_reason(tmp_path: Path):
    folder = write_release(tmp_path / "EM30-M blocks", MOUSE)
    write_image(folder / file_name("im", (675, 800, 800)))
    write_image(folder / "valid_mask.h5")
    (folder / "read me.txt").write_text("hello")
    (folder / "._im_0-0-0_pad.h5").write_bytes(b"\0")
    (folder / "rest.zip").write_bytes(b"PK\3\4, and no more")
    (folder / "0_human_instance_seg_pred.h5").write_bytes(b"")
    write_block(folder / "copy", MOUSE.centre)
    report = check(tmp_path)
    assert report.is_sound
    assert len(report.blocks) == 9
    reasons = {Path(p.where).name: p.why for p in report.passed_over}
    assert "without labels" in reasons.pop("im_675-800-800_pad.h5")
    assert "not known" in reasons.pop("valid_mask.h5")
    assert "not named as" in reasons.pop("read me.txt")
    assert "file manager" in reasons.pop("._im_0-0-0_pad.h5")
    assert "cannot be read" in reasons.pop("rest.zip")
    assert "submission" in reasons.pop("0_human_instance_seg_pred.h5")
    assert str(folder / "im_350-1792-1792_pad.h5") in reasons.pop("im_350-1792-1792_pad.h5")
    assert "again" in reasons.pop("seg_350-1792-1792_pad.h5")
    assert reasons == {}


def test_missing_tiles_are_counted_by_section(tmp_path: Path):
    image, _ = write_block(tmp_path, CENTRE, ids=(1, 2, 3))
    with h5py.File(image, "r+") as file:
        file["main"][3, 16:32, 16:18] = 0  # section 1 of the block: objects 1 and 2
        file["main"][0, :, :] = 0  # context: nothing is labelled there
        file["main"][5, 16:18, 16:32] = 0  # section 3: no object
    (block,) = check(tmp_path).blocks
    assert block.problems == []
    assert block.missing_tiles == ((476, 2 * 4),)
    assert "8 labelled voxels where the image is 0, in 1 sections" in block.notes[0]


def test_labels_outside_of_the_block(tmp_path: Path):
    _, labels = write_block(tmp_path, CENTRE)
    with h5py.File(labels, "r+") as file:
        file["main"][0, 0, :3] = 5
    assert problem(tmp_path).startswith("3 labelled voxels outside of the annotated block")
    assert check(tmp_path).blocks[0].objects == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint64])
def test_any_integer_type_of_labels_is_taken_and_reported(tmp_path: Path, dtype):
    write_image(tmp_path / file_name("im", CENTRE))
    write_labels(tmp_path / file_name("seg", CENTRE), dtype=dtype)
    report = check(tmp_path)
    assert report.is_sound
    assert report.blocks[0].labels_dtype == np.dtype(dtype).name


IMAGES = {
    "image of type uint16, not uint8": {"dtype": np.uint16},
    "image of shape 9 x 48 x 47, not 9 x 48 x 48": {"shape": (9, 48, 47), "chunks": (9, 48, 47)},
    "no dataset 'main', but raw": {"name": "raw"},
    "not three axes": {"shape": (48, 48), "chunks": (48, 48)},
}


@pytest.mark.parametrize("seen", IMAGES)
def test_bad_images(tmp_path: Path, seen: str):
    write_image(tmp_path / file_name("im", CENTRE), **IMAGES[seen])
    write_labels(tmp_path / file_name("seg", CENTRE))
    assert seen in problem(tmp_path)


LABELS = {
    "labels of type float32, not integers": {"dtype": np.float32},
    "labels of shape 9 x 49 x 48, not 9 x 48 x 48": {"shape": (9, 49, 48)},
    "no labelled voxel": {"ids": ()},
    "labels with negative ids": {"dtype": np.int16, "ids": (3, -1)},
}


@pytest.mark.parametrize("seen", LABELS)
def test_bad_labels(tmp_path: Path, seen: str):
    write_image(tmp_path / file_name("im", CENTRE))
    write_labels(tmp_path / file_name("seg", CENTRE), **LABELS[seen])
    assert seen in problem(tmp_path)


def test_other_datasets_are_told(tmp_path: Path):
    image, _ = write_block(tmp_path, CENTRE)
    with h5py.File(image, "r+") as file:
        file["more/mask"] = np.zeros(3)
    (block,) = check(tmp_path).blocks
    assert block.problems == []
    assert block.notes == ["image: other datasets are not read (more/mask)"]


@pytest.mark.parametrize("part", ["im", "seg"])
def test_unpaired_files(tmp_path: Path, part: str):
    write_block(tmp_path, CENTRE)
    (tmp_path / file_name(part, CENTRE)).unlink()
    assert f"{file_name(part, CENTRE)} is missing" in problem(tmp_path)


@pytest.mark.parametrize("part", ["im", "seg"])
def test_broken_files(tmp_path: Path, part: str):
    write_block(tmp_path, CENTRE)
    path = tmp_path / file_name(part, CENTRE)
    path.write_bytes(path.read_bytes()[:700])
    assert "not an HDF5 file that can be opened" in problem(tmp_path)


def test_a_broken_chunk(tmp_path: Path):
    image, _ = write_block(tmp_path, CENTRE)
    rng = np.random.default_rng(0)
    with h5py.File(image, "r+") as file:
        file["main"][:] = rng.integers(1, 255, SMALL.shape, dtype=np.uint8)
        at = file["main"].id.get_chunk_info(0)
    data = bytearray(image.read_bytes())
    data[at.byte_offset + 100 : at.byte_offset + 300] = bytes(200)
    image.write_bytes(data)
    assert "cannot be read" in problem(tmp_path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_are_read_without_unpacking_them(tmp_path: Path, compression: int):
    folder = write_release(tmp_path / HUMAN.archive.removesuffix(".zip"))
    plain = check(folder)
    archive = pack(folder, tmp_path / "renamed.zip", compression)
    shutil.rmtree(folder)
    for root in (archive, tmp_path):
        report = check(root)
        assert report.is_sound
        assert [b.name for b in report.blocks] == [b.name for b in plain.blocks]
        assert [b.objects for b in report.blocks] == [2] * 9
        assert report.blocks[0].image.startswith(str(archive))
    assert [p.name for p in tmp_path.iterdir()] == ["renamed.zip"]


def test_what_is_unpacked_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "EM30-H"
    write_block(folder, CENTRE)
    archive = pack(folder, tmp_path / "a.zip", zipfile.ZIP_DEFLATED)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert check(archive).is_sound
    assert list(temporary.iterdir()) == []


def test_no_room_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "EM30-H"
    write_block(folder, CENTRE)
    archive = pack(folder, tmp_path / "a.zip", zipfile.ZIP_DEFLATED)
    free = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    with pytest.raises(StorageError, match="10 are free"):
        check(archive)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_of_a_zip(tmp_path: Path, compression: int):
    folder = tmp_path / "EM30-H"
    write_block(folder, CENTRE)
    archive = pack(folder, tmp_path / "a.zip", compression)
    with zipfile.ZipFile(archive) as file:
        info = next(i for i in file.infolist() if i.filename.endswith(file_name("im", CENTRE)))
    data = bytearray(archive.read_bytes())
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    data[at : at + 8] = bytes(b ^ 0xFF for b in data[at : at + 8])
    archive.write_bytes(data)
    shutil.rmtree(folder)
    assert "cannot be unpacked" in problem(archive)


def test_a_truncated_zip(tmp_path: Path):
    folder = tmp_path / "EM30-H"
    write_block(folder, CENTRE)
    archive = pack(folder, tmp_path / "a.zip")
    archive.write_bytes(archive.read_bytes()[:-400])
    with pytest.raises(VolumeError, match=r"neither a folder nor a zip .* fetch it again"):
        check(archive)


def test_nothing_to_check(tmp_path: Path):
    with pytest.raises(VolumeError, match="no training block; name a folder or zip"):
        check(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(VolumeError, match="no training block among 1 files"):
        check(tmp_path)
    with pytest.raises(VolumeError, match="no such file or folder"):
        check(tmp_path / "none")


def test_columns_lie_inside_the_block():
    assert all(column(SMALL, i).intersect(SMALL.inner) == column(SMALL, i) for i in range(16))
