"use strict";
/* Keys. Letters act on the image alone, where the focus is; arrows and space wherever they have no other use. */
const TOOL_KEYS = { b: "brush", r: "eraser", p: "push" };

function key(event) {
  if (!image || at("asked").open) return;
  const onImage = event.target === at("canvas"), name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && edit.on && at("viewer").contains(event.target)) {
    if (name === "z" && !event.shiftKey) return does(event, () => takeBack(edit.undo, edit.redo, "before"));
    if (name === "y" || name === "z") return does(event, () => takeBack(edit.redo, edit.undo, "after"));
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (edit.on && onImage) { if (editKey(event, name)) return; } else if (edit.on && name === "Escape" && at("viewer").contains(event.target)) return does(event, leaveEditing);
  const isFree = onImage || event.target === document.body;
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (isFree && arrows[name]) {
    const [dx, dy] = arrows[name];
    if (event.shiftKey && onImage) return does(event, () => panStep(dx, dy));
    if (!event.shiftKey) return does(event, () => { go(t + dx, z + dy); tellPlace(); });
  }
  if (isFree && name === " ") return does(event, play);
  if (!onImage) return;
  const acts = {
    d: () => choose("ed", t + 1), s: () => choose("es", t + 1), e: () => setEditing(true), c: toggleLayer,
    "+": () => zoomBy(ZOOM_STEP), "=": () => zoomBy(ZOOM_STEP), "-": () => zoomBy(1 / ZOOM_STEP), 0: resetView,
    PageUp: () => { go(t, z - 1); tellPlace(); }, PageDown: () => { go(t, z + 1); tellPlace(); },
  };
  if (acts[name]) does(event, acts[name]);
}

function does(event, act) {
  event.preventDefault();
  act();
}

const tellPlace = () => announce(at("caption").textContent);

function leaveEditing() {
  setEditing(false);
  at("edit").focus();
}

/* Keys of the tools; true if it was one. */
function editKey(event, name) {
  const step = event.shiftKey ? FAST_PX : 1, move = (dx, dy) => moveTool(dx * step, dy * step);
  const chosen = Number(name), tissues = [...result.tissues, ALL];
  const acts = {
    ArrowLeft: () => move(-1, 0), ArrowRight: () => move(1, 0), ArrowUp: () => move(0, -1), ArrowDown: () => move(0, 1),
    " ": toggleStroke, Enter: toggleStroke, Escape: () => { if (edit.pen) toggleStroke(); else setEditing(false); },
    ",": () => { go(t - 1, z); tellPlace(); }, ".": () => { go(t + 1, z); tellPlace(); },
    "[": () => setSize(edit.radius - 1), "]": () => setSize(edit.radius + 1), c: toggleLayer, e: () => setEditing(false),
  };
  if (TOOL_KEYS[name]) { does(event, () => { endStroke(); edit.tool = TOOL_KEYS[name]; showEditor(); announce(at("editHint").textContent); draw(); }); return true; }
  if (chosen >= 1 && chosen <= tissues.length) { does(event, () => { endStroke(); edit.tissue = tissues[chosen - 1]; showEditor(); announce(tissueName(edit.tissue)); }); return true; }
  if (!acts[name]) return ["d", "s"].includes(name);
  does(event, acts[name]);
  return true;
}

function setSize(radius) {
  edit.radius = limited(radius, 1, 40);
  showEditor();
  draw();
}

function toggleStroke() {
  if (edit.pen) { endStroke(); return; }
  beginStroke(edit.cursor);
  if (edit.pen) announce("Down. Arrows draw, space lifts.");
}

function moveTool(dx, dy) {
  const [, , rows, columns] = image.shape;
  stroke([limited(edit.cursor[0] + dx, 0.5, columns - 0.5), limited(edit.cursor[1] + dy, 0.5, rows - 0.5)]);
}

function toggleLayer() {
  if (!result) return;
  at("layer").value = at("layer").value === "none" ? "lines" : "none";
  draw();
}
