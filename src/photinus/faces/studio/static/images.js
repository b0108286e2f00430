// Images: a learned machine dreams, imagines a class, and completes what is drawn.

import { axes, shown } from "./chart.js";
import { button, choice, element } from "./controls.js";
import { NetworkPage } from "./network.js";
import { Panel } from "./panel.js";

const MOST_SHOWN = 8; // chains
const HALVES = {
  upper: { title: "upper half", has: (row, column, height) => row < height / 2 },
  left: { title: "left half", has: (row, column, height, width) => column < width / 2 },
};

export class ImagesPage extends NetworkPage {
  static title = "Images";
  static hint = "Draw the upper half of a digit with the mouse. The lasers complete it.";
  static defaults = { problem: "", substrate: "laser", laser: "fast-absorber", chains: 4, seed: 0, speed: 30, evidence: "" };

  constructor(host) {
    super(host);
    this.editor = new Panel("Draw half a digit", "", "editor", (...given) => this.drawEditor(...given));
    this.dreams = new Panel("What the lasers show", "each chain: its pixels, and what its hidden units make of them", "dreams", (...given) => this.drawDreams(...given));
    this.mean = new Panel("Mean", "of all draws", "mean", (...given) => this.drawMean(...given));
    this.classes = new Panel("Class", "share of the draws", "classes", (...given) => this.drawClasses(...given));
    this.panels = [this.editor, this.dreams, this.mean, this.classes, this.raster];
    const { canvas } = this.editor;
    Object.assign(canvas, { tabIndex: 0 });
    canvas.setAttribute("aria-label", "Draw half a digit: arrow keys move, the space bar paints");
    canvas.addEventListener("pointerdown", (event) => this.stroke(event, true));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.stroke(event, false));
    canvas.addEventListener("pointerup", () => this.send());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  controls(values, set) {
    const substrates = { laser: "lasers, full physics", "laser-reduced": "reduced lasers", lif: "integrate-and-fire neurons", gibbs: "Gibbs sampling" };
    this.wanted = choice({ name: "class", label: "Imagine a class", options: { "": "any" } }, "", (_, value) => ((this.asked = value), this.send()));
    this.half = choice({ name: "half", label: "Counts as drawn", options: Object.fromEntries(Object.entries(HALVES).map(([name, { title }]) => [name, title])) }, "upper", (_, value) => ((this.sideDrawn = value), this.send()));
    this.example = choice({ name: "example", label: "Begin with half of an image", options: { "": "none" } }, "", (_, value) => this.copy(value));
    this.sideDrawn = "upper";
    return [
      this.text,
      this.wanted.node,
      element("h2", {}, "Complete"),
      this.half.node,
      this.example.node,
      element("div", { class: "buttons" }, button("Clear the drawing", () => this.clear(), { id: "clear" })),
      element("h2", {}, "Sampler"),
      choice({ name: "substrate", label: "Substrate", options: substrates }, values.substrate, set).node,
      ...this.sampler(values, set),
      this.warning,
    ];
  }

  about(known) {
    const first = !this.known;
    super.about(known);
    if (first) this.begin(known);
    this.editor.tell(`${HALVES[this.sideDrawn].title} is evidence`);
  }

  // Takes from the evidence in the address what is drawn, and which class is asked for.
  begin({ features, names, class_units: units, examples, shape }) {
    const given = this.host.settings.evidence;
    const letter = (unit) => given[unit] || "-";
    this.ink = Array.from(features, (unit) => letter(unit) === "1");
    this.drawing = Array.from(features).some((unit) => letter(unit) !== "-");
    if (this.drawing && letter(features[shape[1] - 1]) === "-") this.sideDrawn = "left";
    this.half.set(this.sideDrawn);
    this.asked = names.find((_, k) => letter(units[k]) === "1") || "";
    this.wanted.fill([["", "any"], ...names.map((name) => [name, name])]);
    this.wanted.set(this.asked);
    const count = examples ? examples.shape[0] : 0;
    this.example.fill([["", "none"], ...Array.from({ length: count }, (_, k) => [k, `an image of ${names[k]}`])]);
    this.cursor = 0;
  }

  counts(pixel) {
    const [height, width] = this.known.shape;
    return HALVES[this.sideDrawn].has(Math.floor(pixel / width), pixel % width, height, width);
  }

  send() {
    const letters = Array(this.known.labels.length).fill("-");
    if (this.drawing) this.known.features.forEach((unit, pixel) => this.counts(pixel) && (letters[unit] = this.ink[pixel] ? "1" : "0"));
    if (this.asked) this.known.class_units.forEach((unit, k) => (letters[unit] = this.known.names[k] === this.asked ? "1" : "0"));
    this.host.set("evidence", letters.every((each) => each === "-") ? "" : letters.join(""));
  }

  clear() {
    this.ink.fill(false);
    this.drawing = false;
    this.example.set("");
    this.send();
  }

  copy(which) {
    if (which === "") return this.clear();
    const { examples, features } = this.known;
    this.ink = Array.from(features, (_, pixel) => examples[which * features.length + pixel] === 1);
    this.drawing = true;
    this.send();
  }

  paint(pixel, begins) {
    if (!this.counts(pixel)) return;
    if (begins) this.colour = !this.ink[pixel];
    this.ink[pixel] = this.colour;
    this.drawing = true;
    this.host.touch();
  }

  stroke(event, begins) {
    if (!this.known || !this.place) return;
    const [height, width] = this.known.shape, { left, top, size } = this.place;
    const [column, row] = [Math.floor((event.offsetX - left) / size), Math.floor((event.offsetY - top) / size)];
    if (row >= 0 && row < height && column >= 0 && column < width) this.paint(row * width + column, begins);
  }

