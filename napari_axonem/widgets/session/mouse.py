"""What the mouse does in the picture: clicks, drags that draw, drags that point; flat and deep."""

from __future__ import annotations

from collections.abc import Callable

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture import clicks, pointing, strokes
from napari_axonem.widgets.picture.canvas import answer_at_once
from napari_axonem.widgets.session.editor import Editor, Tool
from napari_axonem.widgets.session.objects import Objects
from napari_axonem.widgets.session.sides import Sides
from napari_axonem.widgets.session.space import Space
from napari_axonem.widgets.session.workplace import Workplace


class Mouse:
    """Brings what the mouse does in a viewer to the parts of its session.

    Parameters
    ----------
    place
        Viewer and project.
    editor, objects, space, sides
        What clicks and drags are meant for.
    attempt
        Does something, and tells the user what goes wrong.
    """

    def __init__(
        self,
        place: Workplace,
        editor: Editor,
        objects: Objects,
        space: Space,
        sides: Sides,
        attempt: Callable[..., bool],
    ) -> None:
        self._place, self._editor, self._objects = place, editor, objects
        self._space, self._sides, self._attempt = space, sides, attempt
        self._ends = (
            clicks.listen(place.viewer, self.click, self._click_on_ray),
            strokes.listen(place.viewer, editor, attempt),
            pointing.listen(place.viewer, sides.go, self._points),
            answer_at_once(place.viewer),
        )
        self._cursor = strokes.BrushCursor(place.viewer)

    def end(self) -> None:
        """Listen to the viewer no longer."""
        for end in self._ends:
            end()

    def show_brush(self) -> None:
        """Show the brush in the place of the cursor, where there is one in hand."""
        self._cursor.show(self._editor.handle.radius_nm if self._editor.draws else None)

    def click(self, position_nm: Nm, other: bool) -> None:
        """Use the tool in hand at a position (z, y, x) in nm; `other` is with Shift or Alt."""
        if self._place.project is not None and self._editor.tool == Tool.LOOK:
            self._attempt(lambda: self._objects.pick(position_nm, more=other))
            self._sides.go(position_nm)
        else:
            self._attempt(self._editor.click, position_nm, other)

    def jump(self) -> None:
        """Let all views go through the place under the cursor; from three dimensions, back to two.

        Raises
        ------
        EditError
            Nothing is under the cursor, or no view from the side is shown.
        """
        viewer = self._place.viewer
        if not (self._space.on and viewer.mouse_over_canvas):
            self._sides.go_to_cursor()
            return
        direction = viewer.scene.camera.calculate_nd_view_direction(3, viewer.dims.displayed)
        place = self._space.on_ray(clicks.nm_of(viewer.cursor.position), clicks.nm_of(direction))
        if place is None:
            raise EditError("no object is under the cursor", where="jump", remedy="point at one")
        self._stay_at(place)
        self._sides.go(place)
        self._space.toggle()

    def _click_on_ray(self, position_nm: Nm, direction: Nm, other: bool) -> None:
        """Click on the object that is seen there in three dimensions, if there is one."""
        places: list[Nm | None] = []
        self._attempt(lambda: places.append(self._space.on_ray(position_nm, direction)))
        for place in places:
            if place is not None:
                self.click(place, other)
                self._stay_at(place)

    def _stay_at(self, place_nm: Nm) -> None:
        """Have the place in the middle of the view when it has two dimensions again."""
        depth = self._place.sight.depth
        depth.afterwards(lambda: depth.back_to(place_nm))

    def _points(self) -> bool:
        """Tell whether a drag with Ctrl points at a place: with the brush it moves the picture."""
        return self._sides.on and not self._editor.draws
