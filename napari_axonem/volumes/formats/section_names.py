"""Which section a file is, by the number in its name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from napari_axonem.errors import VolumeError

_DIGITS = re.compile("([0-9]+)")

_SUFFIX = re.compile(r"[.][A-Za-z][A-Za-z0-9]*$")
"""What does not count as name; ``.001`` does."""

_SPARSEST = 10
"""How many sections may be missing for each that is there, before numbers are not believed."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """Files in the order of the sections that they are."""

    names: dict[int, str]
    """File of each section, by z; a z below `extent` that is not in it is missing."""

    first: int
    """Number of the section at z = 0."""

    step: int
    """By how much the numbers of neighbours differ."""

    @property
    def extent(self) -> int:
        """Number of sections, the missing ones among them."""
        return max(self.names) + 1

    @property
    def missing(self) -> list[int]:
        """Numbers that no file has, ascending."""
        return [self.number(z) for z in range(self.extent) if z not in self.names]

    def number(self, z: int) -> int:
        """Return the number in the name of the section at `z`."""
        return self.first + z * self.step


def arrange(names: Sequence[str], where: object) -> Numbering:
    """Put files in the order of the number that tells them apart.

    Names must be alike but for their digits. Where several groups of digits vary (a date, a
    position), it is the one that differs in all names and leaves the fewest gaps. Numbers in
    steps, such as 10, 20, 30, are neighbours; other gaps are missing sections.

    Parameters
    ----------
    names
        Names of files, at least one.
    where
        What to call their folder in errors.

    Raises
    ------
    VolumeError
        The names leave open which section is which.
    """
    if len(names) == 1:
        return Numbering({0: names[0]}, 0, 1)
    rows = _numbers(names, where)
    columns = [column for column in zip(*rows, strict=True) if len({*column}) == len(names)]
    if not columns:
        raise _ambiguous(names, rows, where)
    numbers = min(columns, key=lambda column: (max(column) - min(column)) // _step(column))
    first, step = min(numbers), _step(numbers)
    extent = (max(numbers) - first) // step + 1
    if extent - len(names) > _SPARSEST * len(names):
        raise VolumeError(
            f"{len(names)} files numbered from {first} to {max(numbers)}, so nearly all "
            "sections would be missing",
            where=where,
            remedy="number the sections in their names from the first to the last",
        )
    order = sorted(range(len(names)), key=numbers.__getitem__)
    return Numbering({(numbers[i] - first) // step: names[i] for i in order}, first, step)


def _numbers(names: Sequence[str], where: object) -> list[tuple[int, ...]]:
    """Return the groups of digits of each name, of which all have the same number."""
    parts = [_DIGITS.split(_SUFFIX.sub("", name)) for name in names]
    words = [tuple(word.lower() for word in part[::2]) for part in parts]
    usual = Counter(words).most_common(1)[0][0]
    odd = [name for name, word in zip(names, words, strict=True) if word != usual]
    if odd:
        like = names[words.index(usual)]
        raise VolumeError(
            f"{', '.join(map(repr, odd[:3]))} {'...' if len(odd) > 3 else ''}".rstrip()
            + f" not named like {like!r}, so that nothing says which section it is",
            where=where,
            remedy="leave only the sections in that folder, with their numbers in their names",
        )
    return [tuple(int(digits) for digits in part[1::2]) for part in parts]


def _ambiguous(names: Sequence[str], rows: list[tuple[int, ...]], where: object) -> VolumeError:
    """Return the error for names without a group of digits that differs in all of them."""
    varying = [column for column in zip(*rows, strict=True) if len({*column}) > 1]
    if len(varying) > 1:
        return VolumeError(
            f"files whose names count several things, as those of tiles do "
            f"({names[0]!r}, {names[-1]!r})",
            where=where,
            remedy="stitch the tiles of each section into one picture first",
        )
    row = Counter(rows).most_common(1)[0][0]
    same = [name for name, other in zip(names, rows, strict=True) if other == row]
    return VolumeError(
        f"{' and '.join(map(repr, same[:2]))} have the same number",
        where=where,
        remedy="leave one file for each section in that folder",
    )


def _step(numbers: Sequence[int]) -> int:
    """Return the largest number of which all differences are multiples."""
    return math.gcd(*(n - numbers[0] for n in numbers[1:]))
