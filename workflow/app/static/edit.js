"use strict";
/* Editing the labels: strokes, undo and redo, copies; each change goes to the server at once. */
const AGAIN_MS = 3000, FAST_PX = 5, MOST_UNDO = 200;
const edit = { on: false, tool: "brush", tissue: 1, radius: 6, cursor: null, pen: null, undo: [], redo: [] };
/* Slices whose labels the server does not have yet. */
const unsaved = new Map();
let saving = null;

const editedCount = () => (result && result.edited ? result.edited.length : 0);
const isUnsaved = () => unsaved.size > 0;
const isEdited = (frame, slice) => !!(result && result.edited && result.edited.some(([a, b]) => a === frame && b === slice));
const tissueName = (value) => (value === ALL ? "all tissues" : setup.tissues.find((one) => one.value === value).name);

/* Nothing is left that a page would lose. */
function saved() {
  unsaved.clear();
  untaken = false;
}

/* For a new result: tools for its tissues, nothing to undo. */
function startEdits() {
  edit.undo = [];
  edit.redo = [];
  unsaved.clear();
  const known = result.tissues;
  if (!known.includes(edit.tissue)) edit.tissue = known[0];
  at("tissues").replaceChildren(...[...known, ALL].map((value, i) => {
    const label = document.createElement("label"), box = document.createElement("input"), mark = document.createElement("i");
    Object.assign(box, { type: "radio", name: "tissue", value, checked: value === edit.tissue });
    box.onchange = () => { edit.tissue = value; showEditor(); };
    label.title = `key ${i + 1}`;
    if (value !== ALL) mark.style.background = colourOf(value);
    label.append(box, mark, ` ${value === ALL ? "All" : tissueName(value)}`);
    return label;
  }));
  showEditor();
}

function setEditing(on) {
  if (on && !(result && result.labels && at("working").hidden)) return;
  endStroke();
  edit.on = on;
  if (on) stop();
  if (on && at("layer").value === "none") at("layer").value = "lines";
  if (on && !edit.cursor) edit.cursor = result.box ? [result.box[0] + result.box[2] / 2, result.box[1] + result.box[3] / 2] : [image.shape[3] / 2, image.shape[2] / 2];
  showEditor();
  announce(on ? "Editing. Keys are listed below the image." : "Editing has ended.");
  draw();
}

function showEditor() {
  at("editor").hidden = !edit.on;
  at("edit").setAttribute("aria-expanded", String(edit.on));
  at("edit").textContent = edit.on ? "End editing" : "Edit contours";
  at("stage").classList.toggle("editing", edit.on);
  for (const [kind, isThere] of [["viewing", !edit.on], ["editing", edit.on]]) for (const one of at("keys").getElementsByClassName(kind)) one.hidden = !isThere;
  for (const box of document.querySelectorAll("#editor [type=radio]")) box.checked = box.value === (box.name === "tool" ? edit.tool : String(edit.tissue));
  at("size").value = edit.radius;
  at("sizeText").textContent = `${edit.radius} px`;
  off("undo", !edit.undo.length);
  off("redo", !edit.redo.length);
  off("asModel", !isEdited(t, z));
  if (image) {
    off("toSlice", z + 1 >= image.shape[1]);
    off("toSliceBefore", z === 0);
  }
  const paints = edit.tool === "brush" && edit.tissue === ALL;
  at("editHint").textContent = paints ? "Choose one tissue to paint with the brush."
    : edit.tool === "push" ? "Drag a contour: what is in the circle moves along."
    : edit.tool === "brush" ? `Paints ${tissueName(edit.tissue)}.` : `Erases ${edit.tissue === ALL ? "whatever there is" : `${tissueName(edit.tissue)} only`}.`;
  if (!at("editor").hidden) at("editHint").append(" Copying takes the chosen tissue, or all.");
}

/* -- strokes --------------------------------------------------------------------------------- */

function beginStroke(place) {
  if (!edit.on || edit.pen || (edit.tool === "brush" && edit.tissue === ALL)) return;
  stop();
  const labels = plane(result.labels, t, z), before = labels.slice();
  edit.pen = { frame: t, slice: z, before, last: place, push: { from: place, before } };
  edit.cursor = place;
  if (edit.tool !== "push") stroke(place);
}

function stroke(place) {
  edit.cursor = place;
  if (edit.pen) {
    const { frame, slice, last, push } = edit.pen, labels = plane(result.labels, frame, slice);
    if (edit.tool === "push") pushLine(labels, push, place, Math.max(2, edit.radius));
    else paintLine(labels, last, place, edit.radius - 0.5, edit.tissue, edit.tool === "eraser");
    edit.pen.last = place;
    forgetLoops(frame, slice);
  }
  drawSoon();
}

function endStroke() {
  if (!edit.pen) return;
  const { frame, slice, before } = edit.pen;
  edit.pen = null;
  keepEdit([{ frame, slice, before }], { brush: `Painted ${tissueName(edit.tissue)}`, eraser: `Erased ${tissueName(edit.tissue)}`, push: "Pushed" }[edit.tool]);
}

/* What a stroke changed is taken back, as when a second finger comes. */
function cancelStroke() {
  if (!edit.pen) return;
  const { frame, slice, before } = edit.pen;
  edit.pen = null;
  plane(result.labels, frame, slice).set(before);
  forgetLoops(frame, slice);
  draw();
}

/* -- undo and copies ------------------------------------------------------------------------- */

