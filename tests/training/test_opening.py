"""What a user calls a training volume, and how much can be learned from it."""

import dataclasses

import numpy as np

from napari_axonem.training.opening import open_sources
from napari_axonem.training.sources import make_source
from tests.training.fields import image_of, labels_of, volume_of, write_field


def test_a_plus_in_a_name_is_no_pair(tmp_path):
    place = write_field(tmp_path / "a+b.h5")
    (source,) = open_sources(place)
    assert source.labels.shape == labels_of().shape
    plain = write_field(tmp_path / "c.h5")
    (pair,) = open_sources(f"{plain}:raw+{plain}:gt")
    assert pair.labels.shape == source.labels.shape


def test_voxels_that_are_all_known_are_not_read_to_be_counted():
    class Unreadable:
        shape, dtype, ndim = (4000, 4000, 4000), np.dtype(np.uint32), 3

        def __getitem__(self, box):
            raise AssertionError("read")

    labels = labels_of()
    source = make_source(volume_of(image_of(labels)), volume_of(labels))
    assert source.labelled_voxels() == labels.size
    far = dataclasses.replace(source, labels=volume_of(Unreadable()))
    assert dataclasses.replace(far, region=far.labels.box).labelled_voxels() == 4000**3
