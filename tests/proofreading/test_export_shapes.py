"""Meshes, skeletons, tables and training crops of a project."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from zmesh import Mesh as Surface

from napari_axonem.errors import EditError, ProjectError
from napari_axonem.evaluation.meshes.pieces import joined, surfaces
from napari_axonem.evaluation.skeletons import read_skeletons
from napari_axonem.geometry import Box, Grid, blocks
from napari_axonem.proofreading.exporting import corrected_volume
from napari_axonem.proofreading.exporting.crops import export_crops
from napari_axonem.proofreading.exporting.shapes import Wanted, export_meshes, export_skeletons
from napari_axonem.proofreading.exporting.tables import export_points, export_table, sha256
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import Volume
from tests.proofreading.conftest import VOXEL_SIZE, Maker, centre

Labels = npt.NDArray[np.uint32]


@pytest.fixture
def edited(make_project: Maker, bars: Labels) -> Iterator[Project]:
    """The two bars, with an image, after a merge, a merge undone, and a split."""
    image = np.arange(bars.size, dtype=np.uint8).reshape(bars.shape) | 1  # black would be missing
    with Project(make_project(fragments=bars * 1000, image=image)) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        project.merge([centre(bars, 4), centre(bars, 5)])
        project.undo()
        project.split(project.plan_split([(60.0, 32.0, 132.0)], [(60.0, 32.0, 188.0)]))
        yield project


def enclosed(vertices: npt.NDArray[np.float32], faces: npt.NDArray[np.uint32]) -> float:
    """The volume in nm³ that a surface with x, y, z vertices encloses, its normals outward."""
    corners = vertices.astype(np.float64)[faces]
    return float(
        np.einsum("ij,ij->i", corners[:, 0], np.cross(*corners[:, 1:].swapaxes(0, 1))).sum() / 6
    )


def is_closed(faces: npt.NDArray[np.uint32]) -> bool:
    """Whether each edge is there once in each direction."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forth, back = (np.unique(e, axis=0, return_counts=True) for e in (edges, edges[:, ::-1]))
    return bool(np.array_equal(forth[0], back[0]) and np.array_equal(forth[1], back[1]))


def test_blocks_give_the_surface_of_the_whole() -> None:
    z, y, x = np.indices((20, 24, 28))
    ball = ((z - 9) ** 2 + (y - 11) ** 2 + (x - 13) ** 2 < 64).astype(np.uint64) * (2**40 + 1)
    ball[12:, 15:, 20:] = 7  # reaches the faces of the volume
    grid = Grid((30.0, 8.0, 4.0), (300.0, 0.0, -40.0))
    labels = Volume((ball,), ((1, 1, 1),), grid, "ball", "array")
    pieces: dict[int, list] = {}
    for box in blocks(labels.box, (7, 24, 9)):
        for number, piece in surfaces(labels, box).items():
            pieces.setdefault(number, []).append(piece)
    whole = surfaces(labels, labels.box)
    assert set(pieces) == set(whole) == {7, 2**40 + 1}
    for number, found in pieces.items():
        mesh, one = joined(found, grid), joined([whole[number]], grid)
        assert len(found) > 1
        assert is_closed(mesh.faces)
        np.testing.assert_array_equal(mesh.vertices, one.vertices)
        assert len(mesh.faces) == len(one.faces)
        content = enclosed(mesh.vertices[:, ::-1], mesh.faces)
        assert content == pytest.approx((ball == number).sum() * 30 * 8 * 4, rel=0.05)
        less = joined(found, grid, most_error=4.0)
        assert len(less.faces) < len(mesh.faces) / 2
        assert enclosed(less.vertices[:, ::-1], less.faces) == pytest.approx(content, rel=0.05)


@pytest.mark.parametrize("form", ["precomputed", "ply", "obj"])
def test_meshes_are_read_by_zmesh(edited: Project, tmp_path: Path, form: str) -> None:
    merged = int(edited.segment[1])
    target = tmp_path / "meshes"
    count = export_meshes(edited, target, Wanted((merged,)), format=form, most_error=0.0)
    name = int(edited.exported_ids()[1])
    assert count == 1
    if form == "precomputed":
        assert json.loads((target / "info").read_text())["@type"] == "neuroglancer_legacy_mesh"
        (part,) = json.loads((target / f"{name}:0").read_text())["fragments"]
        mesh = Surface.from_precomputed((target / part).read_bytes())
    elif form == "ply":
        mesh = Surface.from_ply((target / f"{name}.ply").read_bytes())
    else:
        mesh = Surface.from_obj((target / f"{name}.obj").read_text())
    faces = np.asarray(mesh.faces).astype(np.uint32)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    np.testing.assert_array_equal(low, (0, 0, 0))
    np.testing.assert_array_equal(high, (16 * 8, 8 * 8, 4 * 30))  # x, y, z
    assert is_closed(faces)
    assert enclosed(mesh.vertices, faces) == pytest.approx(high.prod(), rel=0.1)
    assert not list(tmp_path.glob(".*"))


