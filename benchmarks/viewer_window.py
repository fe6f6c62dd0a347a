"""One contender in a window of its own: opens the volume, steps, zooms, jumps, and times it.

Run by ``viewer_open.py``, one process for each contender and round; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring import peak_memory

if TYPE_CHECKING:
    from napari.viewer import Viewer

SCREEN = (1600, 1200)
STEPS, JUMPS = 40, 8
VOXEL_NM = 8.0
LABELS = "labels/segments"


def plugin(viewer: Viewer, store: Path) -> None:
    """Open the store as ``File > Open`` does where this plugin reads zarr."""
    viewer.open(str(store), plugin="napari-axonem")


def command(viewer: Viewer, store: Path) -> None:
    """Do what ``napari-axonem view STORE`` does once its window is there."""
    for layer in PREPARED:
        viewer.add_layer(layer)


def napari_reader(viewer: Viewer, store: Path) -> None:
    """Use napari's own reader on the store."""
    viewer.open(str(store), plugin="napari")


def napari_one_scale(viewer: Viewer, store: Path) -> None:
    """Use napari's own reader on the finest scale of the image, and on that of the labels."""
    scale = (40.0, 8.0, 8.0)
    viewer.open(str(store / "0"), plugin="napari", layer_type="image", scale=scale)
    viewer.open(str(store / LABELS / "0"), plugin="napari", layer_type="labels", scale=scale)


def napari_ome_zarr(viewer: Viewer, store: Path) -> None:
    """Use the plugin napari-ome-zarr; it opens the labels with the image, hidden."""
    viewer.open(str(store), plugin="napari-ome-zarr")
    for layer in viewer.layers:
        layer.visible = True


def by_hand(viewer: Viewer, store: Path) -> None:
    """Make layers from the pyramid with dask, as scripts do."""
    import dask.array as da
    import zarr

    def levels(path: Path) -> list[Any]:
        return [da.from_zarr(zarr.open_array(path / str(k), mode="r")) for k in range(6)]

    scale = (40.0, 8.0, 8.0)
    viewer.add_image(levels(store), multiscale=True, scale=scale, contrast_limits=(0, 255))
    viewer.add_labels(levels(store / LABELS), multiscale=True, scale=scale, opacity=0.5)


def in_memory(viewer: Viewer, store: Path) -> None:
    """Add two small arrays that are in memory: what napari needs for its first layers alone."""
    rng = np.random.default_rng(0)
    scale, units = (40.0, 8.0, 8.0), ("nm", "nm", "nm")
    image = rng.integers(0, 255, (750, 64, 64), np.uint8)
    viewer.add_image(image, scale=scale, units=units, contrast_limits=(0, 255))
    labels = rng.integers(0, 500, (750, 64, 64), np.uint32)
    viewer.add_labels(labels, scale=scale, units=units, opacity=0.5)


PREPARED: list[Any] = []
"""Layers that the command makes before it shows its window."""

FLOOR = "napari, small arrays in memory"
"""Only opens: no reader can be faster the first time."""

CONTENDERS: dict[str, Callable[[Viewer, Path], None]] = {
    "napari-axonem": plugin,
    "napari-axonem view": command,
    "napari's reader": napari_reader,
    "napari's reader, one scale": napari_one_scale,
    "napari-ome-zarr": napari_ome_zarr,
    "by hand with dask": by_hand,
    FLOOR: in_memory,
}


