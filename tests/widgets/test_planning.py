"""Splits worked out beside the window: order of answers, without threads."""

import pytest

from napari_axonem.errors import EditError
from napari_axonem.widgets.session.planning import Planner, Proposal, SplitRequest, propose


class Shelf:
    """Work that is put off until it is taken down."""

    def __init__(self) -> None:
        self.work = []

    def put(self, work, done) -> None:
        self.work.append((work, done))

    def do(self) -> None:
        work, done = self.work.pop(0)
        work()
        done()


class FakeProject:
    def __init__(self) -> None:
        self.planned = []

    def plan_split(self, red, blue):
        self.planned.append((red, blue))
        if not red:
            raise EditError("no red point")
        return red

    def voi_after(self, plan):
        return plan


@pytest.fixture
def project() -> FakeProject:
    return FakeProject()


def test_only_the_newest_request_is_answered(project: FakeProject) -> None:
    shelf, answers = Shelf(), []
    planner = Planner(shelf.put, answers.append)
    for red in ("first", "second", "third"):
        planner.ask(SplitRequest(project, (red, "blue")))
    assert planner.busy
    assert planner.reads(project)
    assert not planner.reads(FakeProject())
    while shelf.work:
        shelf.do()
    assert [answer.plan for answer in answers] == ["third"]
    assert [red for red, _ in project.planned] == ["first", "third"], "the second is left out"
    assert not planner.busy
    assert not planner.reads(project)


def test_a_cancelled_request_is_not_answered(project: FakeProject) -> None:
    shelf, answers = Shelf(), []
    planner = Planner(shelf.put, answers.append)
    planner.ask(SplitRequest(project, ("red", "blue")))
    planner.cancel()
    assert not planner.busy
    assert planner.reads(project), "the work goes on until it is done"
    shelf.do()
    assert answers == []
    assert shelf.work == []


def test_work_that_fails_unexpectedly_is_answered(project: FakeProject) -> None:
    answers = []
    planner = Planner(lambda work, done: done(), answers.append)
    planner.ask(SplitRequest(project, ("red", "blue")))
    assert answers[0].problem


def test_an_impossible_split_is_a_problem_and_no_exception(project: FakeProject) -> None:
    assert propose(SplitRequest(project, ((), "blue"))).problem == "no red point"
    assert propose(SplitRequest(project, ("red", "blue"))).plan == "red"
    assert Proposal().plan is None
