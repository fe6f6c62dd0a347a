"""Which key does what: the keys of the table, and those that the user gave in their place.

napari's own page of shortcuts cannot be used for it: it refuses every key that any kind of layer
has, which is nearly every letter, binds to classes, over which the bindings of a layer's class win,
and forgets the actions of plugins when its defaults are restored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from napari.utils.key_bindings import coerce_keybinding
from psygnal import Signal

from napari_axonem.errors import SettingsError
from napari_axonem.widgets.parts import recent
from napari_axonem.widgets.session.keys import ACTIONS, BY_ID, HELP_KEYS, Action, written

NOT_ALONE = {"Ctrl", "Shift", "Alt", "Meta", "CapsLock", "Tab", "unknown", ""}
"""Keys that cannot be had: modifiers, one that Qt takes to go on, those that vispy cannot tell."""


class Keyboard:
    """The keys as they are now.

    Parameters
    ----------
    given
        The keys that the user gave, by action; an empty one takes the action's key away. What does
        not fit is passed over: another version of the program may have written it.
    keep
        Called with all of them after each change.
    """

    changed = Signal()
    """Some action has another key."""

    def __init__(
        self,
        given: Mapping[str, str] | None = None,
        keep: Callable[[Mapping[str, str]], object] = lambda _: None,
    ) -> None:
        self._given: dict[str, str] = {}
        self._keep = keep
        for name, key in (given or {}).items():
            if name in BY_ID and (not key or not why_not(key)):
                self._given[name] = normal(key)
        self._drop_doubles()

    @property
    def given(self) -> dict[str, str]:
        """The keys that the user gave in the place of those of the table, by action."""
        return dict(self._given)

    @property
    def tips(self) -> dict[str, str]:
        """What each action does, with its key, for tooltips."""
        return {action.id: self.tip(action.id) for action in ACTIONS}

    @property
    def keys(self) -> dict[str, str]:
        """The key of each action, as napari writes it; empty for none."""
        return {action.id: self.key(action.id) for action in ACTIONS}

    @property
    def all_shown(self) -> dict[str, str]:
        """The key of each action, as people write it."""
        return {action.id: self.shown(action.id) for action in ACTIONS}

    def key(self, name: str) -> str:
        """Return the key of an action as napari writes it; empty where it has none."""
        return self._given.get(name, BY_ID[name].key)

    def shown(self, name: str) -> str:
        """Return the key of an action as people write it."""
        return written(self.key(name))

    def tip(self, name: str) -> str:
        """Return what an action does, with its key."""
        key = self.shown(name)
        return f"{BY_ID[name].title} ({key})" if key else BY_ID[name].title

    def holder(self, key: str) -> Action | None:
        """Return the action that has a key."""
        wanted = normal(key)
        return next((a for a in ACTIONS if wanted and normal(self.key(a.id)) == wanted), None)

    def give(self, name: str, key: str) -> None:
        """Give an action a key, and take it from the one that had it; an empty key is none.

        Raises
        ------
        SettingsError
            The key cannot be used.
        """
        if key and (reason := why_not(key)):
            raise SettingsError(reason, where=written(key) or key, remedy="press another one")
        before = self.holder(key)
        if before is not None and before.id != name:
            self._set(before.id, "")
        self._set(name, key)
        self._tell()

    def reset(self, name: str) -> None:
        """Give an action the key of the table again, and take it from the one that had it."""
        self.give(name, BY_ID[name].key)

    def reset_all(self) -> None:
        """Give all actions the keys of the table again."""
        self._given.clear()
        self._tell()

    def _set(self, name: str, key: str) -> None:
        if normal(key) == normal(BY_ID[name].key):
            self._given.pop(name, None)
        else:
            self._given[name] = normal(key)

    def _drop_doubles(self) -> None:
        """Take keys away that two actions have: that of the table stays."""
        for name, key in list(self._given.items()):
            others = (normal(self.key(other.id)) for other in ACTIONS if other.id != name)
            if key and key in others:
                del self._given[name]

    def _tell(self) -> None:
        self._keep(self.given)
        self.changed.emit()


def why_not(key: str) -> str:
    """Return why a key cannot be given to an action; empty where it can."""
    binding = coerce_keybinding(key)
    if len(binding.parts) != 1:
        return "it is more than one key"
    part = binding.parts[0]
    name = "" if part.key is None else str(part.key)
    if name in NOT_ALONE:
        return "it cannot be used by itself"
    if part.shift and len(name) == 1 and not name.isalpha() and not part.ctrl:
        return "Shift makes another sign of it"
    if normal(key) in map(normal, HELP_KEYS):
        return "it shows this help"
    return ""


def normal(key: str) -> str:
    """Return the one way in which a key is written down; empty for none."""
    return str(coerce_keybinding(key)) if key else ""


_keyboards: list[Keyboard] = []


def keyboard() -> Keyboard:
    """Return the keyboard of all windows, as the user left it."""
    if not _keyboards:
        _keyboards.append(Keyboard(recent.given_keys(), recent.keep_given_keys))
    return _keyboards[0]


def by_key(name: str) -> str:
    """Return the key of an action in brackets, to be put behind what it does; empty for none."""
    key = keyboard().shown(name)
    return f" ({key})" if key else ""
