"""What a key does already: in this window, in napari, among our own actions."""

from __future__ import annotations

from dataclasses import dataclass

from napari.components import ViewerModel
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QWidget

from napari_axonem.widgets.docks.keys.key_button import shortcut
from napari_axonem.widgets.session.keyboard import Keyboard, normal, why_not
from napari_axonem.widgets.session.keys import written


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a key is not free."""

    text: str
    """What it does now, as a sentence."""

    final: bool = False
    """Whether it cannot be taken all the same."""


def clash(
    name: str, key: str, board: Keyboard, viewer: ViewerModel, window: QWidget | None
) -> Clash | None:
    """Return why an action cannot have a key at once; None where the key is free.

    Parameters
    ----------
    name
        The action, by its id.
    key
        As napari writes it.
    viewer
        Whose own bindings count. Those of layers do not: ours come before them, always.
    window
        Whose menus' shortcuts count; Qt would never let their keys through.
    """
    if reason := why_not(key):
        return Clash(f"{written(key) or key} cannot be used: {reason}.", final=True)
    shown = written(key)
    if taken := _in_menus(key, window):
        return Clash(f"{shown} belongs to napari's menu entry \u201c{taken}\u201d.", final=True)
    holder = board.holder(key)
    if holder is not None and holder.id != name:
        return Clash(f"{shown} is the key of \u201c{holder.title}\u201d, which would have none.")
    if holder is None and (does := _of_viewer(key, viewer)):
        return Clash(f"napari has {shown} for \u201c{does}\u201d, which would have no key here.")
    return None


def _in_menus(key: str, window: QWidget | None) -> str:
    """Return the menu entry of a window that has a key."""
    for action in [] if window is None else window.findChildren(QAction):
        if any(normal(shortcut(one)) == normal(key) for one in action.shortcuts()):
            return str(action.text()).replace("&", "")
    return ""


def _of_viewer(key: str, viewer: ViewerModel) -> str:
    """Return what napari's viewer does with a key of its own."""
    binding = coerce_keybinding(key)
    for kind in type(viewer).__mro__:
        does = getattr(kind, "class_keymap", {}).get(binding)
        if callable(does):
            about = (does.__doc__ or does.__name__).strip()
            return about.splitlines()[0].rstrip(".")
    return ""
