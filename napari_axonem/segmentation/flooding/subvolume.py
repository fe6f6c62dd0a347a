"""Flooding one block: the objects of all seeds, many at once, as if one after the other.

The published code tries seed after seed: an object may not enter what earlier objects have taken.
Here later seeds are tried while earlier objects still grow. When an object is finished in its turn,
those ahead of their turn that have been where it now is are thrown away and tried again. So the
labels are those of one seed after the other, to the last voxel, however many are computed at once.
(On a GPU the network itself may round otherwise in a batch of another size.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.segmentation.flooding.growth import Growth, Stage, field_of_view
from napari_axonem.segmentation.flooding.mask import Logits
from napari_axonem.segmentation.flooding.moves import Turn
from napari_axonem.segmentation.flooding.rules import Rules
from napari_axonem.segmentation.flooding.seeds import Seeds

Labels = npt.NDArray[np.uint32]

Look = Callable[[Logits, Logits], Logits]
"""Returns new logits of masks from images and masks, all of shape (n, z, y, x)."""

WAITING = 4
"""Objects in memory, as a multiple of the fields of view computed at once: grown ones wait for
their turn."""


@dataclass(slots=True)
class Count:
    """What was done so far."""

    fields: int = 0
    """Fields of view computed, those of thrown-away objects counted in."""

    wasted: int = 0
    """Fields of view of objects that were thrown away."""

    objects: int = 0
    weak: int = 0
    """Seeds that the network took back."""

    small: int = 0
    """Objects with too few voxels."""


class SubvolumeFlood:
    """All objects of one block.

    Parameters
    ----------
    image
        Normalised grey values, shape (z, y, x).
    seeds
        Where objects may begin, in the order in which they are tried.
    rules
        How they grow.
    look
        The network.
    at_once
        Fields of view given to `look` together.
    """

    def __init__(
        self, image: Logits, seeds: Seeds, rules: Rules, look: Look, at_once: int = 1
    ) -> None:
        self.image, self.seeds, self.rules = image, seeds, rules
        self._look, self._at_once = look, at_once
        self.bounds = Box.of_shape(image.shape)
        self.labels: Labels = np.zeros(image.shape, np.uint32)
        """Objects finished so far, shape (z, y, x); 0 is background."""

        self.turn = 0
        """Index of the seed whose object is finished next."""

        self.growths: dict[int, Growth] = {}
        """Objects that grow or wait for their turn, by the index of their seed."""

        self.count = Count()
        self.inherited = 0
        """Fields of view of `count` that another flood has computed."""

        self._is_open = np.ones(len(seeds), np.bool_)

    def restore(self, labels: Labels, turn: int, growth: Growth | None, count: Count) -> None:
        """Go on from where another flood of the same block was."""
        self.labels[:] = labels
        self.turn, self.count = turn, count
        self.inherited = count.fields
        self.growths = {turn: growth} if growth else {}
        self._close_seeds(self.bounds)

    def advance(self) -> bool:
        """Compute one batch of fields of view; return whether anything is left to do."""
        self._finish()
        if self.turn == len(self.seeds):
            return False
        self._begin()
        chosen = self._choose()
        if chosen:
            self._compute(chosen)
        return True

    def _finish(self) -> None:
        """Finish the objects whose turn it is."""
        while self.turn < len(self.seeds):
            growth = self.growths.get(self.turn)
            if growth is not None and growth.stage is Stage.GROWING:
                return
            if growth is None and self._is_open[self.turn]:
                return
            if growth is not None:
                del self.growths[self.turn]
                self._keep(growth)
            self.turn += 1

    def _keep(self, growth: Growth) -> None:
        """Write an object that has stopped growing into the labels, if it is one."""
        if growth.stage is Stage.WEAK:
            self.count.weak += 1
            return
        box, mine = growth.claims()
        there = self.labels[box.slices]
        mine &= there == 0
        if int(mine.sum()) < self.rules.min_size:
            self.count.small += 1
            return
        self.count.objects += 1
        there[mine] = self.count.objects
        self._close_seeds(box)
        self._throw_away(self.count.objects)

    def _throw_away(self, label: int) -> None:
        """Drop objects ahead of their turn that would have met the one just finished."""
        for index, growth in list(self.growths.items()):
            been = np.asarray(growth.queue.visited, np.int64).reshape(-1, 3)
            met = bool((self.labels[tuple(been.T)] == label).any())
            if met or not self._is_open[index]:
                self.count.wasted += growth.fields
                del self.growths[index]

    def _close_seeds(self, box: Box) -> None:
        """Close the seeds that lie on, or too near to, an object in a box."""
        near = box.grow(self.rules.seed_distance)
        inside = np.all((self.seeds >= near.start) & (self.seeds < near.stop), axis=1)
        for index in np.flatnonzero(inside & self._is_open):
            seed = zyx(self.seeds[index])
            around = Box(seed, zyx(np.add(seed, 1))).grow(self.rules.seed_distance)
            if self.labels[around.intersect(self.bounds).slices].any():
                self._is_open[index] = False

    def _begin(self) -> None:
        """Begin the object whose turn it is, and others ahead of their turn."""
        if self.turn not in self.growths:
            self._plant(self.turn)
        most = WAITING * self._at_once
        growing = sum(g.stage is Stage.GROWING for g in self.growths.values())
        if self._at_once == 1 or growing >= self._at_once:
            return
        promising = self._promising()
        while growing < self._at_once and len(self.growths) < most and promising.any():
            index = int(np.argmax(promising))
            self._plant(index)
            promising &= ~self._near(zyx(self.seeds[index]))
            growing += 1

    def _plant(self, index: int) -> None:
        self.growths[index] = Growth.begin(zyx(self.seeds[index]), self.bounds, self.rules)

    def _promising(self) -> npt.NDArray[np.bool_]:
        """Return which seeds are likely to be objects of their own."""
        promising = self._is_open.copy()
        promising[: self.turn + 1] = False
        for growth in self.growths.values():
            promising &= ~self._near(growth.seed)
            promising &= ~_covered(growth, self.seeds, self.rules)
        return promising

    def _near(self, place: Zyx) -> npt.NDArray[np.bool_]:
        """Return which seeds lie within a field of view of a place."""
        near: npt.NDArray[np.bool_] = np.all(np.abs(self.seeds - place) < self.rules.fov, axis=1)
        return near

    def _choose(self) -> list[tuple[Growth, Turn]]:
        """Return what to compute together, earlier seeds first."""
        chosen: list[tuple[Growth, Turn]] = []
        ahead = sorted(self.growths)
        places = self.seeds[ahead]
        held = np.zeros(len(ahead), np.bool_)
        for rank, index in enumerate(ahead):
            growth = self.growths[index]
            if not held[rank]:
                turns = growth.take(self._at_once - len(chosen), self._is_free)
                chosen += [(growth, turn) for turn in turns]
            if len(chosen) == self._at_once:
                break
            # a later seed on this object is most likely part of it: it waits
            held[rank + 1 :] |= _covered(growth, places[rank + 1 :], self.rules)
        return chosen

    def _compute(self, chosen: list[tuple[Growth, Turn]]) -> None:
        boxes = [field_of_view(turn.position, self.rules) for _, turn in chosen]
        images = np.stack([self.image[box.slices] for box in boxes])
        masks = np.stack([growth.known(turn) for growth, turn in chosen])
        for (growth, turn), logits in zip(chosen, self._look(images, masks), strict=True):
            self.count.fields += 1
            if growth.stage is Stage.GROWING:
                growth.computed(turn, logits)

    def _is_free(self, position: Zyx) -> bool:
        inside = all(
            r <= p < n - r
            for p, r, n in zip(position, self.rules.reach, self.image.shape, strict=True)
        )
        return inside and self.labels[position] == 0


def _covered(growth: Growth, places: Seeds, rules: Rules) -> npt.NDArray[np.bool_]:
    """Return which places belong to an object as far as it has grown."""
    box = growth.mask.box
    covered: npt.NDArray[np.bool_] = np.all((places >= box.start) & (places < box.stop), axis=1)
    inside = np.flatnonzero(covered)
    at = (places[inside] - box.start).T
    covered[inside] = growth.mask.logits[tuple(at)] >= rules.segment
    return covered
