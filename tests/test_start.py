"""The start script: what it would install and run. Nothing is installed here."""

import configparser
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BARE: dict[str, str] = {}
DESK = {"DISPLAY": ":0"}


@pytest.fixture
def start(monkeypatch, tmp_path):
    """The script as a module, with an environment folder of its own."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "resources" / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stamp.json")
    return module


@pytest.fixture
def project(start, monkeypatch, tmp_path):
    """A folder with the files that decide what is installed, taken for the repository."""
    (tmp_path / "resources").mkdir()
    for name in start.INPUTS:
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(start, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def installs(start, project, monkeypatch):
    """Extras of every call of pip, which does nothing; a call fails when its list says so."""
    calls = []

    def make(command):
        Path(command[-1]).mkdir()
        start.program("python").parent.mkdir()
        start.program("python").touch()
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(start, "run_quietly", make)
    monkeypatch.setattr(start, "is_whole_environment", lambda: start.program("python").exists())
    monkeypatch.setattr(start, "pip_install", lambda extras: calls.append(extras) or True)
    return calls


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        ("test -k volumes", BARE, ("test", ("-k", "volumes"), ("all", "test"), True, True)),
        ("test", DESK, ("test", (), ("all", "test"), True, False)),
        ("setup", BARE, ("setup", (), ("all",), True, True)),
        ("setup --test", DESK, ("setup", (), ("all", "docs", "test"), True, False)),
        ("demo", DESK, ("demo", (), ("all",), True, False)),
        ("demo", {"WAYLAND_DISPLAY": "w"}, ("demo", (), ("all",), True, False)),
        ("demo --data f", BARE, ("demo", ("--headless", "--data", "f"), ("all",), False, False)),
        ("demo --headless", DESK, ("demo", ("--headless",), ("all",), False, False)),
        ("demo --screenshot=a", BARE, ("demo", ("--screenshot=a",), ("all",), True, True)),
        ("view a.h5", DESK, ("view", ("a.h5",), ("all",), True, False)),
        ("view --help", BARE, ("view", ("--help",), ("all",), False, False)),
        ("demo -h", BARE, ("demo", ("-h",), ("all",), False, False)),
        ("info a.h5 --json", BARE, ("info", ("a.h5", "--json"), ("all",), False, False)),
        ("--version", BARE, ("--version", (), ("all",), False, False)),
    ],
)
def test_plan(start, words, environment, expected):
    assert start.make_plan(words.split(), environment, "linux") == expected


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_always_have_a_display(start, platform):
    assert start.make_plan(["demo"], BARE, platform).arguments == ()
    assert not start.make_plan(["test"], BARE, platform).virtual


@pytest.mark.parametrize(
    ("words", "reason"), [(["setup", "--tset"], "--tset"), (["view", "a.h5"], "no display")]
)
def test_plan_refused(start, words, reason):
    with pytest.raises(start.StartError, match=reason):
        start.make_plan(words, BARE, "linux")


def test_old_python_is_told(start):
    start.require_python((3, 11))
    with pytest.raises(start.StartError, match=r"Python 3\.9, .* 3\.11"):
        start.require_python((3, 9))


class TestSystem:
    """System packages."""

    @pytest.fixture(autouse=True)
    def _complete_python(self, start, monkeypatch):
        monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: name)
        monkeypatch.setattr(start.shutil, "which", lambda name: name)

    def test_nothing_is_missing(self, start):
        plan = start.Plan("test", window=True, virtual=True)
        assert start.missing_packages(plan, "linux", lambda _: True) == {}

    def test_windows_need_libraries(self, start):
        missing = start.missing_packages(start.Plan("view", window=True), "linux", lambda _: False)
        assert missing == start.WINDOW_LIBRARIES

    def test_headless_needs_none(self, start):
        assert start.missing_packages(start.Plan("info"), "linux", lambda _: False) == {}

    def test_one_library(self, start):
        plan = start.Plan("view", window=True)
        missing = start.missing_packages(plan, "linux", lambda so: so != "libEGL.so.1")
        assert missing == {"libEGL.so.1": "libegl1"}

    def test_other_systems_bring_all(self, start, monkeypatch):
        monkeypatch.setattr(start.importlib.util, "find_spec", lambda _: None)
        plan = start.Plan("test", window=True, virtual=True)
        assert start.missing_packages(plan, "darwin", lambda _: False) == {}

    def test_virtual_display_needs_server(self, start, monkeypatch):
        monkeypatch.setattr(start.shutil, "which", lambda _: None)
        plan = start.Plan("test", window=True, virtual=True)
        assert start.missing_packages(plan, "linux", lambda _: True) == {"Xvfb": "xvfb"}
        assert start.missing_packages(start.Plan("test"), "linux", lambda _: True) == {}

    def test_venv_without_pip(self, start, monkeypatch):
        monkeypatch.setattr(start.importlib.util, "find_spec", lambda _: None)
        name = f"python3.{sys.version_info.minor}-venv"
        assert start.missing_packages(start.Plan("info"), "linux") == {"ensurepip": name}
        monkeypatch.setattr(start, "is_whole_environment", lambda: True)
        assert start.missing_packages(start.Plan("info"), "linux") == {}

    def test_unknown_library_cannot_be_loaded(self, start):
        assert not start.can_load("libno-such-thing.so.0")

    def test_apt_asks_nothing(self, start):
        update, install = start.apt_commands(["libegl1", "xvfb"], is_root=True)
        assert update[-1] == "update"
        assert install[-5:] == ["install", "-y", "--no-install-recommends", "libegl1", "xvfb"]
        for command in (update, install):
            assert command[:3] == ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        assert start.apt_commands(["xvfb"], is_root=False)[1][:3] == ["sudo", "-n", "env"]

    def test_advice(self, start):
        missing = {"libEGL.so.1": "libegl1", "Xvfb": "xvfb"}
        line = start.advice(missing, has_apt=True)
        assert line.endswith("sudo apt-get install -y --no-install-recommends libegl1 xvfb")
        assert "libEGL.so.1, Xvfb" in start.advice(missing, has_apt=False)

    @pytest.mark.parametrize(
        ("verb", "missing", "is_refused"),
        [
            ("view", "libEGL.so.1", True),
            ("test", "Xvfb", True),
            ("setup", "Xvfb", False),
            ("setup", "ensurepip", True),
        ],
    )
    def test_without_rights(self, start, monkeypatch, capsys, verb, missing, is_refused):
        monkeypatch.setattr(start, "missing_packages", lambda *_: {missing: "some-package"})
        monkeypatch.setattr(start, "may_administer", lambda: False)
        if is_refused:
            with pytest.raises(start.StartError, match="some-package"):
                start.provide_system(start.Plan(verb), "linux")
        else:
            start.provide_system(start.Plan(verb), "linux")
            assert "some-package" in capsys.readouterr().err

    @pytest.mark.parametrize("statuses", [(0, 0), (100, 0), (100, 100)])
    def test_with_rights(self, start, monkeypatch, statuses):
        left = list(statuses)
        monkeypatch.setattr(start, "missing_packages", lambda *_: {"Xvfb": "xvfb"})
        monkeypatch.setattr(start, "may_administer", lambda: True)
        monkeypatch.setattr(
            start, "run_quietly", lambda c: subprocess.CompletedProcess(c, left.pop(0), "why\n")
        )
        if statuses[-1]:
            with pytest.raises(start.StartError, match="why"):
                start.provide_system(start.Plan("test"), "linux")
        else:
            start.provide_system(start.Plan("test"), "linux")
        assert left == []


class TestEnvironment:
    """The folder .venv and its stamp."""

    def test_second_time_installs_nothing(self, start, installs):
        start.provide_environment(["all"])
        start.provide_environment(["all"])
        assert installs == [["all"]]

    def test_extras_add_up(self, start, installs):
        for extras in (["all"], ["all", "test"], ["all"]):
            start.provide_environment(extras)
        assert installs == [["all"], ["all", "test"]]

    @pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml", "resources/constraints.txt"])
    def test_changed_input_installs_again(self, start, installs, project, name):
        start.provide_environment(["all", "test"])
        (project / name).write_text("changed")
        start.provide_environment(["all"])
        assert installs == [["all", "test"]] * 2

    def test_interrupted_installation_begins_anew(self, start, installs, monkeypatch):
        def interrupt(extras):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(start, "pip_install", interrupt)
            with pytest.raises(KeyboardInterrupt):
                start.provide_environment(["all"])
        half = start.VENV / "half-a-package"
        half.touch()
        start.provide_environment(["all"])
        assert installs == [["all"]]
        assert not half.exists()

    def test_failed_installation_is_tried_again_in_place(self, start, installs, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(start, "pip_install", lambda _: False)
            with pytest.raises(start.StartError, match="pip failed"):
                start.provide_environment(["all"])
        kept = start.VENV / "kept"
        kept.touch()
        start.provide_environment(["all"])
        assert installs == [["all"]]
        assert kept.exists()

    def test_broken_environment_is_rebuilt(self, start, installs):
        start.provide_environment(["all"])
        start.program("python").unlink()
        start.provide_environment(["all"])
        assert installs == [["all"]] * 2

    @pytest.mark.parametrize("content", ["", "no json", "[]", '{"state": "failed"}'])
    def test_unreadable_stamp_is_not_fresh(self, start, tmp_path, content):
        path = tmp_path / "stamp"
        path.write_text(content)
        assert not start.is_fresh(start.read_stamp(path), "digest", ["all"])
        assert not start.is_fresh(start.read_stamp(tmp_path / "none"), "digest", ["all"])

    def test_stamp(self, start):
        stamp = {"state": "digest", "extras": ["all"]}
        assert start.is_fresh(stamp, "digest", ["all"])
        assert not start.is_fresh(stamp, "digest", ["all", "test"])
        assert not start.is_fresh(stamp, "other", ["all"])

    def test_environment_of_another_python_is_not_whole(self, start, monkeypatch):
        monkeypatch.setattr(start, "program", lambda _: Path(sys.executable))
        assert start.is_whole_environment()
        monkeypatch.setattr(start.sys, "version_info", (3, 9, 0))
        assert not start.is_whole_environment()


class TestRun:
    """Running what was asked for."""

    def test_exit_status_is_passed_on(self, start):
        assert start.run([sys.executable, "-c", "raise SystemExit(7)"], None, os.environ) == 7

    @pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
    def test_death_by_signal_reads_as_in_a_shell(self, start):
        code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        status = start.run([sys.executable, "-c", code], None, os.environ)
        assert status == 128 + signal.SIGKILL

    @pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
    def test_end_is_passed_on_and_handler_put_back(self, start):
        code = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
        before = signal.getsignal(signal.SIGTERM)
        status = start.run([sys.executable, "-c", code], None, os.environ)
        assert status == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) == before

    def test_help_and_nothing(self, start, capsys):
        assert start.main(["--help"]) == 0
        assert start.main([]) == 2
        assert capsys.readouterr().out.count("resources/start.py demo") == 2

    def test_refusal_is_one_line_and_status_2(self, start, capsys):
        assert start.main(["setup", "--no-such-word"]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1

    @pytest.mark.window
    @pytest.mark.skipif(sys.platform != "linux", reason="an X server")
    def test_virtual_display_is_there_and_goes(self, start):
        with start.virtual_display() as environment:
            number = environment["DISPLAY"].removeprefix(":")
            socket = Path("/", "tmp", ".X11-unix", f"X{number}")
            assert number.isdigit()
            assert environment["DISPLAY"] != os.environ.get("DISPLAY")
            assert socket.exists()
        assert not socket.exists()


def test_constraints_pin_every_dependency():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    needed = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    names = re.findall(r"^\s*([\w-]+)", "\n".join(needed), re.MULTILINE)
    lines = (ROOT / "resources" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    assert {name.lower() for name in names} - pinned == set()


def test_stamp_is_readable_text(start, installs):
    start.provide_environment(["all"])
    assert json.loads(start.STAMP.read_text())["extras"] == ["all"]
