"""What goes wrong while something is opened: one line, never a dialog."""

from __future__ import annotations

from napari.utils.notifications import Notification, notification_manager, show_error

from napari_axonem.errors import AxonemError
from napari_axonem.widgets.opening.locations import brief


def line(error: AxonemError) -> str:
    """Return an error as one line that begins with the name of the file.

    A notice shows some forty characters until it is opened; a path would take all of them.
    """
    name = brief(error.where)
    if not name or name == error.where:
        return str(error)
    return f"{name}: {str(error).removeprefix(f'{error.where}: ')} (in {error.where})"


def tell(error: Exception) -> None:
    """Show an error; what nobody foresaw comes with napari's button for the traceback."""
    if isinstance(error, AxonemError):
        show_error(line(error))
    elif isinstance(error, OSError):
        show_error(str(error))
    else:
        notification_manager.dispatch(Notification.from_exception(error))
