"""Making projects: by several processes, cut off and taken up, from whatever there is."""

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.errors import ProjectError, SettingsError, VolumeError
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.skeletons import Skeletons, Tree, from_trees, write_skeletons
from napari_axonem.proofreading.creation import CreateSettings, build, create_project, tabulating
from napari_axonem.proofreading.creation.cutting import cut_objects
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.verification import verify_project

from .conftest import VOXEL_SIZE

Labels = npt.NDArray[np.uint32]
SHAPE = (20, 60, 300)


class StopError(Exception):
    """Somebody has had enough."""


def blobs(seed: int, count: int) -> Labels:
    """Return the Voronoi cells of random points, with some background."""
    random = np.random.default_rng(seed)
    places = random.integers(0, SHAPE, (count, 3))
    grid = np.stack(np.indices(SHAPE), axis=-1)
    labels = np.zeros(SHAPE, np.uint32)
    best = np.full(SHAPE, 40.0)
    for number, place in enumerate(places, start=1):
        away = np.linalg.norm((grid - place) * (3.0, 1.0, 1.0), axis=-1)
        labels[away < best] = number * 7
        best = np.minimum(best, away)
    return labels


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fragments, a truth, and affinities, of many blocks."""
    path = tmp_path_factory.mktemp("source") / "source.h5"
    with h5py.File(path, "w") as file:
        file["fragments"], file["truth"] = blobs(1, 60), blobs(2, 20)
        random = np.random.default_rng(3)
        file["affinities"] = random.integers(0, 256, (3, *SHAPE)).astype(np.uint8)
    return path


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on blocks so small that there are many, and add up few terms at once."""
    monkeypatch.setattr(build, "BLOCK", (8, 32, 64))
    monkeypatch.setattr(build, "natural_block", lambda volume: volume.levels[0].chunks)
    monkeypatch.setattr(tabulating, "ROWS_AT_ONCE", 100)


def settings(source: Path, **others: object) -> CreateSettings:
    """Return settings that name everything in the source."""
    given = {role: f"{source}:{role}" for role in ("fragments", "truth", "affinities")}
    return CreateSettings(**given, voxel_size=VOXEL_SIZE, workers=1, **others)


