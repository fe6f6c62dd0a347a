"""What pipelined training should compute, worked out with every version of every weight kept.

Nothing of `napari_axonem.pipeline` is used. There are no stages that work and no queues: all
passes are laid out on a clock, as the paper draws them, each pass reads the version of the weights
that is newest at its moment, and gradients are worked out by hand, layer by layer, with `vjp`
at the weights that the rule asks for.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import functional_call

from napari_axonem.networks.chain import Chain


class Body(torch.nn.Module):
    def __init__(self, piece):
        super().__init__()
        self.chain = piece

    def forward(self, live):
        return self.chain.run(live)


@dataclass
class Part:
    """One part of the network with all versions of its weights."""

    body: Body
    versions: list[dict[str, Tensor]]
    velocity: dict[str, Tensor]
    kept: dict[int, object] = field(default_factory=dict)
    """By mini-batch: inputs, outputs, the weights object in the graph, version number."""

    updates: list[int] = field(default_factory=list)
    staleness: list[int] = field(default_factory=list)


def clock(order: str, stage: int, stages: int, batch: int) -> tuple[float, float]:
    """Return the moments of the forward and the backward pass of a mini-batch in a stage.

    The paper: forward pass of mini-batch n in stage s at cycle n + s, in its first half; backward
    pass at cycle n + 2(S-1) - s, in its second half. In 1F1B stage s does
    the backward pass of n right after the forward pass of n + (S - 1 - s): its own clock says so,
    and only the order within a stage is read off it.
    """
    last = stages - 1
    if order == "paper":
        return batch + stage, batch + 2 * last - stage + 0.5
    if order == "1f1b":
        return batch, batch + last - stage + 0.5
    return batch, batch + 0.5


def train(
    chain: Chain, cuts, order: str, data, loss, *, rate, momentum, weight_decay=0.0, spike=False,
    stash=False,
):  # fmt: skip
    """Return losses, final weights by name, buffers by name, staleness seen by each stage."""
    edges = [0, *cuts, len(chain)]
    parts = []
    for a, b in itertools.pairwise(edges):
        piece = chain.piece(a, b)
        weights = {n: p.detach().clone() for n, p in piece.named_parameters()}
        zeros = {n: torch.zeros_like(p) for n, p in weights.items()}
        parts.append(Part(Body(piece.train()), [weights], zeros))
    stages = len(parts)
    events = []
    for n in range(len(data)):
        for s in range(stages):
            forward, backward = clock(order, s, stages, n)
            events.append((s, forward, 0, n))
            events.append((s, backward, 1, n))
    order_of = {s: sorted(e[1:] for e in events if e[0] == s) for s in range(stages)}
    activations, gradients, losses = {}, {}, [0.0] * len(data)
    done = set()
    while any(order_of.values()):
        for s in range(stages):  # any topological order gives the same
            while order_of[s] and ready(order_of[s][0], s, stages, done):
                _, kind, n = order_of[s].pop(0)
                if kind == 0:
                    forward_pass(parts, s, n, data, loss, activations, losses)
                else:
                    backward_pass(
                        parts, s, n, gradients, rate, momentum, weight_decay, spike, stash
                    )
                done.add((s, kind, n))
    weights = {n: w for part in parts for n, w in part.versions[-1].items()}
    buffers = {n: b for part in parts for n, b in part.body.chain.named_buffers()}
    return losses, weights, buffers, [part.staleness for part in parts]


def ready(event, s, stages, done):
    _, kind, n = event
    if kind == 0:
        return s == 0 or (s - 1, 0, n) in done
    return s == stages - 1 or (s + 1, 1, n) in done


def forward_pass(parts, s, n, data, loss, activations, losses):
    part = parts[s]
    version = len(part.versions) - 1
    # tensors of their own for this mini-batch: the graph holds them and nothing else does
    own = {name: w.clone().requires_grad_() for name, w in part.versions[version].items()}
    came = (data[n][0],) if s == 0 else activations.pop((s - 1, n))
    inputs = tuple(t.detach().clone().requires_grad_(s > 0) for t in came)
    outputs = functional_call(part.body, {f"chain.{k}": v for k, v in own.items()}, (inputs,))
    if s == len(parts) - 1:
        outputs = (loss(outputs, data[n][1]),)
        losses[n] = float(outputs[0].detach())
    activations[s, n] = tuple(t.detach().clone() for t in outputs)
    part.kept[n] = (inputs, outputs, own, version)


def backward_pass(parts, s, n, gradients, rate, momentum, weight_decay, spike, stash):
    part = parts[s]
    inputs, outputs, own, version = part.kept.pop(n)
    newest = part.versions[-1]
    if not stash:
        # stored activations, newest weights: put the newest values into the tensors of the graph
        for name, tensor in own.items():
            tensor.data.copy_(newest[name])
    given = gradients.pop((s + 1, n), None)
    leaves = [t for t in inputs if t.requires_grad]
    pairs = [
        (out, None if given is None else given[k])
        for k, out in enumerate(outputs)
        if out.requires_grad and (given is None or given[k] is not None)
    ]
    torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
    gradients[s, n] = tuple(t.grad if t.requires_grad else None for t in inputs)
    assert len(leaves) == sum(t.requires_grad for t in inputs)
    missed = len(part.versions) - 1 - version
    part.staleness.append(missed)
    part.versions.append(
        {
            name: updated(
                newest[name], own[name].grad, part.velocity[name], rate, momentum, weight_decay,
                missed if spike else None,
            )
            for name in newest
        }
    )  # fmt: skip


def updated(weight, gradient, velocity, rate, momentum, weight_decay, missed):
    """Return the next version of a weight; the velocity changes in place."""
    if weight_decay:
        gradient = gradient.add(weight, alpha=weight_decay)
    velocity.mul_(momentum).add_(gradient)
    if missed is None:
        return weight.add(velocity, alpha=-rate)
    a = momentum ** (missed + 1)
    new = weight.add(velocity, alpha=-rate * a)
    return new.add(gradient, alpha=-rate * (1 - a) / (1 - momentum))
