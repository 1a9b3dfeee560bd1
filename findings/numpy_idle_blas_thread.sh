#!/usr/bin/env bash
# Guess:  a small product of matrices once per frame of a video (25 a second) costs the processor about the time that it
#         takes; between two of them the threads of numpy's BLAS sleep.
# True:   with numpy 2.2.6 (OpenBLAS 0.3.29 in its wheel; 2.3.5, 2.4.0 and 2.5.5 alike) a second thread goes on turning
#         in circles for some 30 ms after each product of 128x128, nearly until the next one: on two cores a product of
#         1 ms costs the processor 25 to 50 ms, and whoever paints frames beside it has one core less. With
#         OPENBLAS_NUM_THREADS=1 it is 0.2 ms, with numpy 1.26.4 0.4 ms. How long it turns is OPENBLAS_THREAD_TIMEOUT, a
#         power of two of clock ticks.
# Exit:   0 while it is so, 1 where it no longer is; 0 with a word on a machine with one processor, which has no such
#         thread.
set -euo pipefail
if [ "$(nproc)" -lt 2 ]; then
    echo "one processor: nothing to be seen"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'numpy==2.2.6' threadpoolctl==3.6.0 </dev/null
cat > "$work/film.py" <<'PY'
import time

import numpy as np
from threadpoolctl import threadpool_info

matrix = np.random.default_rng(0).random((128, 128), np.float32)
matrix @ matrix
own, frames, spent = 0.0, 75, time.process_time()
for _ in range(frames):
    started = time.thread_time()
    matrix @ matrix
    own += time.thread_time() - started
    time.sleep(0.04)
spent = time.process_time() - spent
(blas,) = [one for one in threadpool_info() if one["user_api"] == "blas"]
print("numpy", np.__version__, "|", blas["internal_api"], blas["version"], blas["num_threads"], "threads |",
      f"a product takes {1000 * own / frames:.2f} ms, and the process spends {1000 * spent / frames:.2f} ms on it")
with open("spent", "w") as file:
    file.write(f"{1000 * spent / frames:.2f}")
PY
cd "$work"
OPENBLAS_NUM_THREADS=2 venv/bin/python film.py
two=$(cat spent)
OPENBLAS_NUM_THREADS=1 venv/bin/python film.py
one=$(cat spent)
python3 -c "import sys; sys.exit(not $two > 5 * $one)"
