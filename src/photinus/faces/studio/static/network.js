// A network that samples: evidence by click, raster, marginals, states, and the divergence over time.

import { axes, curve, cut, legend, marginOf, prefixed, quantity, shown } from "./chart.js";
import { button, choice, element, pace, whole } from "./controls.js";
import { Builder } from "./builder.js";
import { Panel } from "./panel.js";
import { widthOf } from "./pen.js";

const SPAN = 60; // draws in the raster
const SLOW = 60; // draws per second below which the raster moves between draws
const MOST_CHIPS = 24; // units with a button each
const MOST_NAMES = 24; // units with their name in a chart
const FEW_UNITS = "shown for at most 12 free units";
const TURN = { "-": "0", 0: "1", 1: "-" };
const MEANING = { "-": "free", 0: "off", 1: "on" };

export const LASERS = Object.fromEntries(["fast-absorber", "slow-absorber", "high-beta", "vcsel-sa", "straight"].map((name) => [name, name]));

export class NetworkPage {
  static title = "Network";
  static hint = "Click a unit to tell what is known of it. The bars go to the posterior.";
  static defaults = { problem: "", substrate: "laser", laser: "fast-absorber", chains: 16, seed: 0, speed: 200, evidence: "", own: "" };

  constructor(host) {
    this.host = host;
    this.known = null;
    this.empty();
    this.problem = choice({ name: "problem", label: "Problem", options: {} }, "", (name, value) => {
      host.settings.evidence = "";
      if (value === "own" && !host.settings.own) host.settings.own = "0,0,0;0-1:1,1-2:1";
      host.set(name, value);
    });
    this.text = element("p");
    this.file = element("input", { type: "file", id: "control-file", hidden: true, onchange: () => this.bring(this.file.files[0]) });
    this.file.setAttribute("aria-label", "Model file");
    this.open = element("div", { class: "buttons" }, button("Open a model file …", () => this.file.click(), { id: "open" }), this.file);
    this.builder = new Builder(host);
    this.warning = element("div", { class: "warning", hidden: true });
    this.units = element("div", { class: "buttons units", role: "group", "aria-label": "Evidence" });
    this.side = this.controls(host.settings, (name, value) => host.set(name, value));
    this.graph = new Panel("Units", "click for evidence", "graph", (...given) => this.drawGraph(...given));
    this.raster = new Panel("Raster", "first chain", "raster", (...given) => this.drawRaster(...given));
    this.shares = new Panel("Marginals", "", "marginals", (...given) => this.drawMarginals(...given));
    this.joint = new Panel("Joint states", "", "joint", (...given) => this.drawJoint(...given));
    this.divergence = new Panel("Divergence", "", "divergence", (...given) => this.drawDivergence(...given));
    this.panels = [this.graph, this.raster, this.shares, this.joint, this.divergence];
    this.graph.canvas.addEventListener("pointerdown", (event) => this.pressed(event));
    this.graph.canvas.addEventListener("pointerup", (event) => this.released(event));
  }

  controls(values, set) {
    const substrates = { laser: "lasers, full physics", "laser-reduced": "reduced lasers", lif: "integrate-and-fire neurons", gibbs: "Gibbs sampling" };
    return [
      this.problem.node,
      this.text,
      this.open,
      this.builder.node,
      element("h2", {}, "Evidence: free, off or on"),
      this.units,
      element("h2", {}, "Sampler"),
      choice({ name: "substrate", label: "Substrate", options: substrates }, values.substrate, set).node,
      ...this.sampler(values, set),
      this.warning,
    ];
  }

  sampler(values, set) {
    this.laser = choice({ name: "laser", label: "Laser", options: LASERS }, values.laser, set);
    return [
      this.laser.node,
      pace({ unit: "draws/s", least: 0.5, most: 1e6, slow: 2, fast: 1e6 }, values.speed, set).node,
      whole({ name: "chains", label: "Chains", unit: "copies", least: 2, most: 256 }, values.chains, set).node,
      whole({ name: "seed", label: "Seed", unit: "(a whole number)", least: 0, most: 4294967295 }, values.seed, set).node,
    ];
  }

