// One laser: traces with all noise, phase plane, intervals beside the ideal neuron's, activation.

import { axes, curve, legend, quantity, shown } from "./chart.js";
import { button, choice, element, pace, slider, whole } from "./controls.js";
import { LASERS } from "./network.js";
import { Panel } from "./panel.js";

const LONGEST = 6; // τ in the histogram
const KNOBS = [
  { name: "quality", label: "Quality factor Q", unit: "(a ratio)", down: 0.3, up: 3, factor: 1 },
  { name: "gain_lifetime", label: "Carrier lifetime of the gain", unit: "ns", down: 0.2, up: 5, factor: 1e-9 },
  { name: "absorber_lifetime", label: "Carrier lifetime of the absorber", unit: "ps", down: 0.2, up: 10, factor: 1e-12 },
  { name: "absorption", label: "Absorber", unit: "× cavity loss", down: 0.1, up: 3, factor: 1 },
  { name: "beta", label: "Spontaneous emission β", unit: "%", down: 0.1, up: 10, most: 0.9, factor: 0.01 },
];
const WORDS = {
  samples: "samples: its intervals are like those of an ideal neuron",
  pulses: "pulses: its intervals are too regular for a sampler",
  silent: "silent: it is on less than 1 % of the time",
  "": "waiting for spikes",
};

export class LaserPage {
  static title = "One laser";
  static code = "These lines simulate the same laser.";
  static hint = "Move the pump. The laser is silent, then samples, then pulses.";
  static defaults = { laser: "fast-absorber", pump: null, gain_lifetime: null, absorber_lifetime: null, quality: null, beta: null, absorption: null, window: null, speed: 1e-8, seed: 0 };

  constructor(host) {
    this.host = host;
    this.known = null;
    this.empty();
    const values = host.settings;
    this.verdict = element("p", { class: "verdict", role: "status" });
    this.knobs = element("div");
    this.side = [
      choice({ name: "laser", label: "Laser", options: LASERS }, values.laser, (name, value) => {
        this.release();
        this.host.set(name, value);
      }).node,
      this.verdict,
      pace({ unit: "ns/s", least: 1e-11, most: 1e-6, factor: 1e-9, slow: 3e-10, fast: 1e-6 }, values.speed, (name, value) => host.set(name, value)).node,
      element("h2", {}, "Laser"),
      this.knobs,
      whole({ name: "seed", label: "Seed", unit: "(a whole number)", least: 0, most: 4294967295 }, values.seed, (name, value) => host.set(name, value)).node,
    ];
    this.traces = new Panel("Photons and carriers", "", "traces", (...given) => this.drawTraces(...given));
    this.plane = new Panel("Phase plane", "", "plane", (...given) => this.drawPlane(...given));
    this.histogram = new Panel("Intervals", "", "intervals", (...given) => this.drawIntervals(...given));
    this.activation = new Panel("Activation", "", "activation", (...given) => this.drawActivation(...given));
    this.panels = [this.traces, this.plane, this.histogram, this.activation];
  }

  empty() {
    this.time = [];
    this.trace = { photons: [], gain: [], absorber: [] };
    this.now = 0;
    this.latest = {};
  }

  // All knobs as in the preset.
  release() {
    for (const name of ["pump", "window", ...KNOBS.map((knob) => knob.name)]) this.host.settings[name] = null;
    this.built = null;
  }

  about(known) {
    const same = this.known && this.host.settings.laser === this.built;
    if (!same || known.threshold !== this.known.threshold) this.empty();
    this.known = known;
    if (!same) this.build();
    this.plane.tell(`pumped with ${quantity(known.current, "A")}`);
  }

  build() {
    const { known, host } = this, { settings } = host;
    this.built = settings.laser;
    const set = (name, value) => host.set(name, value);
    const pump = slider({ name: "pump", label: "Pump", unit: "% of threshold", least: 0, most: known.pump_range[1], step: known.pump_range[1] / 400, factor: 0.01 }, known.pump, set);
    const turned = KNOBS.map(({ down, up, most = Infinity, ...knob }) => {
      const normal = known.preset[knob.name];
      return slider({ ...knob, least: normal * down, most: Math.min(normal * up, most), log: true }, known.knobs[knob.name], set);
    });
    const window = slider({ name: "window", label: "State window τ", unit: "ns", least: known.window * 0.3, most: known.window * 3, log: true, factor: 1e-9 }, known.window, set);
    const back = button("As in the preset", () => (this.release(), host.set("pump", null)), { id: "release" });
    this.knobs.replaceChildren(...[pump, ...turned, window].map((control) => control.node), element("div", { class: "buttons" }, back));
  }

