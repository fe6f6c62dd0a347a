"""A menu of everything that has a key, made from the table of keys."""

from __future__ import annotations

from qtpy.QtGui import QAction
from qtpy.QtWidgets import QMenu, QMenuBar

from napari_axonem.widgets.session.keyboard import keyboard
from napari_axonem.widgets.session.keys import ACTIONS, BY_ID, HELP_KEYS
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.window import window_of

TITLE = "Axonem"

BEFORE = "Help"
"""The menu of napari's that it is put in front of."""


def add_menu(bar: QMenuBar, session: Session) -> QMenu:
    """Put the menu into a window's menu bar, once; return it.

    Keys are shown, not bound: the table binds them to the viewer and its layers, and a second
    binding in the menu would make Qt call neither.
    """
    named = {_name(action): action for action in bar.actions()}
    if TITLE in named:
        menu: QMenu = named[TITLE].menu()
        return menu
    menu = QMenu(TITLE, bar)
    groups: dict[str, QMenu] = {}
    for action in ACTIONS:
        if action.group not in groups:
            groups[action.group] = menu.addMenu(action.group)
        entry = groups[action.group].addAction("")
        entry.setData(action.id)
        entry.triggered.connect(lambda _=False, a=action: session.attempt(a.run, session))
    menu.addSeparator()
    keys = menu.addAction(f"Show all keys\t{HELP_KEYS[0]}")
    keys.triggered.connect(lambda: window_of(session).show_help())
    menu.aboutToShow.connect(lambda: _name_entries(menu))
    _name_entries(menu)
    bar.insertMenu(named.get(BEFORE), menu)
    return menu


def _name_entries(menu: QMenu) -> None:
    """Write behind each entry the key that it has now."""
    for group in menu.actions():
        for entry in group.menu().actions() if group.menu() else ():
            title, key = BY_ID[entry.data()].title, keyboard().shown(entry.data())
            entry.setText(f"{title}\t{key}" if key else title)


def _name(action: QAction) -> str:
    return action.text().replace("&", "")
