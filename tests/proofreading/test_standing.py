"""Score and errors of a project that is edited equal those from scratch."""

from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.errors import EditError
from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.mistakes import find_mistakes
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.skeletons.lookup import lookup
from napari_axonem.evaluation.skeletons.skeletons import Skeletons, Tree, from_trees
from napari_axonem.evaluation.standing import Choice, RunSettings
from napari_axonem.geometry import Box
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.tables import refinement

SHAPE = (10, 40, 40)
SIZE = (8.0, 8.0, 8.0)


def cells(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return the Voronoi cells of random points."""
    points = rng.uniform(0, SHAPE, (count, 3)) * (4, 1, 1)
    voxels = np.stack(np.indices(SHAPE), axis=-1)[..., None, :] * np.array([4, 1, 1])
    nearest = np.linalg.norm(voxels - points, axis=-1).argmin(axis=-1)
    return (nearest + 1).astype(np.uint32)


def edit(project: Project, rng: np.random.Generator) -> None:
    """Do something at random, if it is possible."""
    places = [tuple(p) for p in rng.uniform(0, np.array(SHAPE) * 8, (2, 3))]
    edits = (
        lambda: project.merge(places),
        lambda: project.split(project.plan_split(places[:1], places[1:])),
        project.undo,
        project.redo,
    )
    with suppress(EditError):
        edits[rng.choice(4, p=(0.5, 0.2, 0.2, 0.1))]()


def create(folder: Path, rng: np.random.Generator) -> Path:
    """Make a project of random cells, whose truth is other random cells."""
    source = folder / "cells.h5"
    with h5py.File(source, "w") as file:
        file["gt"], file["watershed"] = cells(rng, 8), cells(rng, 20)
    path = folder / "cells.axonem"
    settings = CreateSettings(
        fragments=f"{source}:watershed", truth=f"{source}:gt", voxel_size=SIZE
    )
    create_project(path, settings)
    return path


def paths_through(truth: np.ndarray, rng: np.random.Generator) -> Skeletons:
    """Return a path through random voxels of each true object."""
    trees = []
    for name in np.unique(truth):
        voxels = np.argwhere(truth == name)
        voxels = voxels[np.sort(rng.permutation(len(voxels))[:40])]
        edges = np.stack([np.arange(len(voxels) - 1), np.arange(1, len(voxels))], axis=1)
        trees.append(Tree(int(name), (voxels + 0.5) * SIZE, edges))
    return from_trees(trees)


@pytest.mark.parametrize("seed", range(3))
def test_scores_and_list_follow_edits(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    with Project(create(tmp_path, rng)) as project:
        assert len(project.mistakes()) > 5
        for _ in range(40):
            edit(project, rng)
            scratch = find_mistakes(project.state.table, project.segment, project.sources.grid)
            assert project.mistakes(Choice(rank="voi")) == scratch
            assert project.mistakes(Choice(rank="voi"), 3) == scratch[:3]
            now, wanted = project.voi(), voi_of(project.state.table, project.segment)
            assert now is not None
            assert (now.split, now.merge) == pytest.approx((wanted.split, wanted.merge), abs=1e-12)
        assert len(project.operations) > 10


def test_run_lengths_follow_edits(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    with Project(create(tmp_path, rng)) as project:
        assert project.erl() is None
        assert project.sources.truth is not None
        skeletons = paths_through(project.sources.truth.volume.read(Box.of_shape(SHAPE)), rng)
        settings = RunSettings(merge_threshold=3)
        project.follow_skeletons(skeletons, settings)
        seen, refined = set(), 0
        for _ in range(40):
            edit(project, rng)
            nodes = lookup(project.sources.fragments.volume, skeletons).segment
            wanted = erl(
                skeletons, project.segment[nodes].astype(np.uint64), SIZE, merge_threshold=3
            ).erl_nm
            assert project.erl() == pytest.approx(wanted, rel=1e-9)
            seen.add(project.erl())
            refined = len(project.state.carried)
        assert len(seen) > 5
        assert refined, "some edits cut fragments"
        split = next(m for m in project.mistakes() if m.kind == "false_split")
        gain, before = project.erl_gain(split), project.erl()
        assert gain is not None
        assert before is not None
        project.merge([project.sources.grid.to_nm(side[0]) for side in (split.red, split.blue)])
        assert project.erl() == pytest.approx(before + gain)


def test_a_failed_edit_leaves_the_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    with Project(create(tmp_path, rng)) as project:
        assert project.sources.truth is not None
        skeletons = paths_through(project.sources.truth.volume.read(Box.of_shape(SHAPE)), rng)
        project.follow_skeletons(skeletons)
        split = next(m for m in project.mistakes() if m.kind == "false_split")
        before = project.erl(), project.voi(), project.mistakes()
        places = [project.sources.grid.to_nm(side[0]) for side in (split.red, split.blue)]
        with monkeypatch.context() as patch:
            patch.setattr(project.log, "append", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                project.merge(places)
        assert (project.erl(), project.voi(), project.mistakes()) == before
        project.merge(places)
        assert project.voi() != before[1]


def test_a_project_from_before_depths_were_kept_opens_with_nothing_thin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    path, before = create(tmp_path, rng), refinement._slots
    monkeypatch.setattr(
        refinement, "_slots", lambda columns: tuple(n for n in before(columns) if n != "depth")
    )
    with Project(path) as project:
        assert any(mistake.thin for mistake in project.mistakes())
        while not project.state.carried:
            edit(project, rng)
        listed = project.mistakes()
    monkeypatch.undo()
    (path / "tables" / "cells_depth.npy").unlink()
    with Project(path) as project:
        found = project.mistakes()
        assert {(m.kind, m.segments, m.gain_voi) for m in found} == {
            (m.kind, m.segments, m.gain_voi) for m in listed
        }
        assert not any(mistake.thin for mistake in found)
