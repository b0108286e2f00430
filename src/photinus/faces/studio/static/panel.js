// A figure on the page: caption and canvas. What it shows is drawn by a function, on screen or into a file.

import { theme } from "./chart.js";
import { element } from "./controls.js";
import { CanvasPen, SvgPen } from "./pen.js";

const CAPTION = 26; // pixels above a figure in a file

export class Panel {
  static resized() {} // what happens when a figure has another size

  constructor(title, note, name, draw) {
    this.draw = draw;
    this.title = title;
    this.canvas = element("canvas", { role: "img", "aria-label": `${title} ${note}` });
    this.note = element("span", {}, note ? ` ${note}` : "");
    // Canvases lie between pixels where columns do. Browsers that tell their true size get it, so that texts stay sharp.
    const watch = new ResizeObserver(([{ devicePixelContentBoxSize: exact }]) => ((this.exact = exact?.[0]), Panel.resized()));
    try {
      watch.observe(this.canvas, { box: "device-pixel-content-box" });
    } catch {} // rounded sizes do as well
    this.node = element("figure", { class: name }, element("figcaption", {}, title, this.note), this.canvas);
  }

  tell(note) {
    if (note === this.told) return;
    this.told = note;
    this.note.textContent = ` ${note}`;
    this.note.parentNode.title = note;
    this.canvas.setAttribute("aria-label", `${this.title} ${note}`);
  }

  get size() {
    return [this.canvas.clientWidth, this.canvas.clientHeight];
  }

  rounded(ratio) {
    const [width, height] = this.size;
    return { inlineSize: Math.round(width * ratio), blockSize: Math.round(height * ratio) };
  }

  paint() {
    const ratio = window.devicePixelRatio || 1, { inlineSize: across, blockSize: down } = this.exact || this.rounded(ratio);
    const [width, height] = [across / ratio, down / ratio];
    if (this.canvas.width !== across || this.canvas.height !== down) Object.assign(this.canvas, { width: across, height: down });
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.draw(new CanvasPen(context), width, height, theme());
  }
}

// Draws all panels where they are on the page; returns the size of the whole.
function together(pen, panels, fill) {
  const look = theme();
  const places = panels.map((panel) => panel.node.getBoundingClientRect());
  const left = Math.min(...places.map((place) => place.left)), top = Math.min(...places.map((place) => place.top));
  const width = Math.max(...places.map((place) => place.right)) - left, height = Math.max(...places.map((place) => place.bottom)) - top;
  fill(width, height);
  pen.rect(0, 0, width, height, { fill: look.paper });
  panels.forEach((panel, k) => {
    const [x, y] = [places[k].left - left, places[k].top - top];
    pen.moved(x, y, () => {
      pen.text(panel.title, 10, 16, { fill: look.ink, size: 13, weight: 600 });
      pen.moved(0, CAPTION, () => panel.draw(pen, ...panel.size, look));
    });
  });
  return [width, height];
}

function offer(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function saveSvg(panels, name) {
  const pen = new SvgPen();
  const [width, height] = together(pen, panels, () => {});
  offer(new Blob([pen.document(Math.round(width), Math.round(height))], { type: "image/svg+xml" }), `${name}.svg`);
}

export function savePng(panels, name) {
  const canvas = document.createElement("canvas"), sharp = 2;
  const context = canvas.getContext("2d");
  together(new CanvasPen(context), panels, (width, height) => {
    Object.assign(canvas, { width: Math.round(sharp * width), height: Math.round(sharp * height) });
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
  });
  canvas.toBlob((blob) => offer(blob, `${name}.png`));
}
