"""The best cuts, against all cuts tried one by one; and the memory that they need, as counted."""

import itertools
import math
import random
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import PartitionError  # noqa: E402
from napari_axonem.pipeline import choosing, saved  # noqa: E402
from napari_axonem.pipeline.choosing import choose  # noqa: E402
from napari_axonem.pipeline.engine import Engine  # noqa: E402
from napari_axonem.pipeline.memory import paper_extra, predict  # noqa: E402
from napari_axonem.pipeline.optimizers import Optimizer  # noqa: E402
from napari_axonem.pipeline.partition import Device, evaluate, limit, place  # noqa: E402
from napari_axonem.pipeline.plan import Plan  # noqa: E402
from napari_axonem.pipeline.profiling import OperationCost, Profile, profile  # noqa: E402
from napari_axonem.pipeline.schedules import Order  # noqa: E402
from tests.pipeline.networks import CUTS, batches, mse, small  # noqa: E402

SGD = Optimizer(rate=0.01)


def made_up(seconds, ships=None, weights=None, kept=None):
    """Return a profile with given costs; a third of the time is forward."""
    n = len(seconds)
    weights, kept = weights or [0] * n, kept or [0] * n
    operations = tuple(
        OperationCost(f"op{k}", s / 3, s * 2 / 3, weights[k], weights[k], {k: kept[k]})
        for k, s in enumerate(seconds)
    )
    return Profile(operations, ({},) * (n + 1), (*(ships or [0] * n), 0))


def all_cuts(count, stages):
    return itertools.combinations(range(1, count), stages - 1)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_no_cuts_are_faster(stages, seed):
    coin = random.Random(seed)
    found = made_up(
        [coin.uniform(0.1, 2) for _ in range(9)], [coin.randrange(50) for _ in range(9)]
    )
    devices = [Device(f"d{n}", speed=coin.choice([0.5, 1, 2])) for n in range(stages)]
    plan, bandwidth = Plan(recompute=(0,) if seed % 2 else ()), 40.0
    chosen = place(found, devices, plan, SGD, bandwidth)
    others = [
        evaluate(found, replace(plan, cuts=cuts), SGD, devices, bandwidth)
        for cuts in all_cuts(9, stages)
    ]
    assert chosen.slowest == pytest.approx(min(o.slowest for o in others))
    as_fast = [o for o in others if o.slowest <= chosen.slowest * (1 + 1e-12)]
    assert sum(chosen.crossing) == min(sum(o.crossing) for o in as_fast)


def test_unequal_devices_get_unequal_shares():
    found = made_up([1.0] * 9)
    chosen = place(found, [Device("slow"), Device("fast", speed=2)], Plan(), SGD)
    assert chosen.cuts == (3,)
    assert chosen.limit == pytest.approx(1.5)  # over the fast one alone


def test_a_slow_link_moves_the_cut():
    found = made_up([1, 1, 1, 1], ships=[0, 1, 900, 1])
    assert place(found, [Device("a"), Device("b")], Plan(), SGD).cuts == (2,)
    moved = place(found, [Device("a"), Device("b")], Plan(), SGD, bandwidth=100)
    assert moved.cuts in ((1,), (3,))
    assert moved.slowest == 3


def test_memory_moves_the_cut_and_counts_the_order():
    # 1F1B holds two mini-batches on the first of two devices, the paper's order three
    found = made_up([1] * 6, kept=[100] * 6)
    devices = [Device("a", memory=600), Device("b")]
    assert place(found, devices, Plan(order=Order.ONE_F_ONE_B), SGD).cuts == (3,)
    assert place(found, devices, Plan(order=Order.PAPER), SGD).cuts == (2,)
    again = Plan(order=Order.PAPER, recompute=(0,))
    slow = [devices[0], Device("b", speed=0.5)]
    assert place(found, slow, Plan(order=Order.PAPER), SGD).cuts == (2,)
    assert place(found, slow, again, SGD).cuts == (4,)
    with pytest.raises(PartitionError, match=r"no cuts fit 2 stages .*a \(0 MiB\).*recompute"):
        place(found, [Device("a", memory=150), Device("b")], Plan(), SGD)


def test_more_stages_than_operations():
    with pytest.raises(PartitionError, match="4 stages for 3 operations; use at most 3 devices"):
        place(made_up([1, 1, 1]), [Device("a")] * 4, Plan(), SGD)


def test_the_table_of_the_choice():
    found = made_up([1.0, 2.0, 3.0], ships=[0, 0, 3 << 20], weights=[1 << 20] * 3)
    text = place(found, [Device("cuda:0"), Device("cuda:1")], Plan(), SGD).table()
    lines = text.splitlines()
    assert lines[0].split() == [
        "stage",
        "device",
        "from",
        "operation",
        "seconds",
        "busy",
        "memory",
        "MiB",
        "ships",
        "MiB",
    ]
    # weights three times over, and the gradient of what crosses the cut
    assert lines[1].split() == ["0", "cuda:0", "op0", "3.0000", "100%", "9.0", "3.0"]
    assert lines[2].split() == ["1", "cuda:1", "op2", "3.0000", "100%", "6.0", "-"]
    assert lines[3] == "ideal speed-up 2.00"


