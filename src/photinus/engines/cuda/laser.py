"""Full physics on an NVIDIA device: the blocks of the processor's simulator, all in one launch."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus.engines.cuda import device, laser_loop
from photinus.engines.laser.simulator import Results, Simulator
from photinus.errors import InvalidInput
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording, SpikeTrains

SINGLE = ("kicked", "base_pump", "knee", "bend", "late", "charge")
"""Arrays of a block that the device has in single precision."""
WHOLE = ("f", "r", "last_spike", "last_end", "wheel", "pool", "free")
"""Arrays of a block that the device has as they are."""


class CudaSimulator(Simulator):
    """A laser network under way on an NVIDIA device, piece by piece.

    Arguments are those of `Simulator`, which also reads the states of this one and gives states to it.
    Random words are the same to the bit. Sums and products are not, so spikes agree in law.

    Raises
    ------
    MissingDependency
        If numba-cuda is not installed.
    InvalidInput
        If there is no device, or an argument is out of its range.
    """

    def __init__(self, network: LaserNetwork, **options: Any) -> None:
        validate.instance("network", network, LaserNetwork)
        if network.depression is not None:
            raise InvalidInput("depression must be None for full physics by engine 'cuda'")
        device.require()
        super().__init__(network, **options)
        block = self._blocks[0]
        couplings = block.couplings[0]
        names = ("groups_of", "group_delay", "runs_of", "runs", "kick", "height")
        arrays = {name: device.stacked([getattr(couplings, name)])[0] for name in names}
        arrays["height"] = arrays["height"].astype(np.float32)
        self._couplings = device.upload(arrays)
        pulse_steps, decay, renewing = block.pulse
        self._rules = laser_loop.Rules(
            n_units=len(self.units),
            pulse_steps=pulse_steps,
            rate=np.float32(math.log(decay)),
            renewing=int(renewing),
            part=np.float32(block.follow),
            bends=int(block.bend.size > 0),
            lags=int(block.late.size > 0),
            eases=int(block.compression is not None),
        )

    def _threads_per_chain(self, lasers: int) -> int:
        return 1

    def advance(self, duration: float, recording: Recording | None = None) -> SpikeTrains:
        """Simulate on for `duration` [s], rounded up to the grid, and return the new spikes."""
        if recording is not None:
            raise InvalidInput("recording must be None for engine 'cuda', which keeps no waveforms")
        return super().advance(duration)

    def _run(self, start: int, stop: int, wanted: list[tuple[int, int]], every: int) -> Results:
        reached = np.full(len(self._blocks), start, np.int64)
        found: list[list[NDArray[np.int64]]] = [[] for _ in self._blocks]
        while (reached < stop).any():
            for block, reach in zip(self._blocks, reached, strict=True):
                if reach < stop and block.free[0] < 2 * block.last_spike.size:
                    block.grow_pool(len(block.pool))
            for parts, spikes in zip(found, self._launch(reached, stop), strict=True):
                parts.append(spikes)
        for block in self._blocks:
            block.check()
        nothing = np.empty((0, 0, 3), np.float32)
        blocks = zip(self._blocks, found, strict=True)
        return [(block.in_order(np.concatenate(parts)), nothing) for block, parts in blocks]

    def _launch(self, reached: NDArray[np.int64], stop: int) -> list[NDArray[np.int64]]:
        """Advance all blocks as far as there is room; raise `reached` and return their new spikes."""
        lanes = np.array([block.last_spike.size for block in self._blocks])
        windows = (stop - reached.min()) * self.grid / self.network.window
        room = max(2 * lanes.max(), min(device.SPIKES, int(lanes.max() * (2 + windows))))
        changing = self._stacked()
        arrays = device.upload(
            {
                **changing,
                "lanes": lanes,
                "reached": reached,
                "spikes": np.zeros((len(lanes), room, 2), np.int64),
                "written": np.zeros(len(lanes), np.int64),
                "gain": device.gains(self._blocks),
            }
        )
        laser_loop.advance[len(lanes), device.threads_for(int(lanes.max()))](
            laser_loop.State(**{name: arrays[name] for name in laser_loop.State._fields}),
            laser_loop.Synapses(**self._couplings, gain=arrays["gain"]),
            self._rules,
            arrays["lanes"],
            arrays["reached"],
            stop,
            arrays["spikes"],
            arrays["written"],
        )
        self._take_back({name: arrays[name].copy_to_host() for name in changing})
        reached[:] = arrays["reached"].copy_to_host()
        spikes, written = arrays["spikes"].copy_to_host(), arrays["written"].copy_to_host()
        return [each[:count] for each, count in zip(spikes, written, strict=True)]

    def _stacked(self) -> dict[str, NDArray[Any]]:
        """Return what the device takes of all blocks, by name."""
        blocks = self._blocks
        most = max(len(block.pool) for block in blocks)
        for block in blocks:
            if len(block.pool) < most:
                block.grow_pool(most - len(block.pool))
        arrays = {name: device.stacked([getattr(b, name) for b in blocks]) for name in WHOLE}
        for name in SINGLE:
            arrays[name] = device.stacked([getattr(b, name) for b in blocks], np.float32)
        drive = device.stacked([block.drive for block in blocks])
        arrays["drive"] = drive.astype(np.float32)
        arrays["lost"] = (arrays["drive"] - drive).astype(np.float32)
        none = np.zeros(drive.shape[1], np.float32)
        compression = [none if b.compression is None else b.compression for b in blocks]
        arrays["compression"] = device.stacked(compression)
        arrays["found"] = np.zeros((len(blocks), 2, drive.shape[1]), np.int64)
        arrays["count"] = np.zeros((len(blocks), 1), np.int64)
        return arrays

    def _take_back(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Let the blocks have what the device has made of their arrays."""
        for name in (*WHOLE, "late", "charge"):
            device.unstack(arrays[name], [getattr(block, name) for block in self._blocks])
        drive = arrays["drive"].astype(np.float64) - arrays["lost"]
        device.unstack(drive, [block.drive for block in self._blocks])
