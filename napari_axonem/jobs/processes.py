"""Whether a process that was written down is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

import psutil


def about(pid: int | None = None) -> dict[str, Any]:
    """Return what tells a process, this one where None, from all others, now and later."""
    number = os.getpid() if pid is None else pid
    try:
        born = psutil.Process(number).create_time()
    except psutil.Error:  # it has ended already
        born = 0.0
    return {"pid": number, "born": born, "host": socket.gethostname()}


def is_there(told: Mapping[str, Any]) -> bool:
    """Tell whether a process runs on this machine; a number that was given away again does not."""
    try:
        if told["host"] != socket.gethostname():
            return False
        process = psutil.Process(int(told["pid"]))
        same = abs(process.create_time() - float(told["born"])) < 1
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, KeyError, ValueError, TypeError):
        return False


def memory() -> int:
    """Return the bytes of memory that this process and those it started hold."""
    own = psutil.Process()
    total = 0
    for process in (own, *own.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return total