class Watch:
    """Waits until what was asked for is on the screen."""

    def __init__(self, viewer: Viewer) -> None:
        from qtpy.QtWidgets import QApplication

        self.viewer, self.app = viewer, QApplication.instance()
        self.canvas = viewer.window._qt_viewer.canvas._scene_canvas
        self.draws = 0
        self.canvas.events.draw.connect(self._drawn, position="last")
        self.pending = self._pending_of_ours()

    def _drawn(self, event: object) -> None:
        self.draws += 1

    @staticmethod
    def _pending_of_ours() -> Callable[[], bool]:
        """Return whether our layers wait for voxels; those of others are read while one waits."""
        try:
            from napari_axonem.widgets.picture.planes import pending
        except ImportError:
            return lambda: False
        return pending

    def settle(self) -> None:
        """Let the window do all that it has to."""
        for _ in range(6):
            self.app.processEvents()
        while self.pending():
            self.app.processEvents()
            time.sleep(0.001)
        for _ in range(6):
            self.app.processEvents()

    def timed(self, action: Callable[[], None]) -> dict[str, float]:
        """Return how long it took until something, and until all of it, was on the screen."""
        before = self.draws
        start, cpu = time.perf_counter(), time.thread_time()
        action()
        while self.draws == before and time.perf_counter() - start < 60:
            self.app.processEvents()
        self._finish()
        first = sharp = time.perf_counter() - start
        late = self.pending()
        if late:
            while self.pending():
                self.app.processEvents()
            self._finish()
            sharp = time.perf_counter() - start
        cpu = time.thread_time() - cpu
        return {"first": first, "sharp": sharp, "cpu": cpu, "late": late}

    def _finish(self) -> None:
        from vispy import gloo

        # The event that draws the canvas also puts the window together and shows it; the one after
        # it paints the status bar and the list of layers.
        self.canvas.set_current()
        gloo.gl.glFinish()

    def is_painted(self) -> bool:
        """Tell whether the canvas shows more than its background."""
        picture = self.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        inner = picture[tuple(slice(n // 4, 3 * n // 4) for n in picture.shape[:2])]
        return float(inner.std()) > 5 and len(np.unique(inner.reshape(-1, 3), axis=0)) > 50


def measure(
    name: str, store: Path, pictures: Path | None, started: float, window: tuple[int, int]
) -> dict[str, Any]:
    """Run one contender through all there is to do.

    Parameters
    ----------
    name
        Which one.
    store
        The OME-Zarr group.
    pictures
        Where to keep pictures of the window, if anywhere.
    started
        When the process was started, in seconds since 1970.
    window
        Width and height of the window in pixels.
    """
    import napari

    if name == "napari-axonem view":
        from napari_axonem.widgets.opening.locations import volumes_at
        from napari_axonem.widgets.opening.volume_layer import volume_layer

        PREPARED.extend(volume_layer(location) for location in volumes_at(str(store)))
    viewer = napari.Viewer(show=False)
    viewer.window.show()
    viewer.window._qt_window.setGeometry(0, 0, *window)  # no window manager: it maximises nothing
    watch = Watch(viewer)
    watch.settle()
    result: dict[str, Any] = {"contender": name, "canvas": list(viewer.canvas.size)}
    result["memory_empty"] = peak_memory()
    try:
        result["open"] = watch.timed(lambda: CONTENDERS[name](viewer, store))
    except Exception as error:  # whatever it raises is the result
        result["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        viewer.close()
        return result
    result["since_start"] = time.time() - started
    tail = time.perf_counter()
    watch.settle()  # the controls of the new layers, which no step should have to paint
    result["open"]["settled"] = result["open"]["first"] + time.perf_counter() - tail
    result["painted"] = watch.is_painted()
    result["layers"] = [f"{layer.name}: {type(layer).__name__}" for layer in viewer.layers]
    keep(viewer, pictures, f"{name} full")
    if name == FLOOR:
        result["memory"] = peak_memory()
        return result
    middle = viewer.dims.nsteps[0] // 2
    result["step_full"] = steps(viewer, watch, middle)
    result["jump_full"] = [watch.timed(lambda z=z: go(viewer, z)) for z in places(0)]
    look_closely(viewer, 0.5, 0.5)
    watch.settle()
    go(viewer, middle)
    watch.settle()
    result["step_zoomed"] = steps(viewer, watch, middle)
    keep(viewer, pictures, f"{name} zoomed")
    result["jump_zoomed"] = [
        watch.timed(lambda z=z, at=at: (look_closely(viewer, *at), go(viewer, z)))
        for z, at in zip(
            places(1), np.random.default_rng(2).uniform(0.2, 0.8, (JUMPS, 2)), strict=True
        )
    ]
    result["levels"] = [int(layer.data_level) for layer in viewer.layers]
    keep(viewer, pictures, f"{name} jumped")
    result["memory"] = peak_memory()
    viewer.close()
    return result


def steps(viewer: Viewer, watch: Watch, start: int) -> list[dict[str, float]]:
    """Step along z, one section at a time."""
    return [watch.timed(lambda z=z: go(viewer, z)) for z in range(start + 1, start + 1 + STEPS)]


def places(seed: int) -> list[int]:
    """Return sections that are far from each other."""
    z = np.linspace(20, 700, JUMPS).astype(int)
    order = np.argsort([(i * 3 + seed) % JUMPS for i in range(JUMPS)], kind="stable")
    return [int(z[i]) for i in order]


def go(viewer: Viewer, z: int) -> None:
    """Show a section."""
    viewer.dims.set_current_step(0, z)


def look_closely(viewer: Viewer, y: float, x: float) -> None:
    """Show one voxel a pixel, round a place in shares of the section."""
    camera, unit = viewer.scene.camera, float(viewer.layers[0].scale[-1])
    extent = 4096 * unit
    camera.center = (0.0, y * extent, x * extent)
    camera.zoom = 1 / unit


def keep(viewer: Viewer, folder: Path | None, name: str) -> None:
    """Write a picture of the window, where pictures are wanted."""
    if folder is not None:
        file = folder / f"{re.sub('[^a-z]+', '-', name.lower())}.png"
        viewer.window.screenshot(str(file), canvas_only=False, flash=False)


def main() -> None:
    """Measure one contender."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("store", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--started", type=float, default=time.time())
    parser.add_argument("--window", type=int, nargs=2, default=SCREEN)
    options = parser.parse_args()
    found = measure(
        options.contender, options.store, options.pictures, options.started, options.window
    )
    print(json.dumps(found), flush=True)
    os._exit(0)  # threads of whatever was opened do not count


if __name__ == "__main__":
    main()