def test_a_profile_of_a_real_chain():
    x, y = batches(1)[0]
    chain = small("batch")
    before = {n: t.clone() for n, t in chain.state_dict().items()}
    found = profile(chain, x, loss=mse, targets=y)
    assert all(torch.equal(t, before[n]) for n, t in chain.state_dict().items())
    assert [op.name for op in found.operations] == [name for name, _ in chain]
    assert sum(op.weights for op in found.operations) == saved.size(chain.parameters())
    assert all(op.forward > 0 for op in found.operations)
    # under the skip, the input of "down" crosses twice: as main tensor and as skip
    assert found.crossing[1] == x.numel() * 4 * 4
    assert found.crossing[2] == 2 * found.crossing[1]
    assert 1 <= limit(found, (4,)) <= 2


def test_cuts_chosen_for_the_devices_at_hand():
    x, y = batches(1)[0]
    chain = small("batch")
    before = {n: t.clone() for n, t in chain.state_dict().items()}
    chosen = choose(chain, (x,), y, mse, ["cpu"] * 3, Plan(), SGD)
    assert len(chosen.cuts) == 3 - 1
    assert all(torch.equal(t, before[n]) for n, t in chain.state_dict().items())
    assert chosen.links == (0, 0)
    run = Engine(chain, mse, Plan(cuts=chosen.cuts), SGD)
    assert len(list(run.train(batches(4)))) == 4


def test_memory_is_looked_at_before_profiles_take_it(monkeypatch):
    x, y = batches(1)[0]
    done = []
    monkeypatch.setattr(choosing, "free_memory", lambda name: done.append("free") or math.inf)
    monkeypatch.setattr(
        choosing, "profile", lambda *args, **more: done.append("profile") or profile(*args, **more)
    )
    choose(small("batch"), (x,), y, mse, ["cpu"] * 2, Plan(), SGD)
    assert done == ["free", "profile"]


PLANS = {
    "plain": Plan(order=Order.SEQUENTIAL),
    "paper": Plan(order=Order.PAPER),
    "1f1b": Plan(order=Order.ONE_F_ONE_B),
    "stash": Plan(order=Order.ONE_F_ONE_B, stash=True),
    "recompute": Plan(order=Order.ONE_F_ONE_B, recompute=(0, 1)),
}


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_predicted_memory_is_what_is_counted(name, executor):
    data = batches(9, size=16)
    plan = replace(PLANS[name], cuts=CUTS[3], measure_memory=True, executor=executor)
    found = profile(small("batch"), data[0][0], loss=mse, targets=data[0][1], repeats=1)
    expected = [m.held for m in predict(found, plan, SGD)]
    run = Engine(small("batch"), mse, plan, SGD)
    counted = [report.held for report in list(run.train(data))[-1].stages]
    assert counted == pytest.approx(expected, rel=0.1)


def test_half_precision_keeps_full_weights_beside_its_own():
    data = batches(9, size=16)
    plan = Plan(cuts=CUTS[2], stash=True, dtype=torch.bfloat16, measure_memory=True)
    chain = small()
    found = profile(chain, data[0][0], loss=mse, targets=data[0][1], dtype=plan.dtype, repeats=1)
    full = saved.size(chain.parameters())
    predicted = predict(found, plan, SGD)
    # weights, gradients and momentum in four bytes, what computes in two
    assert sum(stage.weights for stage in predicted) == 3 * full + full // 2
    run = Engine(chain, mse, plan, SGD)
    counted = [report.held for report in list(run.train(data))[-1].stages]
    assert counted == pytest.approx([stage.held for stage in predicted], rel=0.1)


def test_what_is_counted_is_what_the_graph_holds():
    # by hand: a convolution saves its input, tanh its output; weights do not count
    from torch import nn

    from napari_axonem.networks.chain import Chain, On

    chain = Chain([("conv", On(nn.Conv2d(1, 2, 3, padding=1))), ("tanh", On(nn.Tanh())),
                   ("end", On(nn.Conv2d(2, 1, 1)))])  # fmt: skip
    x = torch.zeros(4, 1, 8, 8)
    found = profile(chain, x, repeats=1)
    assert found.activations(0, 2) == (1 + 2) * 4 * 64 * 4
    plan = Plan(cuts=(2,), order=Order.PAPER)
    assert predict(found, plan, SGD)[0].held == 3 * found.activations(0, 2)


# activations at batch 1 and weights in MB, extra memory of PipeDream and of the paper's method
PAPER = [
    ("LeNet-5", 0.06, 0.24, 1.09, 0.97),
    ("AlexNet", 0.88, 88.87, 2.14, 0.37),
    ("VGG-16", 3.30, 58.16, 1.24, 0.75),
    ("ResNet-20", 3.84, 1.03, 0.61, 0.60),
]


@pytest.mark.parametrize(("name", "each", "weights", "pipedream", "paper"), PAPER)
def test_the_papers_table_of_memory_fits_its_formula(name, each, weights, pipedream, paper):
    # the table does not give the activations of the first part: they follow from one column, lie
    # within all activations, and together with four copies of the weights give the other column
    activations = 128 * each
    first = paper * (activations + weights) / 2
    assert 0 < first < activations
    parts = [first, activations - first]
    assert paper_extra(Order.PAPER, parts, weights) == pytest.approx(paper)
    assert paper_extra(Order.ONE_F_ONE_B, parts, weights) == pytest.approx(paper / 2)
    copies = 4 * weights / (activations + weights)
    assert paper + copies == pytest.approx(pipedream, abs=0.012)


def test_memory_is_without_bounds_unless_given():
    assert math.isinf(Device("a").memory)
