"use strict";
/* The curves over the frames. */
const LEGEND_PX = 18;

/* Round numbers from 0 to a little above `most`. */
function ticks(most, count) {
  const raw = most / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((n) => n * power >= raw);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

let place = null;
/* The curves that there are: of tissues that the model labels. */
const linesShown = () => measures.lines.filter(({ key }) => measures.curves[key].some((v) => v !== null));

/* Where the names of lines are, in as many rows as they need. */
function legendOf(lines, left, right) {
  let x = left, row = 0;
  return lines.map((line) => {
    const wide = 30 + 6.6 * line.name.length;
    if (x > left && x + wide > right + 14) { x = left; row++; }
    x += wide;
    return { ...line, x: x - wide, row };
  });
}

/* The ventricles, whose extremes are marked. */
const EXTREMES = [1, 3];

function extremesOf(key) {
  const values = measures.curves[key].map((v, i) => [v, i]).filter(([v]) => v !== null);
  const of = (better) => values.reduce((best, one) => (better(one[0], best[0]) ? one : best))[1];
  return { most: of((a, b) => a > b), least: of((a, b) => a < b) };
}

function extremesInWords(lines) {
  if (!measures.has_phases || image.shape[0] === 1) return "";
  return ["Rings mark extremes:", ...lines.filter(({ tissue }) => EXTREMES.includes(tissue)).map(({ key, name }) => {
    const { most, least } = extremesOf(key), said = (i) => `${short(measures.curves[key][i])} ${measures.unit} in frame ${i + 1}`;
    return `${name} ${said(most)} and ${said(least)}.`;
  })].join(" ");
}

function drawCurve() {
  if (!measures) return;
  if (isTracked()) return drawStrain();
  const width = at("curve").clientWidth || 600, height = width < 500 ? 250 : 300, frames = image.shape[0];
  const lines = linesShown(), first = lines.length ? lines[0].key : "";
  const margin = { left: 50, right: 14, bottom: 40 }, names = legendOf(lines, margin.left, width - margin.right);
  margin.top = 22 + LEGEND_PX * (1 + Math.max(0, ...names.map(({ row }) => row)));
  const levels = ticks(Math.max(1e-6, ...lines.flatMap(({ key }) => measures.curves[key].map((v) => v || 0))), 5);
  const most = levels[levels.length - 1];
  const x = (i) => margin.left + ((width - margin.left - margin.right) * (frames > 1 ? i / (frames - 1) : 0.5));
  const y = (v) => height - margin.bottom - (height - margin.top - margin.bottom) * (v / most);
  const ink = PALE, parts = [];
  for (const level of levels) {
    parts.push(svg("line", { x1: margin.left, x2: width - margin.right, y1: y(level), y2: y(level), stroke: GRID }));
    parts.push(svg("text", { x: margin.left - 7, y: y(level) + 4, "text-anchor": "end", fill: ink }, level));
  }
  const every = Math.max(1, Math.ceil(frames / (width / 45)));
  for (let i = 0; i < frames; i += every) parts.push(svg("text", { x: x(i), y: height - margin.bottom + 17, "text-anchor": "middle", fill: ink }, i + 1));
  const time = result.interval_s ? `, ${short(1000 * result.interval_s)} ms each` : "";
  parts.push(svg("text", { x: (margin.left + width - margin.right) / 2, y: height - 6, "text-anchor": "middle", fill: ink }, `frame (from 1)${time}`));
  parts.push(svg("text", { x: -(margin.top + height - margin.bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle", fill: ink }, `${measures.quantity}, ${measures.unit}`));
  for (const [which, name] of measures.has_phases ? [["ed", "ED"], ["es", "ES"]] : []) {
    const here = x(measures[which] - 1);
    parts.push(svg("line", { x1: here, x2: here, y1: margin.top - 4, y2: y(0), stroke: INK, "stroke-dasharray": "4 3" }));
    parts.push(svg("text", { x: here, y: margin.top - 8, "text-anchor": "middle", "font-weight": 700, fill: INK }, name));
  }
  parts.push(svg("line", { id: "cursor", y1: margin.top, y2: y(0), stroke: ACCENT, "stroke-width": 2, opacity: 0.55 }));
  for (const { key: name, tissue, name: words } of lines) {
    const colour = colourOf(tissue), points = measures.curves[name].map((v, i) => [v, i]).filter(([v]) => v !== null);
    parts.push(svg("polyline", { points: points.map(([v, i]) => `${x(i)},${y(v)}`).join(" "), fill: "none", stroke: colour, "stroke-width": name === first ? 2.6 : 1.8 }));
    for (const [v, i] of points) {
      const dot = svg("circle", { cx: x(i), cy: y(v), r: name === first ? 4 : 2.6, fill: colour });
      dot.append(svg("title", {}, `${words}, frame ${i + 1}: ${short(v)} ${measures.unit}`));
      dot.addEventListener("click", () => go(i, z));
      parts.push(dot);
    }
  }
  const numbers = [];
  /* Beside a number that is there already the next one would be on top of it. */
  const isFree = (left, top) => numbers.every(([x, y]) => Math.abs(x - left) > 32 || Math.abs(y - top) > 13);
  for (const { key: name, tissue } of lines.filter((one) => EXTREMES.includes(one.tissue) && measures.has_phases)) {
    /* Where each ventricle is largest and smallest, whatever frames were chosen. */
    const { most: largest, least } = extremesOf(name);
    for (const [i, sides] of [[largest, [-10, 18]], [least, [18, -10]]]) {
      const v = measures.curves[name][i], left = limited(x(i), margin.left + 14, width - margin.right - 14);
      const tops = sides.map((side) => y(v) + side).filter((top) => top < y(0) - 2);
      const top = tops.find((one) => isFree(left, one)) ?? tops[0];
      numbers.push([left, top]);
      parts.push(svg("circle", { cx: x(i), cy: y(v), r: 6.5, fill: "none", stroke: colourOf(tissue), "stroke-width": 1.6, "pointer-events": "none" }));
      parts.push(svg("text", { class: "extreme", x: left, y: top, "text-anchor": "middle", fill: INK, "pointer-events": "none" }, short(v)));
    }
  }
  at("extremes").textContent = extremesInWords(lines);
  for (const { x: left, row, tissue, name } of names) {
    parts.push(svg("rect", { x: left, y: 4 + LEGEND_PX * row, width: 11, height: 11, rx: 3, fill: colourOf(tissue) }));
    parts.push(svg("text", { x: left + 16, y: 14 + LEGEND_PX * row, fill: INK }, name));
  }
  const told = (which) => `${short(first ? measures.curves[first][measures[which] - 1] || 0 : 0)} ${measures.unit}`;
  const words = measures.has_phases
    ? `Volume curve: LV cavity ${told("ed")} at end-diastole, ${told("es")} at end-systole`
    : `Curves of the ${measures.quantity}: ${lines.map(({ name }) => name).join(", ")}`;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  drawn.append(...parts);
  at("curve").replaceChildren(drawn);
  place = x;
  moveCursor();
}

function moveCursor() {
  const cursor = at("cursor");
  if (!cursor || !place) return;
  cursor.setAttribute("x1", place(t));
  cursor.setAttribute("x2", place(t));
}
