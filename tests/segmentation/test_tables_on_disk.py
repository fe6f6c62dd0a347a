"""Tables of unfinished and finished work that are damaged: said, or made anew, never a crash."""

import zipfile

import numpy as np
import pytest

pytest.importorskip("torch")

from napari_axonem.agglomeration import merge_scores
from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.segmentation.flooding.block import read_labels, write_labels
from napari_axonem.segmentation.flooding.checkpoint import (
    restore_checkpoint,
    save_checkpoint,
)
from napari_axonem.segmentation.flooding.subvolume import SubvolumeFlood
from napari_axonem.segmentation.fragments.graph import Graph, load_graph, save_graph
from napari_axonem.segmentation.fragments.scratch import Scratch
from napari_axonem.segmentation.inference.store import AffinityVolume
from napari_axonem.volumes import Pyramid
from tests.segmentation.flooding_cases import all_seeds, blobs, connected, rules


def gone(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-30])


def overwritten(path):
    """Exchange the bytes in the middle of the first table, as a bad sector would."""
    with zipfile.ZipFile(path) as file:
        first = file.infolist()[0]
    content = bytearray(path.read_bytes())
    at = first.header_offset + 30 + len(first.filename) + first.compress_size // 2
    content[at : at + 8] = bytes(255 - byte for byte in content[at : at + 8])
    path.write_bytes(bytes(content))


DAMAGED = pytest.mark.parametrize("damage", [gone, empty, cut_off, overwritten])


@DAMAGED
def test_a_damaged_graph_is_said(tmp_path, damage):
    path = tmp_path / "graph.npz"
    u, v = np.array([1, 2], np.uint32), np.array([2, 3], np.uint32)
    area, score = np.array([5, 6]), np.array([0.5, 0.7], np.float32)
    voxels = np.array([0, 9, 9, 9])
    save_graph(path, Graph(u, v, area, score, voxels, merge_scores(u, v, area, score, 3)))
    assert load_graph(path).segments_at(0.6).tolist()[2:] == [2, 2]
    damage(path)
    with pytest.raises(VolumeError, match="cannot be read"):
        load_graph(path)


@DAMAGED
def test_damaged_tables_of_a_block_are_said(tmp_path, damage):
    scratch, row = Scratch(tmp_path), np.arange(40)
    scratch.save_contacts(3, (row, row, row))
    assert [len(column) for column in scratch.contacts(3)] == [40, 40, 40]
    damage(tmp_path / "contacts-3.npz")
    with pytest.raises(StorageError, match="start again"):
        scratch.contacts(3)


@DAMAGED
def test_damaged_work_of_flooding_is_done_again(tmp_path, damage):
    image, how = blobs(1), rules()
    flood = SubvolumeFlood(image, all_seeds(image, how), how, connected)
    for _ in range(20):
        flood.advance()
    save_checkpoint(tmp_path / "c.npz", flood, "this")
    write_labels(tmp_path / "b.npz", flood.labels, "this")
    assert restore_checkpoint(tmp_path / "c.npz", flood, "this")
    assert np.array_equal(read_labels(tmp_path / "b.npz", "this"), flood.labels)
    damage(tmp_path / "c.npz")
    damage(tmp_path / "b.npz")
    assert not restore_checkpoint(tmp_path / "c.npz", flood, "this")
    assert read_labels(tmp_path / "b.npz", "this") is None


def test_a_store_of_other_things_holds_no_affinities(tmp_path):
    grid = Grid((10.0, 10.0, 10.0))
    pyramid = Pyramid.create(tmp_path / "labels.zarr", (8, 8, 8), np.uint32, grid, "labels")
    store = AffinityVolume.create(
        tmp_path / "a.zarr", (8, 8, 8), grid, [(-1, 0, 0), (0, -1, 0), (0, 0, -1)], (8, 8, 8)
    )
    text = (store.path / "zarr.json").read_text()
    (store.path / "zarr.json").write_text(text.replace('"offsets"', '"offset"'))
    for path in (pyramid.path, store.path):
        with pytest.raises(VolumeError, match="no affinities of this program"):
            AffinityVolume.open(path)