def test_all_objects_have_a_mesh_and_one_that_is_gone_is_refused(
    edited: Project, tmp_path: Path
) -> None:
    objects = np.setdiff1d(edited.exported_ids(), [0])
    assert export_meshes(edited, tmp_path / "all", Wanted(), format="ply") == len(objects)
    assert {int(f.stem) for f in (tmp_path / "all").iterdir()} == set(objects.tolist())
    small = next(f for f in (1, 2) if edited.segment[f] != f)
    with pytest.raises(EditError, match=f"there is no object {small}"):
        export_meshes(edited, tmp_path / "none", Wanted((small,)))
    assert not (tmp_path / "none").exists()


def test_skeletons_lie_in_their_objects(make_project: Maker, tmp_path: Path) -> None:
    labels = np.zeros((6, 12, 240), np.uint32)
    labels[1:5, 2:10, :120], labels[1:5, 2:10, 120:] = 1, 2
    with Project(make_project(fragments=labels)) as project:
        project.merge([centre(labels, 1), centre(labels, 2)])
        assert export_skeletons(project, f"{tmp_path}/swc/", Wanted((1,))) == 1
        found = read_skeletons(tmp_path / "swc", unit="nm")
        volume = corrected_volume(project)
        at = volume.grid.to_voxel(found.positions)
        assert set(volume.read(volume.box)[tuple(at.T)].tolist()) == {1}
        assert found.lengths.sum() > 1500


def test_table_leads_from_fragments_to_exported_objects(edited: Project, tmp_path: Path) -> None:
    digest = export_table(edited, tmp_path / "t.npz")
    assert digest == sha256(tmp_path / "t.npz")
    export_table(edited, tmp_path / "t.csv")
    with np.load(tmp_path / "t.npz") as stored:
        columns = {name: stored[name] for name in stored.files}
    lookup = np.zeros(columns["fragment"].max() + 1, np.uint64)
    lookup[columns["fragment"]] = columns["object_id"]
    fragments = np.asarray(edited.sources.fragments.arrays[0][:])
    volume = corrected_volume(edited)
    np.testing.assert_array_equal(lookup[fragments], volume.read(volume.box))
    np.testing.assert_array_equal(columns["segment"], edited.segment[1:])
    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name, column in columns.items():
        assert [int(row[name]) for row in rows] == column.tolist()


def test_points_are_those_of_edits_in_force(edited: Project, bars: Labels, tmp_path: Path) -> None:
    export_points(edited, tmp_path / "p.csv")
    export_points(edited, tmp_path / "p.json")
    with (tmp_path / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["kind"], r["colour"]) for r in rows] == [
        ("merge", ""),
        ("merge", ""),
        ("split", "red"),
        ("split", "blue"),
    ]
    assert tuple(float(rows[0][f"{a}_nm"]) for a in "zyx") == centre(bars, 1)
    edits = json.loads((tmp_path / "p.json").read_text())
    assert [edit["id"] for edit in edits] == edited.history.active()


def test_crop_is_what_training_reads(edited: Project, bars: Labels, tmp_path: Path) -> None:
    opening = pytest.importorskip("napari_axonem.training.opening")
    looked_through = int(edited.segment[6])
    (crop,) = export_crops(
        edited,
        tmp_path / "crops",
        box_nm=((0, 120), (0, 128), (64, 192)),
        finished=(looked_through,),
        around_nm=16.0,
    )
    box = Box((0, 0, 8), (4, 16, 24))
    assert crop.box == box
    (source,) = opening.open_sources(crop.location)
    patch = source.read(source.labels.box)
    volume = corrected_volume(edited)
    labels = volume.read(box)
    image = np.asarray(edited.sources.image.levels[0][box.slices])
    np.testing.assert_array_equal(np.rint(patch.image * 255), image)
    checked = np.asarray(zarr.open_group(crop.location, mode="r")["checked/0"]) != 0
    np.testing.assert_array_equal(patch.known, checked)
    np.testing.assert_array_equal(patch.labels, np.where(checked, labels, 0))
    wanted = labels == edited.exported_ids()[6]
    for edit in ([centre(bars, 1), centre(bars, 2)], [(60.0, 32.0, 132.0), (60.0, 32.0, 188.0)]):
        low, high = np.min(edit, axis=0) - 16, np.max(edit, axis=0) + 16
        first, last = np.floor(low / VOXEL_SIZE), np.ceil(high / VOXEL_SIZE)
        inside = [
            (i >= a) & (i < b) for i, a, b in zip(np.indices(bars.shape), first, last, strict=True)
        ]
        wanted |= np.logical_and.reduce(inside)[box.slices]
    np.testing.assert_array_equal(checked, wanted)
    assert not checked.all()


def test_crops_lie_around_edits(edited: Project, tmp_path: Path) -> None:
    crops = export_crops(edited, tmp_path / "crops", around_nm=4.0)
    assert [crop.box for crop in crops] == [
        Box((1, 3, 16), (3, 5, 24)),
        Box((2, 4, 4), (3, 5, 13)),
    ]
    edited.undo()
    edited.undo()
    with pytest.raises(ProjectError, match="nothing was checked"):
        export_crops(edited, tmp_path / "none")
    assert not (tmp_path / "none").exists()
