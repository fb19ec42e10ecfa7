"use strict";
/* The page of the app: asks the server on this machine, draws cine, contours and curves. */
const at = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const POLL_MS = 250, SHORTEST_BLINK_MS = 50, USUAL_BLINK_MS = 70, MARGIN_PX = 12, GAP_PX = 6, LEGEND_PX = 18, KEPT_MS = 60000;
const GONE = "The app does not respond; is it still running?";
let setup = null, base = "", imageNumber = 0, resultNumber = 0, image = null, result = null;
let t = 0, z = 0, timer = null, measures = null, polling = false, again = false;
/* Whether labels are lost with the page. */
let untaken = false;

/* -- the server ------------------------------------------------------------------------------ */

async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  let answer;
  try { answer = await fetch(path, options); } catch { throw new Error(GONE); }
  const content = await answer.json().catch(() => ({ fault: GONE }));
  if (!answer.ok) throw new Error(content.fault || GONE);
  return content;
}

async function voxels(what) {
  const answer = await fetch(`${base}/voxels/${what}`);
  if (!answer.ok) throw new Error(GONE);
  return new Uint8Array(await answer.arrayBuffer());
}

function showFault(text) {
  at("fault").textContent = text;
  at("fault").hidden = !text;
}

/* Does something that may end in a sentence. */
async function attempt(work) {
  showFault("");
  try { await work(); } catch (error) { showFault(error.message); }
}

function showWork(text, part) {
  at("working").hidden = !text;
  /* Readers of screens are told each piece of work once, not its every percent. */
  if (at("doing").textContent !== text) at("doing").textContent = text;
  at("part").textContent = part === null || !text ? "" : `${Math.round(100 * part)} %`;
  if (part === null) at("progress").removeAttribute("value"); else at("progress").value = part;
  for (const control of document.querySelectorAll("#samples button, #file")) control.disabled = !!text;
  at("label").disabled = !!text || !image || !at("model").value;
  showTicked();
  at("steps").setAttribute("aria-busy", String(!!text));
}

/* Asks until nothing is done any more. Who calls it while it runs makes it ask once more. */
async function follow() {
  again = true;
  if (polling) return;
  polling = true;
  try {
    while (again) {
      again = false;
      const state = await call(`${base}/state`);
      if ((state.series || 0) !== seriesNumber) await takeSeries(state.series);
      if (state.image && state.image.number !== imageNumber) await takeImage(state.image);
      if (state.result && state.result.number !== resultNumber) await takeResult(state.result);
      showFault(state.fault);
      if (!state.busy) continue;
      showWork(state.doing || "Starting", state.part);
      await new Promise((go) => setTimeout(go, POLL_MS));
      again = true;
    }
  } catch (error) { showFault(error.message); } finally { polling = false; showWork("", null); }
}

/* Asks for work that takes a while, and follows it. */
async function begins(path, words) {
  showFault("");
  showWork("Starting", null);
  try {
    await call(`${base}/${path}`, words);
    await follow();
  } catch (error) { showWork("", null); showFault(error.message); }
}

function upload(file) {
  if (!file) return;
  const most = setup.most_bytes;
  if (!setup.endings.some((ending) => file.name.toLowerCase().endsWith(ending)))
    return showFault(`${file.name} is not a supported file type: choose ${setup.uploaded}.`);
  if (file.size > most)
    return showFault(`${file.name} has ${(file.size / 1e9).toFixed(1)} GB; the limit is ${most / 1e9} GB.`);
  showFault("");
  showWork("Uploading the file", 0);
  const request = new XMLHttpRequest();
  const model = chosenModel(), wanted = model ? `&sequence=${encodeURIComponent(model.sequence)}` : "";
  request.open("PUT", `${base}/images?name=${encodeURIComponent(file.name)}${wanted}`);
  request.upload.onprogress = (event) => showWork("Uploading the file", event.loaded / event.total);
  request.onerror = () => { showWork("", null); showFault(GONE); };
  request.onload = () => {
    if (request.status === 202) return follow();
    showWork("", null);
    try { showFault(JSON.parse(request.responseText).fault || GONE); } catch { showFault(GONE); }
  };
  request.send(file);
}

/* -- steps ----------------------------------------------------------------------------------- */

