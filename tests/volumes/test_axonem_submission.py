"""A submission: on the challenge's grid, read back, good and bad."""

import dataclasses
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.errors import MismatchError, StorageError, VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Checksum, Volume, axonem
from napari_axonem.volumes.axonem.challenge_grid import on_challenge_grid
from napari_axonem.volumes.axonem.submission import Entry, write_submission
from napari_axonem.volumes.axonem.submission_check import block_to_read, check_submission
from napari_axonem.volumes.checksum import TILE
from napari_axonem.volumes.chunking import BLOCK_BYTES
from napari_axonem.volumes.lazy import Level
from napari_axonem.volumes.reduction import reduce_block

HUMAN = dataclasses.replace(axonem.HUMAN, shape=(6, 64, 96))
MOUSE = dataclasses.replace(axonem.MOUSE, shape=(5, 96, 64))
BOTH = (HUMAN, MOUSE)

FINE, COARSE = (30.0, 8.0, 8.0), (30.0, 32.0, 32.0)


def ids(shape, seed=0, dtype=np.uint32) -> np.ndarray:
    """Boxes of ids with background between them."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 9, tuple(-(-n // 5) for n in shape))
    grown = small.repeat(5, 0).repeat(5, 1).repeat(5, 2)
    return grown[: shape[0], : shape[1], : shape[2]].astype(dtype)


def save(path: Path, labels: np.ndarray, voxel_size=None, origin=None, name="main") -> str:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=labels, chunks=True)
        if voxel_size is not None:
            file[name].attrs["voxel_size_nm"] = voxel_size
        if origin is not None:
            file[name].attrs["origin_nm"] = origin
    return f"{path}:{name}"


def saved_both(folder: Path) -> list[Entry]:
    """Return a segmentation of each whole volume: human fine, mouse on the grid already."""
    human = save(folder / "human.h5", ids(HUMAN.shape), FINE)
    mouse = save(folder / "mouse.h5", ids(MOUSE.challenge_shape, 1), (40.0, 32.0, 32.0))
    return [Entry(HUMAN, human), Entry(MOUSE, mouse)]


def written(folder: Path, release=HUMAN) -> np.ndarray:
    with h5py.File(folder / release.prediction) as file:
        assert list(file) == ["main"]
        return file["main"][:]


def submit_human(tmp_path: Path, labels: np.ndarray, voxel_size=FINE, **changes):
    entry = {k: changes.pop(k) for k in ("voxel_size", "origin") if k in changes}
    origin = changes.pop("file_origin", None)
    location = save(tmp_path / "seg.h5", labels, voxel_size, origin)
    made = write_submission([Entry(HUMAN, location, **entry)], tmp_path / "out", **changes)
    return made.files[0], written(tmp_path / "out")


def test_both_files_in_a_folder(tmp_path: Path):
    made = write_submission(saved_both(tmp_path), tmp_path / "to send")
    assert made.missing == ()
    assert sorted(p.name for p in (tmp_path / "to send").iterdir()) == [
        "0_human_instance_seg_pred.h5",
        "1_mouse_instance_seg_pred.h5",
    ]
    human, mouse = written(tmp_path / "to send"), written(tmp_path / "to send", MOUSE)
    np.testing.assert_array_equal(human, reduce_block(ids(HUMAN.shape), (1, 4, 4), "labels"))
    np.testing.assert_array_equal(mouse, ids(MOUSE.challenge_shape, 1))
    assert human.dtype == mouse.dtype == np.uint32
    assert [p.name for p in tmp_path.glob(".*")] == []
    report = check_submission(tmp_path / "to send", volumes=BOTH)
    assert report.is_sound
    assert [f.checksum for f in report.files] == [f.written.checksum for f in made.files]
    assert [f.objects for f in report.files] == [8, 8]


def test_a_zip_holds_both_and_nothing_else(tmp_path: Path):
    made = write_submission(saved_both(tmp_path), tmp_path / "submission.zip")
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == [v.prediction for v in BOTH]
        assert archive.testzip() is None
    report = check_submission(tmp_path / "submission.zip", volumes=BOTH)
    assert report.is_sound
    assert [f.checksum for f in report.files] == [f.written.checksum for f in made.files]
    assert [p.name for p in tmp_path.glob(".*")] == []


def test_one_volume_first_and_the_other_later(tmp_path: Path):
    human, mouse = saved_both(tmp_path)
    out = tmp_path / "out"
    assert write_submission([human], out).missing == ("mouse",)
    (missing,) = [f for f in check_submission(out, volumes=BOTH).files if f.problems]
    assert "1_mouse_instance_seg_pred.h5 is missing" in missing.problems[0]
    assert write_submission([mouse], out).missing == ()
    assert check_submission(out, volumes=BOTH).is_sound
    with pytest.raises(VolumeError, match="a zip needs both volumes, and there is no --human"):
        write_submission([mouse], tmp_path / "a.zip")


@pytest.mark.parametrize("reduction", ["majority", "sample"])
def test_voxels_of_the_grid_stand_for_their_windows(tmp_path: Path, reduction: str):
    labels = ids(HUMAN.shape)
    labels[0, :4, :8] = 0
    labels[0, 0, 0] = 3  # one corner of the first window
    labels[0, :2, 4:8] = 4  # half of the second: an id wins over background
    _, out = submit_human(tmp_path, labels, reduction=reduction)
    assert out[0, 0, :2].tolist() == ([0, 4] if reduction == "majority" else [3, 4])
    expected = reduce_block(labels, (1, 4, 4), "labels")
    np.testing.assert_array_equal(out, expected if reduction == "majority" else labels[:, ::4, ::4])


@given(
    st.tuples(st.integers(-3, 4), st.integers(-30, 50), st.integers(-30, 80)),
    st.tuples(st.integers(4, 8), st.integers(31, 90), st.integers(31, 90)),
    st.sampled_from([(1, 4, 4), (1, 1, 1), (1, 2, 4), (2, 2, 2)]),
)
@settings(max_examples=60, deadline=None)
def test_a_part_is_placed_and_the_rest_is_0(start, shape, factor):
    target = HUMAN.challenge_grid.voxel_size
    size = tuple(t / f for t, f in zip(target, factor, strict=True))
    origin = tuple(a * s for a, s in zip(start, size, strict=True))
    labels = ids(shape)
    volume = Volume((labels,), ((1, 1, 1),), Grid(size, origin), "a", "b")
    whole_box = Box.of_shape([n * f for n, f in zip(HUMAN.challenge_shape, factor, strict=True)])
    there = Box.of_shape(shape).shift(start).intersect(whole_box)
    if not there.size:
        with pytest.raises(MismatchError, match="outside of the human volume"):
            on_challenge_grid(volume, HUMAN)
        return
    whole = np.zeros(whole_box.shape, np.uint32)
    whole[there.slices] = labels[there.relative_to(start).slices]
    placed = on_challenge_grid(volume, HUMAN)
    full = placed.read(Box.of_shape(placed.shape))
    np.testing.assert_array_equal(full, reduce_block(whole, factor, "labels"))
    assert placed.left_out == labels.size - there.size
    part = Box((1, 3, 2), (5, 14, 17))
    np.testing.assert_array_equal(placed.read(part), full[part.slices])


def test_where_it_lies_is_said_in_plain_numbers():
    volume = Volume((ids((4, 8, 8)),), ((1, 1, 1),), Grid((30, 8, 8), (99999999, 0.5, 0)), "a", "b")
    with pytest.raises(MismatchError, match=r"its origin 99999999 x 0\.5 x 0 nm is between voxels"):
        on_challenge_grid(volume, HUMAN)


def test_a_part_says_how_much_it_covers(tmp_path: Path):
    labels = ids((6, 32, 32)) + 1
    file, out = submit_human(tmp_path, labels, file_origin=(0.0, 128.0, 256.0))
    assert file.placed.covered == Box((0, 4, 8), (6, 12, 16))
    assert np.count_nonzero(out) == np.count_nonzero(out[:, 4:12, 8:16]) == 6 * 8 * 8
    assert file.notes == (
        "covers voxels (0, 4, 8)..(6, 12, 16) of the challenge's grid, 16.67% of the volume; "
        "the rest is 0",
    )


def test_the_users_voxel_size_and_place_win(tmp_path: Path):
    labels = ids((6, 16, 16)) + 1
    file, out = submit_human(
        tmp_path, labels, voxel_size=COARSE, origin=(0.0, 0.0, 256.0), file_origin=(0, 0, 0)
    )
    assert file.placed.factor == (1, 1, 1)
    np.testing.assert_array_equal(out[:, :, 8:], labels)


@pytest.mark.parametrize("shape", [HUMAN.shape, HUMAN.challenge_shape])
def test_a_whole_volume_need_not_state_its_voxel_size(tmp_path: Path, shape):
    location = save(tmp_path / "plain.h5", ids(shape))
    (file,) = write_submission([Entry(HUMAN, location)], tmp_path / "out").files
    assert "does not state its voxel size; its shape is that of the whole human" in file.notes[0]
    assert file.placed.covered == Box.of_shape(HUMAN.challenge_shape)


def test_a_part_must_state_its_voxel_size(tmp_path: Path):
    location = save(tmp_path / "plain.h5", ids((6, 32, 32)))
    with pytest.raises(VoxelSizeUnknownError, match="--human-voxel-size Z,Y,X in nm, and the pl"):
        write_submission([Entry(HUMAN, location)], tmp_path / "out")


BAD_PLACES = {
    "voxels of 30 x 10 x 10 nm do not fit": {"voxel_size": (30.0, 10.0, 10.0)},
    "voxels of 40 x 8 x 8 nm do not fit": {"voxel_size": (40.0, 8.0, 8.0)},
    "voxels of 30 x 64 x 64 nm do not fit": {"voxel_size": (30.0, 64.0, 64.0)},
    "its origin 0 x 4 x 0 nm is between voxels": {"origin": (0.0, 4.0, 0.0)},
    "outside of the human volume": {"origin": (0.0, 0.0, 8000.0)},
}


@pytest.mark.parametrize("seen", BAD_PLACES)
def test_what_does_not_fit_is_refused(tmp_path: Path, seen: str):
    with pytest.raises(MismatchError, match=seen):
        submit_human(tmp_path, ids((6, 32, 32)), **BAD_PLACES[seen])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        (np.ones(HUMAN.shape, np.float32), "no labels"),
        (np.full(HUMAN.shape, -1, np.int32), "negative id -1"),
        (np.zeros(HUMAN.shape, np.uint8), "no labelled voxel inside of the human volume"),
    ],
)
def test_what_is_no_segmentation_is_refused(tmp_path: Path, labels, seen: str):
    with pytest.raises(VolumeError, match=seen):
        submit_human(tmp_path, labels)
    assert [p.name for p in tmp_path.iterdir()] == ["seg.h5"]


@pytest.mark.parametrize(
    ("large", "why"),
    [(2**32, "do not fit below 2"), (2**64 - 1, "do not fit below 2"), (2**31, "would be large")],
)
def test_large_ids_become_dense_in_their_order(tmp_path: Path, large: int, why: str):
    labels = ids(HUMAN.challenge_shape, dtype=np.uint64)
    table = np.array([0, 5, 7, 9, 11, 2**20, 2**20 + 1, large - 1, large], np.uint64)
    file, out = submit_human(tmp_path, table[labels], COARSE)
    assert why in file.written.relabelled
    assert (file.written.objects, file.written.largest_id) == (8, 8)
    np.testing.assert_array_equal(out, labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.uint64])
def test_other_ids_are_kept(tmp_path: Path, dtype):
    labels = ids(HUMAN.challenge_shape, dtype=dtype) * 13
    file, out = submit_human(tmp_path, labels, COARSE)
    assert file.written.relabelled == ""
    assert file.written.largest_id == 8 * 13
    assert out.dtype == np.uint32
    np.testing.assert_array_equal(out, labels)


def test_what_is_there_is_not_replaced_unasked(tmp_path: Path):
    human, mouse = saved_both(tmp_path)
    out = tmp_path / "out"
    write_submission([human], out)
    before = (out / HUMAN.prediction).read_bytes()
    with pytest.raises(VolumeError, match="exists already"):
        write_submission([human, mouse], out)
    assert [p.name for p in out.iterdir()] == [HUMAN.prediction]
    assert (out / HUMAN.prediction).read_bytes() == before
    write_submission([human, mouse], out, overwrite=True)
    assert check_submission(out, volumes=BOTH).is_sound
    (tmp_path / "file").write_text("")
    with pytest.raises(VolumeError, match="a file, not a folder"):
        write_submission([human], tmp_path / "file")
    with pytest.raises(VolumeError, match="pass --human SEG"):
        write_submission([], out)


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_what_is_not_read_back_the_same_never_gets_its_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    entries = saved_both(tmp_path)
    other = type("Other", (Checksum,), {"hexdigest": lambda _: "another"})
    monkeypatch.setattr("napari_axonem.volumes.axonem.submission_check.Checksum", other)
    with pytest.raises(StorageError, match=r"not what was written .human: voxels differ; mouse"):
        write_submission(entries, tmp_path / name)
    assert not (tmp_path / name).exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["human.h5", "mouse.h5"]


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """A good submission, to be spoilt."""
    write_submission(saved_both(tmp_path), tmp_path / "out")
    return tmp_path / "out"


def spoilt(submission: Path, array=None, **extra) -> list[str]:
    """Write another human file and return the problems that are found."""
    with h5py.File(submission / HUMAN.prediction, "w") as file:
        for name, data in {**({} if array is None else {"main": array}), **extra}.items():
            file[name] = data
    report = check_submission(submission, volumes=BOTH)
    human, mouse = report.files
    assert mouse.problems == []
    return human.problems


def test_bad_files_of_a_submission(submission: Path):
    good = ids(HUMAN.challenge_shape)
    assert spoilt(submission, good) == []
    assert spoilt(submission, good, other=np.zeros(3)) == ["more than one dataset: other"]
    (problem,) = spoilt(submission, good[:, :-1])
    assert problem == "shape (6, 15, 24), not (6, 16, 24)"
    assert spoilt(submission, good.astype(np.float64)) == [
        "voxels of type float64, not integer ids"
    ]
    assert spoilt(submission, good.astype(np.int32) - 1) == ["negative id -1"]
    assert spoilt(submission, good * 0) == ["no labelled voxel"]
    (problem,) = spoilt(submission, good.astype(np.uint64) * 2**32)
    assert problem == f"id {8 * 2**32} is not below 2**32"
    (problem,) = spoilt(submission, labels=good)
    assert "no dataset 'main', but labels" in problem
    (submission / HUMAN.prediction).write_bytes(b"no HDF5")
    (problem,) = check_submission(submission, volumes=BOTH).files[0].problems
    assert "not an HDF5 file" in problem


def test_odd_chunks_do_not_take_the_whole_file_into_memory():
    release, chunks = axonem.HUMAN, (100, 100, 100)
    level = Level(
        lambda box: None, release.challenge_shape, np.dtype("u4"), "there", stored_chunks=chunks
    )
    block = block_to_read(level, release)
    assert all(b % t == 0 for b, t in zip(block, TILE, strict=True))
    assert np.prod(block) * 4 <= 4 * BLOCK_BYTES


def test_other_files_of_a_submission_are_told(submission: Path):
    (submission / "notes.txt").write_text("")
    report = check_submission(submission, volumes=BOTH)
    assert report.is_sound
    assert report.passed_over == (str(submission / "notes.txt"),)
    shutil.rmtree(submission)
    submission.mkdir()
    with pytest.raises(VolumeError, match="no file of a submission"):
        check_submission(submission)
