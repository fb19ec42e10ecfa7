"use strict";
/* Draws the slice that is shown, and the strip of all slices. */
const GAP_PX = 6;

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
  const colours = [], shown = greys();
  for (const { value, colour } of setup.tissues) colours[value] = rgb(colour);
  for (let i = 0; i < grey.length; i++) {
    const bright = shown[grey[i]], found = labels && colours[labels[i]];
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = found ? bright * (1 - areas) + found[c] * areas : bright;
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

const layerShown = () => (result ? at("layer").value : "none");

/* The slice that is shown, without what is around it: often, while somebody draws. */
function drawStage() {
  const layer = layerShown(), { clientWidth: width, clientHeight: height } = at("stage");
  const context = sized(at("canvas"), width, height), count = image.channels.length, isBeside = width > height, each = (isBeside ? width : height) / count;
  const [wide, high] = isBeside ? [each - GAP_PX * (count > 1), height] : [width, each - GAP_PX * (count > 1)];
  const { x, y, w, h, scale } = region(wide, high);
  drawn = [];
  for (let channel = 0; channel < count; channel++) {
    const left = isBeside ? channel * each + (wide - w * scale) / 2 : (wide - w * scale) / 2;
    const top = isBeside ? (high - h * scale * image.aspect) / 2 : channel * each + (high - h * scale * image.aspect) / 2;
    drawn.push({ left, top, x, y, w, h, scale });
    paint(t, z, layer === "fill" ? 0.45 : 0, channel);
    context.drawImage(buffer, x, y, w, h, left, top, w * scale, h * scale * image.aspect);
    if (layer === "lines" && result.points) drawRing(context, [x, y, w, h], scale, left, top);
    else if (layer === "lines") drawLines(context, [x, y, w, h], scale, left, top);
    if (edit.on && edit.cursor) drawTool(context, drawn[channel]);
    if (count > 1) nameChannel(context, image.channels[channel].name, isBeside ? channel * each + wide - 12 : wide - 12, isBeside ? 24 : channel * each + 24);
  }
}

let isDue = false;
/* Once for all changes until the next picture of the screen. */
function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; if (image) drawStage(); });
}

function draw() {
  if (!image) return;
  const [frames, slices] = image.shape;
  drawStage();
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
  at("marked").hidden = !isEdited(t, z);
  if (edit.on) showEditor();
  drawStrip(layerShown());
  if (isTracked()) showSlice();
  moveCursor();
}

/* The circle of the tool where it is. */
function drawTool(context, { left, top, x, y, scale }) {
  const [u, v] = edit.cursor, px = left + (u - x) * scale, py = top + (v - y) * scale * image.aspect;
  const radius = Math.max(2, edit.radius) * scale;
  for (const [style, thick] of [["#000", 3], [edit.pen ? "#ffd54a" : "#fff", 1.4]]) {
    context.strokeStyle = style;
    context.lineWidth = thick;
    context.beginPath();
    context.arc(px, py, radius, 0, 2 * Math.PI);
    context.moveTo(px - 4, py);
    context.lineTo(px + 4, py);
    context.moveTo(px, py - 4);
    context.lineTo(px, py + 4);
    context.stroke();
  }
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
    if (isEdited(t, s)) { context.fillStyle = "#ffd54a"; context.fillRect(left + 5, top + 5, 7, 7); }
    if (s === z) { context.strokeStyle = "#ffd54a"; context.lineWidth = 2; context.strokeRect(left + 1, top + 1, each - 2, high - 2); }
  }
  at("strip").dataset.perRow = perRow;
  at("strip").dataset.high = high;
}
