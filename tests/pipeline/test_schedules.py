"""The orders of work, literally, and what follows from them."""

import pytest

torch = pytest.importorskip("torch")

from napari_axonem.pipeline import schedules  # noqa: E402
from napari_axonem.pipeline.schedules import Order, draw, lags, table  # noqa: E402


def drawn(text):
    return "\n".join(line.strip() for line in text.strip().splitlines())


@pytest.mark.parametrize(
    ("order", "stages", "count", "micro", "expected"),
    [
        (Order.SEQUENTIAL, 2, 2, 1, """
            F0 .  .  B0 F1 .  .  B1
            .  F0 B0 .  .  F1 B1 ."""),
        (Order.PAPER, 2, 6, 1, """
            F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 .  B4 .  B5
            .  F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 ."""),
        (Order.ONE_F_ONE_B, 2, 6, 1, """
            F0 F1 .  B0 F2 B1 F3 B2 F4 B3 F5 B4 .  B5
            .  F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 ."""),
        (Order.ONE_F_ONE_B, 3, 4, 1, """
            F0 F1 F2 .  .  B0 F3 B1 .  B2 .  B3
            .  F0 F1 .  B0 F2 B1 F3 B2 .  B3 .
            .  .  F0 B0 F1 B1 F2 B2 F3 B3 .  ."""),
        (Order.GPIPE, 2, 2, 2, """
            F0 F1 .  .  B0 B1 F2 F3 .  .  B2 B3
            .  F0 F1 B0 B1 .  .  F2 F3 B2 B3 ."""),
    ],
)  # fmt: skip
def test_tables(order, stages, count, micro, expected):
    text = draw(table(order, stages, count, micro))
    assert text == drawn(expected)


def test_the_tables_in_the_docstring_are_those_of_the_code():
    shown = "\n".join(line.strip() for line in schedules.__doc__.splitlines())
    for rows in (
        table(Order.PAPER, 2, 6),
        table(Order.ONE_F_ONE_B, 2, 6),
        table(Order.GPIPE, 2, 2, 2),
    ):
        assert draw(rows) in shown


def test_staleness_of_worked_examples():
    # the paper, K = 3 register pairs: 2(K - i + 1) for its parts i = 1 ... 4
    assert lags(Order.PAPER, 4) == (6, 4, 2, 0)
    assert lags(Order.ONE_F_ONE_B, 4) == (3, 2, 1, 0)
    assert lags(Order.SEQUENTIAL, 4) == lags(Order.GPIPE, 4) == (0, 0, 0, 0)


@pytest.mark.parametrize("order", [Order.PAPER, Order.ONE_F_ONE_B])
@pytest.mark.parametrize("stages", [1, 2, 3, 5])
def test_pipelined_orders_never_wait_once_they_are_full(order, stages):
    rows = table(order, stages, 30)
    for row in rows:
        steady = row[4 * stages : -4 * stages]
        assert None not in steady


def test_staleness_is_what_the_table_shows():
    for order in (Order.PAPER, Order.ONE_F_ONE_B):
        for stage, row in enumerate(table(order, 4, 20)):
            steps = [str(step) for step in row if step]
            between = steps[steps.index("F9") : steps.index("B9")]
            assert sum(s.startswith("B") for s in between) == lags(order, 4)[stage]


def test_share_of_stale_weights():
    weights = [1000, 3000, 6000]
    assert schedules.share_of_stale_weights(Order.PAPER, weights) == 0.4
    assert schedules.share_of_stale_weights(Order.ONE_F_ONE_B, weights) == 0.4
    assert schedules.share_of_stale_weights(Order.GPIPE, weights) == 0
    assert schedules.share_of_stale_weights(Order.PAPER, [10]) == 0


def test_speed_ups():
    assert schedules.balance_limit([3, 1, 2]) == 2
    # the paper's ideal for K = 1 (three accelerators), two thirds of the run pipelined
    assert schedules.hybrid_speed_up(3, 20, 30) == pytest.approx(30 / (20 / 3 + 10))
    assert schedules.hybrid_speed_up(2, 0, 30) == 1
