"""The merges that are left when no more than a few can be made at once: one after the other."""

from __future__ import annotations

import heapq

import numpy as np

from napari_axonem.agglomeration.contacts import Contacts, Merges
from napari_axonem.agglomeration.mergetree import Scores


class _Queue:
    """Contacts by score, those with the highest first; what changed since is skipped."""

    def __init__(self, contacts: Contacts, count: int, unit: int, lowest: float) -> None:
        self.area: list[int] = contacts.area.tolist()
        self.total: list[int] = contacts.total.tolist()
        self.went = list(range(len(contacts)))
        """The contact that each was added to; itself while it stands."""
        self.joined_at = [-1.0] * len(contacts)
        self._unit, self._lowest = unit, lowest
        self._ends = list(zip(contacts.a.tolist(), contacts.b.tolist(), strict=True))
        self._near: list[dict[int, int]] = [{} for _ in range(count)]
        for contact, (a, b) in enumerate(self._ends):
            self._near[a][b] = self._near[b][a] = contact
        score = contacts.total / contacts.area / unit
        self._heap = [(-s, c) for c, s in enumerate(score.tolist()) if s >= lowest]
        heapq.heapify(self._heap)
        self._becomes = list(range(count))

    def run(self) -> list[tuple[int, float]]:
        """Join until nothing is left that is worth it; return contacts and scores in order."""
        done = []
        while self._heap:
            worth, contact = heapq.heappop(self._heap)
            if self._is_out_of_date(contact, -worth):
                continue
            self.joined_at[contact] = -worth
            done.append((contact, -worth))
            a, b = (self._now(end) for end in self._ends[contact])
            if len(self._near[a]) < len(self._near[b]):
                a, b = b, a
            self._join(a, b)
        return done

    def _is_out_of_date(self, contact: int, score: float) -> bool:
        if self.went[contact] != contact or self.joined_at[contact] >= 0:
            return True
        return self.total[contact] / self.area[contact] / self._unit != score

    def _now(self, segment: int) -> int:
        while self._becomes[segment] != segment:
            self._becomes[segment] = self._becomes[self._becomes[segment]]
            segment = self._becomes[segment]
        return segment

    def _join(self, a: int, b: int) -> None:
        """Let all contacts of `b` be contacts of `a`."""
        self._becomes[b] = a
        mine, theirs = self._near[a], self._near[b]
        del mine[b], theirs[a]
        for other, contact in theirs.items():
            del self._near[other][b]
            if other not in mine:
                mine[other] = self._near[other][a] = contact
                continue
            kept, gone = sorted((mine[other], contact))
            self.area[kept] += self.area[gone]
            self.total[kept] += self.total[gone]
            self.went[gone] = kept
            mine[other] = self._near[other][a] = kept
            score = self.total[kept] / self.area[kept] / self._unit
            if score >= self._lowest:
                heapq.heappush(self._heap, (-score, kept))
        self._near[b] = {}


def merge_one_by_one(
    contacts: Contacts, count: int, unit: int, lowest: float
) -> tuple[Merges, Scores]:
    """Join the pair of segments with the highest mean affinity until that is below `lowest`.

    Parameters
    ----------
    contacts
        Between segments 0..count-1.
    count
        Number of segments.
    unit
        Affinity 1 as an integer.
    lowest
        Mean affinity below which no pair is joined.

    Returns
    -------
    The merges in order; and for each contact the score at which it came to lie inside of a
    segment, -1 where it never did.
    """
    queue = _Queue(contacts, count, unit, lowest)
    done = queue.run()
    rows = np.array([contact for contact, _ in done], np.int64)
    score = np.array([s for _, s in done], np.float64)
    went = np.array(queue.went, np.int64)
    while not np.array_equal(went, further := went[went]):
        went = further
    return (contacts.stands[rows], score), np.array(queue.joined_at, np.float64)[went]
