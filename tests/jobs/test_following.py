"""Where a job stands, in one process that plays both sides."""

import json
import sys
from dataclasses import replace

import pytest

from napari_axonem.cli import main
from napari_axonem.errors import JobError, JobTakenError
from napari_axonem.jobs import (
    Job,
    Specification,
    State,
    create,
    find_job,
    jobs_in,
    resume,
    running_job,
)
from napari_axonem.jobs import starting as starting_module
from napari_axonem.jobs.events import EventLog, Kind
from napari_axonem.jobs.processes import about, is_there
from napari_axonem.jobs.running import JOB_VARIABLE, heeding
from napari_axonem.watching import Wish


@pytest.fixture
def told(tmp_path):
    return Specification("Look", ("jobs", "list", "--project", "x"), str(tmp_path), ("--again",))


@pytest.fixture
def job(told, tmp_path):
    return Job(create(told, tmp_path / "jobs").root)


@pytest.fixture
def at_work(job, monkeypatch):
    """This process does the job."""
    monkeypatch.setattr("napari_axonem.jobs.watcher.ASK_EVERY_S", 0.0)
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    with running_job() as running:
        yield running


def test_what_is_written_down_is_read_back(job, told):
    read = job.specification
    assert replace(read, id="", created=0.0) == told
    assert read.id == job.folder.root.name == job.id
    assert read.created > 0
    assert job.state is State.NEW


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"title": "a", "arguments": 3}'])
def test_a_damaged_job_is_told_of_and_others_are_listed(job, told, tmp_path, text):
    other = create(told, tmp_path / "jobs")
    other.specification.write_text(text)
    listed, (problem,) = jobs_in(tmp_path / "jobs", tmp_path / "none")
    assert [each.id for each in listed] == [job.id]
    assert str(other.root) in str(problem)


def test_jobs_are_found_by_what_begins_only_one_name(told, tmp_path):
    for name in ("train-1", "train-12", "segment-1"):
        create(replace(told, id=name), tmp_path)
    assert find_job("seg", tmp_path).id == "segment-1"
    assert find_job("train-1", tmp_path).id == "train-1"
    assert find_job(str(tmp_path / "train-12")).id == "train-12"
    with pytest.raises(JobError, match="2 jobs"):
        find_job("train", tmp_path)
    with pytest.raises(JobError, match="no job called 'x'"):
        find_job("x", tmp_path)


def test_two_windows_follow_a_job_and_either_may_wish(job, at_work):
    other = Job(job.folder.root)
    at_work.watcher.progress(3, 10, "training")
    at_work.watcher.scalar("loss/train", 1, 0.5)
    for each in (job, other):
        assert each.update()
        assert each.state is State.RUNNING
        assert each.progress == (3, 10, "training")
        assert each.curves["loss/train"].values == [0.5]
        assert not each.update()
    other.folder.wish(Wish.PAUSE)
    assert at_work.watcher.wish() is Wish.PAUSE
    job.update()
    assert job.state is State.PAUSED
    resume(job)
    assert at_work.watcher.wish() is Wish.GO_ON
    other.update()
    assert other.state is State.RUNNING
    with pytest.raises(JobTakenError, match="running"):
        resume(other)


def test_a_second_process_leaves_a_job_alone(job, at_work, monkeypatch, capsys):
    monkeypatch.setattr("napari_axonem.jobs.folder.PATIENCE_S", 0)
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    before = job.folder.events.read_bytes()
    assert main(["jobs", "list"]) == 2
    assert "another process is doing this job" in capsys.readouterr().err
    assert job.folder.events.read_bytes() == before
    job.update()
    assert job.state is State.RUNNING


def test_a_process_that_is_gone_without_a_word_is_noticed(job, monkeypatch):
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    job.folder.output.write_text("reading\nKilled\n\n")
    with running_job() as running:
        running.watcher.say("begun")
        job.update()
    assert job.update()
    assert job.state is State.LOST
    assert job.text.endswith("it said last: Killed")
    assert job.state.can_resume


def test_a_process_that_starts_is_told_from_one_that_died_before(job):
    log = EventLog(job.folder.events)
    log.add(Kind.LAUNCHED, **about())
    job.update()
    assert job.state is State.STARTING
    log.add(Kind.LAUNCHED, **{**about(), "pid": 2**22 + 1})
    job.update()
    assert job.state is State.LOST
    assert is_there(about())
    assert not is_there({**about(), "born": 5.0})  # the number was given to another
    assert not is_there({**about(), "host": "elsewhere"})
    assert not is_there({})


