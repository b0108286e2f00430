// Two pens that draw alike: one on a canvas, one into an SVG file.

const FONT = 'system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';

const ruler = document.createElement("canvas").getContext("2d");

// The width of a text in pixels.
export function widthOf(text, size = 12, weight = 400) {
  ruler.font = `${weight} ${size}px ${FONT}`;
  return ruler.measureText(text).width;
}

export class CanvasPen {
  constructor(context) {
    this.context = context;
  }

  rect(x, y, width, height, { fill, stroke, line = 1 }) {
    const c = this.context;
    if (fill) (c.fillStyle = fill), c.fillRect(x, y, width, height);
    if (stroke) (c.strokeStyle = stroke), (c.lineWidth = line), c.setLineDash([]), c.strokeRect(x, y, width, height);
  }

  // Rectangles [x, y, width, height, …] of one colour.
  rects(places, fill) {
    const c = this.context;
    c.fillStyle = fill;
    c.beginPath();
    for (let k = 0; k < places.length; k += 4) c.rect(places[k], places[k + 1], places[k + 2], places[k + 3]);
    c.fill();
  }

  circle(x, y, radius, look) {
    this.circles([x, y], radius, look);
  }

  // Circles around [x, y, …], all alike.
  circles(places, radius, { fill, stroke, line = 1 }) {
    const c = this.context;
    c.beginPath();
    for (let k = 0; k < places.length; k += 2) c.moveTo(places[k] + radius, places[k + 1]), c.arc(places[k], places[k + 1], radius, 0, 2 * Math.PI);
    if (fill) (c.fillStyle = fill), c.fill();
    if (stroke) (c.strokeStyle = stroke), (c.lineWidth = line), c.setLineDash([]), c.stroke();
  }

  // A line through points [x0, y0, x1, y1, …]; where one is not a number, it is interrupted.
  path(points, { stroke, line = 1.5, dash = [] }) {
    const c = this.context;
    c.strokeStyle = stroke;
    c.lineWidth = line;
    c.setLineDash(dash);
    c.beginPath();
    let down = false;
    for (let k = 0; k < points.length; k += 2) {
      const known = Number.isFinite(points[k + 1]);
      if (known) down ? c.lineTo(points[k], points[k + 1]) : c.moveTo(points[k], points[k + 1]);
      down = known;
    }
    c.stroke();
  }

  text(text, x, y, { fill, align = "left", size = 12, weight = 400, turn = 0 }) {
    const c = this.context;
    c.save();
    c.translate(x, y);
    c.rotate(turn);
    Object.assign(c, { fillStyle: fill, textAlign: align, textBaseline: "middle", font: `${weight} ${size}px ${FONT}` });
    c.fillText(text, 0, 0);
    c.restore();
  }

  within(x, y, width, height, draw) {
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    draw();
    c.restore();
  }

  moved(x, y, draw) {
    this.context.save();
    this.context.translate(x, y);
    draw();
    this.context.restore();
  }
}

const escaped = (text) => String(text).replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
const short = (number) => +number.toFixed(2);

export class SvgPen {
  constructor() {
    this.parts = [];
    this.clips = 0;
  }

  style({ fill, stroke, line = 1, dash = [] }) {
    const dashes = dash.length ? ` stroke-dasharray="${dash}"` : "";
    return `fill="${fill || "none"}"` + (stroke ? ` stroke="${stroke}" stroke-width="${line}"${dashes}` : "");
  }

  rect(x, y, width, height, look) {
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(Math.max(0, width))}" height="${short(Math.max(0, height))}" ${this.style(look)}/>`);
  }

  rects(places, fill) {
    const steps = [];
    for (let k = 0; k < places.length; k += 4) {
      const [x, y, width, height] = Array.from(places.slice(k, k + 4), short);
      steps.push(`M${x} ${y}h${width}v${height}h${-width}z`);
    }
    this.parts.push(`<path d="${steps.join("")}" ${this.style({ fill })}/>`);
  }

  circles(places, radius, look) {
    for (let k = 0; k < places.length; k += 2) this.circle(places[k], places[k + 1], radius, look);
  }

  circle(x, y, radius, look) {
    this.parts.push(`<circle cx="${short(x)}" cy="${short(y)}" r="${short(radius)}" ${this.style(look)}/>`);
  }

  path(points, { stroke, line = 1.5, dash = [] }) {
    const steps = [];
    let down = false;
    for (let k = 0; k < points.length; k += 2) {
      const known = Number.isFinite(points[k + 1]);
      if (known) steps.push(`${down ? "L" : "M"}${short(points[k])} ${short(points[k + 1])}`);
      down = known;
    }
    this.parts.push(`<path d="${steps.join("")}" ${this.style({ stroke, line, dash })}/>`);
  }

  text(text, x, y, { fill, align = "left", size = 12, weight = 400, turn = 0 }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    const turned = turn ? ` transform="rotate(${short((turn * 180) / Math.PI)} ${short(x)} ${short(y)})"` : "";
    this.parts.push(
      `<text x="${short(x)}" y="${short(y)}" fill="${fill}" text-anchor="${anchor}" dominant-baseline="central" font-size="${size}" font-weight="${weight}"${turned}>${escaped(text)}</text>`,
    );
  }

  within(x, y, width, height, draw) {
    const id = `clip${(this.clips += 1)}`;
    this.parts.push(`<clipPath id="${id}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/></clipPath><g clip-path="url(#${id})">`);
    draw();
    this.parts.push("</g>");
  }

  moved(x, y, draw) {
    this.parts.push(`<g transform="translate(${short(x)} ${short(y)})">`);
    draw();
    this.parts.push("</g>");
  }

  document(width, height) {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(FONT)}">${this.parts.join("\n")}</svg>\n`;
  }
}
