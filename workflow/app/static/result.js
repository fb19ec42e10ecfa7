"use strict";
/* The result: its measures, its frames, and what can be taken away. */
const KEPT_MS = 60000;

async function takeResult(about) {
  showTracked(about.kind === "points");
  if (about.kind === "points") return takeTracked(about);
  if (edit.on) setEditing(false);
  const labels = await voxels("labels"), isFirst = !result;
  resultNumber = about.number;
  untaken = true;
  at("by").textContent = `Segmented by ${about.model}`;
  result = { ...about, labels, loops: new Map(), box: heartBox(labels) };
  at("getImage").hidden = image.is_file || image.isMany;
  at("getContours").hidden = at("getFrames").hidden = image.isMany;
  for (const id of ["ed", "es"]) at(id).max = image.shape[0];
  startEdits();
  takeEdited(about);
  await showMeasures();
  at("layer").disabled = at("zoom").disabled = false;
  at("results").hidden = at("charts").hidden = at("legend").hidden = false;
  const known = linesShown().map(({ tissue }) => tissue);
  for (const li of at("legend").children) li.hidden = !known.includes(Number(li.dataset.value));
  drawCurve();
  if (isFirst) {
    t = measures.ed - 1;
    z = largestSlice();
  }
  draw();
  announce(`Segmented by ${about.model}. ${[...at("measures").rows].slice(0, 4).map((row) => `${row.cells[0].textContent} ${row.cells[1].textContent}`).join(", ")}`);
  bringToResult();
}

/* Where the page is one column, the images are far below what was clicked; beside it, the numbers may be above the window. */
function bringToResult() {
  if (at("show").offsetLeft === at("steps").offsetLeft) at("viewer").scrollIntoView();
  else if (at("results").getBoundingClientRect().top < 0) at("results").scrollIntoView();
}

/* Asks for the measures; the server knows the frames that were set by hand. */
async function showMeasures() {
  const content = await call(`${base}/measures`);
  measures = { ...content, ed: content.ed + 1, es: content.es + 1, found: { ed: content.found.ed + 1, es: content.found.es + 1 } };
  at("measures").tBodies[0].replaceChildren(...content.rows.map(({ key, name, value, unit, low, high }) => {
    const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
    row.dataset.key = key;
    head.scope = "row";
    head.textContent = name;
    const text = (number) => Math.abs(value) < 100 ? number.toFixed(1) : number.toFixed(0);
    cell.textContent = `${text(value)} ${unit}`;
    if (low !== undefined) {
      const ends = document.createElement("small");
      ends.textContent = ` (${text(low)} to ${text(high)})`;
      cell.append(ends);
    }
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
  at("charts").hidden = at("curveFigure").hidden && !content.eye;
  showByPerson(content);
  showEye(content.eye);
  at("look").hidden = !content.look;
  at("look").textContent = `Worth a look: ${content.look}`;
  at("warnings").hidden = !content.warnings.length;
  at("warnings").replaceChildren(...content.warnings.map(item));
  for (const link of at("downloads").children) link.href = `${base}/download/${link.dataset.what}?ed=${measures.ed}&es=${measures.es}`;
  drawCurve();
}

/* Takes a file away; where there is none, a sentence says why. Making it may take seconds. */
async function take(link) {
  if (link.getAttribute("aria-disabled") === "true") return;
  link.setAttribute("aria-disabled", "true");
  try { await fetchFile(link.href); } finally { link.setAttribute("aria-disabled", "false"); }
  /* A bundle has no labels. */
  if (link.dataset.what !== "monai") untaken = false;
}

async function fetchFile(path) {
  let answer;
  try { answer = await fetch(path); } catch { throw new Error(GONE); }
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).fault || GONE);
  const file = document.createElement("a");
  file.download = /filename="(.+)"/.exec(answer.headers.get("content-disposition"))[1];
  file.href = URL.createObjectURL(await answer.blob());
  file.click();
  setTimeout(() => URL.revokeObjectURL(file.href), KEPT_MS);
}

/* Frames set by hand, from 1; the others are those detected. */
function setFrames(frames, words) {
  attempt(async () => {
    await call(`${base}/frames`, frames);
    await showMeasures();
    draw();
    announce([words, ...measures.warnings].join(" "));
  });
}

/* Sets end-diastole or end-systole; a number that is no frame is set back. */
function choose(which, frame) {
  if (!measures || !measures.has_phases) return;
  const wanted = Math.round(Number(frame));
  if (!(wanted >= 1 && wanted <= image.shape[0])) { at(which).value = measures[which]; return; }
  const kept = Object.fromEntries(measures.by_hand.map((name) => [name, measures[name]]));
  setFrames({ ...kept, [which]: wanted === measures.found[which] ? null : wanted }, `${which === "ed" ? "End-diastole" : "End-systole"} is frame ${wanted}.`);
}