function fill(list, facts) {
  list.replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
}

const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const short = (number) => Number(number.toPrecision(3)).toString();
const distances = ([dz, dy, dx]) => `${short(dx)} × ${short(dy)} mm, slice spacing ${short(dz)} mm`;

function forget() {
  stop();
  image = result = measures = null;
  untaken = false;
  imageNumber = resultNumber = 0;
  for (const id of ["stage", "strip", "controls", "keys", "results", "eye", "imageFacts", "notes", "spacing", "intervalField", "legend", "ringLegend"]) at(id).hidden = true;
  at("empty").hidden = false;
  at("layer").disabled = at("zoom").disabled = true;
}

async function takeImage(about) {
  forget();
  const pixels = await voxels("image");
  imageNumber = about.number;
  image = { ...about, pixels, isMany: about.channels.length > 1, aspect: about.spacing_fault ? 1 : about.spacing_mm[1] / about.spacing_mm[2] };
  const [frames, slices, rows, columns] = about.shape;
  fill(at("imageFacts"), {
    images: about.name,
    ...(image.isMany && { sequences: about.channels.map(({ name }) => name).join(", ") }),
    ...(about.series && { series: about.series }),
    size: `${columns} × ${rows} pixels, ${counted(slices, "slice")}, ${counted(frames, "frame")}`,
    voxels: about.spacing_fault ? "unknown" : distances(about.spacing_mm),
    ...(!image.isMany && { time: about.interval_s ? `${short(1000 * about.interval_s)} ms between frames` : "frame interval unknown" }),
  });
  at("imageFacts").hidden = false;
  at("notes").hidden = !about.notes.length;
  at("notes").querySelector("summary").textContent = about.notes.length === 1 ? "One note" : `${about.notes.length} notes`;
  at("notes").open = about.notes.length === 1;
  at("notes").querySelector("ul").replaceChildren(...about.notes.map((text) => item(text)));
  at("spacing").hidden = !about.spacing_fault;
  at("spacingWhy").textContent = `${about.spacing_fault} Enter the voxel size of the scan.`;
  at("intervalField").hidden = !!about.interval_s || frames === 1;
  for (const id of ["stage", "controls", "keys"]) at(id).hidden = false;
  at("strip").hidden = slices === 1;
  at("stage").classList.toggle("many", image.isMany);
  at("play").hidden = at("frameField").hidden = frames === 1;
  at("sliceField").hidden = slices === 1;
  for (const [kind, isThere] of [["ofFrames", frames > 1], ["ofSlices", slices > 1], ["ofPhases", true]]) showAll(kind, isThere);
  at("empty").hidden = true;
  for (const [id, count] of [["frame", frames], ["slice", slices]]) at(id).max = count;
  t = 0;
  z = Math.floor(slices / 2);
  draw();
}

function showAll(kind, isThere) {
  for (const element of document.getElementsByClassName(kind)) element.hidden = !isThere;
}

function item(text) {
  const li = document.createElement("li");
  li.textContent = text;
  return li;
}

async function takeResult(about) {
  showTracked(about.kind === "points");
  if (about.kind === "points") return takeTracked(about);
  const labels = await voxels("labels");
  resultNumber = about.number;
  untaken = true;
  at("by").textContent = `Segmented by ${about.model}`;
  result = { ...about, labels, loops: new Map(), box: heartBox(labels) };
  at("getImage").hidden = image.is_file || image.isMany;
  at("getContours").hidden = at("getFrames").hidden = image.isMany;
  for (const id of ["ed", "es"]) at(id).max = image.shape[0];
  await showMeasures("");
  at("layer").disabled = at("zoom").disabled = false;
  at("results").hidden = at("legend").hidden = false;
  const known = linesShown().map(({ tissue }) => tissue);
  for (const li of at("legend").children) li.hidden = !known.includes(Number(li.dataset.value));
  drawCurve();
  t = measures.ed - 1;
  z = largestSlice();
  draw();
  /* Where the page is one column, the images are far below what was clicked. */
  if (at("show").offsetLeft === at("steps").offsetLeft) at("viewer").scrollIntoView();
}

