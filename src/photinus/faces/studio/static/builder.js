// Builds a network by hand: units, their biases, their couplings. All of it is a text in the address.

import { button, choice, element, slider } from "./controls.js";

const MOST_UNITS = 12;
const BIAS = 5, WEIGHT = 4; // largest that sliders go to

export class Builder {
  constructor(host) {
    this.host = host;
    this.node = element("div");
    this.unit = 0;
    this.partner = 1;
  }

  about({ problem, labels, biases, edges, weights }) {
    this.biases = Array.from(biases);
    this.couplings = new Map(Array.from(weights, (weight, k) => [`${edges[2 * k]}-${edges[2 * k + 1]}`, weight]));
    if (problem !== "own") {
      const change = button("Change this network", () => this.send(), { id: "change" });
      this.node.replaceChildren(...(labels.length <= MOST_UNITS ? [element("div", { class: "buttons" }, change)] : []));
      this.built = "";
      return;
    }
    // Sliders in use stay as they are: only another number of units needs others.
    if (this.built !== labels.join()) this.build(labels);
  }

  build(labels) {
    this.built = labels.join();
    this.unit = Math.min(this.unit, labels.length - 1);
    if (this.partner >= labels.length || this.partner === this.unit) this.partner = this.unit ? 0 : Math.min(1, labels.length - 1);
    const names = labels.map((label, k) => [k, label]);
    const bias = slider({ name: "bias", label: "Its bias", unit: "(log-odds)", least: -BIAS, most: BIAS, step: 0.1 }, this.biases[this.unit], (_, value) => ((this.biases[this.unit] = value), this.send()));
    const weight = slider({ name: "weight", label: "Coupling of both", unit: "(log-odds)", least: -WEIGHT, most: WEIGHT, step: 0.1 }, this.couplings.get(this.pair) || 0, (_, value) => this.couple(value));
    const show = () => (bias.set(this.biases[this.unit]), weight.set(this.couplings.get(this.pair) || 0));
    const pick = (name, label) => choice({ name, label, options: names }, this[name], (_, value) => ((this[name] = +value), show()));
    this.pick = (unit, partner) => ((this.unit = unit), (this.partner = partner), this.build(labels));
    this.node.replaceChildren(
      pick("unit", "Unit").node,
      bias.node,
      pick("partner", "Partner").node,
      weight.node,
      element(
        "div",
        { class: "buttons" },
        ...(labels.length < MOST_UNITS ? [button("Add a unit", () => this.add(), { id: "add" })] : []),
        ...(labels.length > 1 ? [button("Remove the unit", () => this.remove(), { id: "remove" })] : []),
      ),
    );
  }

  get pair() {
    return `${Math.min(this.unit, this.partner)}-${Math.max(this.unit, this.partner)}`;
  }

  couple(weight) {
    if (this.unit === this.partner) return;
    weight ? this.couplings.set(this.pair, weight) : this.couplings.delete(this.pair);
    this.send();
  }

  // A coupling that was dragged from one unit to another.
  drag(from, to) {
    this.pick(from, to);
    if (!this.couplings.get(this.pair)) this.couple(1);
    this.pick(from, to);
  }

  add() {
    this.biases.push(0);
    this.send();
  }

  remove() {
    const gone = this.unit, moved = (k) => (k > gone ? k - 1 : k);
    this.biases.splice(gone, 1);
    const kept = [...this.couplings].map(([pair, weight]) => [pair.split("-").map(Number), weight]).filter(([pair]) => !pair.includes(gone));
    this.couplings = new Map(kept.map(([[i, j], weight]) => [`${moved(i)}-${moved(j)}`, weight]));
    this.send();
  }

  send() {
    const short = (value) => +value.toFixed(4);
    const couplings = [...this.couplings].map(([pair, weight]) => `${pair}:${short(weight)}`);
    const own = `${this.biases.map(short).join()};${couplings.join()}`;
    if (this.biases.length !== (this.host.settings.evidence.length || this.biases.length)) this.host.settings.evidence = "";
    this.host.settings.problem = "own";
    this.host.set("own", own);
  }
}
