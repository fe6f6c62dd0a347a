"""The dock Export: what it asks for, and what is written then."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog

from napari_axonem.proofreading.states import ObjectState
from napari_axonem.widgets.docks.export.kinds import KINDS
from napari_axonem.widgets.docks.export.view import DEPTH, FINISHED, PICKED, THESE

from .conftest import SHAPE, nm
from .hand import Hand

pytestmark = pytest.mark.window


def choose(combo, data) -> None:
    combo.setCurrentIndex(combo.findData(data))


def kind(title: str):
    return next(k for k in KINDS if k.title == title)


def written(hand: Hand) -> str:
    export = hand.dock("Export")
    hand.push("Export", export.view.export)
    hand.until(lambda: not export.control.child.running)
    text = export.view.work.message.text()
    assert text.startswith("wrote"), text
    return export.view.destination.text()


def test_only_what_the_kind_needs_is_asked(hand: Hand, project_path: Path, monkeypatch) -> None:
    view = hand.dock("Export").view
    hand.session.open_project(project_path)
    assert view.scale.count() == len(hand.session.project.sources.fragments.volume.levels)
    for one in KINDS:
        choose(view.kind, one)
        assert [not w.isHidden() for w in (view.scale, view.objects, view.volume)] == [
            "scale" in one.asks, "objects" in one.asks, "volume" in one.asks
        ]  # fmt: skip
        assert view.own[one].isHidden() == (not one.fields)
        assert view.destination.text().startswith(str(project_path.with_name("block-")))
        assert view.destination.text().endswith(one.formats[0].suffix)
    choose(view.kind, kind("Labels"))
    view.destination.setText("/data/mine.h5")
    view.destination.setModified(True)
    view.format.setCurrentIndex(1)
    assert view.destination.text() == "/data/mine.zarr", "what was typed stays"
    view.set_destination("/data/mine.tif")
    assert view.format.currentText() == "TIFF (.tif)"
    assert view.destination.text() == "/data/mine.tif", "the format follows the name"
    chosen = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (chosen[-1], ""))
    for path, format_, wanted in (
        ("/data/other.h5", "HDF5 (.h5)", "/data/other.h5"),
        ("/data/bare", "HDF5 (.h5)", "/data/bare.h5"),
    ):
        chosen.append(path)
        view.browse.click()
        assert (view.format.currentText(), view.destination.text()) == (format_, wanted)


def test_labels_of_finished_objects_in_view(hand: Hand, project_path: Path, monkeypatch) -> None:
    session, dock = hand.session, hand.dock("Export")
    session.open_project(project_path)
    choose(dock.view.objects, FINISHED)
    hand.push("Export", dock.view.export)
    assert "no object is done" in dock.view.work.message.text()
    session.objects.pick(nm(6, 14, 20))
    session.objects.mark(ObjectState.DONE)
    hand.viewer.scene.camera.center = nm(6, 14, 20)
    hand.viewer.scene.camera.zoom = 10
    box = session.place.sight.visible_box(all_sections=True)
    assert box.shape < SHAPE
    choose(dock.view.region, DEPTH)
    with h5py.File(written(hand)) as file:
        labels = file["labels"][:]
    segment = session.project.segment_at(nm(6, 14, 20))
    assert labels.shape == box.shape
    exported = session.project.exported_ids()[session.project.segment == segment]
    assert set(np.unique(labels)) - {0} == set(exported.tolist())
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    hand.push("Export", dock.view.folder)
    assert shown == [str(project_path.parent)]


def test_table_meshes_and_skeletons(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Export").view
    session.open_project(project_path)
    choose(view.kind, kind("Fragment table"))
    with Path(written(hand)).open() as file:
        assert len(list(csv.DictReader(file))) == 6
    choose(view.kind, kind("Meshes"))
    view.format.setCurrentIndex(1)
    choose(view.objects, THESE)
    view.numbers.setText("one")
    hand.push("Export", view.export)
    assert "no list of numbers" in view.work.message.text()
    first, second = sorted(set(session.project.segment[1:].tolist()))[:2]
    view.numbers.setText(f"{first}, {second}")
    view.own[kind("Meshes")].editors["mesh_error"].setText("-1")
    hand.push("Export", view.export)
    assert "at least 0" in view.own[kind("Meshes")]._problems["mesh_error"].text()
    view.own[kind("Meshes")].editors["mesh_error"].setText("")
    assert len(list(Path(written(hand)).glob("*.ply"))) == 2
    choose(view.kind, kind("Skeletons"))
    session.objects.pick(nm(6, 14, 20))
    choose(view.objects, PICKED)
    assert len(list(Path(written(hand)).glob("*.swc"))) == 1
