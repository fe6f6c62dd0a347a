"""Several objects selected, and their neighbours, as calls on a session."""

import numpy as np
import pytest

from napari_axonem.errors import EditError
from napari_axonem.evaluation.meshes import Mesh
from napari_axonem.proofreading.solids import alone, extents_of, mesh_of
from napari_axonem.proofreading.states import ObjectState
from napari_axonem.proofreading.states.extent import Extents
from napari_axonem.widgets.session.session import Session
from tests.widgets.highlighted import highlighted

from .conftest import VOXEL_SIZE, nm, segmentation

LEFT_OF_1, RIGHT_OF_1, IN_2, IN_3 = (
    nm(6, 14, 20),
    nm(6, 14, 60),
    nm(6, 34, 20),
    nm(6, 50, 20),
)


def shown(layer) -> np.ndarray:
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)


def pick(session: Session, *positions) -> list[int]:
    for number, position in enumerate(positions):
        session.objects.pick(position, more=number > 0)
    return [session.project.segment_at(position) for position in positions]


def test_objects_are_added_and_taken_out(session: Session) -> None:
    objects = session.objects
    left, right, lower = pick(session, LEFT_OF_1, RIGHT_OF_1, IN_2)
    assert objects.segments == (left, right, lower)
    assert objects.segment == lower
    objects.pick(RIGHT_OF_1, more=True)
    assert objects.segments == (left, lower)
    objects.pick(nm(0, -50, 1), more=True)
    assert objects.segments == (left, lower), "a slip beside them costs nothing"
    objects.front(left)
    assert objects.segments == (lower, left)
    assert objects.segment == left
    objects.pick(RIGHT_OF_1)
    assert objects.segments == (right,)
    objects.drop()
    assert objects.segments == ()


def test_a_state_is_given_to_all_of_them(session: Session) -> None:
    names = pick(session, LEFT_OF_1, IN_2)
    states = session.project.objects
    session.objects.pick(RIGHT_OF_1)
    session.objects.mark(ObjectState.DISCUSS)
    pick(session, LEFT_OF_1, IN_2)
    session.objects.mark(ObjectState.DONE)
    assert [states.of(name).state for name in names] == [ObjectState.DONE] * 2
    assert states.of(session.project.segment_at(RIGHT_OF_1)).state == ObjectState.DISCUSS
    pick(session, LEFT_OF_1, RIGHT_OF_1, IN_2)
    session.objects.mark(ObjectState.DONE)
    assert len(states.finished()) == 3, "it is taken back only where all have it"
    session.objects.mark(ObjectState.DONE)
    assert states.finished() == frozenset()


def test_only_what_is_selected_is_shown(session: Session) -> None:
    sight = session.place.sight
    visible = sight.layers.segmentation
    left, right = pick(session, LEFT_OF_1, RIGHT_OF_1)
    assert set(np.unique(shown(visible))) - {0} == set(np.unique(session.project.segment)) - {0}
    sight.toggle_isolation()
    assert sight.isolates
    assert set(np.unique(shown(visible))) == {0, left, right}
    session.objects.pick(RIGHT_OF_1, more=True)
    assert set(np.unique(shown(visible))) == {0, left}
    sight.toggle_isolation()
    assert len(np.unique(shown(visible))) == 4
    sight.toggle_isolation()
    session.objects.drop()
    assert len(np.unique(shown(visible))) == 4, "nothing is selected, so nothing is hidden"
    session.go_to(0)
    session.objects.pick(IN_2)
    assert len(np.unique(shown(visible))) < 4, "an error stays alone until I is pressed"
    sight.toggle_isolation()
    sight.toggle_isolation()
    assert len(np.unique(shown(visible))) == 4


def test_selected_objects_are_merged(session: Session) -> None:
    pick(session, LEFT_OF_1)
    with pytest.raises(EditError, match="two objects or more"):
        session.merge_selected()
    pick(session, LEFT_OF_1, RIGHT_OF_1, IN_2)
    session.merge_selected()
    (name,) = session.objects.segments
    assert name == session.project.segment_at(LEFT_OF_1) == session.project.segment_at(IN_3)
    session.project.undo()
    assert len(session.objects.segments) == 3, "undo gives the selection back"
    session.objects.mark(ObjectState.LOCKED)
    with pytest.raises(EditError, match="locked"):
        session.merge_selected()


def test_neighbours_are_those_of_the_voxels(session: Session) -> None:
    left, right, lower = pick(session, LEFT_OF_1, RIGHT_OF_1, IN_2)
    session.objects.front(left)
    found = session.neighbours.found
    faces = {right: 12 * 20, lower: 12 * 40}
    assert dict(zip(found.segment.tolist(), found.area.tolist(), strict=True)) == faces
    assert found.segment.tolist() == [lower, right], "the largest contact first"
    for row in range(2):
        own, other = found.sides(row)
        assert session.project.segment_at(own) == left
        assert session.project.segment_at(other) == found.segment[row]
    assert np.isnan(found.affinity).all()


