"""How an error is known again after edits, which give segments other names.

An error is named by its kind, its contact voxel and its true object. An edit can exchange the
two sides of a contact, and the voxel is one of one side; so a name found nearby is taken for
the same error.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Grid, Zyx

NEAR_VOXELS = 3
"""How far a contact may have moved, along each axis, and still be the same."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an error is known by."""

    kind: str
    """``false_split`` or ``false_merge``, with ``suggested_`` before it without truth."""

    truth: int
    """The first true object concerned."""

    voxel: Zyx
    """The contact voxel (z, y, x)."""

    twin: int = 1
    """Counts errors that agree in all this: one voxel can touch two segments."""

    @classmethod
    def of(cls, error: Mistake | Suggestion, voxel: Zyx) -> Identity:
        """Return the identity of an error at a voxel."""
        if isinstance(error, Suggestion):
            return cls(f"suggested_{error.kind}", 0, voxel)
        return cls(error.kind, error.truth[0] if error.truth else 0, voxel)

    @classmethod
    def parse(cls, key: str) -> Identity | None:
        """Return the identity that `key` was made of; None where it was not made here."""
        words = key.split()
        try:
            truth, z, y, x, *twin = (int(word) for word in words[1:])
        except ValueError:
            return None
        return cls(words[0], truth, (z, y, x), *twin)

    @property
    def key(self) -> str:
        """The identity as text."""
        twin = (self.twin,) if self.twin > 1 else ()
        return " ".join(map(str, (self.kind, self.truth, *self.voxel, *twin)))

    def is_near(self, other: Identity) -> bool:
        """Tell whether the contacts of both are close together."""
        return all(abs(a - b) <= NEAR_VOXELS for a, b in zip(self.voxel, other.voxel, strict=True))


def keys_of(
    mistakes: Sequence[Mistake | Suggestion], known: Iterable[str], grid: Grid
) -> list[str]:
    """Return a key for each error, a known one where it is the same error.

    Parameters
    ----------
    known
        Keys given earlier; each is given again at most once.
    """
    positions = np.array([m.position_nm for m in mistakes], dtype=float).reshape(-1, 3)
    voxels = grid.to_voxel(positions).tolist()
    pairs = zip(mistakes, voxels, strict=True)
    found = _numbered([Identity.of(mistake, (z, y, x)) for mistake, (z, y, x) in pairs])
    free = set(known) - {identity.key for identity in found}
    by_object: dict[tuple[str, int], list[Identity]] = defaultdict(list)
    for key in sorted(free):
        if (old := Identity.parse(key)) is not None:
            by_object[old.kind, old.truth].append(old)
    known_exactly = set(known) - free
    keys = []
    for identity in found:
        candidates = by_object[identity.kind, identity.truth]
        near = next((old for old in candidates if identity.is_near(old)), None)
        if near is None or identity.key in known_exactly:
            keys.append(identity.key)
        else:
            candidates.remove(near)
            keys.append(near.key)
    return keys


def _numbered(identities: Sequence[Identity]) -> list[Identity]:
    """Return the identities with equal ones counted."""
    seen: Counter[Identity] = Counter()
    numbered = []
    for identity in identities:
        seen[identity] += 1
        twin = seen[identity]
        numbered.append(identity if twin == 1 else replace(identity, twin=twin))
    return numbered