  // Sends a model file to the server, which reads it as everywhere, and shows it.
  async bring(file) {
    if (!file) return;
    const answer = await fetch(`model?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
    const { problem, sentence } = await answer.json();
    this.file.value = "";
    if (sentence) return this.host.tell(sentence);
    this.host.settings.evidence = "";
    this.host.set("problem", problem);
  }

  // Forgets all draws.
  empty() {
    this.first = 0;
    this.rows = [];
    this.energy = [];
    this.spikes = [];
    this.now = 0;
    this.latest = { draws: 0 };
  }

  about(known) {
    // Another start, or the same number of it after the server was started again.
    if (known.start !== this.known?.start || known.draws < this.latest.draws) this.empty();
    this.known = known;
    this.titled(known.titles, known.problem);
    this.laser.node.hidden = !this.host.settings.substrate.startsWith("laser");
    this.text.textContent = known.text;
    this.warning.replaceChildren(...known.outside.map((sentence) => element("p", {}, sentence)));
    this.warning.hidden = !known.outside.length;
    this.letters = [...(this.host.settings.evidence || "-".repeat(known.labels.length))];
    this.graph.tell(known.problem === "own" ? "click for evidence, drag for a coupling" : "click for evidence");
    this.margin = known.labels.length <= MOST_NAMES ? marginOf(known.labels) : 52;
    this.fillUnits();
    this.builder.about(known);
  }

  // What there is to choose from; also told with a refusal, so that there is a way out.
  titled(titles, problem) {
    this.problem.fill(titles);
    this.problem.set(problem);
  }

  fillUnits() {
    const { labels } = this.known;
    const few = labels.length <= MOST_CHIPS;
    const shownUnits = labels.map((label, k) => [label, k]).filter(([, k]) => few || this.letters[k] !== "-");
    const chips = shownUnits.map(([label, k]) =>
      button(`${label}: ${MEANING[this.letters[k]]}`, () => this.turn(k), { "data-unit": k, "data-value": this.letters[k] }),
    );
    // Whoever uses the keyboard stays at the unit, whatever the chips are made again for.
    const focused = document.activeElement?.dataset?.unit;
    this.units.replaceChildren(...chips, ...(few ? [] : [this.anyUnit()]));
    if (focused) this.units.querySelector(`[data-unit="${focused}"]`)?.focus();
  }

  // For networks with many units: the number of one to turn.
  anyUnit() {
    const number = element("input", { type: "number", min: 0, max: this.known.labels.length - 1, value: 0, "aria-label": "Number of a unit" });
    return element("span", { class: "number" }, number, button("Turn unit", () => this.turn(Math.max(0, Math.min(+number.max, Math.round(+number.value))))));
  }

  turn(unit) {
    this.letters[unit] = TURN[this.letters[unit]];
    this.fillUnits();
    this.host.set("evidence", this.letters.every((each) => each === "-") ? "" : this.letters.join(""));
  }

  // The unit at a place on the graph, or undefined.
  unitAt(event) {
    const distance = ([x, y]) => Math.hypot(x - event.offsetX, y - event.offsetY);
    const nearest = (this.places || []).reduce((best, place, k) => (best < 0 || distance(place) < distance(this.places[best]) ? k : best), -1);
    return nearest >= 0 && distance(this.places[nearest]) < 40 ? nearest : undefined;
  }

  // A click turns a unit. In a network of one's own, a line from one unit to another couples them.
  pressed(event) {
    this.grasped = this.unitAt(event);
  }

  released(event) {
    const from = this.grasped, to = this.unitAt(event);
    this.grasped = undefined;
    if (from === undefined || to === undefined) return;
    if (from === to) this.turn(to);
    else if (this.known.problem === "own") this.builder.drag(from, to);
  }

  frame(frame) {
    if (!this.known) return;
    if (frame.states) this.keep(frame);
    this.latest = { ...this.latest, ...frame };
    this.tell();
  }

  keep({ first, states, energy, spike_unit, spike_time }) {
    const [draws, units] = states.shape;
    if (first !== this.first + this.rows.length) (this.rows = []), (this.energy = []), (this.spikes = []), (this.first = first);
    for (let k = 0; k < draws; k++) this.rows.push(states.subarray(k * units, (k + 1) * units)), this.energy.push(energy[k]);
    const beyond = Math.max(0, this.rows.length - 2 * SPAN);
    this.rows.splice(0, beyond);
    this.energy.splice(0, beyond);
    this.first += beyond;
    if (spike_unit) for (let k = 0; k < spike_unit.length; k++) this.spikes.push([spike_unit[k], spike_time[k]]);
    this.spikes = this.spikes.filter(([, time]) => time >= this.first);
  }

  tell() {
    const { draws, chip_time, kl, kl_floor, kept_up } = this.latest;
    const time = chip_time === null || chip_time === undefined ? "" : `, ${quantity(chip_time, "s")} on the chip`;
    this.raster.tell(`first chain; ${shown(draws, 6)} draws${time}${kept_up === false ? ", as fast as this computer goes" : ""}${this.known.flipped.includes(1) ? "; thin grey spikes mean off" : ""}`);
    const last = kl?.length ? `${shown(kl.at(-1), 2)} nats, floor ${shown(kl_floor.at(-1), 2)}` : this.known.exact_joint ? "after 8 draws" : "";
    this.divergence.tell(last);
  }

  // Moves the raster on; returns whether it has to be drawn.
  move(elapsed) {
    const { speed } = this.host.settings, { draws } = this.latest;
    const before = this.now;
    this.now = speed < SLOW ? Math.min(draws, Math.max(this.now + speed * elapsed, draws - 2)) : draws;
    return this.now !== before;
  }

  drawGraph(pen, width, height, look) {
    if (!this.known) return;
    const { labels, edges, weights } = this.known;
    const few = labels.length <= MOST_NAMES;
    const tall = height - 20; // below it stands what lines mean
    const [across, down] = [width / 2 - (few ? 62 : 16), tall / 2 - (few ? 42 : 12)];
    const angle = (k) => (2 * Math.PI * (k - (labels.length % 2 ? 0 : 0.5))) / labels.length - Math.PI / 2;
    this.places = labels.map((_, k) => [width / 2 + across * Math.cos(angle(k)), tall / 2 + down * Math.sin(angle(k))]);
    const most = weights.reduce((best, each) => Math.max(best, Math.abs(each)), 1e-9);
    weights.forEach((weight, k) => {
      const [from, to] = [this.places[edges[2 * k]], this.places[edges[2 * k + 1]]];
      const colour = weight > 0 ? look.one : look.two, size = Math.abs(weight) / most;
      pen.path([...from, ...to], { stroke: few ? colour : `${colour}60`, line: 0.5 + (few ? 3 : 1) * size, dash: weight > 0 ? [] : [5, 4] });
    });
    const radius = few ? 11 : 3.5;
    this.places.forEach(([x, y], k) => {
      const size = 2 * radius + 8;
      if (this.letters[k] !== "-") pen.rect(x - size / 2, y - size / 2, size, size, { stroke: look.ink, line: 2 });
    });
    const on = this.rows[Math.floor(this.now) - this.first - 1] || this.rows.at(-1);
    for (const value of [0, 1]) {
      const alike = this.places.filter((_, k) => (on?.[k] || 0) === value).flat();
      pen.circles(alike, radius, { fill: value ? look.one : look.paper, stroke: look.ink, line: few ? 1.5 : 0.5 });
    }
    if (few) this.places.forEach((place, k) => this.drawName(pen, look, cut(labels[k]), ...this.placeOfName(place, k, radius, tall / 2)));
    const foot = height - 14;
    const text = (name, left) => pen.text(name, left, foot, { fill: look.quiet, size: 11 });
    pen.path([10, foot, 28, foot], { stroke: look.one, line: 2 });
    text("excites", 33);
    pen.path([81, foot, 99, foot], { stroke: look.two, line: 2, dash: [5, 4] });
    text("inhibits", 104);
    pen.circle(159, foot, 5, { fill: look.one, stroke: look.ink });
    text("on", 168);
    pen.rect(192, foot - 5, 10, 10, { stroke: look.ink, line: 2 });
    text("evidence", 207);
  }

  // Names stand outside the circle, those of neighbours at two heights where there are many.
  placeOfName([x, y], k, radius, middle) {
    const apart = radius + 12 + (this.known.labels.length > 6 ? 12 * (k % 2) : 0);
    return [x, y + (y > middle ? apart : -apart)];
  }

  drawName(pen, look, name, x, y) {
    const wide = widthOf(name, 11);
    pen.rect(x - wide / 2 - 2, y - 7, wide + 4, 14, { fill: `${look.paper}d0` });
    pen.text(name, x, y, { fill: look.ink, align: "center", size: 11 });
  }

  drawRaster(pen, width, height, look) {
    if (!this.known) return;
    const { labels, window } = this.known;
    const scale = window === null ? { factor: 1, unit: "sweeps" } : prefixed(Math.max(this.now, SPAN) * window, "s");
    const step = window === null ? 1 : window / scale.factor;
    const end = Math.max(this.now, SPAN), start = end - SPAN;
    const few = labels.length <= MOST_NAMES;
    const strip = 54; // pixels of the energy below
    const x = { least: start * step, most: end * step };
    const y = { least: labels.length, most: 0, ticks: few ? labels.map((_, k) => k + 0.5) : undefined, name: few ? (tick) => cut(labels[Math.floor(tick)]) : undefined };
    const at = axes(pen, width, height - strip, look, { x: { ...x, ticks: [] }, y, margin: { left: this.margin, bottom: 4 } });
    const tall = at.height / labels.length;
    pen.within(at.left, at.top, at.width, at.height, () => {
      pen.rects(this.blocks(at, step, start, tall), look.soft);
      const ticks = [[], []]; // of units, and of units whose laser stands for "off"
      for (const [unit, time] of this.spikes) {
        if (time < start || time > this.now) continue;
        const place = at.x(time * step), middle = at.top + (unit + 0.5) * tall;
        ticks[this.known.flipped[unit]].push(place, middle - tall * 0.42, place, middle + tall * 0.42, NaN, NaN);
      }
      pen.path(ticks[1], { stroke: look.quiet, line: 0.75 });
      pen.path(ticks[0], { stroke: look.ink, line: few ? 1.5 : 1 });
    });
    pen.moved(0, height - strip, () => this.drawEnergy(pen, width, strip, look, x, step, few, scale.unit));
  }

  // Where units are on, [x, y, width, height, …]; draws that follow each other make one block.
  blocks(at, step, start, tall) {
    const found = [], draws = this.rows.length;
    const [from, to] = [Math.max(0, Math.floor(start) - this.first), Math.min(draws, Math.ceil(this.now) - this.first)];
    for (let unit = 0; unit < this.known.labels.length; unit++) {
      const top = at.top + (unit + 0.12) * tall;
      for (let k = from; k < to; k++) {
        if (!this.rows[k][unit]) continue;
        const left = at.x((this.first + k) * step);
        while (k + 1 < to && this.rows[k + 1][unit]) k++;
        found.push(left, top, at.x(Math.min(this.first + k + 1, this.now) * step) - left, tall * 0.76);
      }
    }
    return found;
  }

  drawEnergy(pen, width, height, look, x, step, few, unit) {
    const seen = this.energy.filter(Number.isFinite);
    const least = Math.min(0, ...seen), most = Math.max(least + 1, ...seen);
    const label = unit === "sweeps" ? "sweeps" : `time on the chip [${unit}]`;
    const at = axes(pen, width, height, look, { x: { ...x, label }, y: { least, most, ticks: [least, most], name: (tick) => shown(tick, 2) }, margin: { left: this.margin, top: 6, bottom: 32 } });
    pen.text("energy", at.left, height - 8, { fill: look.three, size: 11 });
    pen.within(at.left, at.top - 2, at.width, at.height + 4, () => curve(pen, at, this.energy.map((_, k) => (this.first + k + 1) * step), this.energy, { stroke: look.three, line: 1.5 }));
  }

  drawMarginals(pen, width, height, look) {
    if (!this.known) return;
    const { free, labels, exact_marginals: exact } = this.known;
    const found = this.latest.marginals;
    const few = free.length <= MOST_NAMES;
    const at = axes(pen, width, height, look, {
      x: { least: 0, most: 1, label: "probability of being on" },
      y: { least: free.length, most: 0, ticks: few ? Array.from(free, (_, k) => k + 0.5) : undefined, name: few ? (tick) => cut(labels[free[Math.floor(tick)]]) : undefined },
      margin: { left: this.margin, top: 26 },
    });
    const tall = at.height / free.length;
    const gap = tall > 4 ? 0.15 : 0; // bars without gaps where these would be thinner than a pixel
    const rows = Array.from(free, (_, k) => at.top + (k + gap) * tall);
    if (found) pen.rects(rows.flatMap((top, k) => [at.left, top, at.x(found[k]) - at.left, tall * (1 - 2 * gap)]), look.one);
    const marks = (top, k) => [at.x(exact[k]), top - tall * 0.1, at.x(exact[k]), top + tall * (1.1 - 2 * gap), NaN, NaN];
    if (exact) pen.path(rows.flatMap(marks), { stroke: look.two, line: few ? 3 : 1.5 });
    legend(pen, { ...at, top: 2 }, look, [["sampled", { fill: look.one }], ...(exact ? [["exact", { stroke: look.two, line: 3 }]] : [])]);
  }

  drawJoint(pen, width, height, look) {
    if (!this.known) return;
    const { exact_joint: exact, shown: states, free, labels } = this.known;
    if (!exact) return pen.text(FEW_UNITS, width / 2, height / 2, { fill: look.quiet, align: "center" });
    const found = this.latest.joint || new Float64Array(exact.length);
    const most = Math.max(...exact, ...found, 1e-6) * 1.1;
    const letters = (k) => Array.from(states.subarray(k * free.length, (k + 1) * free.length)).join("");
    const named = exact.length <= 16, upright = named && exact.length * (widthOf(letters(0), 11) + 6) > width - 64;
    const at = axes(pen, width, height, look, {
      x: { least: 0, most: exact.length, ticks: named ? Array.from(exact, (_, k) => k + 0.5) : [], name: (tick) => letters(Math.floor(tick)), upright, label: named ? free.length <= 4 ? `states of ${Array.from(free, (k) => labels[k]).join(", ")}` : "states" : `the ${exact.length} most probable states` },
      y: { least: 0, most, label: "probability" },
      margin: { top: 26, bottom: upright ? 36 + widthOf(letters(0), 11) : 34 },
    });
    const wide = at.width / exact.length;
    exact.forEach((p, k) => {
      const left = at.left + k * wide + wide * 0.12;
      pen.rect(left, at.y(found[k]), wide * 0.76, at.y(0) - at.y(found[k]), { fill: look.one });
      pen.path([left - wide * 0.08, at.y(p), left + wide * 0.84, at.y(p)], { stroke: look.two, line: 3 });
    });
    legend(pen, { ...at, top: 2 }, look, [["sampled", { fill: look.one }], ["exact", { stroke: look.two, line: 3 }]]);
  }

  drawDivergence(pen, width, height, look) {
    const { kl, kl_draws, kl_floor, kl_limit } = this.latest;
    if (!this.known) return;
    const why = this.known.exact_joint ? "KL of the sampled states from the exact ones" : FEW_UNITS;
    if (!kl?.length) return pen.text(why, width / 2, height / 2, { fill: look.quiet, align: "center" });
    const { window } = this.known;
    const step = window === null ? 1 : window;
    const { before_kl: before, before_kl_draws: beforeDraws } = this.known;
    const last = Math.max(kl_draws.at(-1), 80, before?.length ? beforeDraws.at(-1) : 0) * step;
    const scale = window === null ? { factor: 1, unit: "" } : prefixed(last, "s");
    const times = kl_draws.map((draws) => (draws * step) / scale.factor);
    const all = [...kl, ...kl_floor, ...(before || [])].filter((each) => each > 0);
    const at = axes(pen, width, height, look, {
      x: { least: (8 * step) / scale.factor, most: last / scale.factor, log: true, label: window === null ? "sweeps" : `time on the chip [${scale.unit}]` },
      y: { least: Math.min(...all) / 1.5, most: Math.max(...all) * 1.5, log: true, label: "KL [nats]" },
      margin: { top: 26, left: 66 },
    });
    pen.within(at.left, at.top, at.width, at.height, () => {
      curve(pen, at, times, kl_limit, { stroke: look.quiet, line: 1, dash: [2, 3] });
      curve(pen, at, times, kl_floor, { stroke: look.quiet, line: 1.5, dash: [6, 4] });
      if (before?.length) curve(pen, at, beforeDraws.map((draws) => (draws * step) / scale.factor), before, { stroke: look.two, line: 2 });
      curve(pen, at, times, kl, { stroke: look.one, line: 2 });
    });
    const faulty = before?.length ? [["as built", { stroke: look.two, line: 2 }]] : [];
    legend(pen, { ...at, top: 2 }, look, [...faulty, [before?.length ? "refined" : "sampled", { stroke: look.one, line: 2 }], ["floor", { stroke: look.quiet, dash: [6, 4] }], ["limit", { stroke: look.quiet, line: 1, dash: [2, 3] }]]);
  }
}
