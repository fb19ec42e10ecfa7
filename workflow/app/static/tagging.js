"use strict";
/* Landmarks in tagged cines: on the pictures, and their strain as curves and tables. */
const RINGS = 7, SPOKES = 24, CONTOURS = [0, 3, 6];
const MIDWALL = "circumferential_midwall", RADIAL = "radial_wall";
let shownSlice = -1;

const isTracked = () => !!(result && result.points && measures && measures.slices);

/* What differs between labels and landmarks on the page. */
function showTracked(isRing) {
  for (const id of ["strainTables", "strainDownloads", "ringLegend"]) at(id).hidden = !isRing;
  for (const id of ["measures", "downloads", "legend", "fillOption"]) at(id).hidden = isRing;
  at("fillOption").disabled = isRing;
  if (isRing && edit.on) setEditing(false);
  at("edit").hidden = isRing;
  showAll("ofEdits", !isRing);
  at("editedText").hidden = isRing || !editedCount();
  if (isRing && at("layer").value === "fill") at("layer").value = "lines";
  at("linesOption").textContent = at("linesKey").textContent = isRing ? "landmarks" : "contours";
}

async function takeTracked(about) {
  const answer = await fetch(`${base}/voxels/points`);
  if (!answer.ok) throw new Error(GONE);
  const points = new Float32Array(await answer.arrayBuffer());
  measures = await call(`${base}/measures`);
  result = { ...about, points, box: ringBox(points) };
  resultNumber = about.number;
  untaken = true;
  shownSlice = -1;
  at("by").textContent = `Landmarks placed by ${about.model}. Strain refers to frame 1; Ecc is circumferential, Err radial.`;
  showAll("ofPhases", false);
  showEye(null);
  at("curveFigure").hidden = false;
  at("warnings").hidden = !measures.warnings.length;
  at("warnings").replaceChildren(...measures.warnings.map(item));
  at("ringLegend").replaceChildren(...measures.walls.map((colour, i) => {
    const li = document.createElement("li"), mark = document.createElement("i");
    mark.style.background = colour;
    li.append(mark, { 0: "endocardium", [RINGS - 1]: "epicardium" }[i] || "");
    return li;
  }));
  at("layer").disabled = at("zoom").disabled = false;
  at("results").hidden = at("charts").hidden = false;
  announce(at("by").textContent);
  const known = measures.slices.map(({ curves }) => Object.keys(curves).length > 0);
  t = measures.es || 0;
  if (!known[z]) z = known.indexOf(true);
  draw();
  bringToResult();
}

/* [x, y] of the landmarks of an image, spoke by spoke; pixel 0 reaches from 0 to 1. */
function ringOf(frame, slice) {
  const count = RINGS * SPOKES, first = 2 * count * (frame * image.shape[1] + slice);
  return Array.from({ length: count }, (_, i) => [result.points[first + 2 * i + 1] + 0.5, result.points[first + 2 * i] + 0.5]);
}

/* Part of the picture with landmarks, and a margin: [x, y, width, height]. */
function ringBox(points) {
  const [, , rows, columns] = image.shape, low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  for (let i = 0; i < points.length; i++) if (Number.isFinite(points[i])) {
    low[i % 2] = Math.min(low[i % 2], points[i]);
    high[i % 2] = Math.max(high[i % 2], points[i]);
  }
  const ends = (axis, size) => [Math.max(0, Math.floor(low[axis]) - MARGIN_PX), Math.min(size, Math.ceil(high[axis]) + 1 + MARGIN_PX)];
  const [y0, y1] = ends(0, rows), [x0, x1] = ends(1, columns);
  return x1 > x0 && y1 > y0 ? [x0, y0, x1 - x0, y1 - y0] : [0, 0, columns, rows];
}

function phaseOf(frame) {
  return [frame === 0 ? "end-diastole" : "", frame === measures.es ? "end-systole" : ""].filter(Boolean).join(", ");
}

