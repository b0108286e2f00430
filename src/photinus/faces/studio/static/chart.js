// Axes, and where numbers lie on them. All charts of the studio are drawn with these.

import { widthOf } from "./pen.js";

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const PREFIXES = [[1e-15, "f"], [1e-12, "p"], [1e-9, "n"], [1e-6, "µ"], [1e-3, "m"], [1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]];

export function theme() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "ink", "quiet", "line", "one", "two", "three", "soft", "band"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

// Thin spaces between thousands, from five digits on.
function grouped(whole) {
  const text = String(whole).replace("-", "−");
  return Math.abs(whole) < 1e4 ? text : text.replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

// A number of some digits, with spaces between thousands.
export function shown(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return grouped(value);
  if (size >= 1e7 || size < 1e-4) {
    const [mantissa, power] = value.toExponential(Math.max(0, digits - 2)).split("e");
    const times = +mantissa === 1 ? "" : `${String(+mantissa).replace("-", "−")}·`;
    return `${times}10${[...String(+power)].map((each) => SUPERSCRIPTS[each]).join("")}`;
  }
  if (size >= 10 ** (digits - 1)) return grouped(Math.round(value));
  return String(+value.toPrecision(digits)).replace("-", "−");
}

// A quantity with a prefix: 1.2e-8 and "s" give 12 ns.
export function quantity(value, unit, digits = 3) {
  if (!value) return `0 ${unit}`;
  const [factor, prefix] = PREFIXES.findLast(([each]) => Math.abs(value) >= each * 0.9995) || PREFIXES[0];
  return `${shown(value / factor, digits)} ${prefix}${unit}`;
}

// The prefix that suits numbers up to `most`: what to divide by, and the unit's name.
export function prefixed(most, unit) {
  const [factor, prefix] = PREFIXES.findLast(([each]) => most >= each * 2) || PREFIXES[0];
  return { factor, unit: `${prefix}${unit}` };
}

function niceStep(range, count) {
  const raw = range / count, power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((each) => each * power >= raw) || 10);
}

function ticksBetween(least, most, count) {
  const step = niceStep(most - least, count), ticks = [];
  for (let k = Math.ceil(least / step - 1e-9); k * step <= most + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}

function decades(least, most) {
  const ticks = [];
  if (most / least < 30) {
    for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) ticks.push(power, 2 * power, 5 * power);
    return ticks.filter((each) => each >= least * 0.999 && each <= most * 1.001);
  }
  const every = Math.max(1, Math.ceil(Math.log10(most / least) / 5));
  for (let k = Math.ceil(Math.log10(least) - 1e-9); 10 ** k <= most * 1.0001; k += every) ticks.push(10 ** k);
  return ticks;
}

const MARGIN = { left: 52, right: 12, top: 8, bottom: 34 };

// A name of at most so many letters.
export const cut = (name, most = 18) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

// The margin in pixels that names on the left need.
export const marginOf = (names) => Math.max(52, 20 + Math.max(...names.map((name) => widthOf(cut(name), 11))));

// Draws axes into (0, 0, width, height) and returns where values lie: {x(value), y(value), left, top, …}.
export function axes(pen, width, height, look, options) {
  const { x, y, margin = {} } = options;
  const m = { ...MARGIN, ...margin };
  const inner = { left: m.left, top: m.top, width: Math.max(10, width - m.left - m.right), height: Math.max(10, height - m.top - m.bottom) };
  const scale = (axis, from, length) => {
    const turn = axis.log ? Math.log10 : (value) => value;
    const [low, high] = [turn(axis.least), turn(axis.most)];
    return (value) => from + (length * (turn(value) - low)) / (high - low || 1);
  };
  const at = { ...inner, x: scale(x, inner.left, inner.width), y: scale(y, inner.top + inner.height, -inner.height) };
  const marks = (axis, length, apart) => (axis.ticks ? axis.ticks : axis.log ? decades(axis.least, axis.most) : ticksBetween(axis.least, axis.most, Math.max(4, length / apart)));
  const bottom = inner.top + inner.height;
  for (const tick of marks(y, inner.height, 45)) {
    const place = at.y(tick);
    pen.path([inner.left, place, inner.left + inner.width, place], { stroke: look.band, line: 1 });
    pen.text(y.name ? y.name(tick) : shown(tick, 6), inner.left - 6, place, { fill: look.quiet, align: "right", size: 11 });
  }
  const below = marks(x, inner.width, 90).map((tick) => [at.x(tick), x.name ? x.name(tick) : shown(tick, 6)]);
  const wide = ([, name]) => (x.upright ? 11 : widthOf(name, 11)) + 6;
  // Where there is no room for all names, every second or third stands.
  const every = below.length > 1 ? Math.ceil((Math.max(...below.map(wide)) * (below.length - 1)) / (below.at(-1)[0] - below[0][0])) : 1;
  let free = -Infinity; // from where on there is room
  for (const [k, [place, name]] of below.entries()) {
    pen.path([place, bottom, place, bottom + 4], { stroke: look.quiet, line: 1 });
    const half = wide([place, name]) / 2;
    if (k % every || place - half < free) continue;
    free = place + half;
    const written = x.upright ? [bottom + 7, { fill: look.quiet, align: "right", size: 11, turn: -Math.PI / 2 }] : [bottom + 12, { fill: look.quiet, align: "center", size: 11 }];
    pen.text(name, place, ...written);
  }
  pen.path([inner.left, bottom, inner.left + inner.width, bottom], { stroke: look.quiet, line: 1 });
  if (x.label) pen.text(x.label, Math.min(inner.left + inner.width / 2, width - 4 - widthOf(x.label, 11) / 2), bottom + m.bottom - 8, { fill: look.quiet, align: "center", size: 11 });
  if (y.label) pen.text(y.label, 10, inner.top + inner.height / 2, { fill: look.quiet, align: "center", size: 11, turn: -Math.PI / 2 });
  return at;
}

export function curve(pen, at, xs, ys, look) {
  const points = new Float64Array(2 * xs.length);
  for (let k = 0; k < xs.length; k++) (points[2 * k] = at.x(xs[k])), (points[2 * k + 1] = at.y(ys[k]));
  pen.path(points, look);
}

// Names of curves, one beside the other, at the top right.
export function legend(pen, at, look, entries) {
  let right = at.left + at.width;
  for (const [name, drawn] of [...entries].reverse()) {
    pen.text(name, right, at.top + 8, { fill: look.quiet, align: "right", size: 11 });
    right -= widthOf(name, 11) + 5;
    if (drawn.fill) pen.rect(right - 10, at.top + 3, 10, 10, drawn);
    else pen.path([right - 16, at.top + 8, right, at.top + 8], drawn);
    right -= 30;
  }
}
