"""Exports of a project, read back by the reference library of each format."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import tensorstore
import tifffile
import zarr

from napari_axonem.errors import ProjectError, SettingsError, StorageError
from napari_axonem.geometry import Box
from napari_axonem.proofreading.exporting import corrected_volume, export_labels
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import open_volume, voxel_checksum
from tests.proofreading.conftest import VOXEL_SIZE, Maker, centre

Labels = npt.NDArray[np.uint32]
BOX_NM = ((30.0, 90.0), (33.0, 95.0), (40.0, 120.0))
BOX = Box((1, 4, 5), (3, 12, 15))
"""The voxels of 30 by 8 by 8 nm that it touches."""


@pytest.fixture
def edited(make_project: Maker, bars: Labels) -> Iterator[Project]:
    """The two bars, 1000 times their ids, after a merge, a split in a fragment and a deletion."""
    with Project(make_project(fragments=bars * 1000)) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        project.merge([centre(bars, 2), centre(bars, 5)])
        ends = [(60.0, 32.0, 68.0), (60.0, 32.0, 124.0)]
        project.split(project.plan_split(ends[:1], ends[1:]))
        project.delete([centre(bars, 3)])
        yield project


def expected(project: Project, level: int = 0) -> npt.NDArray[np.uint64]:
    """What the window shows: the table looked up at each fragment of a level."""
    fragments = np.asarray(project.sources.fragments.arrays[level][:])
    return project.exported_ids()[fragments]


def by_h5py(path: Path, size: tuple[float, ...] = VOXEL_SIZE) -> npt.NDArray[np.generic]:
    with h5py.File(path) as file:
        assert tuple(file["labels"].attrs["voxel_size_nm"]) == size
        return file["labels"][:]


def by_zarr(path: Path) -> npt.NDArray[np.generic]:
    return np.asarray(zarr.open_group(path, mode="r")["0"])


def by_tifffile(path: Path) -> npt.NDArray[np.generic]:
    return tifffile.imread(path)


def by_tensorstore(path: Path) -> npt.NDArray[np.generic]:
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/", "open": True}
    return tensorstore.open(spec).result().read().result()[..., 0].T


READERS: dict[str, Callable[[Path], npt.NDArray[np.generic]]] = {
    "a.h5": by_h5py,
    "a.zarr": by_zarr,
    "a.tif": by_tifffile,
    "a.precomputed": by_tensorstore,
}


@pytest.mark.parametrize("name", READERS)
def test_reference_library_reads_the_voxels_of_the_project(
    edited: Project, tmp_path: Path, name: str
) -> None:
    wanted = expected(edited)
    assert edited.graph.n_fragments == 7  # one was cut
    assert len(np.unique(wanted)) == 5
    done = export_labels(edited, tmp_path / name)
    read = READERS[name](tmp_path / name)
    assert read.dtype == np.uint32
    np.testing.assert_array_equal(read, wanted)
    assert done.checked
    assert done.checksum == voxel_checksum(open_volume(done.location))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", READERS)
def test_part_stays_where_it_was(edited: Project, tmp_path: Path, name: str) -> None:
    done = export_labels(edited, tmp_path / name, box_nm=BOX_NM)
    np.testing.assert_array_equal(READERS[name](tmp_path / name), expected(edited)[BOX.slices])
    assert done.grid.origin == tuple(np.multiply(BOX.start, VOXEL_SIZE))


def test_level_is_what_the_window_shows(make_project: Maker, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    fragments = random.integers(1, 9, (4, 40, 40), np.uint32).repeat(8, 1).repeat(8, 2)
    with Project(make_project(fragments=fragments)) as project:
        project.merge([centre_of(fragments, 1), centre_of(fragments, 2)])
        done = export_labels(project, tmp_path / "a.h5", level=1)
        wanted = expected(project, 1)
        assert wanted.shape == (4, 160, 160)
        np.testing.assert_array_equal(by_h5py(tmp_path / "a.h5", (30, 16, 16)), wanted)
        assert done.grid.voxel_size == (30.0, 16.0, 16.0)
        with pytest.raises(SettingsError, match=r"there is no level 9 .*levels are 0 to"):
            export_labels(project, tmp_path / "b.h5", level=9)


def centre_of(labels: Labels, fragment: int) -> tuple[float, float, float]:
    """A position in nm in a fragment of any shape."""
    z, y, x = (np.argwhere(labels == fragment)[0] + 0.5) * VOXEL_SIZE
    return float(z), float(y), float(x)


def test_other_processes_read_the_same(edited: Project) -> None:
    volume = corrected_volume(edited)
    again = pickle.loads(pickle.dumps(volume))
    assert len(pickle.dumps(volume)) < 4000  # it goes along with every block
    np.testing.assert_array_equal(again.read(again.box), expected(edited))


def test_edits_made_meanwhile_do_not_show(edited: Project, bars: Labels) -> None:
    volume, before = corrected_volume(edited), expected(edited)
    ends = [(60.0, 100.0, 68.0), (60.0, 100.0, 124.0)]
    edited.split(edited.plan_split([(60.0, 68.0, 160.0)], [(60.0, 124.0, 160.0)]))
    edited.merge([ends[0], centre(bars, 6)])
    assert (expected(edited) != before).any()
    np.testing.assert_array_equal(volume.read(volume.box), before)


def test_cut_that_is_not_on_disk_is_told(edited: Project, tmp_path: Path) -> None:
    cut = edited.log.refinements()[-1].operation
    edited.log.change(("UPDATE refinements SET written = 0 WHERE operation = ?", (cut,)))
    with pytest.raises(ProjectError, match=r"not written yet .*open it for editing"):
        export_labels(edited, tmp_path / "a.h5")


def test_what_was_cut_off_is_taken_up_unless_the_project_was_edited(
    make_project: Maker, tmp_path: Path
) -> None:
    fragments = np.arange(8, dtype=np.uint32).repeat(64)[:, None, None] // 2 + 1
    fragments = np.broadcast_to(fragments, (512, 256, 256)).copy()
    path = tmp_path / "a.zarr"

    def stop(done: int, total: int, doing: str) -> None:
        if done > total / 2:
            raise StorageError("stop")

    with Project(make_project(fragments=fragments)) as project:
        with pytest.raises(StorageError):
            export_labels(project, path, stop)
        assert not path.exists()
        done = export_labels(project, path)
        assert 0 < done.resumed < done.blocks
        with pytest.raises(StorageError):
            export_labels(project, path, stop, overwrite=True)
        project.merge([(30.0, 8.0, 8.0), (15000.0, 8.0, 8.0)])
        anew = export_labels(project, path, overwrite=True)
        assert (anew.resumed, anew.anew) == (0, "the source or the settings have changed")
        np.testing.assert_array_equal(by_zarr(path), expected(project))
