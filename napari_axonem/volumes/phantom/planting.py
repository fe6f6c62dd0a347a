"""Mistakes of the segmentation, planted where they are real and matter.

Without them every neurite is one segment. Each neurite takes part in one mistake at most, so that
mistakes do not depend on each other, and the order of their repair does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_axonem.geometry import Grid, Nm
from napari_axonem.volumes.phantom.anatomy import Anatomy
from napari_axonem.volumes.phantom.arrays import Ids, Ints
from napari_axonem.volumes.phantom.chains import Kind
from napari_axonem.volumes.phantom.contacts import face_between, find_contacts, voxels_along
from napari_axonem.volumes.phantom.hashing import generator
from napari_axonem.volumes.phantom.settings import PhantomSettings

PlantedKind = Literal["false_split", "false_merge", "merged_fragment"]

LONG = 1000.0
"""Length in nm that a neurite must show in the volume to have a false merge."""

SIDE = 500.0
"""Length in nm that a neurite must show on either side of a false split."""

SIDE_SHARE = 0.25
"""And the share of its whole length."""

PIECE = 250.0
"""Length in nm that a fragment at a planted merge must show in the volume."""


@dataclass(frozen=True, slots=True)
class PlantedMistake:
    """A mistake of the imperfect segmentation."""

    kind: PlantedKind
    """`merged_fragment`: one fragment covers a part of two neurites; all their fragments are one
    segment."""

    fragments: tuple[int, ...]
    """The two that are wrongly apart or together, or the one that spans two neurites."""

    truths: tuple[int, ...]
    """The one neurite in two segments, or the two in one."""

    segments: tuple[int, ...]
    """The two segments, or the one, of the imperfect segmentation."""

    position_nm: Nm
    """Centre (z, y, x) of a voxel of one side that has a face on the contact."""


@dataclass(frozen=True, slots=True)
class Planting:
    """The imperfect segmentation of a phantom, as tables."""

    fragment_of_piece: Ids
    truth_of_fragment: Ids
    """For fragment ids from 0, which is no fragment; of a fused one, the longer part's."""

    segment_of_fragment: Ids
    """The same for the imperfect segmentation."""

    mistakes: tuple[PlantedMistake, ...]


@dataclass(frozen=True, slots=True)
class _Site:
    kind: PlantedKind
    pieces: tuple[int, int]
    voxel: Ints
    apart: Ints
    """The pieces that become another segment: one side of a false split."""


def plant(anatomy: Anatomy, settings: PhantomSettings, grid: Grid) -> Planting:
    """Return a segmentation with as many mistakes as the settings ask for and the volume allows."""
    rng = generator(settings.seed, "errors")
    busy: set[int] = set()
    sites: list[_Site] = []
    merges = _merge_sites(anatomy, settings, rng)
    wanted: tuple[tuple[Iterator[_Site], PlantedKind, int], ...] = (
        (merges, "merged_fragment", settings.merged_fragments),
        (merges, "false_merge", settings.false_merges),
        (_split_sites(anatomy, rng, busy), "false_split", settings.false_splits),
    )
    truth_of_piece = anatomy.truth_of_chain[anatomy.field.pieces.chain]
    for source, kind, count in wanted:
        planted = 0
        while planted < count and (site := next(source, None)) is not None:
            truths = {int(truth_of_piece[piece]) for piece in site.pieces}
            if not truths & busy:
                busy |= truths
                sites.append(_Site(kind, site.pieces, site.voxel, site.apart))
                planted += 1
    return _tables(anatomy, sites, grid)


def _merge_sites(
    anatomy: Anatomy, settings: PhantomSettings, rng: np.random.Generator
) -> Iterator[_Site]:
    """Yield contacts of long neurites, large ones rather first."""
    wanted = settings.false_merges + settings.merged_fragments
    if not wanted:
        return
    pieces, chains, tubes = anatomy.field.pieces, anatomy.chains, anatomy.tubes
    truth_of_piece = anatomy.truth_of_chain[pieces.chain]
    shown = np.bincount(truth_of_piece, weights=anatomy.visible)
    chain_of_tube = chains.chain_of_point[tubes.point]
    eligible = (shown[tubes.owner] >= LONG) & (chains.kind[chain_of_tube] != Kind.GLIA)
    contacts = find_contacts(anatomy.field, eligible, max(6000, 400 * wanted), rng)
    big = np.all(anatomy.visible[contacts.pieces] >= PIECE, axis=1)
    truths = truth_of_piece[contacts.pieces]
    big &= np.all(shown[truths] >= LONG, axis=1) & (truths[:, 0] != truths[:, 1])
    rank = contacts.found * rng.uniform(0.4, 1.0, len(contacts.found))
    none = np.empty(0, dtype=np.int64)
    for index in np.argsort(-rank, kind="stable"):
        if big[index]:
            a, b = contacts.pieces[index].tolist()
            yield _Site("false_merge", (a, b), contacts.voxel[index], none)