  key(event) {
    if (!this.known) return;
    const [height, width] = this.known.shape;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
    if (step) this.cursor = Math.max(0, Math.min(height * width - 1, this.cursor + step));
    else if (event.key === " ") this.paint(this.cursor, true), this.send();
    else return;
    event.preventDefault();
    this.host.touch();
  }

  // Draws values from 0 to 1 as an image into a square.
  picture(pen, left, top, side, values, look, grid) {
    const [height, width] = this.known.shape, size = side / Math.max(height, width);
    pen.rect(left, top, size * width, size * height, { fill: look.band });
    const levels = new Map();
    values.forEach((value, pixel) => {
      const level = Math.round(15 * value);
      if (!level) return;
      if (!levels.has(level)) levels.set(level, []);
      levels.get(level).push(left + (pixel % width) * size, top + Math.floor(pixel / width) * size, size + (grid ? -1 : 0.3), size + (grid ? -1 : 0.3));
    });
    for (const [level, places] of levels) pen.rects(places, `${look.ink}${(level * 17).toString(16).padStart(2, "0")}`);
    return size;
  }

  drawEditor(pen, width, height, look) {
    if (!this.known) return;
    const side = Math.min(width, height) - 24, left = (width - side) / 2, top = (height - side) / 2;
    const size = this.picture(pen, left, top, side, this.ink.map(Number), look, true);
    this.place = { left, top, size };
    const across = this.known.shape[1];
    this.ink.forEach((_, pixel) => {
      const [x, y] = [left + (pixel % across) * size, top + Math.floor(pixel / across) * size];
      if (!this.counts(pixel)) pen.rect(x, y, size, size, { fill: `${look.quiet}40` });
      else pen.rect(x + 0.5, y + 0.5, size - 1, size - 1, { stroke: look.line });
      if (pixel === this.cursor && document.activeElement === this.editor.canvas) pen.rect(x + 2, y + 2, size - 4, size - 4, { stroke: look.two, line: 2 });
    });
    if (this.drawing) return this.frameDrawn(pen, left, top, side, look);
    const [x, y] = this.sideDrawn === "upper" ? [left + side / 2, top + side / 4] : [left + side / 4, top + side / 2];
    pen.rect(x - 42, y - 12, 84, 24, { fill: look.band });
    pen.text("draw here", x, y, { fill: look.ink, align: "center", size: 14 });
  }

  drawDreams(pen, width, height, look) {
    const { pixels, smooth, classes } = this.latest;
    if (!this.known || !pixels) return;
    const [chains, count] = pixels.shape, number = Math.min(chains, MOST_SHOWN), { names } = this.known;
    // As many side by side as make the images largest.
    const sideOf = (columns) => Math.min(width / columns / 2 - 14, height / Math.ceil(number / columns) - 30);
    const across = Array.from({ length: number }, (_, k) => k + 1).reduce((best, columns) => (sideOf(columns) > sideOf(best) ? columns : best), 1);
    const side = sideOf(across), wide = width / across, tall = height / Math.ceil(number / across);
    for (let chain = 0; chain < number; chain++) {
      const left = (chain % across) * wide + (wide - 2 * side - 8) / 2, top = Math.floor(chain / across) * tall + (tall - side - 20) / 2;
      const part = (values, length) => Array.from(values.subarray(chain * length, (chain + 1) * length));
      this.picture(pen, left, top, side, part(pixels, count), look);
      if (this.drawing) this.frameDrawn(pen, left, top, side, look);
      this.picture(pen, left + side + 8, top, side, part(smooth, count), look);
      const on = names.length ? names.filter((_, k) => classes[chain * names.length + k]) : [];
      pen.text(on.length === 1 ? `class ${on[0]}` : "no single class", left + side + 4, top + side + 14, { fill: look.quiet, align: "center", size: 12 });
    }
  }

  // A line around the half that is evidence.
  frameDrawn(pen, left, top, side, look) {
    const [height, width] = this.known.shape, size = side / Math.max(height, width), upper = this.sideDrawn === "upper";
    const [across, down] = [size * (upper ? width : Math.ceil(width / 2)), size * (upper ? Math.ceil(height / 2) : height)];
    pen.rect(left, top, across, down, { stroke: look.two, line: 2 });
  }

  // Probability of each unit: sampled where it is free, else what is known.
  chances() {
    const { free, labels } = this.known, found = this.latest.marginals;
    const chances = labels.map((_, unit) => (this.letters[unit] === "1" ? 1 : 0));
    if (found) free.forEach((unit, k) => (chances[unit] = found[k]));
    return chances;
  }

  drawMean(pen, width, height, look) {
    if (!this.known) return;
    const chances = this.chances(), side = Math.min(width, height) - 24;
    this.picture(pen, (width - side) / 2, (height - side) / 2, side, Array.from(this.known.features, (unit) => chances[unit]), look);
  }

  drawClasses(pen, width, height, look) {
    if (!this.known?.names.length) return;
    const { names, class_units: units } = this.known, chances = this.chances();
    const at = axes(pen, width, height, look, {
      x: { least: 0, most: names.length, ticks: names.map((_, k) => k + 0.5), name: (tick) => names[Math.floor(tick)], label: "class" },
      y: { least: 0, most: 1, label: "share of draws" },
    });
    const wide = at.width / names.length;
    pen.rects(Array.from(units).flatMap((unit, k) => [at.left + (k + 0.15) * wide, at.y(chances[unit]), wide * 0.7, at.y(0) - at.y(chances[unit])]), look.one);
  }

  tell() {
    super.tell();
    this.mean.tell(`of ${shown(this.latest.draws)} draws of each chain`);
    this.raster.tell("first chain");
  }

  turn() {} // evidence is what is drawn
}
