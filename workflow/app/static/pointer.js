"use strict";
/* Mouse, pen and fingers on the image: draw while editing, else move; two fingers move and zoom. */
const pointers = new Map();
let moving = null;

function listenToPointers() {
  const canvas = at("canvas");
  canvas.addEventListener("pointerdown", pointerDown);
  canvas.addEventListener("pointermove", pointerMove);
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, pointerUp);
  canvas.addEventListener("pointerleave", () => { if (edit.on && !edit.pen) drawSoon(); });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) zoomBy(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, pixelAt(event.offsetX, event.offsetY));
    else go(t, z + Math.sign(event.deltaY));
  }, { passive: false });
}

const placeOf = (event) => {
  const box = at("canvas").getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

function pointerDown(event) {
  const place = placeOf(event);
  pointers.set(event.pointerId, place);
  at("canvas").setPointerCapture(event.pointerId);
  if (pointers.size === 2) { cancelStroke(); moving = null; return; }
  const isWindow = event.button === 2 || (event.button === 0 && event.shiftKey);
  if (isWindow) moving = { kind: "window", from: place, window: view.window, level: view.level };
  else if (event.button !== 0) return;
  else if (edit.on) { const pixel = pixelAt(...place); if (pixel) beginStroke(pixel); }
  /* One finger scrolls the page. */
  else if (event.pointerType !== "touch") moving = { kind: "pan", from: place };
}

function pointerMove(event) {
  const place = placeOf(event), before = pointers.get(event.pointerId);
  if (pointers.size === 2 && before) return pinch(event.pointerId, before, place);
  if (before) pointers.set(event.pointerId, place);
  if (edit.on && !moving) {
    /* Between two events the pen may have gone far. */
    const passed = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of edit.pen && passed.length ? passed : [event]) { const pixel = pixelAt(...placeOf(one)); if (pixel) stroke(pixel); }
    return;
  }
  if (!moving || !before) return;
  if (moving.kind === "window") return setWindow(moving.window + place[0] - moving.from[0], moving.level + place[1] - moving.from[1]);
  const [{ scale }] = drawn;
  panBy((place[0] - before[0]) / scale, (place[1] - before[1]) / (scale * image.aspect));
}

function pinch(id, before, place) {
  const other = [...pointers].find(([key]) => key !== id)[1];
  const far = (a) => Math.max(1, Math.hypot(a[0] - other[0], a[1] - other[1]));
  pointers.set(id, place);
  const [{ scale }] = drawn;
  panBy((place[0] - before[0]) / 2 / scale, (place[1] - before[1]) / 2 / (scale * image.aspect));
  zoomBy(far(place) / far(before), pixelAt((place[0] + other[0]) / 2, (place[1] + other[1]) / 2));
}

function pointerUp(event) {
  pointers.delete(event.pointerId);
  moving = null;
  if (event.type === "pointercancel") cancelStroke();
  else endStroke();
}
