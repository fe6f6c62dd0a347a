"""A network as a chain of named operations on the tensors that are alive: main, then skips.

Between two operations the *live* tensors are a tuple ``(main, *skips)``, the newest skip first.
An operation takes that tuple and returns the next one. A network of this form can be cut between
any two operations: what crosses the cut is the tuple, and backward the gradients of the same
tuple.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

Live = tuple[Tensor, ...]
"""The tensors alive between two operations: main, then skips, the newest first."""


class On(nn.Module):
    """Applies a module to the main tensor; skips pass by.

    Parameters
    ----------
    module
        Takes one tensor and returns one.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, live: Live) -> Live:
        """Return the live tensors with the main one changed."""
        main, *skips = live
        return (self.module(main), *skips)


class Keep(nn.Module):
    """Keeps the main tensor as the newest skip, too."""

    def forward(self, live: Live) -> Live:
        """Return ``(main, main, *skips)``."""
        return (live[0], *live)


class Add(nn.Module):
    """Adds the newest skip to the main tensor, after a module where one is given.

    Parameters
    ----------
    module
        Applied to the skip before it is added: a projection, for example.
    """

    def __init__(self, module: nn.Module | None = None) -> None:
        super().__init__()
        self.module = module if module is not None else nn.Identity()

    def forward(self, live: Live) -> Live:
        """Return ``(main + module(newest), *others)``."""
        main, newest, *others = live
        return (main + self.module(newest), *others)


class Chain(nn.Module):
    """Named operations, one after the other.

    The names of its parameters begin with the name of their operation, whatever piece of the
    chain they are read from: checkpoints do not depend on where a network was cut.

    Parameters
    ----------
    operations
        Pairs of a name, unique and without a dot, and a module from `Live` to `Live`.
    """

    def __init__(self, operations: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__()
        for name, operation in operations:
            if name in self._modules:
                raise ValueError(f"two operations are called {name!r}")
            self.add_module(name, operation)

    @property
    def operations(self) -> dict[str, nn.Module]:
        """The operations by name, in order; what replaces one of them counts from then on."""
        return {name: module for name, module in self._modules.items() if module is not None}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[tuple[str, nn.Module]]:
        return iter(self.operations.items())

    def piece(self, start: int, stop: int) -> Chain:
        """Return the operations `start` to `stop` (half-open) as a chain on the same weights."""
        return Chain(list(self.operations.items())[start:stop])

    def run(self, live: Live) -> Live:
        """Return the live tensors after the last operation."""
        # torch registers one module once: named_children would pass over it the second time.
        for operation in self.operations.values():
            live = operation(live)
        return live

    def forward(self, x: Tensor) -> Tensor:
        """Return the main tensor after the last operation, for an input without skips."""
        live = self.run((x,))
        if len(live) != 1:
            raise RuntimeError(f"{len(live) - 1} skips are left over at the end of the chain")
        return live[0]


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable numbers in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
