"""Checkpoints: whole or not at all, the last few, and honest about damage."""

import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import StorageError, TrainingError  # noqa: E402
from napari_axonem.training.checkpoints import CheckpointFolder, read_checkpoint  # noqa: E402

STATE = {"weight/a": torch.arange(6.0).reshape(2, 3), "step": torch.tensor(3)}


def test_they_come_back_with_facts_and_random_numbers(tmp_path):
    folder = CheckpointFolder(tmp_path / "new", keep=2)
    torch.manual_seed(4)
    folder.write(3, STATE, {"total": 9, "history": [[1, {"voi": 2.0}]]})
    expected = torch.rand(3)
    found, problems = folder.last()
    assert torch.equal(torch.rand(3), expected)
    assert problems == []
    assert found.facts == {"total": 9, "history": [[1, {"voi": 2.0}]]}
    assert found.state.keys() == STATE.keys()
    assert all(torch.equal(found.state[name], STATE[name]) for name in STATE)


def test_the_last_few_are_kept(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    for step in (1, 20, 3, 100):
        folder.write(step, STATE, {})
    assert [path.stem for path in folder.paths()] == ["step-000000100", "step-000000020"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_damage_is_seen_and_the_one_before_taken(tmp_path, damage):
    folder = CheckpointFolder(tmp_path, keep=3)
    folder.write(1, STATE, {})
    last = folder.write(2, STATE, {})
    data = bytearray(last.read_bytes())
    data[-3] ^= 4
    last.write_bytes({"cut": data[:-8], "flipped": data, "empty": b"", "other": b"PK" * 99}[damage])
    with pytest.raises(TrainingError):
        read_checkpoint(last)
    found, problems = folder.last()
    assert found.path.stem == "step-000000001"
    assert len(problems) == 1
    assert last.name in problems[0]


def test_none_that_is_whole_is_an_error_and_none_at_all_is_not(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=3)
    assert folder.last() == (None, [])
    folder.write(1, STATE, {}).write_bytes(b"")
    with pytest.raises(TrainingError, match="none of 1"):
        folder.last()


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        CheckpointFolder(tmp_path / "file" / "below", keep=1).write(1, STATE, {})


def test_a_full_disk_says_so_and_leaves_the_checkpoint_before(tmp_path):
    resource = pytest.importorskip("resource")
    folder = CheckpointFolder(tmp_path, keep=1)
    folder.write(1, STATE, {})
    large = {"weight/a": torch.zeros(100_000)}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(StorageError):
            folder.write(2, large, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]
