// A chip with faults, and what refinement brings back.

import { shown } from "./chart.js";
import { button, element, slider } from "./controls.js";
import { NetworkPage } from "./network.js";

const FAULTS = [
  { name: "mismatch", label: "Mismatch of all parameters", unit: "%", most: 0.1, step: 0.001, factor: 0.01 },
  { name: "efficiency_mismatch", label: "Mismatch of efficiencies", unit: "%", most: 0.3, step: 0.005, factor: 0.01 },
  { name: "weight_bits", label: "Bits of a weight", unit: "bits (0: any)", most: 8, step: 1, factor: 1 },
  { name: "coupling_loss", label: "Light lost between lasers", unit: "%", most: 0.8, step: 0.01, factor: 0.01 },
  { name: "lost_spikes", label: "Spikes that the read-out misses", unit: "%", most: 0.3, step: 0.005, factor: 0.01 },
  { name: "delay", label: "Delay of synapses", unit: "ps", most: 5e-10, step: 5e-12, factor: 1e-12 },
];
const TEMPERATURE = { name: "temperature", label: "Warmer than calibrated", unit: "K", least: -10, most: 10, step: 0.1, factor: 1 };

export class ImperfectPage extends NetworkPage {
  static title = "Imperfections";
  static hint = "Lose some light and watch the divergence rise. Then press Refine.";
  static layout = "network";
  static defaults = {
    problem: "", substrate: "laser", laser: "fast-absorber", chains: 32, seed: 0, speed: 1000,
    mismatch: 0, efficiency_mismatch: 0, weight_bits: 0, coupling_loss: 0, lost_spikes: 0, delay: 0, temperature: 0,
  };

  controls(values, set) {
    this.refine = button("Refine", () => this.host.press("refine"), { id: "refine" });
    this.progress = element("p", { role: "status" }, "Corrects pumps and couplings by what the chip shows.");
    const faults = [...FAULTS.map((fault) => ({ least: 0, ...fault })), TEMPERATURE];
    return [
      this.problem.node,
      element("h2", {}, "What is wrong with the chip"),
      ...faults.map((fault) => slider(fault, values[fault.name], set).node),
      element("div", { class: "buttons" }, this.refine),
      this.progress,
      element("h2", {}, "Sampler"),
      ...this.sampler(values, set),
      this.warning,
    ];
  }

  about(known) {
    super.about(known);
    this.graph.tell("");
    this.progress.textContent = known.refined ? `Refined. ${known.said}` : "Corrects pumps and couplings by what the chip shows.";
  }

  frame(frame) {
    super.frame(frame);
    const busy = frame.refining !== null && frame.refining !== undefined;
    this.refine.disabled = busy;
    if (busy) this.progress.textContent = `Refining: ${shown(frame.refining)} of at most ${shown(frame.most_rounds)} measurements.`;
  }

  turn() {} // evidence is for the network's own page
}
