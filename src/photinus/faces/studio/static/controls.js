// Controls with their names and units. Each is {name, label, unit, …} and tells `changed(name, value)`.

import { shown } from "./chart.js";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const STEPS = 400; // of a logarithmic slider

// A slider from `least` to `most`, logarithmic if asked for; its value is shown with the unit.
export function slider({ name, label, unit, least, most, step, log, digits = 3, factor = 1 }, value, changed) {
  const id = `control-${name}`;
  const span = Math.log(most / least);
  const toValue = (place) => (log ? +(least * Math.exp((span * place) / STEPS)).toPrecision(3) : +(+place).toPrecision(12));
  const toPlace = (given) => (log ? (STEPS * Math.log(given / least)) / span : given);
  const range = log ? { min: 0, max: STEPS, step: 1 } : { min: least, max: most, step };
  const input = element("input", { type: "range", id, ...range });
  const output = element("output", { for: id });
  const tell = (current) => {
    output.textContent = `${shown(current / factor, digits)} ${unit}`;
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => (tell(toValue(input.value)), changed(name, toValue(input.value))));
  const node = element("div", { class: "control" }, element("label", { for: id }, label), output, input);
  const set = (given) => ((input.value = toPlace(given)), tell(given));
  set(value);
  return { node, set };
}

// A slider of the speed, with a button for its slow end and one for its fast end.
export function pace({ slow, fast, ...given }, value, changed) {
  const made = slider({ name: "speed", label: "Speed", log: true, ...given }, value, changed);
  const go = (to) => () => (made.set(to), changed("speed", to));
  const ways = element("div", { class: "buttons pair" }, button("Slow motion", go(slow), { id: "slow" }), button("Fast forward", go(fast), { id: "fast" }));
  return { node: element("div", {}, made.node, ways) };
}

// A list to choose from; options are {value: title}, or pairs where the order counts.
export function choice({ name, label, options }, value, changed) {
  const id = `control-${name}`;
  const select = element("select", { id, onchange: () => changed(name, select.value) });
  const fill = (given) => select.replaceChildren(...(Array.isArray(given) ? given : Object.entries(given)).map(([key, title]) => element("option", { value: key }, title)));
  fill(options);
  select.value = value;
  const node = element("div", { class: "control" }, element("label", { for: id }, label), element("span"), select);
  return { node, set: (given) => (select.value = given), fill };
}

export function whole({ name, label, unit, least, most }, value, changed) {
  const id = `control-${name}`;
  const input = element("input", { type: "number", id, min: least, max: most, step: 1 });
  input.addEventListener("change", () => {
    const given = Math.round(Math.min(most, Math.max(least, +input.value || least)));
    input.value = given;
    changed(name, given);
  });
  input.value = value;
  const node = element("div", { class: "control" }, element("label", { for: id }, label), element("span"), element("div", { class: "number" }, input, unit));
  return { node, set: (given) => (input.value = given) };
}

// A number that may be left empty, which is null: then `instead` says what holds.
export function amount({ name, label, unit, factor = 1, instead }, value, changed) {
  const id = `control-${name}`;
  const input = element("input", { type: "number", id, min: 0, step: "any", placeholder: instead });
  input.addEventListener("change", () => changed(name, input.value === "" ? null : Math.max(0, +input.value) * factor));
  const set = (given) => (input.value = given === null ? "" : +(given / factor).toPrecision(6));
  set(value);
  const node = element("div", { class: "control" }, element("label", { for: id }, label), element("span"), element("div", { class: "number" }, input, unit));
  return { node, set };
}

export function button(text, pressed, attributes = {}) {
  return element("button", { type: "button", onclick: pressed, ...attributes }, text);
}
