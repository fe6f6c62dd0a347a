"""The docks of the plugin, as napari makes them: scrollable, each with its controller."""

from __future__ import annotations

from napari.viewer import Viewer
from qtpy.compat import isalive
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

from napari_axonem.widgets.docks.errors.control import ErrorsControl
from napari_axonem.widgets.docks.errors.view import ErrorsView
from napari_axonem.widgets.docks.export.control import ExportControl
from napari_axonem.widgets.docks.export.view import ExportView
from napari_axonem.widgets.docks.jobs.control import JobsControl
from napari_axonem.widgets.docks.jobs.view import JobsView
from napari_axonem.widgets.docks.keys.control import KeysControl
from napari_axonem.widgets.docks.keys.view import KeysView
from napari_axonem.widgets.docks.objects.control import ObjectsControl
from napari_axonem.widgets.docks.objects.view import ObjectsView
from napari_axonem.widgets.docks.proofread.control import ProofreadControl
from napari_axonem.widgets.docks.proofread.view import ProofreadView
from napari_axonem.widgets.docks.segment.control import SegmentControl
from napari_axonem.widgets.docks.segment.view import SegmentView
from napari_axonem.widgets.docks.sides.control import SidesControl
from napari_axonem.widgets.docks.sides.view import SidesView
from napari_axonem.widgets.docks.tour.control import TourControl
from napari_axonem.widgets.docks.tour.view import TourView
from napari_axonem.widgets.docks.train.control import TrainControl
from napari_axonem.widgets.docks.train.view import TrainView, several_gpus
from napari_axonem.widgets.docks.volume.control import VolumeControl
from napari_axonem.widgets.docks.volume.new_project_view import NewProjectView
from napari_axonem.widgets.docks.volume.project_view import FactsView, OpenView, VolumeView
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.frames import become_tab, share_height
from napari_axonem.widgets.parts.work_view import WorkView
from napari_axonem.widgets.session.keyboard import keyboard
from napari_axonem.widgets.session.session import session_of
from napari_axonem.widgets.session.window import window_of

WIDTH = 384
"""Width wanted in pixels; 300 is enough."""

UPPER, LOWER = "upper", "lower"
"""The stacks: what is worked on, and what is done with it."""

TOUR_HEIGHT = 200
"""Of the dock Tour in pixels."""


class Dock(QScrollArea):
    """A view that can be scrolled, on the session of a viewer."""

    stack = ""
    """Which others it lies with, as tabs; none where it is empty."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.session = session_of(viewer)
        self.tips = keyboard().tips
        """What each action does, with its key; views say it."""
        Connections(self).connect(keyboard().changed, self._say_keys)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setMinimumWidth(290)
        self.has_place = False
        """Whether somebody has said where it lies."""
        window_of(self.session)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Let the session end with the window that this is shown in; join others there."""
        window_of(self.session).belong_to(self.window())
        super().showEvent(event)
        if self.stack and not self.has_place:
            self.has_place = True
            self.session.place.later(self._find_place)

    def _find_place(self) -> None:
        """Become a tab beside docks of the same stack, and share the height with the other one."""
        docks = self.window().findChildren(Dock) if isalive(self) else []
        become_tab(self, [dock for dock in docks if dock.stack == self.stack and dock is not self])
        share_height(self, [dock for dock in docks if dock.stack not in ("", self.stack)])

    def _say_keys(self) -> None:
        """Let tooltips say the keys that there are now."""
        now = keyboard().tips
        changed = {tip: now[name] for name, tip in self.tips.items() if tip != now[name]}
        self.tips.update(now)
        for widget in self.findChildren(QWidget):
            if widget.toolTip() in changed:
                widget.setToolTip(changed[widget.toolTip()])

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size wanted."""
        inner: QWidget | None = self.widget()
        height = 400 if inner is None else inner.sizeHint().height()
        return QSize(WIDTH, height)


class VolumeDock(Dock):
    """Open or make a project."""

    stack = UPPER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.opening, self.form = OpenView(), NewProjectView()
        self.work, self.facts = WorkView(), FactsView()
        self.setWidget(VolumeView(self.opening, self.work, self.facts, self.form))
        self.control = VolumeControl(self.session, self.opening, self.form, self.work, self.facts)


class SegmentDock(Dock):
    """Have a network make segments."""

    stack = UPPER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = SegmentView()
        self.setWidget(self.view)
        self.control = SegmentControl(self.session, self.view)


class TrainDock(Dock):
    """Have a network learn."""

    stack = LOWER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = TrainView(many_devices=several_gpus())
        self.setWidget(self.view)
        self.control = TrainControl(self.session, self.view)


class JobsDock(Dock):
    """See all work in the background."""

    stack = LOWER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = JobsView()
        self.setWidget(self.view)
        self.control = JobsControl(self.session, self.view)


class ErrorsDock(Dock):
    """Go through the errors."""

    stack = UPPER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = ErrorsView(self.tips)
        self.setWidget(self.view)
        self.control = ErrorsControl(self.session, self.view)


class ProofreadDock(Dock):
    """Repair them."""

    stack = LOWER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = ProofreadView(self.tips)
        self.setWidget(self.view)
        self.control = ProofreadControl(self.session, self.view)


class ObjectsDock(Dock):
    """Say what is done."""

    stack = UPPER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = ObjectsView(self.tips)
        self.setWidget(self.view)
        self.control = ObjectsControl(self.session, self.view)


class ExportDock(Dock):
    """Write the corrected labels."""

    stack = LOWER

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = ExportView()
        self.setWidget(self.view)
        self.control = ExportControl(self.session, self.view)


class TourDock(Dock):
    """Be shown the way."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = TourView()
        self.setWidget(self.view)
        self.control = TourControl(self.session, self.view)
        self.setFixedHeight(TOUR_HEIGHT)  # the layers above need the rest


class SidesDock(Dock):
    """See the picture from the side."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = SidesView([view.model for view in self.session.sides.begin()])
        self.setWidget(self.view)
        self.control = SidesControl(self.session, self.view, self)


class KeysDock(Dock):
    """All keys."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.view = KeysView()
        self.setWidget(self.view)
        self.control = KeysControl(keyboard(), self.view, self.session.place.viewer)


DOCKS: dict[str, type[Dock]] = {
    "Volume": VolumeDock,
    "Segment": SegmentDock,
    "Errors": ErrorsDock,
    "Objects": ObjectsDock,
    "Proofread": ProofreadDock,
    "Export": ExportDock,
    "Train": TrainDock,
    "Jobs": JobsDock,
}
"""Those of the desk by name, of each stack in the order in which the work goes."""
