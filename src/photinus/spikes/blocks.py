"""Spikes as Neo holds them."""

import itertools
from typing import TYPE_CHECKING, Any

from photinus._core import validate
from photinus._core.extras import optional

if TYPE_CHECKING:
    from photinus.spikes.trains import SpikeTrains


def to_neo(spikes: "SpikeTrains", second: float = 1.0) -> Any:
    """Return spikes as a `neo.Block`; see `photinus.SpikeTrains.to_neo`."""
    validate.instance("spikes", spikes, "SpikeTrains")
    validate.positive("second", second)
    neo = optional("neo", "neo", "a block of spike trains")
    _, bounds, time = spikes.by_lane()
    # Engines end their pieces between two steps: a spike may be just outside.
    start = second * float(time.min(initial=spikes.start))
    stop = second * float(time.max(initial=spikes.stop))
    trains = [second * time[slice(*ends)] for ends in itertools.pairwise(bounds)]
    block = neo.Block(name="spikes", description="Photinus: one segment per chain")
    for chain in range(spikes.chains):
        segment = neo.Segment(name=f"chain {chain}", index=chain)
        for unit, label in enumerate(spikes.labels):
            train = neo.SpikeTrain(
                trains[unit * spikes.chains + chain],
                units="s",
                t_start=start,
                t_stop=stop,
                name=str(label),
                unit=unit,
                chain=chain,
                gauge=bool(spikes.gauge[unit]),
            )
            segment.spiketrains.append(train)
        block.segments.append(segment)
    return block
