"""Install napari-axonem on a bare machine, then run it or its tests.

    python3 resources/start.py demo [ARGS...]   the demo; any other verb of the command works too
    python3 resources/start.py test [ARGS...]   all tests; ARGS go to pytest
    python3 resources/start.py setup [--test]   only install (with what tests and docs need)

Needs Python 3.11 or newer and nothing else. Everything goes to the folder .venv beside this
repository's README; the second time nothing is installed. System packages that a window needs are
installed with apt-get where that asks no password, and named otherwise. Without a display the
tests, and a demo with --screenshot, run on a virtual one (Xvfb); a plain demo runs --headless.
"""

# Nothing but the standard library, and no syntax that an older Python could not read: it shall
# be able to say that it is too old.
from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "napari-axonem.json"  # what was installed; "state" is a hash or one of these:
UNFINISHED, FAILED = "unfinished", "failed"
OLDEST = (3, 11)

# What decides what is installed: when one of these changes, it is installed again.
INPUTS = ("setup.cfg", "pyproject.toml", "resources/constraints.txt")

# Libraries that the wheels of PyQt6 and vispy expect from the system, and the package of Debian
# and Ubuntu that has each. Found with ldd in a bare Debian 12; the others come with these.
WINDOW_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX_mesa.so.0": "libglx-mesa0",  # with the software renderer
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",  # with a font
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",  # with image, render, render-util, util
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
SERVER = "Xvfb"
SCREEN = "1600x1200x24"
SERVER_SECONDS = 60
# Qt and PyOpenGL would otherwise follow what the session says (Wayland, a terminal).
DRAWING = {"QT_QPA_PLATFORM": "xcb", "PYOPENGL_PLATFORM": "x11", "LIBGL_ALWAYS_SOFTWARE": "1"}


class StartError(Exception):
    """What the user has to do first; shown as it is, exit status 2."""


class Plan(NamedTuple):
    """What the words on the command line ask for."""

    verb: str  # "setup", "test" or a verb of napari-axonem
    arguments: tuple[str, ...] = ()
    extras: tuple[str, ...] = ("all",)
    window: bool = False  # needs what Qt and OpenGL need
    virtual: bool = False  # runs on an X server of its own


def say(text: str) -> None:
    """Tell the user; on standard error, which leaves standard output to the command."""
    print(f"start: {text}", file=sys.stderr, flush=True)


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a window can be shown."""
    if platform != "linux":
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def make_plan(words: Sequence[str], environment: Mapping[str, str], platform: str) -> Plan:
    """Turn the command line, at least one word, into a plan.

    Raises
    ------
    StartError
        When `setup` gets a word it does not know, or `view` has no display.
    """
    verb, arguments = words[0], tuple(words[1:])
    display = has_display(environment, platform)
    if verb == "setup":
        if unknown := set(arguments) - {"--test"}:
            raise StartError(f"setup knows --test, not {' '.join(sorted(unknown))}")
        extras = ("all", "docs", "test") if "--test" in arguments else ("all",)
        return Plan(verb, (), extras, True, not display)
    if verb == "test":
        return Plan(verb, arguments, ("all", "test"), True, not display)
    if verb == "demo":
        if any(word.split("=")[0] == "--screenshot" for word in arguments):
            return Plan(verb, arguments, window=True, virtual=not display)
        if not display and not {"--headless", "-h", "--help"} & set(arguments):
            say("no display, so the demo runs --headless (for a picture: --screenshot FILE.png)")
            arguments = ("--headless", *arguments)
    opens = verb in ("demo", "view") and not {"--headless", "-h", "--help"} & set(arguments)
    if opens and not display:
        raise StartError(f"{verb} opens a window, but there is no display (DISPLAY is not set)")
    return Plan(verb, arguments, window=opens)


def can_load(library: str) -> bool:
    """Whether the dynamic loader finds the library `library` (its soname)."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(
    plan: Plan, platform: str, loads: Callable[[str], bool] = can_load
) -> dict[str, str]:
    """Find what the system lacks for `plan`.

    Returns
    -------
    dict
        From what is missing (a soname, a program, a module) to its Debian package. Empty on
        macOS and Windows, where the wheels bring everything.
    """
    if platform != "linux":
        return {}
    missing = {}
    if importlib.util.find_spec("ensurepip") is None and not is_whole_environment():
        version = "{}.{}".format(*sys.version_info)
        missing["ensurepip"] = f"python{version}-venv"
    if plan.window:
        missing.update({so: name for so, name in WINDOW_LIBRARIES.items() if not loads(so)})
    if plan.virtual and shutil.which(SERVER) is None:
        missing[SERVER] = "xvfb"
    return missing


