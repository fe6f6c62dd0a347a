"""A segmentation on disk: what lies where in its folder, and another threshold over it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box
from napari_axonem.progress import Progress, silent
from napari_axonem.segmentation.fragments.graph import Graph, load_graph
from napari_axonem.volumes import Pyramid, write_volume
from napari_axonem.volumes.disk import replacing

SUFFIX = ".segmentation"


@dataclass(frozen=True, slots=True)
class Result:
    """The folder ``NAME.segmentation`` of a finished segmentation."""

    folder: Path

    @property
    def affinities(self) -> Path:
        """What a model gave; not there where affinities were given."""
        return self.folder / "affinities.zarr"

    @property
    def fragments(self) -> Path:
        """The pyramid of fragments."""
        return self.folder / "fragments.zarr"

    @property
    def segmentation(self) -> Path:
        """The pyramid of segments."""
        return self.folder / "segmentation.zarr"

    @property
    def graph(self) -> Path:
        """The graph of fragments with its merge tree."""
        return self.folder / "graph.npz"

    @property
    def said(self) -> Path:
        """How it was made, and what came of it."""
        return self.folder / "segmentation.json"

    def read_said(self) -> dict[str, Any]:
        """Return how it was made.

        Raises
        ------
        VolumeError
            There is no segmentation, or it is not complete.
        """
        try:
            said: dict[str, Any] = json.loads(self.said.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise VolumeError(
                f"this is no finished segmentation ({error})",
                where=self.folder,
                remedy="make one with 'napari-axonem segment'",
            ) from error
        return said

    def write_said(self, said: dict[str, Any]) -> None:
        """Keep how it was made; replaced in one step."""
        with replacing(self.said, overwrite=True) as path:
            path.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def open_graph(self) -> Graph:
        """Read the graph.

        Raises
        ------
        VolumeError
            The file is missing, as after flood filling, or damaged.
        """
        return load_graph(self.graph)

    def cut(self, threshold: float, progress: Progress = silent) -> int:
        """Write the segments at another threshold, and return how many there are.

        The labels before stay until the new ones are complete. Between them and what is said of
        them the threshold is said to be unknown (None): cut off there, a further cut mends it.

        Raises
        ------
        VolumeError
            There is no graph of fragments, as after flood filling, or no finished segmentation.
        StorageError
            The disk cannot be written.
        """
        said = self.read_said()
        graph = self.open_graph()
        segments = graph.segments_at(threshold, said["about"]["dust"])
        fragments = Pyramid.open(self.fragments).volume
        self.write_said({**said, "threshold": None, "segments": None})

        def read(box: Box) -> npt.NDArray[np.uint32]:
            voxels: npt.NDArray[np.uint32] = segments[fragments.read(box)]
            return voxels

        write_volume(
            self.segmentation,
            read,
            fragments.shape,
            np.uint32,
            fragments.grid,
            "labels",
            progress,
            overwrite=True,
        )
        count = len(np.unique(segments[segments > 0]))
        self.write_said({**said, "threshold": threshold, "segments": count})
        return count
