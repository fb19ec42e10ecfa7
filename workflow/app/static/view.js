"use strict";
/* Which part of the images is shown, and how bright: zoom, place, window and level. */
const MOST_ZOOM = 16, ZOOM_STEP = 1.25, PAN_PART = 0.1, FULL = { window: 255, level: 128 };
/* zoom: 1 is the heart, or the whole image. middle: in pixels of the image, null for that of the heart. */
const view = { zoom: 1, middle: null, ...FULL };
/* Where the channels were drawn: left, top, the region's x, y, w, h, and scale in pixels of the page. */
let drawn = [];

const limited = (value, low, high) => Math.min(Math.max(low, high), Math.max(low, value));

/* Part of the picture for a place of that size on the page, and its scale. */
function region(wide, high) {
  const [, , rows, columns] = image.shape;
  const [bx, by, bw, bh] = result && at("zoom").checked ? result.box : [0, 0, columns, rows];
  const fits = (w, h) => Math.min(wide / w, high / (h * image.aspect));
  const scale = Math.max(fits(columns, rows), fits(bw, bh) * view.zoom);
  const w = Math.min(columns, wide / scale), h = Math.min(rows, high / (scale * image.aspect));
  const [cx, cy] = view.middle || [bx + bw / 2, by + bh / 2];
  return { x: limited(cx - w / 2, 0, columns - w), y: limited(cy - h / 2, 0, rows - h), w, h, scale };
}

/* The place in the image, in pixels, at a place of the canvas; null beside it. */
function pixelAt(px, py) {
  for (const { left, top, x, y, w, h, scale } of drawn) {
    const u = x + (px - left) / scale, v = y + (py - top) / (scale * image.aspect);
    if (u >= x && v >= y && u <= x + w && v <= y + h) return [u, v];
  }
  return null;
}

function resetView() {
  Object.assign(view, { zoom: 1, middle: null, ...FULL });
  showView();
}

/* Zooms by a factor; what is at `fixed`, in pixels of the image, stays where it is. */
function zoomBy(factor, fixed) {
  if (!image || !drawn.length) return;
  const [{ x, y, w, h, scale }] = drawn, before = view.zoom;
  const base = scale / before, whole = Math.min(at("canvas").clientWidth / drawn.length / image.shape[3], at("canvas").clientHeight / (image.shape[2] * image.aspect));
  view.zoom = limited(before * factor, Math.min(1, whole / base), MOST_ZOOM);
  const middle = [x + w / 2, y + h / 2], [u, v] = fixed || middle, part = before / view.zoom;
  view.middle = [u + (middle[0] - u) * part, v + (middle[1] - v) * part];
  showView();
}

/* Moves the image by pixels of the image. */
function panBy(dx, dy) {
  if (!drawn.length) return;
  const [{ x, y, w, h }] = drawn, [, , rows, columns] = image.shape;
  view.middle = [limited(x + w / 2 - dx, w / 2, columns - w / 2), limited(y + h / 2 - dy, h / 2, rows - h / 2)];
  showView();
}

/* Moves by a part of what is shown. */
const panStep = (right, down) => drawn.length && panBy(-right * PAN_PART * drawn[0].w, -down * PAN_PART * drawn[0].h);

function setWindow(width, level) {
  view.window = Math.round(limited(width, 2, 255));
  view.level = Math.round(limited(level, 0, 255));
  showView();
}

function showView() {
  at("windowWidth").value = view.window;
  at("level").value = view.level;
  at("windowText").textContent = `${Math.round(view.window / 2.55)} %`;
  at("levelText").textContent = `${Math.round(view.level / 2.55)} %`;
  draw();
}

/* Grey value on the screen of each of the 256 of the image. */
function greys() {
  const low = view.level - view.window / 2;
  return Uint8ClampedArray.from({ length: 256 }, (_, grey) => ((grey - low) * 255) / view.window);
}

function listenToView() {
  at("windowWidth").oninput = () => setWindow(Number(at("windowWidth").value), view.level);
  at("level").oninput = () => setWindow(view.window, Number(at("level").value));
  at("zoomIn").onclick = () => zoomBy(ZOOM_STEP);
  at("zoomOut").onclick = () => zoomBy(1 / ZOOM_STEP);
  at("resetView").onclick = resetView;
  at("zoom").onchange = () => { Object.assign(view, { zoom: 1, middle: null }); showView(); };
}
