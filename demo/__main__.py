"""``python -m facediff.demo`` is the command ``facediff demo``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "demo")
    runpy.run_module("facediff", run_name="__main__")