/* Rings of the wall and the landmarks on a part of the picture that lies at left and top. */
function drawRing(context, [x, y, w, h], scale, left, top) {
  const ring = ringOf(t, z).map(([u, v]) => [left + (u - x) * scale, top + (v - y) * scale * image.aspect]);
  if (!ring.every(([u, v]) => Number.isFinite(u) && Number.isFinite(v))) return;
  context.save();
  context.beginPath();
  context.rect(left, top, w * scale, h * scale * image.aspect);
  context.clip();
  context.lineWidth = 1.2;
  context.strokeStyle = "rgba(255, 255, 255, .7)";
  for (const wall of CONTOURS) {
    context.beginPath();
    for (let spoke = 0; spoke <= SPOKES; spoke++) context.lineTo(...ring[RINGS * (spoke % SPOKES) + wall]);
    context.stroke();
  }
  const radius = Math.min(4.5, Math.max(1.6, 0.55 * scale));
  context.lineWidth = 0.8;
  context.strokeStyle = "rgba(0, 0, 0, .65)";
  ring.forEach(([u, v], i) => {
    context.beginPath();
    context.arc(u, v, radius, 0, 2 * Math.PI);
    context.fillStyle = measures.walls[i % RINGS];
    context.fill();
    context.stroke();
  });
  context.restore();
}

const digits = (value) => (value === null || value === undefined ? "–" : value.toFixed(1).replace("-", "−"));
const sliceName = (i) => `Slice ${i + 1} (${measures.slices[i].level})`;

/* Tables and curves of the slice that is shown, once for each. */
function showSlice() {
  if (shownSlice === z) return;
  shownSlice = z;
  const { values } = measures.slices[z];
  at("strainOfSlice").caption.textContent = `${sliceName(z)}: Green strain, %`;
  at("strainOfSlice").tBodies[0].replaceChildren(...measures.lines.map((line) => {
    const said = values[line.key] || {}, mark = document.createElement("i");
    mark.style.borderColor = line.colour;
    mark.classList.toggle("dashed", line.dashed);
    const frame = said.frame === null || said.frame === undefined ? "–" : said.frame + 1;
    const row = strainRow([mark, line.name], [digits(said.es), digits(said.peak), frame]);
    row.dataset.key = line.key;
    return row;
  }));
  const both = (said) => [MIDWALL, RADIAL].map((key) => {
    const made = document.createElement("span"), peak = document.createElement("small");
    peak.textContent = ` (${digits((said[key] || {}).peak)})`;
    made.append(digits((said[key] || {}).es), peak);
    return made;
  });
  at("strainOfAll").tBodies[0].replaceChildren(
    ...measures.slices.map((one, i) => {
      const row = strainRow([sliceName(i)], both(one.values));
      row.classList.toggle("shown", i === z);
      return row;
    }),
    strainRow(["Mean of the slices"], both(measures.all)),
  );
  for (const link of at("strainDownloads").children) link.href = `${base}/download/${link.dataset.what}?slice=${z + 1}`;
  at("curveOf").textContent = `${sliceName(z)}: Green strain`;
  drawStrain();
}

function strainRow(name, cells) {
  const row = document.createElement("tr"), head = document.createElement("th");
  head.scope = "row";
  head.append(...name);
  row.append(head, ...cells.map((content) => cell(content)));
  return row;
}