def content(project: Path) -> dict[str, bytes]:
    """Return all files of a project, and what its database and its copy say but when."""
    files = {
        str(file.relative_to(project)): file.read_bytes()
        for file in project.rglob("*")
        if file.is_file() and file.suffix != ".db"
    }
    (copy,) = (project / "backups").iterdir()
    for path in (project / "project.db", copy):
        database = sqlite3.connect(path)
        rows = database.execute("SELECT * FROM settings WHERE name != 'created' ORDER BY name")
        files["copy" if path is copy else "database"] = repr(rows.fetchall()).encode()
        database.close()
    return files


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A project made in one go, in small blocks."""
    path = tmp_path_factory.mktemp("whole") / "a.axonem"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "BLOCK", (8, 32, 64))
        patch.setattr(build, "natural_block", lambda volume: volume.levels[0].chunks)
        patch.setattr(tabulating, "ROWS_AT_ONCE", 100)
        create_project(path, settings(source))
    return content(path)


def test_tables_do_not_depend_on_blocks(source: Path, tmp_path: Path, small_blocks: None) -> None:
    create_project(tmp_path / "a.axonem", settings(source))
    with Project(tmp_path / "a.axonem") as project:
        table = project.state.table
        sources = project.sources
        assert sources.truth is not None
        once = tabulate(sources.fragments.volume, sources.truth.volume, sources.affinities)
        for name in ("fragment", "truth", "voxels", "start", "stop"):
            np.testing.assert_array_equal(getattr(table.cells, name), getattr(once.cells, name))
        for name in ("cell_a", "cell_b", "area", "affinity"):
            np.testing.assert_array_equal(
                getattr(table.contacts, name), getattr(once.contacts, name)
            )
        assert verify_project(project) == []


def test_work_that_was_cut_off_anywhere_goes_on_to_the_same_bytes(
    source: Path, tmp_path: Path, small_blocks: None, whole: dict[str, bytes]
) -> None:
    path = tmp_path / "a.axonem"
    stops = 0
    while not path.exists():
        left = 7 + 6 * stops  # each finished stage tells so at every start

        def counting(done: int, total: int, doing: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise StopError

        try:
            create_project(path, settings(source), counting)
        except StopError:
            stops += 1
            assert not path.exists()
    assert stops > 3
    assert content(path) == whole
    assert [p.name for p in tmp_path.iterdir()] == ["a.axonem"]


def make_slowly(path: Path, given: CreateSettings) -> None:
    """Make a project in a process that will be killed."""
    build.BLOCK = (8, 32, 64)
    build.natural_block = lambda volume: volume.levels[0].chunks
    tabulating.ROWS_AT_ONCE = 100
    create_project(path, given)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_leaves_what_the_next_goes_on_with(
    source: Path, tmp_path: Path, small_blocks: None, whole: dict[str, bytes]
) -> None:
    path = tmp_path / "a.axonem"
    work = tmp_path / ".a.axonem.partial"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.proofreading.test_creation"])
    for wanted in (1, 8, 20):
        process = context.Process(target=make_slowly, args=(path, settings(source)))
        process.start()
        while process.is_alive():
            scratch = work / "scratch"
            if scratch.exists() and sum(1 for _ in scratch.rglob("*.np*")) >= wanted:
                break
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    assert not path.exists()
    create_project(path, settings(source))
    assert content(path) == whole


def test_other_settings_begin_anew(source: Path, tmp_path: Path, small_blocks: None) -> None:
    def stopping(done: int, total: int, doing: str) -> None:
        if doing == "writing truth" and done == 2:
            raise StopError

    with pytest.raises(StopError):
        create_project(tmp_path / "a.axonem", settings(source), stopping)
    assert (tmp_path / ".a.axonem.partial").exists()
    create_project(tmp_path / "a.axonem", settings(source, threshold=0.6))
    with Project(tmp_path / "a.axonem") as project:
        edges = project.graph.edges.everything()
        np.testing.assert_array_equal(edges.on, edges.affinity >= np.float32(0.6))
    with pytest.raises(ProjectError, match="exists already"):
        create_project(tmp_path / "a.axonem", settings(source))


def test_several_processes_give_the_same(
    source: Path, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    given = settings(source).model_copy(update={"workers": 2})
    create_project(tmp_path / "a.axonem", given)
    found = content(tmp_path / "a.axonem")
    # points and paths of evidence depend on blocks, the rest does not
    for name in ("fragments.zarr", "truth.zarr", "tables/edges_u", "tables/segment"):
        ours = {k: v for k, v in found.items() if k.startswith(name)}
        assert ours == {k: v for k, v in whole.items() if k.startswith(name)}
        assert ours


def test_the_scores_of_a_merge_tree_say_what_is_joined(source: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree.npz"
    with h5py.File(source, "r") as file:
        fragments = file["fragments"][:]
    pairs = np.unique(
        np.sort(np.stack([fragments[..., 1:], fragments[..., :-1]], -1), -1).reshape(-1, 2), axis=0
    )
    pairs = pairs[(pairs[:, 0] > 0) & (pairs[:, 0] != pairs[:, 1])]
    score = np.linspace(0, 1, len(pairs), dtype=np.float32)
    np.savez(tree, u=pairs[:, 1], v=pairs[:, 0], score=score)
    create_project(tmp_path / "a.axonem", settings(source, scores=str(tree), threshold=0.7))
    with Project(tmp_path / "a.axonem") as project:
        ids, edges = project.state.fragment_ids, project.graph.edges.everything()
        joined = edges.u[edges.on], edges.v[edges.on]
        on = {(int(ids[u]), int(ids[v])) for u, v in zip(*joined, strict=True)}
        assert on == {tuple(pair) for pair in pairs[score >= 0.7].tolist()}
        project.set_threshold(0.2)
        again = project.graph.edges.everything()
        assert again.on.sum() == (score >= np.float32(0.2)).sum()
    np.savez(tree, u=pairs[:, 0], score=score)
    with pytest.raises(VolumeError, match="merge tree"):
        create_project(tmp_path / "b.axonem", settings(source, scores=str(tree)))


def test_objects_are_cut_into_fragments_inside_of_them(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.axonem"
    given = CreateSettings(
        segmentation=f"{source}:truth", cut_objects=150.0, voxel_size=VOXEL_SIZE, workers=1
    )
    create_project(path, given)
    with h5py.File(source, "r") as file:
        truth = file["truth"][:]
    with Project(path) as project:
        volume = project.sources.fragments.volume
        fragments = volume.read(volume.box)
        assert project.graph.n_fragments > 3 * len(np.unique(truth))
        pairs = np.unique(np.stack([fragments.ravel(), truth.ravel()]), axis=1)
        assert len(np.unique(pairs[0])) == len(pairs[0]), "no fragment is in two objects"
        segments = np.unique(np.stack([project.segment[fragments].ravel(), truth.ravel()]), axis=1)
        assert len(segments[0]) == len(np.unique(truth)), "together they are the objects"
        assert verify_project(project) == []
    with pytest.raises(SettingsError, match="--cut-objects"):
        CreateSettings.parse({"fragments": "a.h5:x", "cut_objects": 100})


def test_a_dumbbell_is_cut_at_its_neck() -> None:
    labels = np.zeros((9, 9, 40), np.uint32)
    labels[:, :, :16] = 5
    labels[4, 4, 16:24] = 5
    labels[:, :, 24:] = 5
    pieces = cut_objects(labels, (1.0, 1.0, 1.0), 20.0)
    left, right = np.unique(pieces[:, :, :16]), np.unique(pieces[:, :, 24:])
    assert len(left) == len(right) == 1
    assert left[0] != right[0]
    np.testing.assert_array_equal(pieces > 0, labels > 0)


def test_skeletons_are_kept_and_followed(source: Path, tmp_path: Path) -> None:
    trees = []
    for number in range(3):
        x = np.arange(10, 290, 7)
        voxels = np.stack([np.full(len(x), 5 + number), np.full(len(x), 20 * number + 3), x], 1)
        nodes = (voxels + 0.5) * VOXEL_SIZE
        edges = np.stack([np.arange(len(x) - 1), np.arange(1, len(x))], axis=1)
        trees.append(Tree(number + 1, nodes, edges))
    skeletons: Skeletons = from_trees(trees)
    write_skeletons(tmp_path / "skeletons.npz", skeletons)
    given = settings(source, skeletons=str(tmp_path / "skeletons.npz"))
    create_project(tmp_path / "a.axonem", given)
    with Project(tmp_path / "a.axonem") as project:
        start = project.erl()
        assert start is not None
        followed = project.state.followed
        assert followed is not None
        voxels = followed.voxel[:40][followed.fragment[:40] > 0]
        places = [tuple(project.sources.grid.to_nm(voxel)) for voxel in voxels]
        done = project.merge(places)
        assert done.erl_nm is not None
        assert done.erl_nm == project.erl() != start
        z, y, x = places[0]
        project.split(project.plan_split([places[0]], [(z, y + 8, x)]))
        assert project.state.carried
        after = project.erl()
    with Project(tmp_path / "a.axonem") as again:
        assert again.erl() == after
        assert verify_project(again) == []
