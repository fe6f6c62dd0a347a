"""What goes wrong in one stage stops all, soon, and says where it was."""

import itertools
import threading

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from napari_axonem.errors import NotFiniteError, StageError, StageMemoryError  # noqa: E402
from napari_axonem.networks.chain import Chain, On  # noqa: E402
from napari_axonem.pipeline.channels import Channel, Closed  # noqa: E402
from napari_axonem.pipeline.engine import Engine  # noqa: E402
from napari_axonem.pipeline.optimizers import Optimizer  # noqa: E402
from napari_axonem.pipeline.plan import Plan  # noqa: E402
from tests.pipeline.networks import batches, mse  # noqa: E402


class Fails(nn.Module):
    """Does something bad at the n-th pass."""

    def __init__(self, at, act):
        super().__init__()
        self.count, self.at, self.act = 0, at, act

    def forward(self, x):
        self.count += 1
        return self.act(x) if self.count == self.at else x


class FailsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ValueError("bad in backward")


def raises(error):
    def act(x):
        raise error

    return act


def engine(where, at, act, executor="threads"):
    torch.manual_seed(0)
    operations = [(f"conv{n}", On(nn.Conv2d(1, 1, 3, padding=1))) for n in range(3)]
    operations.insert(where + 1, ("bad", On(Fails(at, act))))
    cuts = tuple(n + (where < n) for n in (1, 2))
    plan = Plan(cuts=cuts, executor=executor)
    return Engine(Chain(operations), mse, plan, Optimizer(rate=0.01))


def threads_of_stages():
    return [t for t in threading.enumerate() if t.name.startswith("stage ")]


@pytest.mark.parametrize("executor", ["threads", "serial"])
@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (raises(ValueError("what a pity")), StageError, "ValueError: what a pity"),
        (FailsBackward.apply, StageError, "ValueError: bad in backward"),
        (lambda x: x * float("nan"), NotFiniteError, "the outputs hold NaN or an infinity"),
        (raises(MemoryError("tried to allocate 7 GiB")), StageMemoryError, "allocate 7 GiB"),
    ],
    ids=["forward", "backward", "nan", "memory"],
)
def test_a_failure_names_its_stage_and_stops_all(executor, where, act, kind, message):
    run = engine(where, 5, act, executor)
    endless = itertools.cycle(batches(4))
    with pytest.raises(kind, match=message) as caught:
        list(run.train(endless))
    assert caught.value.where.startswith(f"stage {where} of 3 (")
    assert "on cpu" in caught.value.where
    assert threads_of_stages() == []


def test_control_c_is_no_failure_of_the_stage_it_comes_to():
    run = engine(1, 3, raises(KeyboardInterrupt()), "serial")
    with pytest.raises(KeyboardInterrupt):
        list(run.train(batches(9)))


def test_memory_says_what_to_change():
    run = engine(1, 3, raises(torch.OutOfMemoryError("CUDA out of memory. Tried 2.00 GiB")))
    with pytest.raises(StageMemoryError) as caught:
        list(run.train(batches(9)))
    assert "2.00 GiB" in caught.value.seen
    for advice in ("recompute 1", "1f1b", "smaller patches", "fewer operations"):
        assert advice in caught.value.remedy


def test_gradients_that_are_not_finite_are_found():
    class Blows(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("inf")

    run = engine(0, 4, Blows.apply)
    with pytest.raises(NotFiniteError, match=r"stage 0 .* the gradients hold NaN"):
        list(run.train(batches(9)))


def test_unchecked_it_goes_on():
    run = engine(1, 4, lambda x: x * float("nan"))
    plan = Plan(cuts=run.plan.cuts, check_finite=False)
    unchecked = Engine(run.chain, mse, plan, Optimizer(rate=0.01))
    assert len(list(unchecked.train(batches(9)))) == 9


def test_a_failing_source_of_batches_stops_the_stages():
    def source():
        yield from batches(5)
        raise OSError("disk gone")

    run = engine(1, 10**9, None)
    with pytest.raises(OSError, match="disk gone"):
        list(run.train(source()))
    assert threads_of_stages() == []


def test_leaving_the_loop_stops_the_stages_and_a_new_run_begins():
    run = engine(1, 10**9, None)
    training = run.train(batches(20))
    next(training)
    with pytest.raises(RuntimeError, match="another run"):
        next(run.train(batches(1)))
    training.close()
    assert threads_of_stages() == []
    assert len(list(run.train(batches(3)))) == 3


def test_closing_a_channel_wakes_who_waits():
    full, empty, woken = Channel(1), Channel(1), []
    full.put(1)

    def wait(act):
        try:
            act()
        except Closed:
            woken.append(act)

    waiting = [
        threading.Thread(target=wait, args=(act,)) for act in (lambda: full.put(2), empty.get)
    ]
    for thread in waiting:
        thread.start()
    full.close()
    empty.close()
    for thread in waiting:
        thread.join(5)
    assert len(woken) == 2
    assert full.take_all() == [1]
