"""One call in a process of its own: for work that would hold Python's lock, and with it a window.

The process is a bare interpreter that is handed the call, so that it never runs the user's own
script again, as processes of `multiprocessing` do.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import TypeVar

from napari_axonem.errors import AxonemError

A = TypeVar("A")
R = TypeVar("R")

_CHILD = """
import pickle, sys
into, sys.stdout = sys.stdout.buffer, sys.stderr
function, argument = pickle.load(sys.stdin.buffer)
try:
    outcome = (True, function(argument))
except Exception as error:
    outcome = (False, str(error) or type(error).__name__)
into.write(pickle.dumps(outcome))
"""


def elsewhere(function: Callable[[A], R], argument: A) -> R:
    """Return what a function of this package gives for an argument; both are pickled.

    Raises
    ------
    AxonemError
        The function raised an error, or the process ended without an answer.
    """
    call = pickle.dumps((function, argument))
    done = subprocess.run([sys.executable, "-c", _CHILD], input=call, capture_output=True)
    try:
        went_well, value = pickle.loads(done.stdout)
    except (EOFError, pickle.UnpicklingError):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        last = said[-1] if said else f"exit status {done.returncode}"
        raise AxonemError(f"a process that was to help ended early ({last})") from None
    if not went_well:
        raise AxonemError(value)
    found: R = value
    return found