def test_going_through_neighbours_shows_selects_and_joins_them(session: Session) -> None:
    for action in (lambda: session.neighbours.step(1), session.neighbours.join):
        with pytest.raises(EditError, match="no object is picked"):
            action()
    (left,) = pick(session, LEFT_OF_1)
    right, lower = session.project.segment_at(RIGHT_OF_1), session.project.segment_at(IN_2)
    with pytest.raises(EditError, match="no neighbour is looked at"):
        session.neighbours.select()
    session.neighbours.step(1)
    assert session.neighbours.at == lower
    session.neighbours.step(1)
    assert session.neighbours.at == right
    contact = session.neighbours.found.place(1)
    assert session.place.viewer.dims.point[0] == pytest.approx(contact[0])
    assert session.place.viewer.scene.camera.center[1:] == pytest.approx(contact[1:])
    codes = highlighted(session.place.sight.layers)
    assert codes[6, 14, 20] == codes[6, 14, 60] == 1, "both are outlined"
    assert codes[6, 34, 20] == 0
    session.neighbours.hint(lower)
    assert highlighted(session.place.sight.layers)[6, 34, 20] == 1
    session.neighbours.hint(0)
    session.neighbours.select()
    assert session.objects.segments == (right, left), "its neighbours are still those of the first"
    session.neighbours.select()
    assert session.objects.segments == (left,)
    session.neighbours.step(1)
    assert session.neighbours.at == lower, "from the last to the first"
    session.neighbours.step(-1)
    session.neighbours.join()
    assert session.project.segment_at(RIGHT_OF_1) == session.project.segment_at(LEFT_OF_1)
    assert session.neighbours.at == 0
    assert session.neighbours.found.segment.tolist() == [lower]


def test_what_lies_under_the_cursor_is_said(session: Session) -> None:
    layer = session.place.sight.layers.image
    session.objects.pick(LEFT_OF_1)
    session.objects.mark(ObjectState.DONE)

    def said(position) -> str:
        return layer.get_status(position, dims_displayed=[1, 2], world=True)["coordinates"]

    name = session.project.segment_at(LEFT_OF_1)
    place = "z 195, y 116, x 164 nm"
    assert said(LEFT_OF_1) == f"{place}: object {name}, 9,600 voxels, done; truth 1"
    assert said(nm(6, 1, 1)).endswith(": background")
    assert said((-500.0, 0.0, 0.0)).endswith(": background")
    session.project.merge([LEFT_OF_1, RIGHT_OF_1])
    merged = session.project.segment_at(LEFT_OF_1)
    assert f"object {merged}, 19 k voxels; truth 1" in said(LEFT_OF_1)
    assert layer.get_status(LEFT_OF_1, dims_displayed=[0, 1, 2], world=True)["coordinates"] == ""


def volume_of(mesh: Mesh) -> float:
    """Return what a closed surface encloses."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(float) for corner in range(3))
    return abs(float((np.cross(a, b) * c).sum()) / 6)


def test_a_solid_is_the_object_alone(session: Session) -> None:
    name = session.project.segment_at(IN_2)
    solid = alone(session.project, name)
    assert solid.read(solid.box).all(), "a box of slabs fills its box"
    assert solid.grid.origin == (0.0, 24 * 8.0, 0.0)
    inside = segmentation() == 3
    assert solid.box.size == inside.sum()
    mesh = mesh_of(solid)
    voxels = np.argwhere(inside)
    low, high = voxels.min(axis=0) * VOXEL_SIZE, (voxels.max(axis=0) + 1) * VOXEL_SIZE
    np.testing.assert_allclose(mesh.vertices.min(axis=0), low, atol=30)
    np.testing.assert_allclose(mesh.vertices.max(axis=0), high, atol=30)
    assert volume_of(mesh) == pytest.approx(inside.sum() * np.prod(VOXEL_SIZE), rel=0.1)


def test_a_solid_of_many_voxels_is_coarser(session: Session, monkeypatch) -> None:
    name = session.project.segment_at(IN_2)
    factors = session.project.sources.fragments.volume.factors
    monkeypatch.setattr("napari_axonem.proofreading.solids.MOST_VOXELS", 10)
    solid = alone(session.project, name)
    assert solid.grid.voxel_size == tuple(np.multiply(VOXEL_SIZE, factors[-1]))


def test_what_an_object_consists_of_tells_whether_it_changed(session: Session) -> None:
    project, extents = session.project, Extents()
    left, lower = project.segment_at(LEFT_OF_1), project.segment_at(IN_2)
    before = extents_of(project, [left, lower], extents)
    project.merge([LEFT_OF_1, RIGHT_OF_1])
    name = project.segment_at(LEFT_OF_1)
    after = extents_of(project, [name, lower], extents)
    assert after[lower] == before[lower]
    assert after[name] != before[left]
    project.undo()
    assert extents_of(project, [left, lower], extents) == before