async function showMeasures(query) {
  const content = await call(`${base}/measures${query}`);
  measures = { ...content, ed: content.ed + 1, es: content.es + 1, found: { ed: content.found.ed + 1, es: content.found.es + 1 } };
  at("measures").tBodies[0].replaceChildren(...content.rows.map(({ key, name, value, unit, low, high }) => {
    const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
    row.dataset.key = key;
    head.scope = "row";
    head.textContent = name;
    const text = (number) => Math.abs(value) < 100 ? number.toFixed(1) : number.toFixed(0);
    cell.textContent = `${text(value)} ${unit}${low === undefined ? "" : ` (${text(low)} to ${text(high)})`}`;
    row.append(head, cell);
    return row;
  }));
  at("origin").textContent = content.origin ? `${content.origin[0].toUpperCase()}${content.origin.slice(1)}.` : "";
  at("ed").value = measures.ed;
  at("es").value = measures.es;
  const same = measures.ed === measures.found.ed && measures.es === measures.found.es;
  at("chosen").textContent = same ? "Frames with the largest and the smallest cavity volume." : `Set manually; the largest and the smallest cavity volume are in frames ${measures.found.ed} and ${measures.found.es}.`;
  at("asFound").hidden = same;
  showAll("ofPhases", content.has_phases);
  at("curveOf").textContent = content.quantity === "area" ? "Areas" : "Volumes";
  at("curveFigure").hidden = image.shape[0] === 1 && !content.has_phases;
  at("results").querySelector(".columns").classList.toggle("single", at("curveFigure").hidden);
  showEye(content.eye);
  at("look").hidden = !content.look;
  at("look").textContent = `Worth a look: ${content.look}`;
  at("warnings").hidden = !content.warnings.length;
  at("warnings").replaceChildren(...content.warnings.map(item));
  for (const link of at("downloads").children) link.href = `${base}/download/${link.dataset.what}?ed=${measures.ed}&es=${measures.es}`;
  drawCurve();
}

/* Takes a file away; where there is none, a sentence says why. */
async function take(link) {
  let answer;
  try { answer = await fetch(link.href); } catch { throw new Error(GONE); }
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).fault || GONE);
  const file = document.createElement("a");
  file.download = /filename="(.+)"/.exec(answer.headers.get("content-disposition"))[1];
  file.href = URL.createObjectURL(await answer.blob());
  file.click();
  setTimeout(() => URL.revokeObjectURL(file.href), KEPT_MS);
  untaken = false;
}

/* Sets end-diastole or end-systole; a number that is no frame is set back. */
function choose(which, frame) {
  if (!measures || !measures.has_phases) return;
  const wanted = Math.round(Number(frame));
  if (!(wanted >= 1 && wanted <= image.shape[0])) { at(which).value = measures[which]; return; }
  const next = { ed: measures.ed, es: measures.es, [which]: wanted };
  attempt(async () => { await showMeasures(`?ed=${next.ed}&es=${next.es}`); draw(); });
}

/* -- cine ------------------------------------------------------------------------------------ */

const plane = (array, frame, slice) => {
  const [, slices, rows, columns] = image.shape, size = rows * columns;
  return array.subarray((frame * slices + slice) * size, (frame * slices + slice + 1) * size);
};

function largestSlice() {
  /* Of the tissue of the first curve; where lesions are labelled, the slice with most of them. */
  const lesions = linesShown().map(({ tissue }) => tissue).filter((tissue) => LESIONS.includes(tissue));
  const counts = (wanted) => Array.from({ length: image.shape[1] }, (_, s) => plane(result.labels, t, s).reduce((n, v) => n + wanted.includes(v), 0));
  const found = counts(lesions), areas = Math.max(...found) ? found : counts([measures.lines[0].tissue]);
  return areas.indexOf(Math.max(...areas));
}

/* Part of the picture with labels in any frame, and a margin: [x, y, width, height]. */
function heartBox(labels) {
  const [, , rows, columns] = image.shape;
  const perColumn = new Float64Array(columns), perRow = new Float64Array(rows);
  let all = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] > 0 && labels[i] < 255) {
    perColumn[i % columns]++;
    perRow[Math.floor(i / columns) % rows]++;
    all++;
  }
  if (!all) return [0, 0, columns, rows];
  /* A few stray pixels do not widen it. */
  const ends = (counts) => {
    let low = 0, high = counts.length - 1, sum = 0;
    while (sum + counts[low] < 0.001 * all) sum += counts[low++];
    sum = 0;
    while (sum + counts[high] < 0.001 * all) sum += counts[high--];
    return [Math.max(0, low - MARGIN_PX), Math.min(counts.length, high + 1 + MARGIN_PX)];
  };
  const [x0, x1] = ends(perColumn), [y0, y1] = ends(perRow);
  return [x0, y0, x1 - x0, y1 - y0];
}