  frame(frame) {
    if (!this.known) return;
    this.latest = { ...this.latest, ...frame };
    if (frame.trace_time?.length) this.keep(frame);
    const { verdict, distance, on, intervals, kept_up } = this.latest;
    const far = verdict === "samples" || verdict === "pulses" ? ` (distance ${shown(distance, 2)}, alike up to ${this.known.alike})` : "";
    const words = `${WORDS[verdict] || ""}${far}.`;
    if (this.verdict.textContent !== words) this.verdict.textContent = words;
    this.verdict.dataset.verdict = verdict;
    this.traces.tell(kept_up === false ? "as fast as this computer goes" : `of one laser, ${quantity(this.host.settings.speed, "s")} in a second`);
    this.histogram.tell(`${shown(intervals)} so far`);
    this.activation.tell(`on ${shown(100 * on)} % of the time`);
  }

  keep({ trace_time, photons, gain, absorber, span }) {
    if (this.time.length && trace_time[0] < this.time.at(-1)) (this.time = []), (this.trace = { photons: [], gain: [], absorber: [] }), (this.now = 0);
    const oldest = trace_time.at(-1) - 1.3 * span;
    const from = this.time.findIndex((time) => time >= oldest);
    const join = (kept, fresh) => (from < 0 ? [] : from ? kept.slice(from) : kept).concat(Array.from(fresh));
    this.time = join(this.time, trace_time);
    this.trace = { photons: join(this.trace.photons, photons), gain: join(this.trace.gain, gain), absorber: join(this.trace.absorber, absorber) };
  }

  move(elapsed) {
    const last = this.time.at(-1) || 0, { speed } = this.host.settings, before = this.now;
    this.now = Math.min(last, Math.max(this.now + speed * elapsed, last - 0.1 * speed));
    return this.now !== before;
  }

  drawTraces(pen, width, height, look) {
    if (!this.known) return;
    const { threshold, transparency, detection } = this.known, { span = 1e-9 } = this.latest;
    const end = Math.max(this.now, span), start = end - span;
    const ns = this.time.map((time) => time * 1e9);
    const x = { least: start * 1e9, most: end * 1e9 };
    const upper = Math.round(height * 0.5);
    const most = Math.max(2 * detection, ...this.trace.photons) * 1.08;
    const at = axes(pen, width, upper, look, { x: { ...x, ticks: [] }, y: { least: 0, most, label: "photons" }, margin: { left: 64, top: 16, bottom: 6 } });
    pen.path([at.left, at.y(detection), at.left + at.width, at.y(detection)], { stroke: look.quiet, line: 1, dash: [4, 4] });
    pen.within(at.left, at.top, at.width, at.height, () => curve(pen, at, ns, this.trace.photons, { stroke: look.one, line: 1.5 }));
    legend(pen, { ...at, top: -4 }, look, [["photons", { stroke: look.one, line: 2 }], ["counts as a spike", { stroke: look.quiet, line: 1, dash: [4, 4] }]]);
    pen.moved(0, upper, () => {
      const gain = this.trace.gain.map((each) => each / threshold), absorber = this.trace.absorber.map((each) => each / transparency);
      const high = Math.max(1.5, ...gain) * 1.1;
      const below = axes(pen, width, height - upper, look, { x: { ...x, label: "time [ns]" }, y: { least: 0, most: high, label: "carriers (ratio)" }, margin: { left: 64, top: 10 } });
      pen.within(below.left, below.top, below.width, below.height, () => {
        curve(pen, below, ns, gain, { stroke: look.three, line: 1.5 });
        curve(pen, below, ns, absorber, { stroke: look.two, line: 1.5 });
      });
      legend(pen, { ...below, top: 2 }, look, [["gain, over threshold", { stroke: look.three, line: 2 }], ["absorber, over transparency", { stroke: look.two, line: 2 }]]);
    });
  }

