"""Connections from a session, or from work, to a view that may be gone when they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakMethod, ref

from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget


class SignalLike(Protocol):
    """A signal of Qt or of psygnal."""

    def connect(self, slot: Callable[..., Any], /) -> object:
        """Call `slot` when it is sent."""


class Connections:
    """Calls methods of a control as long as its view exists.

    A dock can be destroyed while the session goes on, and no signal tells that reliably: Qt's
    ``destroyed`` is not sent to Python when Python frees the widget.

    Parameters
    ----------
    view
        The widget that the methods write to.
    orphaned
        Called, perhaps several times, when something would be shown and the view is gone.
    soon
        Does something once, a turn later, however often it is asked for until then.
    """

    def __init__(
        self,
        view: QWidget,
        orphaned: Callable[[], object] = lambda: None,
        soon: Callable[[Callable[[], None]], None] = lambda action: action(),
    ) -> None:
        self._view = ref(view)
        self._orphaned = orphaned
        self._soon = soon

    def connect(self, signal: SignalLike, slot: Callable[..., object]) -> None:
        """Call `slot`, a bound method, whenever `signal` is sent and the view exists."""
        signal.connect(self._guarded(slot))

    def follow(self, slot: Callable[[], object], *signals: SignalLike) -> None:
        """Call `slot`, a bound method, once, a turn after any of these signals was sent.

        The picture is drawn first, and what is told of one edit is shown at one time.
        """
        call, soon = self._guarded(slot), self._soon
        for signal in signals:
            signal.connect(lambda *_: soon(call))

    def _guarded(self, slot: Callable[..., object]) -> Callable[..., None]:
        """Return what calls a bound method, without keeping its object, while the view exists."""
        view, method, orphaned = self._view, WeakMethod(slot), self._orphaned

        def call(*values: object) -> None:
            widget, target = view(), method()
            if widget is None or target is None or not isalive(widget):
                orphaned()
            else:
                target(*values)

        return call
