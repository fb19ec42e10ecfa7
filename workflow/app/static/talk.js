"use strict";
/* Asks the server on this machine, and shows what it does and what went wrong. */
const POLL_MS = 250;

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
  /* What is drawn while another result is made would be of the one before. */
  if (text && edit.on) setEditing(false);
  at("working").hidden = !text;
  /* Readers of screens are told each piece of work once, not its every percent. */
  if (at("doing").textContent !== text) at("doing").textContent = text;
  at("part").textContent = part === null || !text ? "" : `${Math.round(100 * part)} %`;
  if (part === null) at("progress").removeAttribute("value"); else at("progress").value = part;
  for (const control of document.querySelectorAll("#samples button, #file, #edit, #largest")) control.setAttribute("aria-disabled", String(!!text));
  off("label", !!text || !image || !at("model").value);
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

/* Whether what was edited by hand may be replaced. */
async function mayReplace() {
  await saving;
  const count = editedCount();
  return !count || ask(`${counted(count, "slice")} edited by hand will be lost. Download the labels first if you need them.`, "Replace them");
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

async function upload(file) {
  if (!file || !at("working").hidden || !(await mayReplace())) return;
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
