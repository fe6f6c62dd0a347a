"""A job begun, paused and taken up by the command alone."""

import json

import pytest

torch = pytest.importorskip("torch")

from napari_axonem.cli import main  # noqa: E402
from napari_axonem.jobs import State, find_job  # noqa: E402
from napari_axonem.jobs.listing import VARIABLE  # noqa: E402
from tests.jobs import trainings  # noqa: E402
from tests.jobs.test_processes import ended, until  # noqa: E402, F401 - a fixture
from tests.training.fields import write_field  # noqa: E402


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of jobs that belong to no project."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "jobs"))
    return tmp_path / "jobs"


def said(capsys, *words, status=0):
    assert main([*words, "--json"] if status == 0 else list(words)) == status
    printed = capsys.readouterr()
    return json.loads(printed.out) if status == 0 else printed.err


def test_a_training_goes_on_without_the_command_that_began_it(tmp_path, folder, capsys, ended):  # noqa: F811
    told = trainings.training(write_field(tmp_path / "field.h5"), tmp_path / "run")
    begun = said(capsys, *told.arguments, "--background")
    job = find_job(begun["id"], folder)
    ended.append(job)
    assert job.specification.arguments == told.arguments
    assert job.specification.again == ("--resume",)
    until(job, lambda job: job.progress[0] >= 6)
    (row,) = said(capsys, "jobs", "list")
    assert (row["title"], row["state"], row["total"]) == ("Train run", "running", trainings.STEPS)

    taken = said(capsys, *told.arguments, "--resume", status=2)
    assert "another process trains into this folder" in taken

    said(capsys, "jobs", "pause", job.id)
    until(job, lambda job: job.state is State.PAUSED)
    assert "resume it first" in said(capsys, "jobs", "checkpoint", job.id, status=2)
    until(job, lambda job: job.state is State.PAUSED)
    said(capsys, "jobs", "resume", job.id)
    until(job, lambda job: job.state is State.RUNNING)
    said(capsys, "jobs", "stop", job.id)
    until(job, lambda job: job.state is State.STOPPED)
    assert "there is a run in it already" in said(capsys, *told.arguments, status=2)


def test_mistakes_are_told_before_a_job_begins(tmp_path, folder, capsys):
    config = tmp_path / "run.yaml"
    config.write_text("volumes: [a.h5]\nwidth: 3\n")
    assert "line 2" in said(capsys, "train", str(config), "--background", status=2)
    assert "--rate" in said(capsys, "train", "--rate", "fast", "--background", status=2)
    assert not folder.exists()