/* Round numbers from below the lowest to above the highest strain, with 0. */
function strainLevels(values) {
  const low = Math.min(0, ...values), high = Math.max(0, ...values);
  const step = [2, 5, 10, 20, 25, 50, 100].find((one) => (high - low) / one <= 7) || 200;
  const first = Math.floor(low / step + 1e-9), last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/* Curves around the heart above those across the wall, whose strain is several times as large. */
function drawStrain() {
  const width = at("curve").clientWidth || 600, frames = image.shape[0], isNarrow = width < 500;
  const { curves, values } = measures.slices[z], lines = measures.lines.filter(({ key }) => curves[key]);
  const left = 50, right = width - 14, names = legendOf(lines, left, right), ink = PALE, parts = [];
  const x = (i) => left + (right - left) * (frames > 1 ? i / (frames - 1) : 0.5);
  const first = 22 + LEGEND_PX * (1 + Math.max(0, ...names.map(({ row }) => row)));
  let top = first, bottom = top;
  for (const [start, high, title] of [["circumferential", isNarrow ? 150 : 170, "Ecc, %"], ["radial", isNarrow ? 110 : 130, "Err, %"]]) {
    const own = lines.filter(({ key }) => key.startsWith(start));
    const levels = strainLevels(own.flatMap(({ key }) => curves[key]).filter((v) => v !== null));
    const [least, most] = [levels[0], levels[levels.length - 1]], from = top;
    const y = (v) => from + (high * (most - v)) / (most - least);
    bottom = top + high;
    for (const level of levels) {
      parts.push(svg("line", { x1: left, x2: right, y1: y(level), y2: y(level), stroke: level ? GRID : PALE }));
      parts.push(svg("text", { x: left - 7, y: y(level) + 4, "text-anchor": "end", fill: ink }, String(level).replace("-", "−")));
    }
    parts.push(svg("text", { x: -(top + bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle", fill: ink }, title));
    for (const line of own) parts.push(...strainLine(line, curves[line.key], x, y));
    top = bottom + 24;
  }
  const every = Math.max(1, Math.ceil(frames / (width / 45))), height = bottom + 40;
  for (let i = 0; i < frames; i += every) parts.push(svg("text", { x: x(i), y: bottom + 17, "text-anchor": "middle", fill: ink }, i + 1));
  const time = result.interval_s ? `, ${short(1000 * result.interval_s)} ms each` : "";
  parts.push(svg("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle", fill: ink }, `frame (from 1)${time}`));
  if (measures.es !== null) {
    const here = x(measures.es);
    parts.unshift(svg("line", { x1: here, x2: here, y1: first - 4, y2: bottom, stroke: INK, "stroke-dasharray": "4 3" }));
    parts.push(svg("text", { x: here, y: first - 8, "text-anchor": "middle", "font-weight": 700, fill: INK }, "ES"));
  }
  parts.unshift(svg("line", { id: "cursor", y1: first, y2: bottom, stroke: ACCENT, "stroke-width": 2, opacity: 0.55 }));
  for (const { x: where, row, colour, name } of names) {
    parts.push(svg("rect", { x: where, y: 4 + LEGEND_PX * row, width: 11, height: 11, rx: 3, fill: colour }));
    parts.push(svg("text", { x: where + 16, y: 14 + LEGEND_PX * row, fill: INK }, name));
  }
  const { [MIDWALL]: around = {}, [RADIAL]: across = {} } = values;
  const words = `${sliceName(z)}, strain at end-systole: circumferential ${digits(around.es)} % in the mid-wall, radial ${digits(across.es)} %`;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  drawn.style.height = `${height}px`;
  drawn.append(...parts);
  at("curve").replaceChildren(drawn);
  place = x;
  moveCursor();
}

/* A line through the frames and a dot in each, which shows it. */
function strainLine({ name, colour, dashed }, values, x, y) {
  const points = values.map((v, i) => [v, i]).filter(([v]) => v !== null), dashes = dashed ? { "stroke-dasharray": "5 3" } : {};
  const line = svg("polyline", { points: points.map(([v, i]) => `${x(i)},${y(v)}`).join(" "), fill: "none", stroke: colour, "stroke-width": 2, ...dashes });
  return [line, ...points.map(([v, i]) => {
    const dot = svg("circle", { cx: x(i), cy: y(v), r: 2.8, fill: colour });
    dot.append(svg("title", {}, `${name}, frame ${i + 1}: ${v.toFixed(1)} %`));
    dot.addEventListener("click", () => go(i, z));
    return dot;
  })];
}
