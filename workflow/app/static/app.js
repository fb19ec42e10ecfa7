"use strict";
/* What people do: frames and slices, the model, buttons and keys. Read last. */
const SHORTEST_BLINK_MS = 50, USUAL_BLINK_MS = 70;

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

const chosenModel = () => setup.models.find((one) => one.id === at("model").value);

function showModel() {
  const model = chosenModel();
  if (!model) return;
  at("wanted").textContent = model.images;
  at("label").textContent = model.tracks ? "Follow the heart" : "Segment the images";
  const trained = model.trained_mm ? { voxels: distances(model.trained_mm) } : {};
  showToy(model);
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
  listenToPerson();
  listenToFetching();
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
    button.onclick = () => { chooseFor(id); begins("sample", { sample: id }); };
    return button;
  }));
  showModels();
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
