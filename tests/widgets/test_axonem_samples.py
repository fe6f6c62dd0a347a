"""Training blocks from napari's menu: kept ones at once, others from a child process, or a word."""

import socket
from pathlib import Path

import pytest
from napari.layers import Layer
from npe2 import PluginManifest
from qtpy.QtCore import QTimer

import napari_axonem
from napari_axonem.errors import VolumeError
from napari_axonem.volumes.axonem import HUMAN, MOUSE, kept_block
from napari_axonem.volumes.axonem.release import LAYOUT
from napari_axonem.widgets.opening import axonem_samples
from napari_axonem.widgets.opening.awaited import Awaited
from napari_axonem.widgets.opening.axonem_samples import kept_layers
from napari_axonem.widgets.parts.child import Child
from napari_axonem.widgets.parts.work_view import WorkView
from tests.volumes.axonem_files import write_block

PATIENCE_MS = 60_000


def keep(cache: Path, volume=HUMAN, offset=HUMAN.centre) -> Path:
    """Write a block where a fetched one is kept."""
    name = "-".join(map(str, offset))
    folder = cache / volume.archive.removesuffix(".zip") / name
    write_block(folder, offset, LAYOUT)
    assert kept_block(volume, offset) == folder
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nobody at the public place."""
    monkeypatch.setenv("AXONEM_CACHE", str(tmp_path))
    with socket.socket() as listener:  # bound and not listening
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AXONEM_PLACE", f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield tmp_path


@pytest.mark.parametrize(
    ("give", "volume", "offset"),
    [
        (axonem_samples.human_centre, HUMAN, HUMAN.centre),
        (axonem_samples.human_held_out, HUMAN, HUMAN.held_out),
        (axonem_samples.mouse_centre, MOUSE, MOUSE.centre),
        (axonem_samples.mouse_held_out, MOUSE, MOUSE.held_out),
    ],
)
def test_a_kept_block_lies_at_its_place(cache: Path, give, volume, offset) -> None:
    keep(cache, volume, offset)
    image, labels = (Layer.create(*data) for data in give())
    title = f"{volume.key} {'-'.join(map(str, offset))}"
    assert (image.name, labels.name) == (f"{title} image", f"{title} labels")
    for layer in (image, labels):
        assert layer.scale.tolist() == list(volume.voxel_size)
    inside = labels.data_to_world((0, 0, 0))
    first = [(o + 0.5) * s for o, s in zip(offset, volume.voxel_size, strict=True)]
    assert list(inside) == first
    assert tuple(image.world_to_data(inside)) == (20, 512, 512)
    assert labels.level_shapes[0].tolist() == [50, 512, 512]


def test_a_script_without_a_net_is_told(cache: Path) -> None:
    with pytest.raises(VolumeError, match=r"cannot reach 127\.0\.0\.1.*by hand"):
        axonem_samples.human_centre()


def test_a_folder_that_is_no_block(cache: Path) -> None:
    with pytest.raises(VolumeError, match="fetch it again"):
        kept_layers(cache)


def test_the_menu_has_an_entry_for_each() -> None:
    manifest = PluginManifest.from_file(Path(napari_axonem.__file__).with_name("napari.yaml"))
    commands = {c.id: c.python_name for c in manifest.contributions.commands}
    named = {commands[s.command].rpartition(":")[2] for s in manifest.contributions.sample_data}
    assert {"human_centre", "human_held_out", "mouse_centre", "mouse_held_out"} <= named


def looping(qtbot, work) -> None:
    """Do something within the event loop, as a click in a menu does."""
    done = []
    QTimer.singleShot(0, lambda: done.append(work()))
    with qtbot.waitCallback(timeout=PATIENCE_MS) as waiting:
        QTimer.singleShot(0, waiting)
    assert done


def test_in_a_window_a_block_that_cannot_be_had_leaves_a_word(
    cache: Path, make_napari_viewer, qtbot
) -> None:
    viewer = make_napari_viewer(show=True)

    def open_sample() -> None:
        for data in axonem_samples.human_centre():
            viewer.add_layer(Layer.create(*data))

    looping(qtbot, open_sample)
    (empty,) = viewer.layers
    assert empty.name == "AxonEM human 475-1792-1792, awaited"
    assert empty.scale.tolist() == [30, 8, 8]
    (job,) = viewer.window._qt_window.findChildren(WorkView)
    assert not job.stop.isHidden()
    qtbot.waitUntil(lambda: not job.awaited.child.running, timeout=PATIENCE_MS)
    assert len(viewer.layers) == 0
    assert "cannot reach 127.0.0.1" in job.message.text()
    assert job.stop.isHidden()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run: the child itself has tests of its own."""
    commands = []
    monkeypatch.setattr(Child, "start", lambda _, command: commands.append(command))
    return commands


def test_how_waiting_ends(cache: Path, started, make_napari_viewer) -> None:
    viewer = make_napari_viewer()
    folder = keep(cache)

    def wait(layers) -> Awaited:
        made = Awaited(viewer, "the block", ["axonem", "fetch"], layers)
        viewer.add_layer(Layer.create(*made.placeholder(LAYOUT.shape, HUMAN.grid)))
        assert [layer.name for layer in viewer.layers] == ["the block, awaited"]
        assert "the block" in viewer.window.dock_widgets
        return made

    wait(list).child.stopped.emit()
    assert len(viewer.layers) == 0
    assert "the block" not in viewer.window.dock_widgets

    made = wait(lambda: kept_layers(cache))
    made.child.finished.emit()
    assert "not a training block" in made.work.message.text()
    assert len(viewer.layers) == 0
    viewer.window.remove_dock_widget(made.work)

    wait(lambda: kept_layers(folder)).child.finished.emit()
    assert [layer.name for layer in viewer.layers] == [
        "human 475-1792-1792 image",
        "human 475-1792-1792 labels",
    ]
    assert "the block" not in viewer.window.dock_widgets
    assert started == [["axonem", "fetch"]] * 3
