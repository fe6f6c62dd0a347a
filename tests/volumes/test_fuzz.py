"""Whatever happens to a file, opening it ends well or with an error of our family."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.volumes.reference import REFERENCES

TRIALS = int(os.environ.get("AXONEM_FUZZ_TRIALS", "120"))
"""Damaged files of each format; more of them are worth an hour now and then."""


@pytest.mark.parametrize("known", REFERENCES, ids=lambda known: known.name)
def test_damage(tmp_path, known):
    command = [sys.executable, "-m", "tests.volumes.fuzzing", known.name, tmp_path, "0", TRIALS]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, f"seed {len(lines)}: {ended.stderr[-3000:]}"
    outcomes = Counter(line.split()[1] for line in lines)
    assert outcomes.total() == TRIALS
    assert {"success", "VolumeError"} <= outcomes.keys()
