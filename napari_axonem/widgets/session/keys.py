"""The one table of keys, and how they are bound.

Keys are bound to the viewer and to each of our layers: the bindings of a layer's class, such
as M for a new label, would win over those of the viewer otherwise. A key that another layer
of the user's takes for itself works again when one of ours is selected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakSet

from napari.utils.key_bindings import KeymapProvider, coerce_keybinding

from napari_axonem.proofreading.states import ObjectState
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.queue import DONE, FLAGGED, SKIPPED

if TYPE_CHECKING:
    from napari_axonem.widgets.session.session import Session


@dataclass(frozen=True, slots=True)
class Action:
    """Something that has a key."""

    id: str
    """Its name in the program."""

    title: str
    """What it does, for people."""

    key: str
    """The key that it has unless the user gives it another, as napari writes it:
    ``Control-Shift-Z``."""

    run: Callable[[Session], object]
    """Does it."""

    group: str
    """The dock it belongs to."""

    @property
    def shown_key(self) -> str:
        """The key as people write it: ``Ctrl+Shift+Z``."""
        return written(self.key)


def written(key: str) -> str:
    """Return a key that napari writes ``Control-Shift-Z`` as people write it: ``Ctrl+Shift+Z``."""
    return str(coerce_keybinding(key)).replace("Escape", "Esc") if key else ""


def _view(name: str, *arguments: object) -> Callable[[Session], object]:
    def run(session: Session) -> None:
        session.view(lambda: getattr(session.place.sight, name)(*arguments))

    return run


def _tool(tool: Tool) -> Callable[[Session], object]:
    return lambda session: session.editor.set_tool(tool)


def _mark(state: ObjectState) -> Callable[[Session], object]:
    return lambda session: session.objects.mark(state)


ACTIONS: tuple[Action, ...] = (
    Action("next", "Next error", "N", lambda s: s.step(1), "Errors"),
    Action("previous", "Previous error", "Shift-N", lambda s: s.step(-1), "Errors"),
    Action("go", "Go back to the current error", "G", lambda s: s.review.go(), "Errors"),
    Action(
        "done", "Mark the error as done and go on", "D", lambda s: s.review.mark(DONE), "Errors"
    ),
    Action("skip", "Skip the error and go on", "K", lambda s: s.review.mark(SKIPPED), "Errors"),
    Action(
        "flag",
        "Flag the error, to be discussed, and go on",
        "F",
        lambda s: s.review.mark(FLAGGED),
        "Errors",
    ),
    Action(
        "unmark",
        "Take the last done, skip or flag back",
        "Shift-D",
        lambda s: s.review.take_back_mark(),
        "Errors",
    ),
    Action(
        "switch",
        "List suggestions instead of errors, or errors again",
        "Shift-E",
        lambda s: s.review.switch(),
        "Errors",
    ),
    Action(
        "suggest",
        "Find suggestions, without the truth",
        "Shift-F",
        lambda s: s.review.seek(),
        "Errors",
    ),
    Action(
        "rank",
        "Rank by VOI or by run length",
        "Shift-R",
        lambda s: s.review.rank_other(),
        "Errors",
    ),
    Action(
        "region",
        "List only errors in view, or all again",
        "W",
        lambda s: s.review.keep_to_view(),
        "Errors",
    ),
    Action(
        "skeletons",
        "Choose skeletons, for the run length",
        "Shift-G",
        lambda s: s.want("skeletons"),
        "Errors",
    ),
    Action(
        "repair",
        "Repair the current error, accept a suggestion",
        "R",
        lambda s: s.repair(),
        "Proofread",
    ),
    Action("look", "Look: a click picks an object", "L", _tool(Tool.LOOK), "Proofread"),
    Action("merge", "Merge: click two objects", "M", _tool(Tool.MERGE), "Proofread"),
    Action("split", "Split: place red and blue points", "S", _tool(Tool.SPLIT), "Proofread"),
    Action(
        "cut_off",
        "Cut off a branch: click where it begins",
        "B",
        _tool(Tool.CUT_OFF),
        "Proofread",
    ),
    Action(
        "detach",
        "Detach: click a fragment, or several with Shift",
        "Shift-S",
        _tool(Tool.DETACH),
        "Proofread",
    ),
    Action("delete", "Delete: click an object twice", "Delete", _tool(Tool.DELETE), "Proofread"),
    Action("paint", "Paint: drag from an object", "P", _tool(Tool.PAINT), "Proofread"),
    Action("erase", "Erase: drag over an object", "E", _tool(Tool.ERASE), "Proofread"),
    Action(
        "thinner", "Make the brush smaller", "[", lambda s: s.editor.step_brush(-1), "Proofread"
    ),
    Action("thicker", "Make the brush larger", "]", lambda s: s.editor.step_brush(1), "Proofread"),
    Action(
        "others",
        "Paint over other objects too, erase from all; or not",
        "Shift-P",
        lambda s: s.editor.brush_others(),
        "Proofread",
    ),
    Action(
        "swap",
        "Let clicks place the next colour",
        "X",
        lambda s: s.editor.swap_colour(),
        "Proofread",
    ),
    Action(
        "colour",
        "Let clicks place one more colour",
        "Shift-X",
        lambda s: s.editor.add_colour(),
        "Proofread",
    ),
    Action(
        "unplace",
        "Remove the last point, or what was collected last",
        "Backspace",
        lambda s: s.editor.take_back(),
        "Proofread",
    ),
    Action("take", "Take what is shown", "Enter", lambda s: s.editor.take(), "Proofread"),
    Action("drop", "Drop what was begun", "Escape", lambda s: s.editor.drop(), "Proofread"),
    Action(
        "threshold",
        "Choose the threshold of agglomeration",
        "Shift-T",
        lambda s: s.want("threshold"),
        "Proofread",
    ),
    Action("undo", "Undo the last edit", "Control-Z", lambda s: s.editor.undo(), "History"),
    Action("redo", "Redo", "Control-Shift-Z", lambda s: s.editor.redo(), "History"),
    Action(
        "back",
        "Go back to the operation chosen in the history",
        "Shift-Z",
        lambda s: s.past.go_back(),
        "History",
    ),
    Action(
        "visit",
        "Look at the place of the operation chosen",
        "J",
        lambda s: s.past.visit(),
        "History",
    ),
    Action(
        "name", "Name this point of the history", "Shift-B", lambda s: s.want("name"), "History"
    ),
    Action("object_done", "The object picked is done", "A", _mark(ObjectState.DONE), "Objects"),
    Action("lock", "Lock the object picked", "Shift-A", _mark(ObjectState.LOCKED), "Objects"),
    Action(
        "discuss",
        "The object picked is to be discussed",
        "Q",
        _mark(ObjectState.DISCUSS),
        "Objects",
    ),
    Action(
        "note", "Write a note on the object picked", "Shift-Q", lambda s: s.want("note"), "Objects"
    ),
    Action("hide", "Hide or show what is done", "Shift-I", lambda s: s.objects.hide(), "Objects"),
    Action(
        "draw",
        "Draw a finished object, to check it",
        "U",
        lambda s: s.objects.draw_sample(),
        "Objects",
    ),
    Action(
        "right", "The object drawn is right", "Y", lambda s: s.objects.judge(right=True), "Objects"
    ),
    Action(
        "wrong",
        "The object drawn is wrong",
        "Shift-Y",
        lambda s: s.objects.judge(right=False),
        "Objects",
    ),
    Action(
        "unjudge",
        "Take the last verdict back",
        "Shift-U",
        lambda s: s.objects.take_back_verdict(),
        "Objects",
    ),
    Action(
        "merge_selected",
        "Merge the objects selected",
        "Shift-M",
        lambda s: s.merge_selected(),
        "Objects",
    ),
    Action(
        "neighbour",
        "Next neighbour of the object picked",
        "Shift-Right",
        lambda s: s.neighbours.step(1),
        "Objects",
    ),
    Action(
        "neighbour_before",
        "Neighbour before",
        "Shift-Left",
        lambda s: s.neighbours.step(-1),
        "Objects",
    ),
    Action(
        "neighbour_too",
        "Select the neighbour too, or not any more",
        "Shift-L",
        lambda s: s.neighbours.select(),
        "Objects",
    ),
    Action(
        "join",
        "Merge the neighbour with the object picked",
        "Shift-J",
        lambda s: s.neighbours.join(),
        "Objects",
    ),
    Action("truth", "Swap truth and segmentation", "T", _view("swap_truth"), "View"),
    Action(
        "isolate", "Show only the objects concerned, or all", "I", _view("toggle_isolation"), "View"
    ),
    Action("errors", "Show or hide the overlay of errors", "O", _view("toggle_errors"), "View"),
    Action("colours", "Shuffle the colours of objects", "C", lambda s: s.shuffle_colours(), "View"),
    Action("fainter", "Make objects fainter", ",", _view("change_opacity", -1), "View"),
    Action("stronger", "Make objects stronger", ".", _view("change_opacity", 1), "View"),
    Action(
        "centre",
        "Put what is under the cursor in the middle",
        "Shift-C",
        _view("centre_on_cursor"),
        "View",
    ),
    Action("space", "Show the objects in 3-D, or go back", "3", lambda s: s.space.toggle(), "View"),
    Action(
        "lines",
        "Show or hide centre lines in 3-D",
        "Shift-K",
        lambda s: s.space.toggle_skeletons(),
        "View",
    ),
    Action(
        "sides", "Show or hide the views from the side", "4", lambda s: s.sides.toggle(), "View"
    ),
    Action(
        "beside",
        "Show the truth beside the segmentation, or no more",
        "Shift-O",
        lambda s: s.sides.toggle_truth(),
        "View",
    ),
    Action(
        "jump",
        "Let all views go through what is under the cursor",
        "Z",
        lambda s: s.mouse.jump(),
        "View",
    ),
    Action(
        "crosshair",
        "Show or hide the crosshair with views from the side",
        "Shift-H",
        lambda s: s.sides.toggle_crosshair(),
        "View",
    ),
)
"""Everything that has a key, but for the help itself (`HELP_KEYS`)."""

HELP_KEYS = ("H", "F1")
"""Keys that show this table."""

BY_ID = {action.id: action for action in ACTIONS}


_bound: WeakSet[Callable[..., object]] = WeakSet()
"""What was bound here, and is taken away when other keys are."""


def bind(
    session: Session,
    providers: Iterable[KeymapProvider],
    show_help: Callable[[], None],
    keys: Mapping[str, str] | None = None,
) -> None:
    """Bind all keys to a viewer or layers, in the place of those bound before.

    Parameters
    ----------
    show_help
        Called for the keys of the help.
    keys
        The key of each action by its id, empty for none; those of the table without it.
    """
    held = {action.id: action.key for action in ACTIONS} | dict(keys or {})
    pairs = [(held[action.id], _handler(session, action)) for action in ACTIONS]
    pairs += [(key, _ours(lambda _: show_help())) for key in HELP_KEYS]
    handles = {coerce_keybinding(key): handle for key, handle in pairs if key}
    for provider in providers:
        for key in [key for key, handle in provider.keymap.items() if handle in _bound]:
            provider.bind_key(key, None)
        for key, handle in handles.items():
            provider.bind_key(key, handle, overwrite=True)


def _handler(session: Session, action: Action) -> Callable[[object], None]:
    def handle(_: object) -> None:
        session.attempt(action.run, session)

    return _ours(handle)


def _ours(handle: Callable[[object], None]) -> Callable[[object], None]:
    _bound.add(handle)
    return handle
