"""The engine computes what it should, bit by bit, however it is run."""

import itertools
import random
import threading

import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import PartitionError, TrainingError  # noqa: E402
from napari_axonem.networks.chain import Chain, On  # noqa: E402
from napari_axonem.pipeline.engine import Engine  # noqa: E402
from napari_axonem.pipeline.optimizers import Compensation, Moments, Optimizer  # noqa: E402
from napari_axonem.pipeline.plan import Plan  # noqa: E402
from napari_axonem.pipeline.schedules import Order, lags  # noqa: E402
from tests.pipeline import oracle  # noqa: E402
from tests.pipeline.networks import CUTS, batches, equal, mse, small  # noqa: E402

SGD = Optimizer(rate=0.05, momentum=0.9, weight_decay=1e-3)
SPIKE = Optimizer(rate=0.05, momentum=0.9, weight_decay=1e-3, compensation=Compensation.SPIKE)
PIPELINED = (Order.PAPER, Order.ONE_F_ONE_B)


def engine(stages=2, order=Order.ONE_F_ONE_B, kind="group", optimizer=SGD, share=0.0, **plan):
    settings = Plan(cuts=CUTS[stages], order=order, **plan)
    return Engine(small(kind, share=share), mse, settings, optimizer)


def state_after(engine, data):
    list(engine.train(data))
    return {name: tensor.clone() for name, tensor in engine.state_dict().items()}


@pytest.mark.parametrize("executor", ["serial", "threads"])
@pytest.mark.parametrize("kind", ["group", "batch"])
@pytest.mark.parametrize("order", PIPELINED)
@pytest.mark.parametrize("stages", [1, 2, 3, 4])
@pytest.mark.parametrize("optimizer", [SGD, SPIKE], ids=["sgd", "spike"])
def test_equals_the_oracle(executor, kind, order, stages, optimizer):
    data = batches(11)
    run = engine(stages, order, kind, optimizer, executor=executor)
    done = list(run.train(data))
    losses, weights, buffers, staleness = oracle.train(
        small(kind), CUTS[stages], str(order), data, mse,
        rate=0.05, momentum=0.9, weight_decay=1e-3, spike=optimizer is SPIKE,
    )  # fmt: skip
    assert [d.index for d in done] == list(range(11))
    assert [d.loss for d in done] == losses
    state = run.state_dict()
    assert {n for n in state if n.startswith("weight/")} == {f"weight/{n}" for n in weights}
    assert all(torch.equal(state[f"weight/{n}"], w) for n, w in weights.items())
    assert all(torch.equal(state[f"buffer/{n}"], b) for n, b in buffers.items())
    assert bool(buffers) == (kind == "batch")
    seen = [[d.stages[s].stale for d in done] for s in range(stages)]
    assert seen == staleness
    assert [s[-1] for s in seen] == list(lags(order, stages))


@pytest.mark.parametrize("order", PIPELINED)
def test_stashing_equals_the_oracle_and_differs(order):
    data = batches(9)
    run = engine(3, order, stash=True)
    _, weights, *_ = oracle.train(
        small(), CUTS[3], str(order), data, mse,
        rate=0.05, momentum=0.9, weight_decay=1e-3, stash=True,
    )  # fmt: skip
    state = state_after(run, data)
    assert all(torch.equal(state[f"weight/{n}"], w) for n, w in weights.items())
    other = state_after(engine(3, order), data)
    assert not equal(state, other)
    assert not any(torch.equal(state[n], other[n]) for n in other if n.startswith("weight/first"))


