"""Making a project: the one pass over all voxels; everything afterwards works on tables."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from napari_axonem import __version__
from napari_axonem.errors import MismatchError, ProjectError
from napari_axonem.evaluation.cells import CellTable, tabulate
from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.evaluation.overlaps import overlap_table
from napari_axonem.geometry import blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.proofreading.edges import Edges, Ids
from napari_axonem.proofreading.folder import SUFFIX, Folder, Tables
from napari_axonem.proofreading.graph import FragmentGraph
from napari_axonem.proofreading.log import Log
from napari_axonem.settings import Settings, VoxelSize
from napari_axonem.volumes import (
    Pyramid,
    Volume,
    densified,
    natural_block,
    open_affinities,
    open_volume,
)


class CreateSettings(Settings):
    """What a project is made of. Volumes are named as `file.h5:dataset` or `store.zarr/path`."""

    fragments: str | None = Field(None, description="supervoxels, never cut by merging")
    segmentation: str | None = Field(
        None, description="segmentation to start from; without --fragments its objects are those"
    )
    truth: str | None = Field(None, description="ground-truth labels")
    image: str | None = Field(None, description="the EM image")
    affinities: str | None = Field(
        None, description="affinities (3, z, y, x) to the next lower voxel; weigh contacts and cuts"
    )
    voxel_size: VoxelSize | None = Field(
        None, description="voxel edges Z,Y,X in nm, where the files do not say"
    )

    @model_validator(mode="after")
    def _has_labels(self) -> CreateSettings:
        if self.fragments is None and self.segmentation is None:
            raise ValueError("a project needs fragments or a segmentation")
        return self


def create_project(path: Path | str, settings: CreateSettings, progress: Progress = silent) -> None:
    """Make a project folder; it appears under its name only when it is complete.

    Raises
    ------
    ProjectError
        The folder exists, or its name does not end in ``.axonem``.
    MismatchError
        The volumes do not lie on one grid.
    VolumeError
        A volume cannot be read or holds no labels.
    """
    final = Path(path)
    if final.suffix != SUFFIX:
        raise ProjectError(f"a project's name ends in {SUFFIX}", where=final)
    if final.exists():
        raise ProjectError("it exists already", where=final, remedy="choose another name")
    final.parent.mkdir(parents=True, exist_ok=True)
    building = final.with_name(f".{final.name}.partial")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        _build(Folder(building), settings, progress)
        building.rename(final)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _build(folder: Folder, settings: CreateSettings, progress: Progress) -> None:
    volumes = {
        role: open_volume(location, voxel_size=settings.voxel_size)
        for role in ("fragments", "segmentation", "truth", "image")
        if (location := getattr(settings, role)) is not None
    }
    _require_one_grid(volumes)
    labels = volumes.get("fragments", volumes.get("segmentation"))
    if labels is None:  # the settings' own check keeps this from happening
        raise ProjectError("a project needs fragments or a segmentation")
    fragment_ids = _write_dense(labels, folder.fragments, "fragments", progress)
    truth_ids = np.zeros(1, dtype=np.uint64)
    if "truth" in volumes:
        truth_ids = _write_dense(volumes["truth"], folder.truth, "truth", progress)
    fragments = Pyramid.open(folder.fragments).volume
    truth = Pyramid.open(folder.truth).volume if "truth" in volumes else None
    affinities = None if settings.affinities is None else open_affinities(settings.affinities)
    table = tabulate(fragments, truth, affinities, progress)
    group = np.zeros(len(fragment_ids), dtype=np.uint64)
    if "fragments" in volumes and "segmentation" in volumes:
        group = _segment_of_fragments(fragments, volumes["segmentation"], len(group), progress)
    edges, segment = _starting_graph(table, group)
    Tables(table, edges, segment, fragment_ids, truth_ids).save(folder.tables)
    Log.create(folder.database, _said_of(settings, fragments))


def _said_of(settings: CreateSettings, fragments: Volume) -> dict[str, object]:
    return {
        **settings.model_dump(),
        "voxel_size": fragments.grid.voxel_size,
        "image": _absolute(settings.image),
        "affinities": _absolute(settings.affinities),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
    }


def _absolute(location: str | None) -> str | None:
    """Return a location that does not depend on the current folder."""
    if location is None or "://" in location:
        return location
    return str(Path(location).absolute())


def _require_one_grid(volumes: dict[str, Volume]) -> None:
    first, *others = volumes.items()
    for role, volume in others:
        for name, mine, theirs in (
            ("shape", first[1].shape, volume.shape),
            ("voxel size", first[1].grid.voxel_size, volume.grid.voxel_size),
        ):
            if mine != theirs:
                raise MismatchError(
                    f"the {name} of the {first[0]} is {mine}, that of the {role} is {theirs}",
                    where=volume.location,
                    remedy="give volumes on one grid",
                )


def _write_dense(
    volume: Volume, path: Path, role: str, progress: Progress
) -> npt.NDArray[np.uint64]:
    """Write labels as a pyramid of dense uint32 ids; return the id each came from."""
    dense, ids = densified(volume, progress)
    pyramid = Pyramid.create(path, dense.shape, np.uint32, dense.grid, kind="labels")
    for box in tracked(list(blocks(dense.box, natural_block(dense))), progress, f"writing {role}"):
        pyramid.write(box, dense.read(box))
    pyramid.build_levels(progress)
    return ids


def _segment_of_fragments(
    fragments: Volume, segmentation: Volume, count: int, progress: Progress
) -> npt.NDArray[np.uint64]:
    """Return the segment that holds most voxels of each fragment, shape (fragments + 1,)."""
    overlaps = overlap_table(fragments, segmentation, progress=progress)
    order = np.lexsort((overlaps.voxels, overlaps.segment))
    group = np.zeros(count, dtype=np.uint64)
    group[overlaps.segment[order].astype(np.int64)] = overlaps.truth[order]
    return group


def _starting_graph(table: CellTable, group: npt.NDArray[np.uint64]) -> tuple[Edges, Ids]:
    """Return the edges, on within each group of fragments, and the segments they give.

    Groups are the segments of an imported segmentation; 0 is none. Where a group does not
    hang together by contacts, edges without a contact join its parts.
    """
    found = fragment_edges(table)
    u, v = found.u.astype(np.int64), found.v.astype(np.int64)
    on = (group[u] == group[v]) & (group[u] != 0)
    edges = Edges.of_contacts(found, on)
    rank = np.zeros(len(group), dtype=np.int64)
    np.add.at(rank, table.cells.fragment, table.cells.voxels)
    graph = FragmentGraph(edges, rank)
    for ends in _strays(graph, table, group):
        graph.add_edges(Edges.made_by_hand(ends, on=True))
    graph = FragmentGraph(graph.edges, rank)
    return graph.edges, graph.segment


def _strays(
    graph: FragmentGraph, table: CellTable, group: npt.NDArray[np.uint64]
) -> list[dict[int, npt.NDArray[np.int32]]]:
    """Return the ends of edges that chain the separate segments of each group together."""
    names = np.unique(graph.segment[1:][group[1:] != 0]).astype(np.int64)
    names = names[np.argsort(group[names], kind="stable")]
    voxel = {int(f): p for f, p in zip(table.cells.fragment, table.cells.point, strict=True)}
    pairs = zip(names[:-1].tolist(), names[1:].tolist(), strict=True)
    return [{a: voxel[a], b: voxel[b]} for a, b in pairs if group[a] == group[b]]
