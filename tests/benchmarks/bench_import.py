"""What `import ascend_ops` costs beyond NumPy's own import: median of fresh processes, bytecode cached.

python tests/benchmarks/bench_import.py [runs]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

LIMIT_MS = 150

SCRIPT = """
import time
start = time.perf_counter()
import numpy
middle = time.perf_counter()
import ascend_ops
end = time.perf_counter()
print((middle - start) * 1e3, (end - middle) * 1e3)
"""


def one_run(env: dict[str, str]) -> tuple[float, float]:
    """(NumPy, ascend_ops beyond it) in ms."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=env, check=True)
    numpy, beyond = map(float, done.stdout.split())
    return numpy, beyond


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as cache:
        # As for an installed package: bytecode is there, wherever the sources may be written to.
        env = os.environ | {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        one_run(env)
        numpy, beyond = zip(*(one_run(env) for _ in range(runs)), strict=True)
    print(f"{runs} runs, median (best)")
    print(f"import numpy        {statistics.median(numpy):7.1f} ms ({min(numpy):.1f})")
    print(f"import ascend_ops   {statistics.median(beyond):7.1f} ms ({min(beyond):.1f}) more; aim {LIMIT_MS}")


if __name__ == "__main__":
    main()