  drawPlane(pen, width, height, look) {
    if (!this.known) return;
    const { threshold, pump, null_photons: photons, null_light: light, null_carriers: carriers } = this.known;
    const at = axes(pen, width, height, look, {
      x: { least: 0.2, most: 1.5 * Math.max(pump, 1), label: "gain carriers over threshold (ratio)" },
      y: { least: photons[0], most: Math.max(3e4, 2 * Math.max(0, ...this.trace.photons)), log: true, label: "photons" },
      margin: { top: 26 },
    });
    const over = (values) => Array.from(values, (each) => each / threshold);
    pen.within(at.left, at.top, at.width, at.height, () => {
      curve(pen, at, over(light), photons, { stroke: look.one, line: 2, dash: [6, 4] });
      curve(pen, at, over(carriers), photons, { stroke: look.three, line: 2, dash: [2, 3] });
      const from = this.time.findIndex((time) => time >= this.now - 4 * this.known.window);
      const to = this.time.findIndex((time) => time > this.now);
      const part = (values) => (from < 0 ? [] : values.slice(from, to < 0 ? undefined : to));
      const [xs, ys] = [over(part(this.trace.gain)), part(this.trace.photons).map((each) => Math.max(each, photons[0]))];
      curve(pen, at, xs, ys, { stroke: look.quiet, line: 1 });
      if (xs.length) pen.circle(at.x(xs.at(-1)), at.y(ys.at(-1)), 5, { fill: look.two });
    });
    legend(pen, { ...at, top: 2 }, look, [["photons rest", { stroke: look.one, line: 2, dash: [6, 4] }], ["carriers rest", { stroke: look.three, line: 2, dash: [2, 3] }]]);
  }

  drawIntervals(pen, width, height, look) {
    const { density, ideal } = this.latest;
    if (!this.known || !density) return;
    const most = Math.max(0.5, ...density, Math.min(Math.max(...ideal), 2)) * 1.1;
    const at = axes(pen, width, height, look, { x: { least: 0, most: LONGEST, label: "interval [τ]" }, y: { least: 0, most, label: "density [1/τ]" }, margin: { top: 26 } });
    const wide = LONGEST / density.length;
    pen.within(at.left, at.top, at.width, at.height, () => {
      pen.rects(Array.from(density).flatMap((value, k) => [at.x(k * wide), at.y(value), at.x(wide) - at.x(0) - 0.5, at.y(0) - at.y(value)]), look.soft);
      const steps = Array.from(ideal).flatMap((value, k) => [at.x(k * wide), at.y(value), at.x((k + 1) * wide), at.y(value)]);
      pen.path(steps, { stroke: look.two, line: 2 });
    });
    legend(pen, { ...at, top: 2 }, look, [["laser", { fill: look.soft }], ["ideal neuron", { stroke: look.two, line: 2 }]]);
  }

  drawActivation(pen, width, height, look) {
    if (!this.known) return;
    const { pumps, pump } = this.known, { activation, on } = this.latest;
    const percent = (value) => value * 100;
    const at = axes(pen, width, height, look, {
      x: { least: percent(pumps[0]), most: percent(Math.max(pumps.at(-1), pump)), label: "pump [% of threshold]" },
      y: { least: 0, most: 1, label: "share of time on" },
      margin: { top: 26 },
    });
    if (activation) {
      pen.circles(Array.from(activation).flatMap((share, k) => (Number.isFinite(share) ? [at.x(percent(pumps[k])), at.y(share)] : [])), 3.5, { stroke: look.one, line: 1.5 });
      if (Number.isFinite(on)) pen.circle(at.x(percent(pump)), at.y(on), 5, { fill: look.two });
    }
    pen.path([at.x(percent(pump)), at.y(0), at.x(percent(pump)), at.y(1)], { stroke: look.two, line: 1, dash: [4, 4] });
    legend(pen, { ...at, top: 2 }, look, [["measured now", { stroke: look.one, line: 2 }], ["your pump", { stroke: look.two, line: 1, dash: [4, 4] }]]);
  }
}
