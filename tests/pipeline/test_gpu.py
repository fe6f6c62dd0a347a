"""Stages on a CUDA card: what the processor computes, whatever overlaps."""

import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import StageMemoryError  # noqa: E402
from napari_axonem.networks.chain import Chain, On  # noqa: E402
from napari_axonem.networks.rsunet import RsunetSettings, build  # noqa: E402
from napari_axonem.pipeline.choosing import choose  # noqa: E402
from napari_axonem.pipeline.devices import copies_work  # noqa: E402
from napari_axonem.pipeline.engine import Engine  # noqa: E402
from napari_axonem.pipeline.optimizers import Compensation, Optimizer  # noqa: E402
from napari_axonem.pipeline.plan import Plan  # noqa: E402
from napari_axonem.pipeline.schedules import Order, lags  # noqa: E402
from tests.pipeline.networks import CUTS, batches, equal, mse, small  # noqa: E402

SPIKE = Optimizer(rate=0.05, momentum=0.9, weight_decay=1e-3, compensation=Compensation.SPIKE)
PIPELINED = (Order.PAPER, Order.ONE_F_ONE_B)
MIXED = (("cpu", "gpu", "gpu"), ("gpu", "cpu", "gpu"), ("gpu", "gpu", "cpu"))


def engine(devices, order=Order.ONE_F_ONE_B, chain=None, **plan):
    chain = chain or small("batch", share=plan.pop("share", 0.0))
    settings = Plan(cuts=CUTS[len(devices)], devices=tuple(devices), order=order, **plan)
    return Engine(chain, mse, settings, SPIKE)


def large(count=12):
    """Mini-batches that keep a card busy for longer than it takes to say so."""
    g = torch.Generator().manual_seed(5)
    shape = (16, 1, 128, 128)
    return [
        (torch.randn(shape, generator=g), torch.randn(shape, generator=g)) for _ in range(count)
    ]


def after(run, data):
    losses = [done.loss for done in run.train(data)]
    return losses, {name: tensor.cpu().clone() for name, tensor in run.state_dict().items()}


def assert_near(found, expected, rtol=2e-3, atol=2e-4):
    torch.testing.assert_close(found[0], expected[0], rtol=rtol, atol=atol)
    for name, tensor in expected[1].items():
        torch.testing.assert_close(found[1][name], tensor, rtol=rtol, atol=atol, msg=name)


@pytest.mark.parametrize("order", PIPELINED)
@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_follows_the_processor(gpu, order, stages):
    data = batches(11)
    run = engine([gpu] * stages, order)
    done = list(run.train(data))
    assert [done[-1].stages[s].stale for s in range(stages)] == list(lags(order, stages))
    found = [d.loss for d in done], {n: t.cpu() for n, t in run.state_dict().items()}
    assert_near(found, after(engine(["cpu"] * stages, order, executor="serial"), data))


@pytest.mark.parametrize("order", PIPELINED)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_streams_that_overlap_give_the_bits_of_stages_in_turn(gpu, order, share):
    data = large()
    _, expected = after(engine([gpu] * 4, order, share=share, executor="serial"), data)
    for _ in range(3):
        _, found = after(engine([gpu] * 4, order, share=share), data)
        assert equal(found, expected)


@pytest.mark.parametrize("way", [{"stash": True}, {"recompute": (0, 1)}], ids=str)
def test_stashing_and_computing_again_overlap_as_well(gpu, way):
    data = large()
    _, expected = after(engine([gpu] * 3, executor="serial", **way), data)
    _, found = after(engine([gpu] * 3, **way), data)
    assert equal(found, expected)


@pytest.mark.parametrize("devices", MIXED, ids="-".join)
def test_a_card_and_the_processor_share_a_network(gpu, devices):
    data = batches(11)
    run = engine([gpu if name == "gpu" else name for name in devices])
    assert_near(after(run, data), after(engine(["cpu"] * 3, executor="serial"), data))


def test_a_state_of_the_card_goes_on_on_the_processor(gpu):
    data = batches(12)
    first, whole = engine([gpu] * 2), engine(["cpu"] * 2, executor="serial")
    list(first.train(data[:6]))
    list(whole.train(data[:6]))
    second = engine(["cpu"] * 3, executor="serial")
    second.load_state_dict(first.state_dict())
    other = engine(["cpu"] * 3, executor="serial")
    other.load_state_dict(whole.state_dict())
    assert second.steps == 6
    assert_near(after(second, data[6:]), after(other, data[6:]))


def test_bf16_learns(gpu):
    torch.manual_seed(0)
    chain = build(RsunetSettings.for_voxel_size((10, 10, 10), widths=(8, 16), out_channels=1))
    x = torch.randn(2, 1, 16, 32, 32)
    plan = Plan(cuts=(len(chain) // 2,), devices=(gpu, gpu), dtype=torch.bfloat16)
    run = Engine(chain, mse, plan, SPIKE)
    losses = [done.loss for done in run.train((x, x.sign()) for _ in range(40))]
    assert losses[-1] < 0.8 * losses[0]
    assert all(w.dtype == torch.float32 for n, w in run.state_dict().items() if n[:7] == "weight/")


class Greedy(torch.nn.Module):
    """Wants more memory than any card has."""

    def forward(self, x):
        return x + torch.empty(1 << 46, dtype=torch.uint8, device=x.device)[:1]


def test_a_card_without_memory_is_said_with_the_stage(gpu):
    chain = Chain([("first", On(torch.nn.Conv2d(1, 1, 1))), ("greedy", On(Greedy()))])
    run = Engine(chain, mse, Plan(cuts=(1,), devices=(gpu, gpu)), SPIKE)
    with pytest.raises(StageMemoryError, match=r"stage 1 of 2 .*'greedy'.*cuda:0"):
        list(run.train(batches(4)))


def test_cuts_are_chosen_from_times_of_the_card(gpu):
    x, y = large(1)[0]
    plan = Plan(devices=(gpu, gpu))
    chosen = choose(small("batch"), (x,), y, mse, (gpu, gpu), plan, SPIKE)
    assert len(chosen.cuts) == 1
    assert chosen.table().count(gpu) == 2


def test_copies_to_the_card_and_back_arrive(gpu):
    assert copies_work("cpu", gpu)
    assert copies_work(gpu, "cpu")
