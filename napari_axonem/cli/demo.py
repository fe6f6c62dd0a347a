"""The main job as a script: see the errors, repair them, take one back, export, check."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import zarr
from pydantic import Field

from napari_axonem.cli.editing import voi_data
from napari_axonem.cli.reporting import Outcome
from napari_axonem.errors import AxonemError, SettingsError
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import Voi, voi
from napari_axonem.progress import Progress
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.exporting import export_labels
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.simulation import Repair, repair_all
from napari_axonem.settings import Settings
from napari_axonem.volumes import guess_roles, list_volumes, open_volume
from napari_axonem.volumes.phantom import PhantomSettings, write_phantom

PROJECT = "demo.axonem"
PHANTOM = "phantom.zarr"
TEMPORARY = "          (checked and removed again; --folder DIR keeps them)"


class DemoSettings(Settings):
    """What `demo` takes."""

    headless: bool = Field(False, description="no window: do the job as a script and report")
    screenshot: str | None = Field(None, description="take a picture of the window instead")
    tour: bool = Field(False, description="be shown the way through the window, step by step")
    data: str | None = Field(
        None, description="file with image, labels and truth; the built-in phantom without it"
    )
    labels: str | None = Field(
        None, description="which array of --data to correct (default: its supervoxels)"
    )
    repairs: int | None = Field(
        None,
        ge=1,
        description="stop after so many repairs (default: all; before a picture: none)",
    )
    folder: str | None = Field(
        None, description="where phantom, project and exports are kept (default: a temporary one)"
    )


def prepare(settings: DemoSettings, progress: Progress) -> Path:
    """Make the project of the demo, or find the one made before; return its folder."""
    folder = Path(settings.folder or tempfile.mkdtemp(prefix="napari-axonem-"))
    project = folder / PROJECT
    if not project.exists():
        folder.mkdir(parents=True, exist_ok=True)
        create_project(project, _sources(settings, folder, progress), progress)
    return project


def run_headless(settings: DemoSettings, progress: Progress) -> Outcome:
    """Do the main job and report on it."""
    if settings.folder is None:
        with tempfile.TemporaryDirectory(prefix="napari-axonem-") as folder:
            kept = run_headless(settings.model_copy(update={"folder": folder}), progress)
            return replace(kept, text=f"{kept.text}\n{TEMPORARY}")
    path = prepare(settings, progress)
    with Project(path) as project:
        before = _score(project)
        todo = project.mistakes()

        def watch(repair: Repair) -> None:
            progress(len(project.operations), -1, f"repairing, VOI {repair.voi_total:.4f}")

        worst = repair_all(project, 1, watch)
        undone = _take_back_and_again(project) if project.history.can_undo else None
        more = None if settings.repairs is None else settings.repairs - 1
        done = worst + repair_all(project, more, watch)
        after = _score(project)
        report: dict[str, Any] = {
            "data": settings.data or "phantom",
            "errors_before": len(todo),
            "errors_after": len(project.mistakes()),
            "voi_before": voi_data(before),
            "voi_after": voi_data(after),
            "repairs": [_repair_data(repair) for repair in done if repair.operation],
            "left": [_repair_data(repair) for repair in done if not repair.operation],
            "undo": undone,
            "exports": _export(project, path.parent, progress),
        }
    return Outcome(report, _text(report))


def _sources(settings: DemoSettings, folder: Path, progress: Progress) -> CreateSettings:
    if settings.data is None:
        phantom = folder / PHANTOM
        if not phantom.exists():
            write_phantom(phantom, PhantomSettings(), progress)
        parts = {"fragments", "segmentation", "truth"}
        labels = {part: f"{phantom}/labels/{part}" for part in parts}
        return CreateSettings(image=f"{phantom}/image", **labels)
    names = list_volumes(settings.data)
    roles = guess_roles(names)
    labels_name = settings.labels or roles.get("fragments") or roles.get("segmentation")
    for role, name in {**roles, "labels": labels_name}.items():
        if name is not None and name not in names:
            raise SettingsError(
                f"no array {name!r} there; it has {', '.join(names)}", where=f"--{role}"
            )
    if labels_name is None or "truth" not in roles:
        raise SettingsError(
            f"labels and truth are needed, among {', '.join(names)} none is called so",
            where="--data",
            remedy="name them watershed, segmentation or labels, and gt or truth",
        )
    return CreateSettings(
        fragments=f"{settings.data}:{labels_name}",
        truth=f"{settings.data}:{roles['truth']}",
        image=f"{settings.data}:{roles['image']}" if "image" in roles else None,
    )


def _score(project: Project) -> Voi:
    score = project.voi()
    if score is None:
        raise AxonemError("the demo needs truth", where=project.name)
    return score


def _take_back_and_again(project: Project) -> dict[str, Any]:
    """Undo the first repair and redo it; say how the score moved."""
    repaired = _score(project).total
    project.undo()
    taken_back = _score(project).total
    project.redo()
    return {
        "voi_repaired": repaired,
        "voi_taken_back": taken_back,
        "voi_again": _score(project).total,
    }


def _repair_data(repair: Repair) -> dict[str, Any]:
    return {
        "kind": repair.mistake.kind,
        "position_nm": list(repair.mistake.position_nm),
        "gain_voi": repair.mistake.gain_voi,
        "operation": repair.operation and repair.operation.id,
        "voi_total": repair.voi_total,
    }


def _export(project: Project, folder: Path, progress: Progress) -> list[dict[str, Any]]:
    """Export in both formats, and score what is read back with h5py and zarr alone."""
    hdf5, ome_zarr = folder / "corrected.h5", folder / "corrected.zarr"
    for destination in (hdf5, ome_zarr):
        export_labels(project, destination, progress, overwrite=True)
    with h5py.File(hdf5) as file:
        from_hdf5 = file["labels"][:]
    from_zarr = np.asarray(zarr.open_group(ome_zarr, mode="r")["0"])
    truth = _truth(project)
    return [
        {"file": str(name), "voi": voi_data(voi(count_overlaps(labels, truth)))}
        for name, labels in ((hdf5, from_hdf5), (ome_zarr, from_zarr))
    ]


def _truth(project: Project) -> npt.NDArray[Any]:
    if project.sources.truth is None:
        raise AxonemError("the demo needs truth", where=project.name)
    volume = open_volume(project.sources.truth.path)
    return volume.read(volume.box)


def _text(report: dict[str, Any]) -> str:
    before, after = report["voi_before"], report["voi_after"]
    kinds = [repair["kind"] for repair in report["repairs"]]
    fall = 1 - after["total"] / before["total"] if before["total"] else 0.0
    lines = [
        f"data      {report['data']}",
        f"errors    {report['errors_before']} before, {report['errors_after']} after",
        f"repairs   {kinds.count('false_split')} merges, {kinds.count('false_merge')} splits, "
        f"{len(report['left'])} left where the preview promised nothing",
    ]
    for name, score in (("before", before), ("after", after)):
        lines.append(
            f"VOI {name:7}{score['total']:.4f} bits: "
            f"split {score['split']:.4f}, merge {score['merge']:.4f}"
        )
    lines.append(f"          {fall:.1%} less")
    if report["undo"]:
        undo = report["undo"]
        lines.append(
            f"undo       {undo['voi_repaired']:.4f} -> {undo['voi_taken_back']:.4f}, "
            f"redo -> {undo['voi_again']:.4f}"
        )
    lines += [f"export    {e['file']}: VOI {e['voi']['total']:.4f}" for e in report["exports"]]
    return "\n".join(lines)
