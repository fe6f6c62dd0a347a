"""Verbs that show the window: `view`, and `demo` where there is a screen."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field

from napari_axonem.cli.demo import DemoSettings, prepare, run_headless
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import AxonemError
from napari_axonem.progress import Progress
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.simulation import repair_all
from napari_axonem.settings import ZYX_NM, Positional, Settings, VoxelSize

SCREEN = "1600x1000x24"
"""Size of the screen that pictures are taken on where there is none."""


class ViewSettings(Settings):
    """What `view` takes."""

    volumes: Annotated[list[str], Positional("VOLUME|PROJECT")] = Field(
        default=[],
        description="volumes to look at (files, folders, addresses) or one project NAME.axonem",
    )
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges in nm, where the files do not say",
        json_schema_extra=dict(ZYX_NM),
    )


def view(settings: ViewSettings, _: Progress) -> Outcome:
    """Open the window."""
    _require_screen()
    from napari_axonem.widgets.desk import run_desk

    run_desk(settings.volumes, settings.voxel_size)
    return Outcome({"shown": settings.volumes}, "closed")


def demo(settings: DemoSettings, progress: Progress) -> Outcome:
    """Do the main job on the phantom or on real data."""
    if settings.screenshot is not None:
        if not has_screen():
            _start_again_on_a_virtual_screen()
        from napari_axonem.widgets.desk import picture_desk

        project = prepare(settings, progress)
        if settings.repairs is not None:
            with Project(project) as opened:
                repair_all(opened, settings.repairs)
        picture_desk(project, Path(settings.screenshot))
        return Outcome({"screenshot": settings.screenshot}, f"wrote {settings.screenshot}")
    if settings.headless or not has_screen():
        return run_headless(settings, progress)
    from napari_axonem.widgets.desk import run_desk

    project = prepare(settings, progress)
    run_desk([str(project)], tour=settings.tour)
    return Outcome({"project": str(project)}, f"the project is kept in {project}")


def has_screen() -> bool:
    """Tell whether a window can be opened here."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _require_screen() -> None:
    if not has_screen():
        raise AxonemError(
            "there is no screen (DISPLAY is not set)",
            where="view",
            remedy="start it in a graphical session, or use 'demo --headless'",
        )


def _start_again_on_a_virtual_screen() -> None:
    """Replace this process by the same command under Xvfb."""
    runner = shutil.which("xvfb-run")
    if runner is None:
        raise AxonemError(
            "there is no screen and no xvfb-run to make one",
            where="demo --screenshot",
            remedy="install it (Debian, Ubuntu: apt-get install xvfb xauth)",
        )
    command = [runner, "-a", "-s", f"-screen 0 {SCREEN}", sys.executable, "-m", "napari_axonem"]
    os.execv(runner, [*command, *sys.argv[1:]])


VERBS: tuple[AnyVerb, ...] = (
    Verb("view", "open the window on volumes or a project", ViewSettings, view),
    Verb("demo", "the main job on the phantom or on real data", DemoSettings, demo),
)
