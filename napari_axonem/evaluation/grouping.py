"""Group rows of integer keys, the common ground of all tables here.

A volume of labels is constant over long stretches of x. Working on runs instead of voxels
leaves a tenth of the items, and hashing them takes a tenth of the time of sorting them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import fastremap
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint64]
T = TypeVar("T")

FOLD_ROWS = 1 << 20
"""Rows that may wait before partial tables are merged."""


def as_ids(values: npt.NDArray[Any], where: str = "labels") -> Ids:
    """Return label values as uint64, exactly.

    Raises
    ------
    VolumeError
        The values are not integers, or some are negative.
    """
    if values.dtype.kind not in "bui":
        raise VolumeError(
            f"voxels of type {values.dtype} are not labels",
            where=where,
            remedy="give an array of integer ids",
        )
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise VolumeError(
            f"negative id {int(values.min())}", where=where, remedy="renumber the labels from 0"
        )
    return values.astype(np.uint64)


def group_keys(keys: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Ints]:
    """Group equal keys; made for many keys with few distinct values.

    Parameters
    ----------
    keys
        Unsigned or non-negative integers, shape (n,).

    Returns
    -------
    The distinct keys in ascending order, shape (g,), type of `keys`; and the place of every
    key among them, shape (n,).
    """
    dense, places = fastremap.renumber(keys, preserve_zero=False, in_place=False)
    names = np.fromiter(places.keys(), dtype=keys.dtype, count=len(places))
    numbers = np.fromiter(places.values(), dtype=np.int64, count=len(places))
    order = np.argsort(names)
    rank = np.empty(len(names) + 1, dtype=np.int64)
    rank[numbers[order]] = np.arange(len(names))
    return names[order], rank[dense]


def distinct(numbers: npt.NDArray[np.integer]) -> Ints:
    """Return the different ones of many small numbers, ascending; quicker than sorting them.

    Parameters
    ----------
    numbers
        Not negative, shape (n,): rows of a table, or ids counted from 0. As much memory is gone
        through as the largest one says.
    """
    present = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    present[numbers] = True
    return np.flatnonzero(present)


def total(group: Ints, weights: npt.NDArray[Any], groups: int) -> Ints:
    """Add up integer `weights` of each of `groups` groups, exactly below 2**53."""
    return np.bincount(group, weights=weights, minlength=groups).astype(np.int64)


def sums_of(group: Ints, values: npt.NDArray[np.float64], groups: int) -> npt.NDArray[np.float64]:
    """Add up the `values` of each of `groups` groups, in float64."""
    # without a value NumPy gives integers
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64)


def firsts_of(keys: npt.NDArray[np.integer], count: int) -> Ints:
    """Return where the rows of each key 0 to count - 1 begin when sorted by key.

    Returns
    -------
    Shape (count + 1,), int64; the last is the number of rows.
    """
    counts = np.bincount(keys, minlength=count)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def best_of_group(group: Ints, value: npt.NDArray[Any], groups: int) -> Ints:
    """Return, for each group, the first item with the smallest value.

    Parameters
    ----------
    group
        Group of each item, shape (n,); every group has an item.
    value
        What is minimised, shape (n,); converted to float64.

    Returns
    -------
    Item numbers, shape (groups,).
    """
    costs = np.asarray(value, dtype=np.float64)
    lowest = np.full(groups, np.inf)
    np.minimum.at(lowest, group, costs)
    winners = np.flatnonzero(costs == lowest[group])[::-1]
    best = np.zeros(groups, dtype=np.int64)
    best[group[winners]] = winners  # the last one written is the first one of the group
    return best


def distance_to_centroid(
    points: npt.NDArray[Any], group: Ints, groups: int
) -> npt.NDArray[np.float64]:
    """Return the squared distance of points to the centroid of their group.

    Parameters
    ----------
    points
        Shape (n, d).
    group
        Group of each point, shape (n,); every group has a point.

    Returns
    -------
    Shape (n,), in the square of the unit of `points`.
    """
    count = np.bincount(group, minlength=groups)
    distance = np.zeros(len(points))
    for column in points.T:
        centroid = np.bincount(group, weights=column, minlength=groups) / count
        distance += np.square(column - centroid[group])
    return distance


def group_starts(*columns: npt.NDArray[Any]) -> Ints:
    """Return where groups of equal rows begin in columns that are sorted already."""
    first, *others = columns
    changed = np.ones(len(first), dtype=bool)
    np.not_equal(first[1:], first[:-1], out=changed[1:])
    for column in others:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def group_lengths(starts: Ints, rows: int) -> Ints:
    """Return how long the groups are that begin at `starts`, in so many rows."""
    bounds = np.concatenate([starts, [rows]])
    lengths: Ints = bounds[1:] - bounds[:-1]
    return lengths


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """Return the ranges ``start .. start + length`` one after the other."""
    ends = np.cumsum(lengths)
    offset = np.repeat(starts - (ends - lengths), lengths)
    numbers: Ints = np.arange(len(offset), dtype=np.int64) + offset
    return numbers


def fold(parts: Iterable[T], merge: Callable[[list[T]], T], rows: Callable[[T], int]) -> T:
    """Merge the tables of many blocks in memory of the order of the merged table.

    Parts are gathered until they have as many rows as what is merged already, so that each
    row is sorted a logarithmic number of times only.
    """
    merged = merge([])
    waiting: list[T] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += rows(part)
        if count > max(FOLD_ROWS, rows(merged)):
            merged = merge([merged, *waiting])
            waiting, count = [], 0
    return merge([merged, *waiting])