def apt_commands(packages: Sequence[str], is_root: bool) -> list[list[str]]:
    """Commands that install Debian `packages` without asking anything."""
    # A machine that has just started may still hold the lock of dpkg for its own updates.
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    apt += ["-o", "DPkg::Lock::Timeout=300"]
    if not is_root:
        apt = ["sudo", "-n", *apt]
    return [[*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *packages]]


def advice(missing: Mapping[str, str], has_apt: bool) -> str:
    """Say what is missing and what the user can do about it."""
    if has_apt:
        names = " ".join(sorted(set(missing.values())))
        install = f"sudo apt-get install -y --no-install-recommends {names}"
        return f"system packages are missing; to install them:\n  sudo apt-get update && {install}"
    return f"the system lacks {', '.join(missing)}; install the packages that have them"


def may_administer() -> bool:
    """Whether packages can be installed without a password."""
    if os.geteuid() == 0:
        return True
    if shutil.which("sudo") is None:
        return False
    return run_quietly(["sudo", "-n", "true"]).returncode == 0


def run_quietly(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `command` with no input, both outputs kept together."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def provide_system(plan: Plan, platform: str) -> None:
    """Install the system packages that `plan` lacks.

    Raises
    ------
    StartError
        When it may not, and `plan` cannot do without them.
    """
    missing = missing_packages(plan, platform)
    if not missing:
        return
    has_apt = shutil.which("apt-get") is not None
    if has_apt and may_administer():
        packages = sorted(set(missing.values()))
        say(f"installing system packages: {' '.join(packages)}")
        # An update may fail for an index that has nothing to do with these packages.
        updated, installed = map(run_quietly, apt_commands(packages, os.geteuid() == 0))
        if installed.returncode:
            raise StartError(f"apt-get failed:\n{updated.stdout}{installed.stdout}".strip())
        return
    text = advice(missing, has_apt)
    if "ensurepip" not in missing and plan.verb in ("setup", "demo"):
        text += "\n(only windows need this: the demo works without, with --headless)"
    if "ensurepip" in missing or plan.verb != "setup":
        raise StartError(text)
    say(text)


def program(name: str) -> Path:
    """Path of a program in the environment."""
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    return VENV / folder / (name + suffix)


def is_whole_environment() -> bool:
    """Whether .venv has a Python of this version that runs and has pip."""
    code = "import sys, pip; print(sys.version_info[:2])"
    try:
        done = run_quietly([str(program("python")), "-c", code])
    except OSError:
        return False
    return done.stdout.strip() == str(sys.version_info[:2])


def fingerprint(root: Path) -> str:
    """Hash of all that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {sys.platform} {root}".encode())
    for name in INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def read_stamp(path: Path) -> dict[str, Any]:
    """Return what was recorded of the last installation; empty when nothing can be read."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_fresh(stamp: Mapping[str, Any], digest: str, extras: Sequence[str]) -> bool:
    """Whether `stamp` tells that these `extras` are installed from just these inputs."""
    installed = set(stamp.get("extras", ()))
    return stamp.get("state") == digest and set(extras) <= installed


def provide_environment(extras: Sequence[str]) -> None:
    """Make .venv and install the package with `extras`, unless that is done.

    Raises
    ------
    StartError
        When it cannot be made or pip fails.
    """
    stamp, digest = read_stamp(STAMP), fingerprint(ROOT)
    if is_fresh(stamp, digest, extras) and program("python").exists():
        return
    if VENV.exists() and (stamp.get("state") == UNFINISHED or not is_whole_environment()):
        say("removing the folder .venv, which is broken or unfinished")
        shutil.rmtree(VENV)
    if not VENV.exists():
        say("making the folder .venv")
        done = run_quietly([sys.executable, "-m", "venv", str(VENV)])
        if done.returncode:
            raise StartError(f"cannot make {VENV}:\n{done.stdout.strip()}")
    say("installing napari-axonem and its libraries (the first time: a few minutes)")
    wanted = sorted({*extras, *stamp.get("extras", ())})
    STAMP.write_text(json.dumps({"state": UNFINISHED, "extras": wanted}))
    done_well = pip_install(wanted)
    # Only a killed pip leaves half a package; one that fails by itself leaves all as it was.
    STAMP.write_text(json.dumps({"state": digest if done_well else FAILED, "extras": wanted}))
    if not done_well:
        raise StartError("pip failed (see above); the same command tries again")


def pip_install(extras: Sequence[str]) -> bool:
    """Install the package with `extras` into .venv, showing pip's errors; whether it worked."""
    command = [str(program("python")), "-m", "pip", "install", "-qq", "--no-input"]
    command += ["--disable-pip-version-check", "-c", str(ROOT / "resources" / "constraints.txt")]
    command += ["-e", f"{ROOT}[{','.join(extras)}]"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode < 0:
        raise StartError("pip was killed; the same command begins anew")
    return done.returncode == 0


@contextlib.contextmanager
def virtual_display() -> Iterator[dict[str, str]]:
    """Run an X server as long as the context lasts; gives the environment for its clients."""
    read, write = os.pipe()
    options = ["-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]
    # A session of its own: Ctrl-C shall reach the program, not the server below it.
    server = subprocess.Popen(
        [SERVER, *options],
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            ready, _, _ = select.select([pipe], [], [], SERVER_SECONDS)
            number = pipe.readline().strip() if ready else ""
        if not number:
            raise StartError(f"{SERVER} does not start; try it: {SERVER} {' '.join(options[2:])}")
        yield {**os.environ, **DRAWING, "DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait()


def run(command: Sequence[str], folder: Path | None, environment: Mapping[str, str]) -> int:
    """Run `command` to its end and return its exit status as a shell would."""
    with subprocess.Popen(command, cwd=folder, env=dict(environment)) as child:
        # Who ends this script means the program; Ctrl-C reaches it by itself, and it decides.
        ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        before = {end: signal.signal(end, lambda end, _: child.send_signal(end)) for end in ends}
        try:
            while True:
                with contextlib.suppress(KeyboardInterrupt):
                    status = child.wait()
                    return 128 - status if status < 0 else status
        finally:
            for end, handler in before.items():
                signal.signal(end, handler)


def in_parallel() -> tuple[str, ...]:
    """Arguments with which pytest runs all tests in a few processes."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    if cores < 2:
        return ()
    # reordered, modules of few but long tests would come last, and one core wait for another
    return ("-n", str(min(cores, 4)), "--dist", "loadscope", "--no-loadscope-reorder")


def execute(plan: Plan) -> int:
    """Install what `plan` needs, run it, and return the exit status."""
    provide_system(plan, sys.platform)
    provide_environment(plan.extras)
    if plan.verb == "setup":
        say("done: .venv has napari-axonem")
        return 0
    folder = None
    command = [str(program("napari-axonem")), plan.verb, *plan.arguments]
    if plan.verb == "test":
        folder = ROOT
        command = [str(program("python")), "-m", "pytest", *(plan.arguments or in_parallel())]
    display = virtual_display() if plan.virtual else contextlib.nullcontext(dict(os.environ))
    with display as environment:
        return run(command, folder, environment)


def require_python(version: Sequence[int]) -> None:
    """Raise StartError for a Python that is too old."""
    if tuple(version) < OLDEST:
        seen, oldest = ("{}.{}".format(*numbers) for numbers in (version, OLDEST))
        raise StartError(
            f"this is Python {seen}, napari needs {oldest} or newer; start with such a one, "
            f"for example: python{oldest} resources/start.py"
        )


def main(words: Sequence[str]) -> int:
    """Do what `words` ask for and return the exit status."""
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if words else 2
    try:
        require_python(sys.version_info[:2])
        return execute(make_plan(words, os.environ, sys.platform))
    except StartError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("stopped; the same command goes on")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
