"""The dock Jobs: a list, and what the chosen job says."""

from __future__ import annotations

import time
from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHeaderView,
    QPlainTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.jobs import Job
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.job_panel import JobPanel
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.parts.missing import Missing

COLUMNS = ("Job", "State", "Done")

NO_JOB = (
    "no work in the background yet: the docks Segment and Train begin some",
    "Segment an image\N{HORIZONTAL ELLIPSIS}",
)


class JobsView(QWidget):
    """Lists jobs, newest first."""

    chosen = Signal(str)
    """A job was chosen: its id."""

    opened = Signal()
    """The result of the chosen job shall be opened."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = QTreeWidget()
        self.table.setRootIsDecorated(False)
        self.table.setHeaderLabels(COLUMNS)
        self.table.setToolTip("Work in the background, newest first; it goes on without the window")
        header = self.table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.empty = Missing("Have a network make segments of an image")
        self.message, self.panel = Message(), JobPanel()
        self.open = action_button(
            "Open the result", "Open the project that the job has made", self.opened.emit
        )
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setToolTip("What the job said")
        layout = QVBoxLayout(self)
        for widget in (self.empty, self.table, self.panel, self.open, self.message, self.log):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.table.currentItemChanged.connect(self._choose)
        self.show_job(None)

    def show_jobs(self, jobs: Sequence[Job]) -> None:
        """Show jobs; the one that was chosen stays so."""
        self.empty.tell(*(("", "") if jobs else NO_JOB))
        self.table.setVisible(bool(jobs))
        items = map(self.table.topLevelItem, range(self.table.topLevelItemCount()))
        if [*map(self._id, items)] != [job.id for job in jobs]:
            chosen = self.chosen_id()
            self.table.blockSignals(True)
            self.table.clear()
            self.table.addTopLevelItems([_item(job) for job in jobs])
            for number, job in enumerate(jobs):
                if job.id == chosen:
                    self.table.setCurrentItem(self.table.topLevelItem(number))
            self.table.blockSignals(False)
        for number, job in enumerate(jobs):
            item = self.table.topLevelItem(number)
            done, total, _ = job.progress
            texts = (
                job.specification.title,
                str(job.state),
                f"{done / total:.0%}" if total > 0 else "",
            )
            for column, text in enumerate(texts):
                item.setText(column, text)

    def chosen_id(self) -> str:
        """Return the id of the chosen job; empty where none is."""
        item = self.table.currentItem()
        return self._id(item) if item is not None else ""

    def show_job(self, job: Job | None) -> None:
        """Show what the chosen job says."""
        self.panel.show_job(job)
        self.log.setVisible(job is not None)
        self.open.setVisible(job is not None and bool(job.data.get("project")))
        text = "" if job is None else "\n".join([*job.lines, *([job.text] if job.text else [])])
        if text != self.log.toPlainText():
            self.log.setPlainText(text)
            bar = self.log.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        self.chosen.emit("" if item is None else self._id(item))

    @staticmethod
    def _id(item: QTreeWidgetItem) -> str:
        return str(item.data(0, Qt.ItemDataRole.UserRole))


def _item(job: Job) -> QTreeWidgetItem:
    item = QTreeWidgetItem()
    item.setData(0, Qt.ItemDataRole.UserRole, job.id)
    created = time.strftime("%d %b %Y, %H:%M", time.localtime(job.specification.created))
    for column in range(len(COLUMNS)):
        item.setToolTip(column, f"{job.id}, from {created}, in {job.folder.root}")
    return item
