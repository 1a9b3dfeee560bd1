"""Memory that waits for who asks next."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="thresholds are glibc's")

TAKES = """
import resource
from contextlib import nullcontext
import numpy as np
from facediff.system.allocation import keep_freed_memory

def take():
    for _ in range(40):
        held = [np.ones(3 << 20, np.uint8) for _ in range(20)]  # 60 megabytes, and free again

with {block}:
    take()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    take()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

LEAVES = """
import numpy as np
import psutil
from facediff.system.allocation import keep_freed_memory

with keep_freed_memory():
    with keep_freed_memory():
        held = [np.ones(1 << 20, np.uint8) for _ in range(200)]
        del held
    print(psutil.Process().memory_info().rss)  # the outer block still holds it
print(psutil.Process().memory_info().rss)
"""


def count_faults(block: str) -> int:
    done = subprocess.run([sys.executable, "-c", TAKES.format(block=block)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@needs_glibc
def test_pages_are_not_taken_anew():
    assert count_faults("keep_freed_memory()") * 10 < count_faults("nullcontext()")


@needs_glibc
def test_it_goes_back_to_the_system_in_the_end():
    done = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, check=True)
    within, after = map(int, done.stdout.split())
    assert within - after > 150 << 20
