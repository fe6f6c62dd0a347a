"""Tools that take several objects: merge, detach, delete."""

from __future__ import annotations

from abc import abstractmethod

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.widgets.session.drafts import Hit, Shown
from napari_axonem.widgets.session.tools.bench import Bench
from napari_axonem.widgets.session.tools.handtool import HandTool


class Collecting(HandTool):
    """Clicks with Shift collect, and a second one on the same takes it out again."""

    word: str
    """The tool, for errors."""

    least = 1
    """So many have to be collected."""

    wanted = "click an object"
    """What to do where there are fewer."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.hits: list[Hit] = []
        """What is collected, in the order of the clicks."""

    @property
    def begun(self) -> bool:
        """Whether something is collected."""
        return bool(self.hits)

    @property
    def ready(self) -> bool:
        """Whether enough is collected."""
        return len(self.hits) >= self.least

    @property
    def shown(self) -> Shown:
        """The objects collected."""
        return Shown(objects=tuple(hit.segment for hit in self.hits))

    def take(self) -> None:
        """Do it with what is collected."""
        _ = self._bench.opened
        if not self.ready:
            raise EditError(f"there is nothing to {self.word}", where=self.word, remedy=self.wanted)
        self._do(self._bench.settled())

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

    def _of(self, hit: Hit) -> int:
        """Return what of a click is collected: the object, or the fragment."""
        return hit.segment

    @abstractmethod
    def _do(self, project: Project) -> None:
        """Edit the project with what is collected."""

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
    """Joins the objects clicked, at the contacts nearest to the clicks: two, or all collected."""

    word = str(Kind.MERGE)
    least = 2
    wanted = "click two objects"

    def _do(self, project: Project) -> None:
        project.merge(self.positions)

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
    wanted = "click a fragment"

    @property
    def shown(self) -> Shown:
        """The fragments collected."""
        return Shown(fragments=tuple(hit.fragment for hit in self.hits))

    def _of(self, hit: Hit) -> int:
        return hit.fragment

    def _do(self, project: Project) -> None:
        if len(self.hits) == 1:
            project.isolate(self.positions)
        else:
            project.new_object(self.positions)

    def _click_alone(self, hit: Hit, *, again: bool) -> None:
        if again:
            self.take()
        else:
            self._complete(hit)


class Deleting(Collecting):
    """Makes background of objects: the first click shows which, the second does it."""

    word = str(Kind.DELETE)

    def _do(self, project: Project) -> None:
        project.delete(self.positions)

    def _click_alone(self, hit: Hit, *, again: bool) -> None:
        if again:
            self.take()
        else:
            self.hits = [hit]
            self._bench.tell()
