"""Events for TensorBoard, read back from the file."""

import sys

import numpy as np
import pytest

from napari_axonem.errors import SettingsError
from napari_axonem.training import logs
from tests.training.tasks import Notes


def test_curves_and_pictures_are_written_and_passed_on(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    notes = Notes()
    log = logs.TensorBoardLog(tmp_path, notes)
    log.scalar("loss/train", 3, 0.25)
    log.picture("prediction", 3, np.zeros((4, 6, 3), np.uint8))
    log.close()
    assert notes.curves == {"loss/train": [(3, 0.25)]}
    (path,) = tmp_path.iterdir()
    data, at, values = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 8], "little")
        event = Event.FromString(data[at + 12 : at + 12 + size])
        values += [(v.tag, event.step) for v in event.summary.value]
        at += size + 16
    assert ("loss/train", 3) in values
    assert ("prediction", 3) in values


def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(SettingsError, match="pip install tensorboardX"):
        logs.TensorBoardLog(tmp_path, Notes())
