"""Fragments: by one block or many, by processes, killed and resumed, and in hard cases."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from distributed import LocalCluster

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.segmentation.fragments import steps
from napari_axonem.segmentation.result import Result
from napari_axonem.segmentation.segmenting import segment
from napari_axonem.volumes import open_volume
from napari_axonem.watching import Unwatched

from . import killed_segmentation
from .affinity_cases import SHAPE, affinities_of, cells, is_inner, voi, write_affinities
from .killed_segmentation import settings_for

CHILD = Path(killed_segmentation.__file__)


class StopError(Exception):
    """Raised by a user who has seen enough."""


def tree(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def voxels(path):
    return np.asarray(open_volume(path).levels[0][:])


def patched(patch):
    for module, name, value in killed_segmentation.PATCHES:
        patch.setattr(module, name, value)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "a.h5"
    write_affinities(path, affinities_of(cells()))
    return path


@pytest.fixture(scope="module")
def whole(file, tmp_path_factory):
    """What one block gives."""
    path = tmp_path_factory.mktemp("one") / "a.segmentation"
    segment(settings_for(file), path)
    return Result(path)


@pytest.fixture(scope="module")
def many(file, tmp_path_factory):
    """What 27 blocks give that nobody interrupts, and the number of their steps."""
    path, said = tmp_path_factory.mktemp("many") / "a.segmentation", []
    with pytest.MonkeyPatch.context() as patch:
        patched(patch)
        segment(settings_for(file), path, Unwatched(lambda *step: said.append(step)))
    return Result(path), len(said)


def test_fragments_are_small_and_segments_are_the_objects(whole):
    truth, fragments = cells(), voxels(whole.fragments)
    inner = is_inner(truth)
    split, merge = voi(fragments[inner], truth[inner])
    assert merge < 0.01
    segments = voi(voxels(whole.segmentation)[inner], truth[inner])
    assert sum(segments) < 0.02
    assert split > 1
    assert whole.read_said()["segments"] == len(np.unique(truth))
    ids = np.unique(fragments)
    np.testing.assert_array_equal(ids[ids > 0], np.arange(1, whole.read_said()["fragments"] + 1))


def test_graph_counts_all_faces(whole, file):
    fragments, graph = voxels(whole.fragments).astype(np.int64), whole.open_graph()
    with h5py.File(file) as h5:
        affinities = h5["affinities"][:] / 255
    faces, total = {}, {}
    for axis in range(3):
        here = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        below = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        a, b, x = fragments[here], fragments[below], affinities[axis][here]
        touch = (a != b) & (a > 0) & (b > 0)
        for low, high, value in zip(
            np.minimum(a, b)[touch].tolist(),
            np.maximum(a, b)[touch].tolist(),
            x[touch].tolist(),
            strict=True,
        ):
            faces[low, high] = faces.get((low, high), 0) + 1
            total[low, high] = total.get((low, high), 0) + value
    pairs = list(zip(graph.u.tolist(), graph.v.tolist(), strict=True))
    assert pairs == sorted(faces)
    assert graph.area.tolist() == [faces[pair] for pair in pairs]
    means = [total[pair] / faces[pair] for pair in pairs]
    np.testing.assert_allclose(graph.affinity, means, atol=1e-5)
    np.testing.assert_array_equal(graph.voxels[1:], np.bincount(fragments.ravel())[1:])


def test_many_blocks_give_the_same_as_one(whole, many):
    """Not within a tolerance: every byte, ids included."""
    assert tree(many[0].folder) == tree(whole.folder)


@pytest.mark.parametrize("seed", range(3))
def test_killed_and_started_again_gives_the_same_bytes(tmp_path, file, many, monkeypatch, seed):
    patched(monkeypatch)
    path = tmp_path / "a.segmentation"
    at = random.Random(seed).randrange(4, many[1] - 4)
    arguments = [str(a) for a in (CHILD, file, path, at, 1)]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[2])}
    left = subprocess.run([sys.executable, *arguments], check=False, env=environment)
    assert left.returncode == -signal.SIGKILL
    assert [p.name for p in tmp_path.iterdir()] == [".a.segmentation.partial"]
    assert segment(settings_for(file), path).resumed
    assert tree(path) == tree(many[0].folder)
    assert [p.name for p in tmp_path.iterdir()] == ["a.segmentation"]


def test_cluster_of_which_a_worker_dies(tmp_path, file, many, monkeypatch):
    monkeypatch.setattr(steps, "block_shape", lambda *_: (64, 64, 64))
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        worker, said = cluster.workers[0].pid, []

        def progress(done, total, doing):
            said.append(doing)
            if len(said) == 6:
                os.kill(worker, signal.SIGKILL)

        settings = settings_for(file, scheduler=cluster.scheduler_address)
        segment(settings, tmp_path / "a.segmentation", Unwatched(progress))
    assert len(said) > 6
    assert tree(tmp_path / "a.segmentation") == tree(many[0].folder)


def test_other_settings_begin_anew(tmp_path, file, monkeypatch):
    patched(monkeypatch)
    path, said = tmp_path / "a.segmentation", []

    def progress(*step):
        said.append(step)
        if len(said) > 5:
            raise StopError

    with pytest.raises(StopError):
        segment(settings_for(file), path, Unwatched(progress))
    done = segment(settings_for(file, smoothing=2), path)
    assert not done.resumed
    assert done.said["about"]["rule"]["smoothing"] == 2


def made(tmp_path, affinities, dtype="uint8", **settings):
    file = tmp_path / "h.h5"
    write_affinities(file, affinities, dtype)
    return segment(settings_for(file, **settings), tmp_path / "h.segmentation")


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_constant_affinities(tmp_path, value):
    done = made(tmp_path, np.full((3, 20, 70, 30), value, np.float32), "float32")
    fragments = voxels(done.result.fragments)
    if value == 0:
        assert done.said["fragments"] == 0
        assert not fragments.any()
    else:  # one object, in pieces of the lattice
        assert fragments.all()
        assert done.said["segments"] == 1
        assert done.said["fragments"] < 40


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 70, 70), (3, 5, 130)])
def test_thin_volumes(tmp_path, shape):
    label = cells(shape, count=3)
    done = made(tmp_path, affinities_of(label), "float32")
    assert voxels(done.result.segmentation).shape == shape


def test_nan_is_refused_with_its_place(tmp_path):
    affinities = affinities_of(cells((20, 30, 30), 3))
    affinities[1, 4, 5, 6] = np.nan
    with pytest.raises(VolumeError, match=r"the first is nan in channel 1 at \(4, 5, 6\)"):
        made(tmp_path, affinities, "float32")
    assert not (tmp_path / "h.segmentation").exists()


def test_a_missing_section_parts_but_does_not_stop(tmp_path):
    affinities = affinities_of(cells((40, 60, 60), 4))
    affinities[:, 20] = 0
    done = made(tmp_path, affinities)
    assert voxels(done.result.fragments)[20].any()
    assert done.said["segments"] >= 4


def test_affinities_of_another_shape(tmp_path, file):
    other = tmp_path / "b.h5"
    write_affinities(other, np.ones((3, 5, 5, 5), np.float32))
    settings = settings_for(file, affinities=f"{other}:affinities")
    with pytest.raises(MismatchError, match="affinities of"):
        segment(settings, tmp_path / "b.segmentation")


def test_small_fragments_and_dust_become_background(tmp_path, file, whole):
    done = segment(settings_for(file, smallest_fragment=200, dust=3000), tmp_path / "a")
    sizes = np.bincount(voxels(done.result.fragments).ravel())[1:]
    assert sizes.min() >= 200
    assert np.bincount(voxels(done.result.segmentation).ravel())[1:].max() >= 3000
    segments = np.unique(voxels(done.result.segmentation), return_counts=True)
    assert segments[1][segments[0] > 0].min() >= 3000
    assert done.said["fragments"] < whole.read_said()["fragments"]
    assert done.said["background_voxels"] == np.prod(SHAPE) - sizes.sum()
