"""Which models there are, and which of them suits an image; weights are not read.

Models ship with the package, and people keep their own in a folder of theirs, which
`models_folder` names. A model is also used from wherever its file lies, by its path.
"""

from __future__ import annotations

import importlib.resources
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_axonem.errors import ModelError
from napari_axonem.geometry import Nm
from napari_axonem.networks.card import Card
from napari_axonem.networks.files import SUFFIX, read_card

VARIABLE = "NAPARI_AXONEM_MODELS"
"""Environment variable that names another folder for a user's models."""

CLOSE = 1.2
"""An image whose voxels differ by no more than this factor along each axis goes in as it is:
training varies sizes by about as much."""

FAR = 3.0
"""Beyond this factor a model is said to fit badly: what it learned to see is not there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that was found."""

    card: Card
    path: Path

    shipped: bool
    """Whether it came with the package."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a model suits an image."""

    entry: Entry

    ratios: Nm
    """Edges of the image's voxels over those of the model's (z, y, x): above 1 is coarser."""

    @property
    def resamples(self) -> bool:
        """Whether the image is read at the model's voxel size."""
        return self.worst > CLOSE

    @property
    def scale(self) -> Nm:
        """Voxels (z, y, x) at which the model works for one of the image; 1 where it is close."""
        return self.ratios if self.resamples else (1.0, 1.0, 1.0)

    @property
    def worst(self) -> float:
        """The largest factor between edges along an axis, 1 or more."""
        return max(max(r, 1 / r) for r in self.ratios)

    @property
    def words(self) -> str:
        """How well it fits, in one sentence for a person."""
        card = self.entry.card
        made_for = f"model {card.name}, made for {_nm(card.voxel_size)}"
        if self.worst < 1.005:
            return f"{made_for}, as the image is"
        axes = ", ".join(
            f"{axis} {max(r, 1 / r):.3g} times {'coarser' if r > 1 else 'finer'}"
            for axis, r in zip("zyx", self.ratios, strict=True)
            if max(r, 1 / r) >= 1.005
        )
        if not self.resamples:
            return f"{made_for}: close enough to go in as it is (image {axes})"
        verdict = "fits badly" if self.worst > FAR else "the image is resampled"
        also = ", even though the image is resampled" if self.worst > FAR else ""
        return f"{made_for}: {verdict}{also} (image {axes})"


def models_folder() -> Path:
    """Return the folder in which a user's own models are looked for; it may not exist."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("napari-axonem") / "models"


def list_models() -> tuple[list[Entry], list[ModelError]]:
    """Return all models, one's own first, and why files that look like models are none."""
    entries: list[Entry] = []
    problems: list[ModelError] = []
    for path, shipped in _files():
        try:
            entries.append(Entry(read_card(path), path, shipped))
        except ModelError as error:
            problems.append(error)
    return entries, problems


def find_model(name: str) -> Entry:
    """Return a model by its name, or by the path of its file.

    Of several models of one name a user's own comes first.

    Raises
    ------
    ModelError
        There is none, or the file is no model.
    """
    path = Path(name)
    if path.suffix == SUFFIX or path.is_file():
        return Entry(read_card(path), path, shipped=False)
    entries, problems = list_models()
    for entry in entries:
        if name in (entry.card.name, entry.path.stem):
            return entry
    for problem in problems:
        if Path(problem.where).stem == name:
            raise problem
    known = ", ".join(entry.card.name for entry in entries) or "none"
    raise ModelError(
        f"no model called {name!r}",
        where="--model",
        remedy=f"name a {SUFFIX} file or one of: {known}",
    )


def fit_of(entry: Entry, voxel_size: Nm) -> Fit:
    """Return how well a model suits images with voxels of this size (z, y, x) in nm."""
    z, y, x = (a / b for a, b in zip(voxel_size, entry.card.voxel_size, strict=True))
    return Fit(entry, (z, y, x))


def choose_model(
    voxel_size: Nm, architecture: str = "rsunet", entries: Sequence[Entry] | None = None
) -> Fit:
    """Return the model whose voxels are nearest to those of an image.

    Near means a small sum, over the axes, of the squared logarithms of the ratios; of equally near
    models the first in the list is taken, which a user's own ones lead.

    Parameters
    ----------
    voxel_size
        Of the image, z, y, x in nm.
    architecture
        What to choose among.
    entries
        Models to choose among, all that there are where None.

    Raises
    ------
    ModelError
        There is no model of that architecture.
    """
    known = list_models()[0] if entries is None else entries
    fits = [fit_of(e, voxel_size) for e in known if e.card.architecture == architecture]
    if not fits:
        raise ModelError(
            f"no model of architecture {architecture}",
            where="--model",
            remedy=f"train one, or put one into {models_folder()}",
        )
    return min(fits, key=lambda fit: sum(math.log(r) ** 2 for r in fit.ratios))


def _files() -> Iterator[tuple[Path, bool]]:
    """Yield the files that look like models, and whether they came with the package."""
    shipped = Path(str(importlib.resources.files("napari_axonem.resources"))) / "models"
    for folder, is_ours in ((models_folder(), False), (shipped, True)):
        if folder.is_dir():
            yield from ((path, is_ours) for path in sorted(folder.glob(f"*{SUFFIX}")))


def _nm(size: Nm) -> str:
    return " x ".join(f"{s:g}" for s in size) + " nm"
