"""Fills the form for a new project: arrays for its roles, from files and from the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari.viewer import Viewer

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Nm
from napari_axonem.volumes import describe, guess_roles, list_volumes
from napari_axonem.widgets.docks.volume.new_project_view import NewProjectView, Wish
from napari_axonem.widgets.opening.asking import ANSWERS, question_of
from napari_axonem.widgets.opening.locations import destination_for
from napari_axonem.widgets.opening.shown import Shown, shown_volumes


class Filling:
    """Offers arrays with a guess which is which, and knows their voxel sizes.

    Parameters
    ----------
    form
        What is filled.
    viewer
        Whose volumes can be offered.
    """

    def __init__(self, form: NewProjectView, viewer: Viewer) -> None:
        self._form, self._viewer = form, viewer
        self._sizes: dict[str, Nm] = {}  # of volumes that the window showed, by location

    def add(self, paths: list[str]) -> None:
        """Offer the arrays of files, with a guess which is which."""
        for path in paths:
            names = list_volumes(path)
            locations = {name: f"{path}:{name}" if name else path for name in names}
            file = Path(path).name
            self._form.offer([(f"{n}  ({file})" if n else file, locations[n]) for n in names])
            guess = guess_roles(names).items()
            self._choose({role: locations[name] for role, name in guess}, path)

    def add_shown(self) -> None:
        """Offer the volumes that the window shows, with a guess which is which.

        Raises
        ------
        SettingsError
            It shows none.
        """
        found = shown_volumes(self._viewer.layers)
        if not found:
            raise SettingsError(
                "no layer is a volume that this plugin opened",
                where="New project",
                remedy="open one above, or add files",
            )
        self._sizes |= {shown.location: shown.voxel_size for shown in found}
        self._form.offer([(shown.name, shown.location) for shown in found])
        self._choose(_roles_of(found), found[0].location)

    def _choose(self, guess: Mapping[str, str], beside: str) -> None:
        """Choose arrays for roles that have none, a voxel size, and a folder if there is none."""
        chosen = self._form.wish().roles
        self._form.choose({role: guess[role] for role in guess if role not in chosen})
        if not self._form.destination.text():
            self._form.destination.setText(str(destination_for(beside)))
        self.fill_voxel_size()

    def voxel_size(self, wish: Wish) -> str:
        """Return the voxel size that the command is told; empty where files say it.

        Raises
        ------
        SettingsError
            Nothing says it, and nobody does who is asked.
        """
        typed = ",".join(wish.voxel_size.replace(",", " ").split())
        return typed or self._asked_voxel_size(wish)

    def _asked_voxel_size(self, wish: Wish) -> str:
        """Return that of an array which the window shows, or ask for one that no file states."""
        for location in wish.roles.values():
            if location in self._sizes:
                return _as_words(self._sizes[location])
            info = describe(location)
            if info.voxel_size is None:
                given = ANSWERS.ask(question_of(info))
                if given is None:
                    raise SettingsError(
                        "none was given", where="Voxel size", remedy="fill it in: z, y, x in nm"
                    )
                return _as_words(given.voxel_size)
        return ""

    def fill_voxel_size(self) -> None:
        """Take the voxel size from the first array whose it is known."""
        if self._form.voxel_size.isModified() and self._form.voxel_size.text():
            return
        for location in self._form.wish().roles.values():
            size = self._known_size(location)
            if size is not None:
                self._form.voxel_size.setText(", ".join(f"{edge:g}" for edge in size))
                return

    def _known_size(self, location: str) -> Nm | None:
        """Return what the window, the file or an answer says; a server is not asked again."""
        size = self._sizes.get(location) or describe(location).voxel_size
        given = ANSWERS.given(location)
        return given.voxel_size if size is None and given is not None else size


def _as_words(size: Nm) -> str:
    return ",".join(f"{edge:.12g}" for edge in size)


def _roles_of(found: Sequence[Shown]) -> dict[str, str]:
    """Guess which volume is which: the only labels are objects, whatever they are called."""
    images = [shown for shown in found if not shown.is_labels]
    labels = {shown.name: shown.location for shown in found if shown.is_labels}
    named = {role: labels[name] for role, name in guess_roles(labels).items()}
    named.pop("image", None)
    if not named and len(labels) == 1:
        named["segmentation"] = next(iter(labels.values()))
    return ({"image": images[0].location} if images else {}) | named
