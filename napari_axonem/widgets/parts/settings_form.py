"""A form for a verb's settings, made from their one description, and read back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from napari_axonem.errors import SettingsError
from napari_axonem.settings import COMMAS, Settings
from napari_axonem.widgets.parts.message import Message

Editor: TypeAlias = QCheckBox | QComboBox | QLineEdit


class SettingsForm(QWidget):
    """Editors for some fields of settings; an empty one leaves the default, which it shows.

    Parameters
    ----------
    settings
        The verb's settings.
    names
        Which fields, in order.
    labels
        What a field is called, where its name does not do.
    offering
        Fields for words, for which some are offered in a list (`offer`).
    """

    changed = Signal()
    """Something was typed or chosen."""

    def __init__(
        self,
        settings: type[Settings],
        names: Sequence[str],
        labels: Mapping[str, str] | None = None,
        offering: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.editors: dict[str, Editor] = {}
        self._problems: dict[str, Message] = {}
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name in names:
            field = settings.model_fields[name]
            editor, problem = self._editor(field, name in offering), Message()
            label = (labels or {}).get(name, name.replace("_", " ").capitalize())
            editor.setToolTip(_tip(field))
            editor.setAccessibleName(label)
            box = QWidget()
            column = QVBoxLayout(box)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(editor)
            column.addWidget(problem)
            form.addRow(label, box)
            self.editors[name], self._problems[name] = editor, problem

    def given(self) -> dict[str, Any]:
        """Return what was changed from the defaults, by name."""
        values: dict[str, Any] = {}
        for name, editor in self.editors.items():
            field = self._settings.model_fields[name]
            value = _value(editor, field)
            if value is not None and value != field.default:
                values[name] = value
        return values

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fill in some fields; None empties one, so that its default holds."""
        for name, value in values.items():
            editor, field = self.editors[name], self._settings.model_fields[name]
            if value is None and not isinstance(editor, QLineEdit):
                value = field.default
            if isinstance(editor, QCheckBox):
                editor.setChecked(bool(value))
            elif isinstance(editor, QComboBox):
                editor.setCurrentText(str(value))
            else:
                editor.setText("" if value is None else _typed(value, field))

    def offer(self, name: str, words: Sequence[tuple[str, str]]) -> None:
        """Offer words, with a tip each, for a field of `offering`; what was chosen stays."""
        editor = self.editors[name]
        if not isinstance(editor, QComboBox):
            raise TypeError(f"nothing can be offered for {name}")
        chosen = editor.currentText()
        editor.blockSignals(True)
        editor.clear()
        for at, (word, tip) in enumerate(words):
            editor.addItem(word)
            editor.setItemData(at, tip, Qt.ItemDataRole.ToolTipRole)
        editor.setCurrentIndex(-1)
        editor.setEditText(chosen)
        editor.blockSignals(False)

    def tell(self, error: SettingsError) -> bool:
        """Show a mistake at the field that it names; return whether there is such a field."""
        self.clear_problems()
        name = error.where.removeprefix("setting ").strip("'").partition(".")[0]
        problem = self._problems.get(name)
        if problem is None:
            return False
        problem.tell(error.seen, problem=True)
        self.editors[name].setFocus()
        return True

    def clear_problems(self) -> None:
        """Show no mistake any more."""
        for problem in self._problems.values():
            problem.tell("")

    def _editor(self, field: FieldInfo, offers: bool) -> Editor:
        choices = _choices(field.annotation)
        editor: Editor
        if field.annotation is bool:
            editor = QCheckBox()
            editor.setChecked(bool(field.default))
            editor.toggled.connect(self.changed)
        elif choices:
            editor = QComboBox()
            editor.addItems(choices)
            editor.setCurrentText(str(field.default))
            editor.currentTextChanged.connect(self.changed)
        elif offers:
            editor = QComboBox()
            editor.setEditable(True)
            editor.lineEdit().setPlaceholderText(_written(field.default) or "nothing")
            adjusted = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            editor.setSizeAdjustPolicy(adjusted)
            editor.currentTextChanged.connect(self.changed)
        else:
            editor = QLineEdit()
            editor.setPlaceholderText(_written(field.default))
            editor.textEdited.connect(self.changed)
        return editor


def _choices(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401 - annotations are of any kind
    if get_origin(annotation) in (Union, UnionType):
        return ()
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()


def _value(editor: Editor, field: FieldInfo) -> Any:  # noqa: ANN401
    """Return what an editor holds, None where it was left empty."""
    if isinstance(editor, QCheckBox):
        return editor.isChecked()
    if isinstance(editor, QComboBox):
        return editor.currentText().strip() or None
    text = editor.text().strip()
    if not text:
        return None
    if isinstance(field.default, tuple) and COMMAS not in field.metadata:
        return tuple(part.strip() for part in text.split(";") if part.strip())
    return text


def _typed(value: Any, field: FieldInfo) -> str:  # noqa: ANN401
    """Return a value as a person types it, which `_value` reads."""
    if isinstance(value, list | tuple) and COMMAS not in field.metadata:
        return "; ".join(map(str, value)) if isinstance(field.default, tuple) else _written(value)
    return _written(value)


def _written(value: Any) -> str:  # noqa: ANN401
    if value is None or value == ():
        return "default" if value is None else ""
    if isinstance(value, tuple | list):
        return ",".join(f"{v:g}" if isinstance(v, int | float) else str(v) for v in value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _tip(field: FieldInfo) -> str:
    """Return what a field means, with its unit and bounds."""
    text = (field.description or "").strip()
    bounds = []
    for mark in field.metadata:
        for name, sign in (("ge", "at least"), ("gt", "more than"), ("le", "at most")):
            if getattr(mark, name, None) is not None:
                bounds.append(f"{sign} {getattr(mark, name):g}")
    text = text[:1].upper() + text[1:]
    return f"{text} ({', '.join(bounds)})" if bounds else text