def test_a_launch_that_is_written_down_late_changes_nothing(job, monkeypatch):
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    with running_job() as running:
        running.end("done", "all of it", {"project": "p"})
    EventLog(job.folder.events).add(Kind.LAUNCHED, **about())
    job.catch_up()
    assert job.state is State.DONE
    assert job.text == "all of it"
    assert job.data == {"project": "p"}


@pytest.mark.parametrize(
    ("arguments", "status", "state", "text"),
    [
        (["jobs", "list"], 0, State.DONE, "no jobs"),
        (["jobs", "stop", "nobody"], 2, State.FAILED, "no job called 'nobody'"),
        (["jobs", "fly"], 2, State.FAILED, "invalid choice"),
    ],
)
def test_the_command_writes_down_how_it_ends(
    job, arguments, status, state, text, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("NAPARI_AXONEM_JOBS", str(tmp_path / "none"))
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    assert main(arguments) == status
    job.update()
    assert job.state is state
    assert text in job.text
    assert text in "".join(capsys.readouterr())


def test_a_failure_of_ours_is_written_down_with_its_trace(job, monkeypatch, capsys):
    def fail(*_):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(sys.modules["napari_axonem.cli.main"], "_perform", fail)
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    assert main(["jobs", "list"]) == 1
    job.update()
    assert job.state is State.FAILED
    assert "unexpected ZeroDivisionError: by nothing" in job.text
    assert "Traceback" in capsys.readouterr().err


def test_work_that_only_tells_progress_is_stopped_as_by_control_c(job, at_work):
    progress = heeding(at_work.watcher)
    progress(1, 2, "working")
    job.folder.wish(Wish.STOP)
    with pytest.raises(KeyboardInterrupt):
        progress(2, 2, "working")


def test_copies_under_torchrun_leave_the_job_to_the_first(job, monkeypatch):
    monkeypatch.setenv(JOB_VARIABLE, str(job.folder.root))
    monkeypatch.setenv("RANK", "1")
    with running_job() as running:
        assert running is None
    assert not job.folder.events.exists()


def test_copies_are_started_by_torchrun(told):
    command = starting_module._command(3, told.arguments)
    assert command[1:6] == ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3"]
    assert command[6:] == ["-m", "napari_axonem", *told.arguments]


def test_the_verbs_list_and_refuse(job, told, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("NAPARI_AXONEM_JOBS", str(tmp_path / "jobs"))
    assert main(["jobs", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["state"], row["title"]) == (job.id, "not started", "Look")
    assert main(["jobs", "pause", job.id]) == 2
    assert "it is not started; resume it first" in capsys.readouterr().err


def test_the_verbs_pause_and_go_on(job, at_work, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("NAPARI_AXONEM_JOBS", str(tmp_path / "jobs"))
    for verb, wish in (
        ("pause", Wish.PAUSE),
        ("resume", Wish.GO_ON),
        ("checkpoint", Wish.CHECKPOINT),
        ("stop", Wish.STOP),
    ):
        assert main(["jobs", verb, "jobs"]) == 0, capsys.readouterr().err
        assert at_work.watcher.wish() is wish


def test_a_pause_to_come_is_not_forgotten_for_a_checkpoint(
    job, at_work, monkeypatch, tmp_path, capsys
):
    """Neither is a stop; and one goes on before the work has come to where it would wait."""
    monkeypatch.setenv("NAPARI_AXONEM_JOBS", str(tmp_path / "jobs"))
    assert main(["jobs", "pause", "jobs"]) == 0
    assert main(["jobs", "checkpoint", "jobs"]) == 2
    assert "it waits, and would go on; resume it first" in capsys.readouterr().err
    assert job.folder.wished().wish is Wish.PAUSE
    assert main(["jobs", "resume", "jobs"]) == 0
    assert job.folder.wished().wish is Wish.GO_ON
    assert main(["jobs", "stop", "jobs"]) == 0
    assert main(["jobs", "checkpoint", "jobs"]) == 2
    assert "it will stop; it writes a checkpoint then" in capsys.readouterr().err
    assert at_work.watcher.wish() is Wish.STOP
