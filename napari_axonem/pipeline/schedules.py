"""Who does what when: the orders of work in a pipeline of stages, as pure functions.

Stages are counted from 0 here, s = 0 … S-1; the paper counts parts from 1 and calls K = S - 1 the
number of register pairs. ``Fn`` is the forward pass of mini-batch n, ``Bn`` its backward pass,
after which the stage changes its weights. Each stage follows one rule, its `Rhythm`: after the
forward passes of a group it does the backward passes of the group `lag` before. All orders
differ only in that lag and in the size of the group, and what a stage computes depends on its own
order alone, however fast the other stages are.

``paper``, two stages, six mini-batches, one pass a column (`draw` of `table`)::

    F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 .  B4 .  B5
    .  F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 .

``1f1b``, the backward pass before the next forward pass: as fast, with half the lag::

    F0 F1 .  B0 F2 B1 F3 B2 F4 B3 F5 B4 .  B5
    .  F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 .

``gpipe``, two micro-batches in each of two mini-batches::

    F0 F1 .  .  B0 B1 F2 F3 .  .  B2 B3
    .  F0 F1 B0 B1 .  .  F2 F3 B2 B3 .

``sequential`` has the lag 0 everywhere: a stage waits until its mini-batch comes back.
``gpipe`` splits each mini-batch into a group of micro-batches, does all their forward passes, then
all their backward passes, then changes the weights once: no staleness, but the pipeline empties.

Sources: ``paper`` arXiv:1912.12675; ``1f1b`` PipeDream, arXiv:1806.03377, here without stashing;
``gpipe`` arXiv:1811.06965.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Order(StrEnum):
    """In which order the stages do forward and backward passes."""

    SEQUENTIAL = "sequential"
    PAPER = "paper"
    ONE_F_ONE_B = "1f1b"
    GPIPE = "gpipe"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rule that a stage follows."""

    lag: int
    """Groups between a forward pass and the backward pass that follows it."""

    group: int = 1
    """Passes of each direction before the weights change; more than 1 for micro-batches."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass through one stage."""

    index: int
    """Mini-batch, or micro-batch counted through all mini-batches."""

    is_backward: bool

    def __str__(self) -> str:
        return f"{'B' if self.is_backward else 'F'}{self.index}"


def lags(order: Order, stages: int) -> tuple[int, ...]:
    """Return the lag of each stage in groups.

    It is also the staleness in steady state: how many times a stage changes its weights between the
    forward and the backward pass of one mini-batch.
    """
    behind = range(stages - 1, -1, -1)
    if order is Order.PAPER:
        return tuple(2 * n for n in behind)
    if order is Order.ONE_F_ONE_B:
        return tuple(behind)
    return (0,) * stages


def rhythms(order: Order, stages: int, micro_batches: int = 1) -> tuple[Rhythm, ...]:
    """Return the rule of each stage; only ``gpipe`` uses `micro_batches`."""
    group = micro_batches if order is Order.GPIPE else 1
    return tuple(Rhythm(lag, group) for lag in lags(order, stages))


def program(rhythm: Rhythm, count: int) -> list[Pass]:
    """Return all passes of one stage over `count` mini-batches, in order.

    >>> " ".join(map(str, program(Rhythm(lag=2), 4)))
    'F0 F1 F2 B0 F3 B1 B2 B3'
    """
    passes = []
    for n in range(count + rhythm.lag):
        members = range(n * rhythm.group, (n + 1) * rhythm.group)
        if n < count:
            passes += [Pass(i, is_backward=False) for i in members]
        if n >= rhythm.lag:
            before = rhythm.lag * rhythm.group
            passes += [Pass(i - before, is_backward=True) for i in members]
    return passes


Table = tuple[tuple[Pass | None, ...], ...]
"""Rows are stages, columns are slots of one pass; None is waiting."""


def table(order: Order, stages: int, count: int, micro_batches: int = 1) -> Table:
    """Return when each stage does each pass, if all passes take equally long.

    A pass starts as soon as its stage is free and its input is there: forward from the stage
    before, backward from the stage behind. Rows are padded to equal length.

    >>> print(draw(table(Order.ONE_F_ONE_B, 2, 3)))
    F0 F1 .  B0 F2 B1 .  B2
    .  F0 B0 F1 B1 F2 B2 .
    """
    programs = [program(r, count) for r in rhythms(order, stages, micro_batches)]
    done: list[dict[Pass, int]] = [{} for _ in range(stages)]
    rows: list[list[Pass | None]] = [[] for _ in range(stages)]
    slot = 0
    while any(len(done[s]) < len(programs[s]) for s in range(stages)):
        for s in range(stages):
            step = next(iter(programs[s][len(done[s]) :]), None)
            is_ready = step is not None and _is_ready(step, s, done, slot)
            if step is not None and is_ready:
                done[s][step] = slot
            rows[s].append(step if is_ready else None)
        slot += 1
    return tuple(tuple(row) for row in rows)


def _is_ready(step: Pass, stage: int, done: Sequence[dict[Pass, int]], slot: int) -> bool:
    """Whether what `step` needs from a neighbour was finished before `slot`."""
    source = stage + 1 if step.is_backward else stage - 1
    if source in (-1, len(done)):
        return True
    return done[source].get(step, slot) < slot


def draw(rows: Table) -> str:
    """Return a table as text, one stage a line."""
    width = max(len(str(step)) for row in rows for step in row if step is not None)
    lines = [" ".join(("." if s is None else str(s)).ljust(width) for s in row) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def share_of_stale_weights(order: Order, weights: Sequence[int]) -> float:
    """Return which share of the weights is stale.

    Parameters
    ----------
    weights
        Number of weights in each stage.

    Returns
    -------
    float
        ``sum of N_i over stages with lag / sum of all N_i``; for pipelined orders these are all
        stages but the last one, as in the paper.
    """
    stale = [n for n, lag in zip(weights, lags(order, len(weights)), strict=True) if lag]
    return sum(stale) / max(1, sum(weights))


def balance_limit(seconds: Sequence[float]) -> float:
    """Return the speed-up that a pipeline cannot surpass: all its work over the slowest stage's."""
    return sum(seconds) / max(seconds)


def hybrid_speed_up(speed_up: float, pipelined: int, total: int) -> float:
    """Return the ideal speed-up when only the first part of a run is pipelined.

    Parameters
    ----------
    speed_up
        Of the pipelined part; in the paper 2K+1, the number of its accelerators.
    pipelined, total
        Mini-batches of the pipelined part, and of the whole run.
    """
    return total / (pipelined / speed_up + total - pipelined)