/* Outlines of a region between its pixels and the others: loops of [x, y] in pixels, where pixel
   0 reaches from 0 to 1. Points are the middles of the pixels' edges, so that a slope of stairs is
   a straight line. */
function outlines(inside, columns, rows) {
  const starts = new Map(), at2 = (x, y) => x >= 0 && y >= 0 && x < columns && y < rows && inside[y * columns + x];
  const add = (x, y, u, v) => {
    const key = y * (columns + 1) + x;
    if (!starts.has(key)) starts.set(key, []);
    starts.get(key).push([x, y, u, v]);
  };
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    if (!inside[y * columns + x]) continue;
    if (!at2(x, y - 1)) add(x, y, x + 1, y);
    if (!at2(x + 1, y)) add(x + 1, y, x + 1, y + 1);
    if (!at2(x, y + 1)) add(x + 1, y + 1, x, y + 1);
    if (!at2(x - 1, y)) add(x, y + 1, x, y);
  }
  const loops = [];
  for (const edges of starts.values()) while (edges.length) {
    const loop = [];
    let edge = edges.pop();
    while (edge) {
      loop.push([(edge[0] + edge[2]) / 2, (edge[1] + edge[3]) / 2]);
      const next = starts.get(edge[3] * (columns + 1) + edge[2]);
      edge = next && next.pop();
    }
    loops.push(loop);
  }
  return loops;
}

/* Oedema and scar are of the wall, whose outer border is around the cavity and all of it. */
const LESIONS = [8, 9], WALL = [2, ...LESIONS];
const REGIONS = [
  ...[3, 4, 5, 6, 7].map((value) => [value, (v) => v === value]),
  [2, (v) => v === 1 || WALL.includes(v)],
  ...[1, ...LESIONS].map((value) => [value, (v) => v === value]),
];

function loopsOf(frame, slice) {
  const key = frame * image.shape[1] + slice, [, , rows, columns] = image.shape;
  if (!result.loops.has(key)) {
    const labels = plane(result.labels, frame, slice);
    const there = new Set(labels), isThere = (value) => (value === 2 ? WALL : [value]).some((v) => there.has(v));
    result.loops.set(key, REGIONS.filter(([value]) => isThere(value)).map(([value, is]) => [value, outlines(Array.from(labels, is), columns, rows)]));
  }
  return result.loops.get(key);
}

const colourOf = (value) => setup.tissues.find((tissue) => tissue.value === value).colour;
const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
const buffer = document.createElement("canvas");

/* A slice as a picture of its own size, in `buffer`; with areas coloured where `areas` says how much.
   channel: of images of several sequences. */
