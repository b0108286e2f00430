// What the chip takes while it samples, by a price list that can be changed.

import { axes, curve, legend, marginOf, prefixed, quantity, shown } from "./chart.js";
import { amount, choice, element } from "./controls.js";
import { NetworkPage } from "./network.js";
import { Panel } from "./panel.js";

const PRICES = {
  detection: { label: "Detection and drivers", unit: "fJ per update", factor: 1e-15 },
  one_shot: { label: "One-shots of synapses", unit: "fJ per spike", factor: 1e-15 },
  weighting: { label: "Weighting", unit: "mW per synapse", factor: 1e-3 },
  readout: { label: "Read-out", unit: "fJ per bit", factor: 1e-15 },
  supply: { label: "Supply, above the photon energy", unit: "aJ per electron", factor: 1e-18 },
  synaptic_event: { label: "Synaptic events in the waveguides", unit: "fJ per event", factor: 1e-15 },
  static: { label: "Static: temperature, bias, control", unit: "mW per chip", factor: 1e-3 },
};
const SHORT = {
  pump: "pump current", driving: "synaptic currents", supply: "supply", detection: "detection", one_shot: "one-shots", weighting: "weighting",
  synaptic_event: "waveguides", readout: "read-out", static: "static",
};
const MOST_POINTS = 600; // of the power over time

export class LedgerPage extends NetworkPage {
  static title = "Ledger";
  static hint = "Set a price and watch what the chip takes. Those in grey are as listed.";
  static layout = "network";
  static defaults = {
    problem: "", substrate: "laser", laser: "fast-absorber", chains: 16, seed: 0, speed: 200,
    supply: null, detection: null, weighting: null, synaptic_event: null, readout: null, static: null,
  };

  constructor(host) {
    super(host);
    this.powers = new Panel("Power", "of the chip, by what takes it", "powers", (...given) => this.drawPowers(...given));
    this.energies = new Panel("Energy", "per event", "energies", (...given) => this.drawEnergies(...given));
    this.course = new Panel("Power over time", "", "course", (...given) => this.drawCourse(...given));
    this.panels = [this.graph, this.raster, this.powers, this.energies, this.course];
  }

  controls(values, set) {
    const substrates = { laser: "lasers, full physics", "laser-reduced": "reduced lasers" };
    this.prices = Object.entries(PRICES).map(([name, price]) => amount({ name, ...price, instead: "…" }, values[name], set));
    return [
      this.problem.node,
      element("h2", {}, "Price list"),
      ...this.prices.map((price) => price.node),
      element("h2", {}, "Sampler"),
      choice({ name: "substrate", label: "Substrate", options: substrates }, values.substrate, set).node,
      ...this.sampler(values, set),
      this.warning,
    ];
  }

  empty() {
    super.empty();
    this.points = [];
  }

  about(known) {
    super.about(known);
    this.graph.tell("");
    for (const [name, { factor }] of Object.entries(PRICES)) {
      const input = document.getElementById(`control-${name}`), price = known.prices[name];
      input.placeholder = price ? `${shown(price[1] / factor)}` : "unpriced";
      input.title = known.sources[name] || "Nothing is priced here, so no sum includes it.";
    }
  }

  frame(frame) {
    super.frame(frame);
    if (!this.known || !frame.power_now) return;
    this.points.push([frame.draws * this.known.window, ...frame.power_now]);
    if (this.points.length > MOST_POINTS) this.points.shift();
    const [best, expected, worst] = frame.power;
    this.powers.tell(`${quantity(expected, "W")}; from ${quantity(best, "W", 2)} to ${quantity(worst, "W", 2)}`);
    this.course.tell("of all chains, as expected");
    this.energies.tell(`${shown(frame.spike_rate * 1e-9)} spikes per ns`);
  }

  turn() {} // evidence is for the network's own page

  // Bars on a logarithmic axis: from the best to the worst case, with a mark at what is expected.
  drawRanges(pen, width, height, look, rows, unit) {
    const values = rows.flatMap(([, cases]) => cases || []).filter((each) => each > 0);
    if (!values.length) return;
    const [least, most] = [Math.min(...values) / 3, Math.max(...values) * 3];
    const at = axes(pen, width, height, look, {
      x: { least, most, log: true, label: `${unit === "W" ? "power" : "energy"}, from best to worst case`, name: (tick) => quantity(tick, unit, 1) },
      y: { least: rows.length, most: 0, ticks: rows.map((_, k) => k + 0.5), name: (tick) => rows[Math.floor(tick)][0] },
      margin: { left: marginOf(rows.map(([name]) => name)), top: 26, right: 20 },
    });
    const tall = at.height / rows.length;
    rows.forEach(([, cases], k) => {
      const known = (cases || []).filter((each) => each > 0), middle = at.top + (k + 0.5) * tall;
      if (!known.length) return pen.text("unpriced", at.left + 6, middle, { fill: look.quiet, size: 11 });
      const [from, to] = [at.x(Math.min(...known)), at.x(Math.max(...known))];
      pen.rect(from - 1, middle - tall * 0.3, to - from + 2, tall * 0.6, { fill: look.soft });
      if (cases[1] > 0) pen.path([at.x(cases[1]), middle - tall * 0.36, at.x(cases[1]), middle + tall * 0.36], { stroke: look.two, line: 3 });
    });
    legend(pen, { ...at, top: 2 }, look, [["best to worst", { fill: look.soft }], ["expected", { stroke: look.two, line: 3 }]]);
  }

  drawPowers(pen, width, height, look) {
    if (!this.latest.lines) return;
    const rows = Object.entries(this.latest.lines).map(([name, cases]) => [SHORT[name] || name, cases]);
    this.drawRanges(pen, width, height, look, [...rows, ["whole chip", this.latest.power]], "W");
  }

  drawEnergies(pen, width, height, look) {
    if (!this.latest.energies) return;
    const rows = Object.entries(this.latest.energies).filter(([, cases]) => cases.some((each) => each > 0));
    this.drawRanges(pen, width, height, look, rows, "J");
  }

  drawCourse(pen, width, height, look) {
    if (!this.points.length) return;
    const scale = prefixed(this.points.at(-1)[0], "s");
    const powers = this.points.map(([, , expected]) => expected), power = prefixed(Math.max(...powers), "W");
    const [low, high] = [Math.min(...powers), Math.max(...powers)], room = Math.max(high - low, high * 1e-3);
    const at = axes(pen, width, height, look, {
      x: { least: this.points[0][0] / scale.factor, most: this.points.at(-1)[0] / scale.factor, label: `time on the chip [${scale.unit}]` },
      y: { least: (low - room) / power.factor, most: (high + room) / power.factor, label: `power [${power.unit}]` },
      margin: { left: 72 },
    });
    const times = this.points.map(([time]) => time / scale.factor);
    curve(pen, at, times, powers.map((each) => each / power.factor), { stroke: look.one, line: 1.5 });
  }
}
