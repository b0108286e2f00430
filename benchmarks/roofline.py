"""How near the machine's limit the full physics runs: operations per laser-step against a core's peak.

Operations are counted by running the scalar step functions on numbers that count. The peak is measured:
fused multiply-adds of independent single-precision chains in the widest vectors, the best that a
compiled loop gets from one core. The state of a block lies in the first-level cache, so memory beyond
it does not matter; the bytes that a step moves between registers and that cache are counted from the
loops' rows.
"""

import argparse
import time
from typing import Any

import numpy as np

from engine import machine, processor
from photinus import Calibration, simulate, translate
from photinus._core.compilation import kernel, wide
from photinus.engines.laser.simulator import TIME_STEP
from photinus.engines.laser.step import SUBSTEPS, advance_carriers, advance_field
from photinus.units import ns

FLOAT_ROWS = (19 + 5) + (14 + 8 + 4 + 3 + 7 + 2) / SUBSTEPS
"""Single-precision numbers that a laser-step reads and writes: field and carriers, then once a visit
words and noise of the carriers, amplitudes, detection."""
WORD_OPERATIONS = 3 * 10 + 8 + 2 * 15
"""Integer operations of a visit: `next_word`, `noise_number` and twice `noise_numbers`."""
CHAINS, DEPTH, REPEATS = 256, 16, 20_000
"""Chains of multiply-adds for the peak, their links per load and store, and how often they are run."""


class Counted:
    """A number that counts the operations done with it."""

    __array_ufunc__ = None
    done = 0

    def _one(self, *_: Any) -> "Counted":
        Counted.done += 1
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _one


def operations() -> int:
    """Return floating-point operations of one step of field and carriers."""
    Counted.done = 0
    x = Counted()
    advance_field(*[x] * 12)
    advance_carriers(*[x] * 10)
    return Counted.done


@kernel
def chains_of_fma(x: Any, repeats: Any) -> None:  # type: ignore[no-untyped-def]
    """Run independent chains of multiply-adds, DEPTH of them for each load and store."""
    wide()  # as the engine does
    b = np.float32(0.2)
    for _ in range(repeats):
        for k in range(x.size):
            y = x[k]
            for _ in range(DEPTH):
                y = y * y + b  # nothing that the compiler could fold
            x[k] = y


def peak() -> float:
    """Return the multiply-adds that one core does, as floating-point operations per second."""
    x = np.full(CHAINS, 0.5, np.float32)
    chains_of_fma(x, 1)
    walls = []
    for _ in range(7):
        begin = time.perf_counter()
        chains_of_fma(x, REPEATS)
        walls.append(time.perf_counter() - begin)
    return 2 * CHAINS * DEPTH * REPEATS / min(walls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    network = translate(machine(5), Calibration.preset())
    simulate(network, 1 * ns, chains=256, seed=0, threads=1)
    walls = []
    for _ in range(options.runs):
        begin = time.perf_counter()
        simulate(network, 50 * ns, chains=256, seed=1, threads=1)
        walls.append(time.perf_counter() - begin)
    step = min(walls) / (5 * 256 * 50 * ns / TIME_STEP)
    flops = operations()
    best = peak()
    print(f"{processor()}, one core")
    print(f"field and carriers       {flops:6.0f} floating-point operations per laser-step")
    print(f"noise                    {WORD_OPERATIONS / SUBSTEPS:6.1f} integer operations")
    print(f"first-level cache        {4 * FLOAT_ROWS:6.0f} bytes")
    print(f"peak                     {best / 1e9:6.1f} Gflop/s (multiply-adds)")
    print(f"bound by the flops alone {1e9 * flops / best:6.2f} ns per laser-step")
    print(f"measured                 {1e9 * step:6.2f} ns, {flops / step / best:.0%} of the peak")


if __name__ == "__main__":
    main()
