// Spikes of one chain that can be zoomed and moved. Without scripts and on paper the picture stands.
document.querySelectorAll(".live").forEach(place => {
  const {labels, flipped, unit, time, tau, end, colour} = JSON.parse(place.querySelector("script").textContent);
  const canvas = place.querySelector("canvas"), pen = canvas.getContext("2d"),
    ROW = 22, tall = canvas.height;
  pen.font = "12px Arial, sans-serif";
  const LEFT = 12 + Math.max(...labels.map(label => pen.measureText(label).width));
  let from = 0, to = Math.min(40 * tau, end), held = null;
  place.hidden = false;
  place.nextElementSibling.style.display = "none";
  const x = t => LEFT + (t - from) / (to - from) * (canvas.clientWidth - LEFT);
  function draw() {
    const wide = canvas.clientWidth, dots = devicePixelRatio || 1;
    canvas.width = wide * dots; canvas.height = tall * dots; canvas.style.height = tall + "px";
    pen.setTransform(dots, 0, 0, dots, 0, 0); pen.font = "12px Arial, sans-serif"; pen.clearRect(0, 0, wide, tall);
    labels.forEach((label, k) => {
      const y = k * ROW + 3, own = time.filter((_, i) => unit[i] === k), bars = [];
      own.forEach(t => { const last = bars[bars.length - 1];
        if (last && t <= last[1]) last[1] = t + tau; else bars.push([t, t + tau]); });
      const on = flipped[k] ? [...bars, [end, end]].map((b, i) => [i ? bars[i - 1][1] : 0, b[0]]) : bars;
      pen.save(); pen.beginPath(); pen.rect(LEFT, 0, wide - LEFT, tall); pen.clip();
      pen.fillStyle = colour; pen.globalAlpha = .25;
      on.forEach(([a, b]) => { if (b > from && a < to && b > a) pen.fillRect(x(a), y, x(b) - x(a), ROW - 6); });
      pen.globalAlpha = 1;
      own.forEach(t => { if (t > from && t < to) pen.fillRect(x(t) - .6, y, 1.2, ROW - 6); });
      pen.restore(); pen.fillStyle = "#222"; pen.textAlign = "right"; pen.fillText(label, LEFT - 8, y + 12);
    });
    const step = [1, 2, 5].flatMap(s => [...Array(7)].map((_, k) => s * 10 ** (k - 2))).sort((a, b) => a - b)
      .find(s => (to - from) / s < Math.max(2, (wide - LEFT) / 60));
    pen.textAlign = "center";
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      pen.fillRect(x(t), labels.length * ROW, 1, 4); pen.fillText(+t.toPrecision(6) + " ns", Math.min(x(t), wide - 24), labels.length * ROW + 18); }
  }
  function zoom(factor, at) {
    if (!factor) [from, to] = [0, end];
    else { const width = Math.min(end, Math.max(tau, (to - from) / factor)), part = (at - from) / (to - from);
      from = Math.max(0, Math.min(at - part * width, end - width)); to = from + width; }
    draw();
  }
  const when = event => from + (event.offsetX - LEFT) / (canvas.clientWidth - LEFT) * (to - from);
  place.querySelectorAll("button").forEach(button => button.addEventListener("click", () => zoom(+button.dataset.zoom, (from + to) / 2)));
  canvas.addEventListener("wheel", event => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.3 : 1 / 1.3, when(event)); }, {passive: false});
  canvas.addEventListener("pointerdown", event => { held = when(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointermove", event => { if (held === null) return;
    const width = to - from; from = Math.max(0, Math.min(from + held - when(event), end - width)); to = from + width; draw(); });
  addEventListener("resize", draw);
  draw();
});
