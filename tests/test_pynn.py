"""Neurons with the names of PyNN, and files of sbs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.devices.lif import LifParameters, from_pynn
from photinus.devices.registry import setting
from photinus.errors import InvalidInput, NotConverged
from photinus.faces.cli.inputs import read_parameters

# The neuron of the tutorial of sbs, as its script writes it.
CELL: dict[str, Any] = {
    "cm": 0.2, "tau_m": 1.0, "e_rev_E": 0.0, "e_rev_I": -100.0, "v_thresh": -50.0, "tau_syn_E": 10.0,
    "v_rest": -50.0, "tau_syn_I": 10.0, "v_reset": -50.001, "tau_refrac": 10.0, "i_offset": 0.0,
}  # fmt: skip
NOISE: dict[str, Any] = {"rates": [3000.0, 3000.0], "weights": [-0.001, 0.001]}


def close(one: LifParameters, other: LifParameters) -> bool:
    names = ("membrane_time", "synaptic_time", "refractory_time", "threshold", "reset", "noise")
    return all(np.isclose(getattr(one, name), getattr(other, name), rtol=1e-9) for name in names)


def test_the_tutorial_of_sbs_is_the_preset(tmp_path: Path) -> None:
    assert close(from_pynn({**CELL, **NOISE}), LifParameters.preset("lif-hcs"))
    kinds = {"_type": "NeuronParametersConductanceExponential", "pynn_model": "IF_cond_exp"}
    source = {"_type": "PoissonSourceConfiguration", **NOISE}
    neuron = {"neuron_parameters": {**CELL, **kinds, "tau_refrac_virtual": None}}
    for document in (
        {**neuron, "source_config": source, "calibration": None},
        {**neuron, "source_config": None, "calibration": {"source_config": source}},
    ):
        file = tmp_path / "tutorial-calibration.json"
        file.write_text(json.dumps({"_type": "SamplerConfiguration", **document}))
        read = read_parameters(str(file), [], forced=False)
        assert close(read, LifParameters.preset("lif-hcs"))
        assert read.name == "tutorial-calibration"


def test_noise_of_currents_is_that_of_a_filtered_poisson_process() -> None:
    """σ² = ν ∫ PSP² by quadrature, with PSP(t) = w/C τ_s τ_m/(τ_s - τ_m) (e^(-t/τ_s) - e^(-t/τ_m))."""
    current = {name: value for name, value in CELL.items() if not name.startswith("e_rev")}
    neuron = from_pynn({**current, "tau_m": 4.0, "rates": [900.0], "weights": [0.05]})
    t = np.linspace(0, 0.4, 400_001)
    psp = 0.05 / 0.2 * (10e-3 * 4e-3 / 6e-3) * (np.exp(-t / 10e-3) - np.exp(-t / 4e-3))
    assert neuron.noise == pytest.approx(np.sqrt(900 * np.trapezoid(psp**2, t)), rel=1e-6)
    assert neuron.membrane_time == pytest.approx(4e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tau_m": None}, "a neuron of PyNN must include tau_m, which is missing"),
        ({"tau_mem": 1.0}, "entry of a neuron must be one of .* got 'tau_mem'"),
        ({"tau_syn_I": 5.0}, r"tau_syn_I must be tau_syn_E \(10 ms\), got 5 ms"),
        ({"pynn_model": "IF_cond_alpha"}, "pynn_model must have exponential synapses"),
        ({"rates": None}, "must include rates and weights of its noise, or noise"),
        ({"weights": [0.001]}, "weights must have 2 entries"),
        ({"rates": 3000.0}, "rates must be a list, got 3000"),
        ({"cm": "two"}, "cm must be "),
        ({"v_reset": -49.0}, "reset must be below the threshold"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        from_pynn({**CELL, **NOISE, **change})


def test_a_reset_far_below_the_threshold_calibrates() -> None:
    """The window lasts until a neuron that is driven hard can fire again."""
    far = LifParameters.preset("lif-hcs", reset=-58e-3)
    assert 10.5e-3 < (setting(far).window or 0) < 12e-3
    assert setting(LifParameters.preset("lif-hcs")).window == 10e-3
    found = ph.calibrate(far, chains=16)
    assert found.bias_range[0] < -4
    assert found.bias_range[1] > 4
    assert found.network_kl < 0.01
    with pytest.raises(NotConverged, match="no range of biases"):
        ph.calibrate(far, window=10e-3, chains=16)


def test_the_activation_of_any_device_is_drawn() -> None:
    for name, axis in (("lif-hcs", "mean free potential [mV]"), ("high-beta", "pump current [µA]")):
        calibration = ph.Calibration.preset(name)
        upper, lower = ph.plots.activation(calibration).axes
        assert lower.get_xlabel() == axis
        middle = np.asarray(upper.lines[-1].get_xdata(), np.float64)[0]  # where it is on half the time
        low, high = upper.get_xlim()
        assert low < middle < high
