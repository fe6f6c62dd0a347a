"""Reading, computing and writing at the same time, so that no device waits for a disk.

One thread reads blocks ahead, one for each device computes, and the caller's thread takes the
results, so that only it writes and talks to whoever watches. Queues are short: what waits in
memory does not grow with the volume.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

from napari_axonem.errors import AxonemError, BlockError

B = TypeVar("B")
I = TypeVar("I")  # noqa: E741 - an input
O = TypeVar("O")  # noqa: E741 - an output
P = TypeVar("P")
R = TypeVar("R")

MOMENT = 0.1
"""Seconds after which a thread that waits looks whether it is still wanted."""


class Flow(Generic[B, I, O]):
    """Runs blocks through reading and computing.

    Parameters
    ----------
    blocks
        What to do, in this order.
    read
        Makes the input of a block; called in one thread.
    devices
        Functions that make an output of an input; each is called in a thread of its own.
    """

    def __init__(
        self, blocks: Sequence[B], read: Callable[[B], I], devices: Sequence[Callable[[I], O]]
    ) -> None:
        self._blocks = blocks
        self._read = read
        self._devices = devices
        self._inputs: queue.Queue[tuple[B, I] | None] = queue.Queue(len(devices) + 1)
        self._outputs: queue.Queue[tuple[I, O] | None] = queue.Queue(len(devices))
        self._halting = threading.Event()
        self._going_on = threading.Event()
        self._going_on.set()
        self._error: BaseException | None = None

    def halt(self) -> None:
        """Begin no other block; those that are being computed still come out."""
        self._halting.set()
        self._going_on.set()

    def pause(self) -> None:
        """Let devices begin no other block until `go_on`."""
        self._going_on.clear()

    def go_on(self) -> None:
        """End a pause."""
        self._going_on.set()

    def run(self, meanwhile: Callable[[], None] = lambda: None) -> Generator[tuple[I, O]]:
        """Yield inputs and outputs as they are finished.

        Parameters
        ----------
        meanwhile
            Called often while nothing has come out; it may call the methods above.

        Raises
        ------
        AxonemError
            As raised by one of the functions.
        BlockError
            One of them raised something else.
        """
        threads = [threading.Thread(target=self._reading, name="reading")]
        threads += [
            threading.Thread(target=self._computing, args=(device,), name=f"computing {i}")
            for i, device in enumerate(self._devices)
        ]
        for thread in threads:
            thread.start()
        try:
            yield from self._drained(meanwhile)
        finally:  # also when the caller has had enough, or failed
            self.halt()
            for _ in self._drained(lambda: None):
                pass
            for thread in threads:
                thread.join()
        if self._error is not None:
            raise self._error

    def _drained(self, meanwhile: Callable[[], None]) -> Generator[tuple[I, O]]:
        """Yield what comes out until every device has ended."""
        while self._ended < len(self._devices):
            try:
                found = self._outputs.get(timeout=MOMENT)
            except queue.Empty:
                meanwhile()
                continue
            if found is None:
                self._ended += 1
            else:
                yield found

    _ended = 0
    """Devices that give nothing out any more."""

    def _reading(self) -> None:
        for block in self._blocks:
            given = self._tried(self._read, block, block)
            if given is None or not self._handed_on((block, given)):
                return
        for _ in self._devices:
            self._handed_on(None)

    def _handed_on(self, item: tuple[B, I] | None) -> bool:
        while not self._halting.is_set():
            try:
                self._inputs.put(item, timeout=MOMENT)
            except queue.Full:
                continue
            return True
        return False

    def _computing(self, device: Callable[[I], O]) -> None:
        while (taken := self._taken()) is not None:
            block, given = taken
            result = self._tried(device, given, block)
            if result is None:
                break
            self._outputs.put((given, result))
        self._outputs.put(None)

    def _taken(self) -> tuple[B, I] | None:
        """Return the next input; None when there is none, or none is wanted."""
        while True:
            self._going_on.wait()
            if self._halting.is_set():
                return None
            try:
                return self._inputs.get(timeout=MOMENT)
            except queue.Empty:
                continue

    def _tried(self, function: Callable[[P], R], item: P, block: B) -> R | None:
        """Return what a function gives; None, and halt, when it fails."""
        try:
            return function(item)
        except AxonemError as error:
            self._fail(error)
        except Exception as error:
            wrapped = BlockError(f"{type(error).__name__}: {error}", where=f"block {block}")
            wrapped.__cause__ = error
            self._fail(wrapped)
        return None

    def _fail(self, error: AxonemError) -> None:
        self._error = self._error or error
        self.halt()