function paint(frame, slice, areas, channel = 0) {
  const [frames, , rows, columns] = image.shape, grey = plane(image.pixels, channel * frames + frame, slice);
  buffer.width = columns;
  buffer.height = rows;
  const context = buffer.getContext("2d", { willReadFrequently: true }), picture = context.createImageData(columns, rows);
  const labels = areas && result && result.labels ? plane(result.labels, frame, slice) : null;
  const colours = setup.tissues.map((tissue) => [tissue.value, ...rgb(tissue.colour)]);
  for (let i = 0; i < grey.length; i++) {
    const found = labels && colours.find(([value]) => value === labels[i]);
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = found ? grey[i] * (1 - areas) + found[c + 1] * areas : grey[i];
    picture.data[4 * i + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.max(1, Math.round(width * ratio)), h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  return context;
}

function draw() {
  if (!image) return;
  const [frames, slices, rows, columns] = image.shape, layer = result ? at("layer").value : "none";
  const { clientWidth: width, clientHeight: height } = at("stage");
  const context = sized(at("canvas"), width, height);
  const [x, y, w, h] = result && at("zoom").checked ? result.box : [0, 0, columns, rows];
  const count = image.channels.length, isBeside = width > height, each = (isBeside ? width : height) / count;
  const [wide, high] = isBeside ? [each - GAP_PX * (count > 1), height] : [width, each - GAP_PX * (count > 1)];
  const scale = Math.min(wide / w, high / (h * image.aspect));
  for (let channel = 0; channel < count; channel++) {
    const left = isBeside ? channel * each + (wide - w * scale) / 2 : (wide - w * scale) / 2;
    const top = isBeside ? (high - h * scale * image.aspect) / 2 : channel * each + (high - h * scale * image.aspect) / 2;
    paint(t, z, layer === "fill" ? 0.45 : 0, channel);
    context.drawImage(buffer, x, y, w, h, left, top, w * scale, h * scale * image.aspect);
    if (layer === "lines" && result.points) drawRing(context, [x, y, w, h], scale, left, top);
    else if (layer === "lines") drawLines(context, [x, y, w, h], scale, left, top);
    if (count > 1) nameChannel(context, image.channels[channel].name, isBeside ? channel * each + wide - 12 : wide - 12, isBeside ? 24 : channel * each + 24);
  }
  const phase = isTracked() ? phaseOf(t) : measures && measures.has_phases ? [measures.ed === t + 1 ? "end-diastole" : "", measures.es === t + 1 ? "end-systole" : ""].filter(Boolean).join(", ") : "";
  const parts = [slices > 1 || frames === 1 ? `Slice ${z + 1} of ${slices}` : "", frames > 1 ? `frame ${t + 1} of ${frames}` : ""].filter(Boolean).join(", ");
  at("caption").textContent = `${parts[0].toUpperCase()}${parts.slice(1)}${phase && ` (${phase})`}`;
  const [{ plane: kind }] = image.channels;
  const shown = image.isMany ? image.channels.map(({ name }) => name).join(", ") : `${kind[0].toUpperCase()}${kind.slice(1)} image`;
  at("canvas").setAttribute("aria-label", `${shown}: ${at("caption").textContent}`);
  at("frame").value = t + 1;
  at("slice").value = z + 1;
  at("frameText").textContent = `${t + 1} of ${frames}`;
  at("sliceText").textContent = `${z + 1} of ${slices}`;
  drawStrip(layer);
  if (isTracked()) showSlice();
  moveCursor();
}

function nameChannel(context, name, right, y) {
  context.save();
  context.font = "600 14px system-ui, sans-serif";
  context.textAlign = "right";
  context.shadowColor = "#000";
  context.shadowBlur = 4;
  context.fillStyle = "#f2f2f2";
  context.fillText(name, right, y);
  context.restore();
}

/* Contours of the slice on a part of the picture that lies at left and top. */
function drawLines(context, [x, y, w, h], scale, left, top) {
  context.save();
  context.beginPath();
  context.rect(left, top, w * scale, h * scale * image.aspect);
  context.clip();
  for (const [value, loops] of loopsOf(t, z)) {
    context.beginPath();
    for (const loop of loops) trace(context, loop.map(([u, v]) => [left + (u - x) * scale, top + (v - y) * scale * image.aspect]));
    context.lineJoin = "round";
    for (const [style, thick] of [["rgba(0, 0, 0, .55)", 4], [colourOf(value), 2.2]]) {
      context.strokeStyle = style;
      context.lineWidth = thick;
      context.stroke();
    }
  }
  context.restore();
}

/* A closed line whose corners are rounded by less than half a pixel. */
function trace(context, points) {
  const middle = (i) => [(points[i][0] + points[(i + 1) % points.length][0]) / 2, (points[i][1] + points[(i + 1) % points.length][1]) / 2];
  context.moveTo(...middle(points.length - 1));
  points.forEach((point, i) => context.quadraticCurveTo(...point, ...middle(i)));
  context.closePath();
}

/* All slices of the frame; the one shown is framed. */
function drawStrip(layer) {
  const [, slices, rows, columns] = image.shape, width = at("strip").clientWidth;
  const [x, y, w, h] = result && at("zoom").checked ? result.box : [0, 0, columns, rows];
  const perRow = width < 560 ? Math.ceil(slices / Math.ceil(slices / 6)) : slices, each = width / perRow, high = Math.min(110, (each * h * image.aspect) / w);
  const height = high * Math.ceil(slices / perRow);
  at("strip").style.height = `${height}px`;
  const context = sized(at("strip"), width, height), scale = Math.min(each / w, high / (h * image.aspect));
  for (let s = 0; s < slices; s++) {
    paint(t, s, layer === "none" ? 0 : 0.45);
    const left = (s % perRow) * each, top = Math.floor(s / perRow) * high;
    context.drawImage(buffer, x, y, w, h, left + (each - w * scale) / 2, top + (high - h * image.aspect * scale) / 2, w * scale, h * image.aspect * scale);
    if (s === z) { context.strokeStyle = "#ffd54a"; context.lineWidth = 2; context.strokeRect(left + 1, top + 1, each - 2, high - 2); }
  }
  at("strip").dataset.perRow = perRow;
  at("strip").dataset.high = high;
}

function go(frame, slice) {
  if (!image) return;
  const [frames, slices] = image.shape;
  t = (frame + frames) % frames;
  z = Math.min(slices - 1, Math.max(0, slice));
  draw();
}

function stop() {
  clearInterval(timer);
  timer = null;
  at("play").textContent = "Play";
  at("play").setAttribute("aria-pressed", "false");
}

function play() {
  if (timer) return stop();
  if (!image || image.shape[0] < 2) return;
  const interval = (result && result.interval_s) || image.interval_s;
  timer = setInterval(() => go(t + 1, z), interval ? Math.max(SHORTEST_BLINK_MS, 1000 * interval) : USUAL_BLINK_MS);
  at("play").textContent = "Pause";
  at("play").setAttribute("aria-pressed", "true");
}

/* -- curve ----------------------------------------------------------------------------------- */

function svg(kind, attributes, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

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
  const ink = "#5a6577", parts = [];
  for (const level of levels) {
    parts.push(svg("line", { x1: margin.left, x2: width - margin.right, y1: y(level), y2: y(level), stroke: "#e2e6ed" }));
    parts.push(svg("text", { x: margin.left - 7, y: y(level) + 4, "text-anchor": "end", fill: ink }, level));
  }
  const every = Math.max(1, Math.ceil(frames / (width / 45)));
  for (let i = 0; i < frames; i += every) parts.push(svg("text", { x: x(i), y: height - margin.bottom + 17, "text-anchor": "middle", fill: ink }, i + 1));
  const time = result.interval_s ? `, ${short(1000 * result.interval_s)} ms each` : "";
  parts.push(svg("text", { x: (margin.left + width - margin.right) / 2, y: height - 6, "text-anchor": "middle", fill: ink }, `frame (from 1)${time}`));
  parts.push(svg("text", { x: -(margin.top + height - margin.bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle", fill: ink }, `${measures.quantity}, ${measures.unit}`));
  for (const [which, name] of measures.has_phases ? [["ed", "ED"], ["es", "ES"]] : []) {
    const here = x(measures[which] - 1);
    parts.push(svg("line", { x1: here, x2: here, y1: margin.top - 4, y2: y(0), stroke: "#1d2430", "stroke-dasharray": "4 3" }));
    parts.push(svg("text", { x: here, y: margin.top - 8, "text-anchor": "middle", "font-weight": 700, fill: "#1d2430" }, name));
  }
  parts.push(svg("line", { id: "cursor", y1: margin.top, y2: y(0), stroke: "#2b4c9b", "stroke-width": 2, opacity: 0.55 }));
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
  for (const { x: left, row, tissue, name } of names) {
    parts.push(svg("rect", { x: left, y: 4 + LEGEND_PX * row, width: 11, height: 11, rx: 3, fill: colourOf(tissue) }));
    parts.push(svg("text", { x: left + 16, y: 14 + LEGEND_PX * row, fill: "#1d2430" }, name));
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

/* -- what people do -------------------------------------------------------------------------- */

const chosenModel = () => setup.models.find((one) => one.id === at("model").value);

function showModel() {
  const model = chosenModel();
  if (!model) return;
  at("wanted").textContent = model.images;
  at("label").textContent = model.tracks ? "Follow the heart" : "Segment the images";
  const trained = model.trained_mm ? { voxels: distances(model.trained_mm) } : {};
  fill(at("modelFacts"), { network: model.network, ...model.facts, ...trained });
  if (at("working").hidden) at("label").disabled = !image;
}

function number(id) {
  const value = at(id).closest("[hidden]") || at(id).hidden ? "" : at(id).value;
  return value === "" ? null : Number(value);
}

function listen() {
  at("file").onchange = () => { upload(at("file").files[0]); at("file").value = ""; };
  for (const kind of ["dragover", "drop", "dragleave"]) at("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && at("working").hidden) upload(event.dataTransfer.files[0]);
  });
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  at("model").onchange = showModel;
  at("label").onclick = () => begins("label", { model: at("model").value, in_plane_mm: number("inPlane"), between_mm: number("between"), interval_ms: number("interval") });
  at("play").onclick = play;
  at("frame").oninput = () => go(Number(at("frame").value) - 1, z);
  at("slice").oninput = () => go(t, Number(at("slice").value) - 1);
  at("layer").onchange = at("zoom").onchange = draw;
  at("strip").onclick = (event) => {
    const each = at("strip").clientWidth / Number(at("strip").dataset.perRow);
    go(t, Math.floor(event.offsetX / each) + Math.floor(event.offsetY / Number(at("strip").dataset.high)) * Number(at("strip").dataset.perRow));
  };
  at("canvas").addEventListener("wheel", (event) => { event.preventDefault(); go(t, z + Math.sign(event.deltaY)); }, { passive: false });
  for (const which of ["ed", "es"]) {
    at(which).onchange = () => choose(which, at(which).value);
    at(`${which}Here`).onclick = () => choose(which, t + 1);
  }
  for (const id of ["downloads", "strainDownloads"]) at(id).onclick = (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    attempt(() => take(link));
  };
  at("asFound").onclick = () => attempt(async () => { await showMeasures(""); draw(); });
  listenToSeries();
  document.addEventListener("keydown", key);
  new ResizeObserver(() => { draw(); drawCurve(); }).observe(at("show"));
  window.addEventListener("beforeunload", (event) => { if (untaken) event.preventDefault(); });
  window.addEventListener("pagehide", () => navigator.sendBeacon(`${base}/close`));
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

function key(event) {
  if (!image || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=range], [type=checkbox]), select, textarea")) return;
  if (event.target.matches("[type=range]") && event.key.startsWith("Arrow")) return;
  if (event.key === " " && event.target.matches("button, a, summary, [type=checkbox]")) return;
  const moves = {
    ArrowLeft: () => go(t - 1, z), ArrowRight: () => go(t + 1, z), ArrowUp: () => go(t, z - 1), ArrowDown: () => go(t, z + 1),
    " ": play, d: () => choose("ed", t + 1), s: () => choose("es", t + 1),
    c: () => { if (result) { at("layer").value = at("layer").value === "none" ? "lines" : "none"; draw(); } },
  };
  const move = moves[event.key] || moves[event.key.toLowerCase()];
  if (!move) return;
  event.preventDefault();
  move();
}

async function begin() {
  setup = await call("/api/open", {});
  base = `/api/${setup.session}`;
  at("file").accept = setup.endings.join(",");
  at("wanted").textContent = `a short-axis cine: ${setup.uploaded}`;
  at("samples").replaceChildren(...setup.samples.map(({ id, name }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.sample = id;
    button.textContent = name;
    button.onclick = () => begins("sample", { sample: id });
    return button;
  }));
  at("model").replaceChildren(...setup.models.map((model) => {
    const option = document.createElement("option");
    option.value = model.id;
    option.disabled = !!model.fault;
    option.textContent = model.name + (model.fault ? ` – ${model.fault}` : "");
    return option;
  }));
  const usable = setup.models.find((model) => !model.fault);
  if (usable) at("model").value = usable.id;
  at("noModels").hidden = !setup.no_models;
  at("noModels").textContent = setup.no_models;
  at("modelChoice").hidden = !!setup.no_models;
  at("legend").replaceChildren(...setup.tissues.map(({ value, name, colour }) => {
    const li = document.createElement("li"), mark = document.createElement("i");
    li.dataset.value = value;
    mark.style.background = colour;
    li.append(mark, name);
    return li;
  }));
  listen();
  showModel();
  document.body.dataset.ready = "yes";
}

attempt(begin);