def _split_sites(anatomy: Anatomy, rng: np.random.Generator, busy: set[int]) -> Iterator[_Site]:
    """Yield borders of fragments that cut a neurite into two good parts."""
    pieces, chains, field = anatomy.field.pieces, anatomy.chains, anatomy.field
    truth_of_piece = anatomy.truth_of_chain[pieces.chain]
    links = _branch_links(anatomy)
    borders = np.flatnonzero(pieces.chain[1:] == pieces.chain[:-1])
    for border in rng.permutation(borders).tolist():
        truth = truth_of_piece[border]
        if chains.kind[pieces.chain[border]] == Kind.GLIA or int(truth) in busy:
            continue
        members = np.flatnonzero(truth_of_piece == truth)
        apart = _beyond(border, members, pieces.chain, links)
        total, side = anatomy.visible[members].sum(), anatomy.visible[apart].sum()
        if min(side, total - side) < max(SIDE, SIDE_SHARE * total):
            continue
        near = _centreline(anatomy, float(pieces.breaks[border + 1]))
        voxel = face_between(field, near, border + 1, border + 2)  # fragment = piece + 1
        if voxel is not None:
            yield _Site("false_split", (border, border + 1), voxel, apart)


def _branch_links(anatomy: Anatomy) -> dict[int, int]:
    """Return for the first piece of each branch the piece of the parent where it starts."""
    pieces, chains, tubes = anatomy.field.pieces, anatomy.chains, anatomy.tubes
    branches = np.flatnonzero(chains.parent_point >= 0)
    points = chains.parent_point[branches]
    at = np.searchsorted(tubes.point, points)
    # The last point of a chain begins no tube: take the one that ends there.
    at = np.where((at < len(tubes)) & (tubes.point[at % len(tubes)] == points), at, at - 1)
    parent = np.searchsorted(pieces.breaks, pieces.arc[at], side="right") - 1
    first = np.searchsorted(pieces.chain, branches)
    return dict(zip(first.tolist(), parent.tolist(), strict=True))


def _beyond(border: int, members: Ints, chain: Ints, links: dict[int, int]) -> Ints:
    """Return the pieces of a neurite that hang on piece `border` + 1 when it is cut before it."""
    hangs = {border + 1}
    for piece in members.tolist():  # rising: what a piece hangs on comes before it
        follows = piece > 0 and chain[piece - 1] == chain[piece]
        before = piece - 1 if follows else links.get(piece)
        if before in hangs:
            hangs.add(piece)
    return np.asarray(sorted(hangs), dtype=np.int64)


def _centreline(anatomy: Anatomy, place: float) -> Ints:
    """Return the voxels of a centreline within 200 nm of `place` on the line of all chains."""
    pieces, tubes = anatomy.field.pieces, anatomy.tubes
    middle = int(np.searchsorted(pieces.arc, place, side="right")) - 1
    at = np.arange(place - 200.0, place + 200.0, 4.0)
    at = np.clip(at, pieces.low[middle], pieces.high[middle])
    tube = np.searchsorted(pieces.arc, at, side="right") - 1
    along = (at - pieces.arc[tube])[:, None]
    return voxels_along(anatomy.field.sampling, tubes.start[tube] + tubes.direction[tube] * along)


def _tables(anatomy: Anatomy, sites: list[_Site], grid: Grid) -> Planting:
    pieces = anatomy.field.pieces
    count = len(pieces.breaks)
    truth = anatomy.truth_of_chain[pieces.chain]
    fragment = np.arange(count)
    segment = truth.copy()
    for nth, site in enumerate(sites):
        a, b = site.pieces
        if site.kind == "false_split":
            segment[site.apart] = truth.max() + 1 + nth
            continue
        segment[segment == truth[b]] = truth[a]
        if site.kind == "merged_fragment":
            fragment[b] = a
    fragment = np.unique(fragment, return_inverse=True)[1].reshape(-1) + 1
    segment = np.unique(segment, return_inverse=True)[1].reshape(-1) + 1

    truth_of_fragment = np.zeros(fragment.max() + 1, dtype=np.uint32)
    segment_of_fragment = np.zeros(fragment.max() + 1, dtype=np.uint32)
    shortest_first = np.argsort(anatomy.visible, kind="stable")
    truth_of_fragment[fragment[shortest_first]] = truth[shortest_first]
    segment_of_fragment[fragment] = segment
    mistakes = tuple(_mistake(site, fragment, truth, segment, grid) for site in sites)
    return Planting(fragment.astype(np.uint32), truth_of_fragment, segment_of_fragment, mistakes)


def _mistake(site: _Site, fragment: Ints, truth: Ints, segment: Ints, grid: Grid) -> PlantedMistake:
    def unique(table: Ints) -> tuple[int, ...]:
        return tuple(dict.fromkeys(int(table[piece]) for piece in site.pieces))

    z, y, x = grid.to_nm(site.voxel).tolist()
    return PlantedMistake(site.kind, unique(fragment), unique(truth), unique(segment), (z, y, x))
