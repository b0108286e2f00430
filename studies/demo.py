"""The demo's results that README and docs show: spikes, posteriors and dreams.

python -m studies.demo        # a minute on two cores
"""

import numpy as np
from studies.pictures import stored

from photinus.faces.demo import job
from photinus.faces.demo.posterior import WAYS
from photinus.faces.demo.result import Demo

WINDOWS, CHAINS, COLUMNS = 40, 6, 16
"""State windows of the raster; chains and images of the dream."""


def kept(demo: Demo) -> dict[str, object]:
    """Return what the pictures show."""
    samples, dream = demo.refined, demo.digits.dream
    spikes, tau = samples.spikes, samples.window
    assert spikes is not None
    assert tau is not None
    start = samples.burn_in * tau
    shown = (spikes.chain == 0) & (spikes.time > start - tau) & (spikes.time < start + WINDOWS * tau)
    chosen = np.linspace(0, dream.smooth.shape[1] - 1, COLUMNS).astype(int)
    found = {
        "labels": np.array(spikes.labels),
        "gauge": spikes.gauge,
        "window": tau,
        "unit": spikes.unit[shown].astype(np.uint8),
        "time": spikes.time[shown] - start,
        "titles": np.array([each.title for each in demo.posteriors]),
        "draws": np.array([each.draws for each in demo.posteriors]),
        "dream": np.round(255 * dream.smooth[:CHAINS][:, chosen]).astype(np.uint8),
        "dream_draws": chosen,
        "dream_interval": dream.interval,
        "dream_shape": np.array(dream.shape),
    }
    for way in WAYS:
        found[way] = np.array([getattr(each, way) for each in demo.posteriors])
    return found


if __name__ == "__main__":
    stored.write("demo", kept(job.run(progress=True)))