/* Keeps changes for undo, and sends them. changes: frame, slice and the labels before. */
function keepEdit(changes, words) {
  const kept = changes.map((one) => ({ ...one, after: plane(result.labels, one.frame, one.slice).slice() }))
    .filter(({ before, after }) => before.some((v, i) => v !== after[i]));
  if (kept.length) {
    edit.undo.push(kept);
    if (edit.undo.length > MOST_UNDO) edit.undo.shift();
    edit.redo = [];
    for (const { frame, slice } of kept) save(frame, slice);
    untaken = true;
    announce(`${words} in slice ${z + 1}, frame ${t + 1}.`);
  }
  draw();
}

function takeBack(from, to, which) {
  endStroke();
  const changes = from.pop();
  if (!changes) return;
  to.push(changes);
  for (const change of changes) {
    plane(result.labels, change.frame, change.slice).set(change[which]);
    save(change.frame, change.slice);
  }
  announce(`${which === "before" ? "Undone" : "Done again"} in slice ${changes[0].slice + 1}, frame ${changes[0].frame + 1}.`);
  go(changes[0].frame, changes[0].slice);
}

/* Copies the chosen tissue, or all, to a slice or frame beside this one, and shows it. */
function copyTo(frames, slices) {
  endStroke();
  const frame = (t + frames + image.shape[0]) % image.shape[0], slice = z + slices;
  if (slice < 0 || slice >= image.shape[1]) return;
  const labels = plane(result.labels, frame, slice), before = labels.slice();
  copyInto(labels, plane(result.labels, t, z), edit.tissue);
  go(frame, slice);
  keepEdit([{ frame, slice, before }], `Copied ${tissueName(edit.tissue)}`);
}

async function restoreModel() {
  const [frame, slice] = [t, z];
  const answer = await fetch(`${base}/labels/${frame}/${slice}?result=${resultNumber}`);
  if (!answer.ok) throw new Error(GONE);
  const labels = plane(result.labels, frame, slice), before = labels.slice();
  labels.set(new Uint8Array(await answer.arrayBuffer()));
  keepEdit([{ frame, slice, before }], "The model's labels are back");
}

/* -- the server ------------------------------------------------------------------------------ */

function save(frame, slice) {
  forgetLoops(frame, slice);
  unsaved.set(`${frame}/${slice}`, [frame, slice]);
  if (!saving) saving = send().finally(() => { saving = null; });
}

/* Sends slices until the server has all, then asks for the measures; tries again where it fails. */
async function send() {
  do {
    await sendSlices();
    await measuresAfterEdits();
    /* Somebody may have drawn on meanwhile. */
  } while (unsaved.size);
}

async function sendSlices() {
  while (unsaved.size) {
    const [place, [frame, slice]] = unsaved.entries().next().value;
    unsaved.delete(place);
    let answer = null;
    try {
      answer = await fetch(`${base}/labels/${place}?result=${resultNumber}`, { method: "PUT", body: plane(result.labels, frame, slice).slice() });
    } catch { answer = null; }
    if (!answer || answer.status >= 500) {
      unsaved.set(place, [frame, slice]);
      showFault("The last edits are not saved yet: the app does not respond. They are sent again.");
      await new Promise((done) => setTimeout(done, AGAIN_MS));
      continue;
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) { showFault(""); takeEdited(said); continue; }
    /* Refused: what is shown is what counts. */
    showFault(said.fault || GONE);
    await takeLabels();
  }
}

/* The labels as the server has them, unless somebody has drawn meanwhile. */
async function takeLabels() {
  const labels = await voxels("labels").catch(() => null);
  if (!labels || unsaved.size || edit.pen) return;
  result.labels = labels;
  result.loops.clear();
}

async function measuresAfterEdits() {
  if (!result) return;
  await attempt(async () => {
    if (result.largest) await takeLabels();
    await showMeasures();
    draw();
  });
}

/* Which slices are edited, and whether only the largest pieces are shown. */
function takeEdited({ edited, largest }) {
  Object.assign(result, { edited, largest });
  at("largest").checked = largest;
  at("getEdited").hidden = at("editedText").hidden = !edited.length;
  at("editedText").textContent = `${counted(edited.length, "slice")} edited by hand; the downloads say which.`;
  at("marked").hidden = !isEdited(t, z);
  off("asModel", !isEdited(t, z));
}

async function setLargest() {
  const wanted = at("largest").checked;
  if (isOff("largest")) { at("largest").checked = !wanted; return; }
  endStroke();
  await saving;
  takeEdited(await call(`${base}/largest`, { largest: wanted, result: resultNumber }));
  await takeLabels();
  edit.undo = [];
  edit.redo = [];
  await showMeasures();
  draw();
  announce(wanted ? "Only the largest piece of each tissue counts." : "All pieces count.");
}

function listenToEdits() {
  at("edit").onclick = () => setEditing(!edit.on);
  for (const box of document.querySelectorAll("#editor [name=tool]")) box.onchange = () => { edit.tool = box.value; showEditor(); draw(); };
  at("size").oninput = () => { edit.radius = Number(at("size").value); showEditor(); draw(); };
  at("undo").onclick = () => takeBack(edit.undo, edit.redo, "before");
  at("redo").onclick = () => takeBack(edit.redo, edit.undo, "after");
  at("toSlice").onclick = () => copyTo(0, 1);
  at("toSliceBefore").onclick = () => copyTo(0, -1);
  at("toFrame").onclick = () => copyTo(1, 0);
  at("toFrameBefore").onclick = () => copyTo(-1, 0);
  at("asModel").onclick = () => { if (!isOff("asModel")) attempt(restoreModel); };
  at("largest").onchange = () => attempt(setLargest);
}
