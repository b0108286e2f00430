"""Reduced lasers on an NVIDIA device: the blocks of the processor's simulator, all in one launch."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.engines.cuda import device, reduced_loop
from photinus.engines.reduced import loop, synapses
from photinus.engines.reduced.block import ReducedBlock
from photinus.engines.reduced.model import EscapeRate
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.networks.lasers import LaserNetwork

WHOLE = ("f", "r", "synaptic", "once", "last_place", "ring")
"""Arrays of a block that the device has as they are, and gives back."""


class CudaReducedSimulator(ReducedSimulator):
    """A network of reduced lasers under way on an NVIDIA device, piece by piece.

    Arguments are those of `ReducedSimulator`, which also reads the states of this one and gives
    states to it. Random words are the same to the bit. Sums and products are not, so spikes agree in
    law.

    Raises
    ------
    MissingDependency
        If numba-cuda is not installed.
    InvalidInput
        If there is no device, or an argument is out of its range.
    """

    def __init__(self, network: LaserNetwork, reduced: EscapeRate, **options: Any) -> None:
        validate.instance("network", network, LaserNetwork)
        validate.instance("reduced", reduced, EscapeRate)
        device.require()
        super().__init__(network, reduced, **options)
        blocks, shared = self._blocks, self._blocks[0].shared
        names = ("entries_of", "targets", "coupling", "dense")
        arrays = dict(zip(names, shared.couplings, strict=True))
        arrays |= {name: value for name, value in shared.law._asdict().items() if name != "columns"}
        known = {name: device.stacked([np.asarray(array)])[0] for name, array in arrays.items()}
        for name in ("fan_out", "unit"):
            known[name] = device.stacked([getattr(block, name) for block in blocks])
        known = device.upload(known)
        law = {name: known.pop(name) for name in ("constants", "hazard", "trend")}
        self._law = loop.Law(**law, columns=shared.law.columns)
        self._couplings = known
        self._rules = self._rules_of(blocks[0])

    def _rules_of(self, block: ReducedBlock) -> reduced_loop.Rules:
        """Return what is the same for all lanes."""
        shared = block.shared
        pulse, decay, renewing = shared.pulse
        use, recovery = shared.depression
        single = np.float32
        return reduced_loop.Rules(
            stride=shared.stride,
            kick=single(shared.kick),
            sustain=single(shared.sustain),
            pulse=single(pulse),
            rate=single(math.log(decay)),
            renewing=int(renewing),
            delay=single(shared.delay),
            until_begin=int(np.rint(shared.delay)),
            until_end=int(np.ceil(shared.delay + pulse - synapses.ROUNDING)),
            use=single(use),
            recovery=single(recovery),
            bends=int(block.bent.size > 0),
            bend=single(shared.driver.softness**2 / 4),
        )

    def _run(self, start: int, stop: int) -> list[NDArray[np.int64]]:
        reached = np.full(len(self._blocks), start, np.int64)
        for block in self._blocks:
            block.spikes.clear()
        while (reached < stop).any():
            self._make_room()
            self._launch(reached, stop)
        counts = []
        for block in self._blocks:
            block.check()
            lanes = np.concatenate([lanes for _, lanes in block.spikes])
            counts.append(np.bincount(lanes // block.shared.stride, minlength=block.chains))
        return counts

    def _make_room(self) -> None:
        """Let each block have room for a spike of each lane, and all have the same."""
        for block in self._blocks:
            under_way = block.ring[synapses.FREE] - block.ring[synapses.ENDING]
            if under_way + block.last_spike.size > len(block.pending):
                block.grow()
        most = max(len(block.pending) for block in self._blocks)
        for block in self._blocks:
            while len(block.pending) < most:
                block.grow()

    def _launch(self, reached: NDArray[np.int64], stop: int) -> None:
        """Advance all blocks as far as there is room; raise `reached` and keep their new spikes."""
        blocks, law = self._blocks, self._rules
        lanes = np.array([block.last_spike.size for block in blocks])
        expected = int(lanes.max() * (2 + (stop - reached.min()) / law.pulse))
        room = (len(lanes), max(2 * lanes.max(), min(device.SPIKES, expected)))
        state, scratch = self._state(), self._scratch()
        spikes = {
            "step": np.zeros(room, np.int64),
            "since": np.zeros(room, np.float32),
            "lane": np.zeros(room, np.int32),
        }
        more = {
            "lanes": lanes,
            "reached": reached,
            "written": np.zeros(len(lanes), np.int64),
            "gain": device.gains(blocks),
        }
        arrays = device.upload({**state, **scratch, **spikes, **more})
        reduced_loop.advance[len(lanes), device.threads_for(int(lanes.max()))](
            reduced_loop.State(**{name: arrays[name] for name in state}),
            reduced_loop.Scratch(**{name: arrays[name] for name in scratch}),
            self._law,
            reduced_loop.Synapses(**self._couplings, gain=arrays["gain"]),
            self._rules,
            arrays["lanes"],
            arrays["reached"],
            stop,
            reduced_loop.Spikes(**{name: arrays[name] for name in spikes}),
            arrays["written"],
        )
        host = {name: arrays[name].copy_to_host() for name in (*state, *spikes, "reached", "written")}
        self._take_back(host)
        reached[:] = host["reached"]
        time = host["step"] - host["since"].astype(np.float64)
        for k, (block, count) in enumerate(zip(blocks, host["written"], strict=True)):
            block.spikes.append((time[k, :count], host["lane"][k, :count]))

    def _state(self) -> dict[str, NDArray[Any]]:
        """Return what the device takes of all blocks, by name."""
        blocks = self._blocks
        arrays = {name: device.stacked([getattr(b, name) for b in blocks]) for name in WHOLE}
        for name in ("bent", "knee", "resources"):
            arrays[name] = device.stacked([getattr(block, name) for block in blocks], np.float32)
        last = device.stacked([block.last_spike for block in blocks])
        arrays["last_step"] = np.ceil(last).astype(np.int64)
        arrays["last_since"] = (arrays["last_step"] - last).astype(np.float32)
        pending = device.stacked([block.pending for block in blocks])
        marks = pending[..., [synapses.FIRED, synapses.LANE, synapses.RENEWED]]
        values = pending[..., [synapses.TIME, synapses.ELAPSED, synapses.HEIGHT, synapses.BEFORE]]
        values[..., reduced_loop.SINCE] = pending[..., synapses.FIRED] - pending[..., synapses.TIME]
        arrays["marks"], arrays["values"] = marks.astype(np.int64), values.astype(np.float32)
        return arrays

    def _scratch(self) -> dict[str, NDArray[Any]]:
        """Return room for what lives only during a step, by name."""
        shape = (len(self._blocks), max(block.synaptic.size for block in self._blocks))
        whole = dict.fromkeys(("place", "found", "fired", "order"), np.zeros(shape, np.int64))
        single = dict.fromkeys(("parts", "kicks", "planned", "lowered"), np.zeros(shape, np.float32))
        met = np.zeros(shape, np.uint64)
        count = np.zeros((len(self._blocks), 1), np.int64)
        return {**whole, **single, "met": met, "count": count, "slot": np.full(shape, -1)}

    def _take_back(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Let the blocks have what the device has made of their arrays."""
        blocks = self._blocks
        for name in (*WHOLE, "bent", "resources"):
            device.unstack(arrays[name], [getattr(block, name) for block in blocks])
        last = arrays["last_step"] - arrays["last_since"].astype(np.float64)
        device.unstack(last, [block.last_spike for block in blocks])
        marks, values = arrays["marks"], arrays["values"].astype(np.float64)
        pending = np.zeros((*marks.shape[:2], synapses.PENDING))
        pending[..., [synapses.FIRED, synapses.LANE, synapses.RENEWED]] = marks
        pending[..., [synapses.TIME, synapses.ELAPSED, synapses.HEIGHT, synapses.BEFORE]] = values
        pending[..., synapses.TIME] = marks[..., reduced_loop.FIRED] - values[..., reduced_loop.SINCE]
        device.unstack(pending, [block.pending for block in blocks])
