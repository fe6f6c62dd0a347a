"""Tools that take several objects: merge, detach, delete."""

from __future__ import annotations

from abc import abstractmethod

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.operation import Kind
from napari_axonem.widgets.session.drafts import Hit, Shown
from napari_axonem.widgets.session.tools.bench import Bench
from napari_axonem.widgets.session.tools.handtool import HandTool


class Collecting(HandTool):
    """Clicks with Shift collect, and a second one on the same takes it out again."""

    word: str
    """The tool, for errors."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.hits: list[Hit] = []
        """What is collected, in the order of the clicks."""

    @property
    def begun(self) -> bool:
        """Whether something is collected."""
        return bool(self.hits)

    def click(self, position_nm: Nm, more: bool) -> None:
        """Collect with Shift; without it, use the tool at once where that is enough."""
        hit = self._bench.hit(position_nm, self.word)
        same = [one for one in self.hits if self._of(one) == self._of(hit)]
        if more:
            self.hits = [one for one in self.hits if one not in same] + ([] if same else [hit])
            self._bench.tell()
        else:
            self._click_alone(hit, again=bool(same))

    def take_back(self) -> None:
        """Forget what was collected last."""
        if not self.hits:
            raise EditError("nothing is collected", where=self.word)
        self.hits.pop()
        self._bench.tell()

    def drop(self) -> None:
        """Forget what was collected."""
        self.hits = []

    @property
    def positions(self) -> list[Nm]:
        """Where it was clicked."""
        return [hit.position_nm for hit in self.hits]

    @abstractmethod
    def _of(self, hit: Hit) -> int:
        """Return what of a click is collected: the object, or the fragment."""

    @abstractmethod
    def _click_alone(self, hit: Hit, *, again: bool) -> None:
        """Use a click without Shift; `again` is one on what is collected already."""

    def _complete(self, hit: Hit) -> None:
        """Do it with one more; where that is refused, nothing more is collected."""
        self.hits.append(hit)
        try:
            self.take()
        except BaseException:
            if hit in self.hits:
                self.hits.remove(hit)
            raise


class Merging(Collecting):
    """Joins the objects clicked: two at once, or all that are collected."""

    word = str(Kind.MERGE)

    @property
    def ready(self) -> bool:
        """Whether there are two."""
        return len(self.hits) > 1

    @property
    def shown(self) -> Shown:
        """The objects collected."""
        return Shown(objects=tuple(hit.segment for hit in self.hits))

    def take(self) -> None:
        """Join all that are collected, at the contacts nearest to the clicks."""
        _ = self._bench.opened
        if not self.ready:
            raise EditError(
                "there is nothing to merge", where=self.word, remedy="click two objects"
            )
        self._bench.settled().merge(self.positions)

    def _of(self, hit: Hit) -> int:
        return hit.segment

    def _click_alone(self, hit: Hit, *, again: bool) -> None:
        if again:
            raise EditError(
                f"this is object {hit.segment} again",
                where=self.word,
                remedy="click another object",
            )
        if self.hits:
            self._complete(hit)
        else:
            self.hits.append(hit)
            self._bench.tell()


class Detaching(Collecting):
    """Cuts one fragment off from everything, or makes a new object of several."""

    word = "detach"

    @property
    def ready(self) -> bool:
        """Whether a fragment is collected."""
        return self.begun

    @property
    def shown(self) -> Shown:
        """The fragments collected."""
        return Shown(fragments=tuple(hit.fragment for hit in self.hits))

    def take(self) -> None:
        """Make one object of what is collected."""
        _ = self._bench.opened
        if not self.ready:
            raise EditError(
                "there is nothing to detach", where=self.word, remedy="click a fragment"
            )
        project = self._bench.settled()
        if len(self.hits) == 1:
            project.isolate(self.positions)
        else:
            project.new_object(self.positions)

    def _of(self, hit: Hit) -> int:
        return hit.fragment

    def _click_alone(self, hit: Hit, *, again: bool) -> None:
        if again:
            self.take()
        else:
            self._complete(hit)


class Deleting(Collecting):
    """Makes background of objects: the first click shows which, the second does it."""

    word = str(Kind.DELETE)

    @property
    def ready(self) -> bool:
        """Whether an object is shown."""
        return self.begun

    @property
    def shown(self) -> Shown:
        """The objects that would go."""
        return Shown(objects=tuple(hit.segment for hit in self.hits))

    def take(self) -> None:
        """Delete what is shown."""
        _ = self._bench.opened
        if not self.ready:
            raise EditError("there is nothing to delete", where=self.word, remedy="click an object")
        self._bench.settled().delete(self.positions)

    def _of(self, hit: Hit) -> int:
        return hit.segment

    def _click_alone(self, hit: Hit, *, again: bool) -> None:
        if again:
            self.take()
        else:
            self.hits = [hit]
            self._bench.tell()