def plain_sgd(kind, data, nesterov=False):
    chain = small(kind)
    chain.train()
    optimizer = torch.optim.SGD(
        chain.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3, nesterov=nesterov
    )
    losses = []
    for x, y in data:
        loss = mse((chain(x),), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses, dict(chain.named_parameters()), dict(chain.named_buffers())


@pytest.mark.parametrize(("stages", "executor"), [(1, "serial"), (1, "threads"), (3, "threads")])
@pytest.mark.parametrize("kind", ["group", "batch"])
def test_without_staleness_it_is_plain_sgd(stages, executor, kind):
    data = batches(8)
    run = engine(stages, Order.SEQUENTIAL, kind, executor=executor)
    losses, weights, buffers = plain_sgd(kind, data)
    assert [d.loss for d in run.train(data)] == losses
    state = run.state_dict()
    assert all(torch.equal(state[f"weight/{n}"], w) for n, w in weights.items())
    assert all(torch.equal(state[f"buffer/{n}"], b) for n, b in buffers.items())


def test_spike_without_staleness_is_nesterov():
    data = batches(8)
    _, weights, _ = plain_sgd("group", data, nesterov=True)
    state = state_after(engine(1, optimizer=SPIKE), data)
    own = state_after(engine(1, optimizer=Optimizer("sgd", 0.05, 0.9, weight_decay=1e-3,
                                                    nesterov=True)), data)  # fmt: skip
    for name, weight in weights.items():
        assert torch.equal(own[f"weight/{name}"], weight)
        torch.testing.assert_close(state[f"weight/{name}"], weight.detach(), rtol=1e-5, atol=1e-7)


def test_adamw_is_that_of_torch():
    data, chain = batches(8), small()
    theirs = torch.optim.AdamW(chain.parameters(), lr=0.01, weight_decay=0.1, foreach=False)
    for x, y in data:
        theirs.zero_grad()
        mse((chain(x),), y).backward()
        theirs.step()
    state = state_after(engine(1, optimizer=Optimizer("adamw", 0.01, weight_decay=0.1)), data)
    for name, weight in chain.named_parameters():
        assert torch.equal(state[f"weight/{name}"], weight)


class Delays:
    """Holds stages up at random: each pass waits until some other thread has come to a pass.

    A thread lets one that waits go on, or waits itself, as a seeded coin says; the last one never
    waits.
    """

    def __init__(self, seed, threads):
        self.coin, self.lock = random.Random(seed), threading.Condition()
        self.waiting, self.threads, self.waits = 0, threads, 0

    def __call__(self):
        with self.lock:
            self.lock.notify_all()
            if self.coin.random() < 0.5 and self.waiting < self.threads - 1:
                self.waiting += 1
                self.waits += 1
                self.lock.wait(timeout=0.01)  # others may be waiting at a queue: never for ever
                self.waiting -= 1


@pytest.mark.parametrize(("order", "stages"), [*itertools.product(PIPELINED, [2, 4])])
def test_delays_change_nothing(order, stages, monkeypatch):
    data = batches(12)
    expected = state_after(engine(stages, order, "batch", share=0.3, executor="serial"), data)
    for seed in range(3):
        run = engine(stages, order, "batch", share=0.3)
        delays = Delays(seed, stages)
        for stage in run.stages:
            for name in ("forward", "backward"):
                slow(stage, name, delays, monkeypatch)
        assert equal(state_after(run, data), expected)
        assert delays.waits > 3


def slow(stage, name, delays, monkeypatch):
    own = getattr(stage, name)

    def delayed(*args, **kwargs):
        delays()
        return own(*args, **kwargs)

    monkeypatch.setattr(stage, name, delayed)


@pytest.mark.parametrize(
    "optimizer", [SPIKE, Optimizer("adamw", 0.01, average=0.9)], ids=["sgd", "adamw"]
)
def test_resumed_equals_uninterrupted_whatever_the_executor(optimizer):
    data = batches(15)
    whole = engine(3, kind="batch", optimizer=optimizer, share=0.3)
    for start in (0, 5, 10):
        list(whole.train(data[start : start + 5]))
    first = engine(3, kind="batch", optimizer=optimizer, share=0.3)
    list(first.train(data[:5]))
    saved = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    list(first.train(data[5:8]))  # this was lost
    second = engine(3, kind="batch", optimizer=optimizer, share=0.3, executor="serial")
    second.load_state_dict(saved)
    for start in (5, 10):
        list(second.train(data[start : start + 5]))
    assert second.steps == 15
    assert equal(second.state_dict(), whole.state_dict())


def test_a_state_fits_other_cuts():
    data = batches(6)
    saved = state_after(engine(4), data)
    for stages in (1, 2, 3):
        other = engine(stages, Order.SEQUENTIAL)
        other.load_state_dict(saved)
        assert equal(other.state_dict(), saved)
        x = data[0][0]
        assert torch.equal(other.predict(x), engine_with(saved).predict(x))


def engine_with(state):
    found = engine(1)
    found.load_state_dict(state)
    return found


def test_a_wrong_state_is_refused_and_nothing_changes():
    run = engine(2)
    before = {n: t.clone() for n, t in run.state_dict().items()}
    wrong = {n: t + 1 for n, t in before.items()}
    wrong["weight/last.module.bias"] = torch.zeros(7)
    with pytest.raises(TrainingError, match=r"weight/last.module.bias has the shape \(7,\)"):
        run.load_state_dict(wrong)
    with pytest.raises(TrainingError, match="1 entries are missing"):
        run.load_state_dict({n: t for n, t in before.items() if n != "step"})
    assert equal(run.state_dict(), before)


def test_hybrid_goes_on_sequentially():
    data = batches(10)
    run = engine(2, Order.PAPER)
    list(run.train(data[:6]))
    run.order = Order.SEQUENTIAL
    done = list(run.train(data[6:]))
    assert {report.stale for d in done for report in d.stages} == {0}
    assert [d.index for d in done] == [6, 7, 8, 9]


def test_gpipe_is_plain_training_up_to_rounding():
    data = batches(6, size=6)
    run = engine(3, Order.GPIPE, micro_batches=3)
    done = list(run.train(data))
    losses, weights, _ = plain_sgd("group", data)
    assert [d.loss for d in done] == pytest.approx(losses, rel=1e-5)
    for name, weight in weights.items():
        torch.testing.assert_close(
            run.state_dict()[f"weight/{name}"], weight.detach(), rtol=1e-3, atol=1e-5
        )
    assert equal(
        run.state_dict(),
        state_after(engine(3, Order.GPIPE, micro_batches=3, executor="serial"), data),
    )


@pytest.mark.parametrize("kind", ["group", "batch"])
def test_recomputing_with_stashed_weights_changes_nothing(kind):
    data = batches(9)
    kept = state_after(engine(3, kind=kind, stash=True, share=0.3), data)
    again = state_after(engine(3, kind=kind, stash=True, share=0.3, recompute=(0, 1, 2)), data)
    assert equal(kept, again)


def test_recomputing_uses_the_weights_of_then():
    data = batches(9)
    assert not equal(state_after(engine(2, recompute=(0,)), data), state_after(engine(2), data))
    sequential = {"order": Order.SEQUENTIAL, "kind": "batch"}
    assert equal(
        state_after(engine(2, recompute=(0, 1), **sequential), data),
        state_after(engine(2, **sequential), data),
    )


def test_prediction_changes_pipelined_training_only():
    data = batches(9)
    predicting = Optimizer(rate=0.05, momentum=0.9, compensation=Compensation.PREDICT)
    plain = Optimizer(rate=0.05, momentum=0.9)
    a = state_after(engine(2, optimizer=predicting), data)
    assert not equal(a, state_after(engine(2, optimizer=plain), data))
    assert equal(a, state_after(engine(2, optimizer=predicting, executor="serial"), data))
    without = state_after(engine(2, Order.SEQUENTIAL, optimizer=predicting), data)
    assert equal(without, state_after(engine(2, Order.SEQUENTIAL, optimizer=plain), data))


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_predicted_weights_go_on_as_the_last_step_went(kind):
    weight = torch.tensor([1.0, -2.0, 0.5])
    moments = Moments({"w": weight}, Optimizer(kind, 0.01))
    for index in range(3):
        before = weight.clone()
        moments.step({"w": torch.tensor([0.3, 0.1, -0.2]) * (index + 1)}, index, 0)
    last = weight - before
    torch.testing.assert_close(
        moments.predicted(3, 2)["w"], weight + 2 * last, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("order", PIPELINED)
def test_prediction_begins_at_the_updates_that_were_made(order, monkeypatch):
    asked, own = [], Moments.predicted

    def predicted(moments, index, lag):
        asked.append((index, lag))
        return own(moments, index, lag)

    monkeypatch.setattr(Moments, "predicted", predicted)
    adamw = Optimizer("adamw", 0.01, compensation=Compensation.PREDICT)
    run = engine(2, order, optimizer=adamw, executor="serial")
    list(run.train(batches(6)))
    (lag, _) = lags(order, 2)
    wanted = [(max(0, n - lag), min(n, lag)) for n in range(1, 6)]
    assert asked == wanted  # of the first stage; nothing is late in the last


def test_predicted_weights_are_those_that_are_set_aside():
    data = batches(9)
    predicting = Optimizer(rate=0.05, momentum=0.9, compensation=Compensation.PREDICT)
    plain = Optimizer(rate=0.05, momentum=0.9)
    both = state_after(engine(3, optimizer=predicting, stash=True), data)
    assert not equal(both, state_after(engine(3, optimizer=plain, stash=True), data))
    assert not equal(both, state_after(engine(3, optimizer=predicting), data))


def test_half_precision_follows_the_full_weights():
    data = batches(9)
    run = engine(2, kind="batch", dtype=torch.bfloat16)
    done = list(run.train(data))
    for stage in run.stages:
        for name, weight in stage.weights.full.items():
            computing = stage.weights.computing[name]
            assert weight.dtype == torch.float32
            assert torch.equal(computing, weight.detach().to(computing.dtype))
    assert done[-1].loss < done[0].loss
    assert equal(
        run.state_dict(),
        state_after(engine(2, kind="batch", dtype=torch.bfloat16, executor="serial"), data),
    )


def test_whole_numbers_stay_what_they_are_in_half_precision():
    nn = torch.nn
    chain = Chain([("names", On(nn.Embedding(300, 4))), ("last", On(nn.Linear(4, 1)))])
    run = Engine(chain, mse, Plan(cuts=(1,), dtype=torch.bfloat16), SGD)
    names = torch.tensor([0, 257, 299])
    list(run.train([(names, torch.zeros(3, 1))]))
    assert run.predict(names).shape == (3, 1)


def test_drain_finishes_what_is_in_flight():
    data, taken = batches(30), []
    run = engine(3)
    done = []
    for d in run.train(taken.append(b) or b for b in data):
        done.append(d)
        run.drain()
    assert len(done) == len(taken) == run.steps < 30
    again = engine(3, executor="serial")
    assert equal(state_after(again, data[: len(done)]), run.state_dict())


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"cuts": (4, 4)}, "leave a stage without an operation; give rising numbers from 1 to 7"),
        ({"cuts": (8,)}, "leave a stage without an operation"),
        ({"cuts": tuple(range(1, 12))}, "leave a stage without an operation"),
        ({"cuts": (4,), "devices": ("cpu",) * 3}, "3 devices for 2 stages"),
        ({"recompute": (1,)}, "stages are counted from 0 to 0"),
        ({"micro_batches": 2}, "choose the order 'gpipe'"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(plan, message):
    with pytest.raises(PartitionError, match=message):
        Engine(small(), mse, Plan(**plan), SGD)


def test_noise_of_torch_is_refused():
    from napari_axonem.networks.chain import Chain, On

    with pytest.raises(PartitionError, match=r"use napari_axonem.networks.noise.Dropout"):
        Engine(Chain([("a", On(torch.nn.Dropout()))]), mse, Plan(), SGD)
