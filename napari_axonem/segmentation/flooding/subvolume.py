"""Flooding one block: the objects of all seeds, many at once, as if one after the other.

The published code tries seed after seed: an object may not enter what earlier objects have taken.
Here later seeds are tried while earlier objects still grow. When an object is finished in its turn,
those ahead of their turn that have been where it now is are thrown away and tried again. So the
labels are those of one seed after the other, to the last voxel, however many are computed at once.
(On a GPU the network itself may round otherwise in a batch of another size.)

While the network looks at one batch the next one is put together, of positions that do not depend
on what it will say. An object finished meanwhile may have taken such a position: then what the
network says of it is let go, as the position would have been passed over in its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.segmentation.flooding.growth import Growth, Stage, field_of_view
from napari_axonem.segmentation.flooding.mask import Logits
from napari_axonem.segmentation.flooding.moves import Turn, face_maxima
from napari_axonem.segmentation.flooding.rules import Rules
from napari_axonem.segmentation.flooding.seeds import Seeds

Labels = npt.NDArray[np.uint32]

Look = Callable[[Logits, Logits], Logits]
"""Returns new logits of masks from images and masks, all of shape (n, z, y, x), in an array that
is nobody else's."""

BATCHES = 2
"""What is looked at, and what is put together meanwhile."""

WAITING = 4
"""Objects in memory, as a multiple of the fields of view computed at once: grown ones wait for
their turn."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Fields of view that the network looks at together."""

    turns: list[tuple[Growth, Turn]]
    known: Logits
    """What was known of the masks there, NaN where nothing was."""

    logits: Future[Logits]


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
        self._looking = ThreadPoolExecutor(1, "looking") if at_once > 1 else None
        self._under_way: Batch | None = None

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
            if self._looking is not None:
                self._looking.shutdown(wait=False)
            return False
        self._begin()
        earlier, self._under_way = self._under_way, None
        if earlier is not None and 2 * len(earlier.turns) < self._at_once:
            self._take(earlier)  # there is little to look at: better all of it together
            earlier = None
        chosen = self._choose()
        batch = self._shown(chosen) if chosen else None
        if self._looking is None:
            earlier = batch
        else:
            self._under_way = batch
        if earlier is not None:
            self._take(earlier)
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
        if self._at_once == 1:
            return
        wanted, most = BATCHES * self._at_once, WAITING * self._at_once
        growing = sum(g.stage is Stage.GROWING for g in self.growths.values())
        if growing >= wanted:
            return
        promising = self._promising()
        while growing < wanted and len(self.growths) < most and len(promising):
            self._plant(int(promising[0]))
            places = self.seeds[promising]
            promising = promising[~_near(places, zyx(places[0]), self.rules)]
            growing += 1

    def _plant(self, index: int) -> None:
        self.growths[index] = Growth.begin(zyx(self.seeds[index]), self.bounds, self.rules)

    def _promising(self) -> npt.NDArray[np.int64]:
        """Return the indices of later seeds that are likely to be objects of their own."""
        after = self.turn + 1
        found = after + np.flatnonzero(self._is_open[after:])
        for growth in self.growths.values():
            places = self.seeds[found]
            here = _near(places, growth.seed, self.rules) | _covered(growth, places, self.rules)
            found = found[~here]
        return found

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

    def _shown(self, turns: list[tuple[Growth, Turn]]) -> Batch:
        """Let the network look at positions: beside what is done here, where many are looked at."""
        boxes = [field_of_view(turn.position, self.rules) for _, turn in turns]
        images = np.stack([self.image[box.slices] for box in boxes])
        known = np.stack([growth.window(turn) for growth, turn in turns])
        masks = np.where(np.isnan(known), np.float32(self.rules.unknown), known)
        if self._looking is not None:
            return Batch(turns, known, self._looking.submit(self._look, images, masks))
        seen: Future[Logits] = Future()
        seen.set_result(self._look(images, masks))
        return Batch(turns, known, seen)

    def _take(self, batch: Batch) -> None:
        """Take what the network said."""
        logits = batch.logits.result()
        if self.rules.freeze:
            freeze(logits, batch.known, self.rules.move)
        moves = face_maxima(logits, self.rules.step, self.rules.move)
        present = set(map(id, self.growths.values()))
        for (growth, turn), own, asked in zip(batch.turns, logits, moves, strict=True):
            self.count.fields += 1
            if id(growth) not in present:
                self.count.wasted += 1
            elif not self._is_free(turn.position):
                self.count.wasted += 1
                growth.passed_over(turn)
            elif growth.stage is Stage.GROWING:
                growth.computed(turn, own, asked)

    def _is_free(self, position: Zyx) -> bool:
        inside = all(
            r <= p < n - r
            for p, r, n in zip(position, self.rules.reach, self.image.shape, strict=True)
        )
        return inside and self.labels[position] == 0


def freeze(logits: Logits, known: Logits, move: float) -> None:
    """Let what was known not to be of an object stay at most as likely, where it moves on.

    Parameters
    ----------
    logits
        New ones of fields of view, shape (n, z, y, x); changed.
    known
        The old ones, NaN where there were none: these are free to change.
    move
        Fields of view in which no new logit reaches this are left alone.
    """
    for new, old in zip(logits, known, strict=True):
        if new.max() >= move:
            np.fmin(new, old, out=new, where=old < 0)


def _near(places: Seeds, place: Zyx, rules: Rules) -> npt.NDArray[np.bool_]:
    """Return which places lie within a field of view of another."""
    near: npt.NDArray[np.bool_] = np.all(np.abs(places - place) < rules.fov, axis=1)
    return near


def _covered(growth: Growth, places: Seeds, rules: Rules) -> npt.NDArray[np.bool_]:
    """Return which places belong to an object as far as it has grown."""
    box = growth.mask.box
    covered: npt.NDArray[np.bool_] = np.all((places >= box.start) & (places < box.stop), axis=1)
    inside = np.flatnonzero(covered)
    at = (places[inside] - box.start).T
    covered[inside] = growth.mask.logits[tuple(at)] >= rules.segment
    return covered
