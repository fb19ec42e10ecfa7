"use strict";
/* What people do: frames and slices, the model, buttons and keys. Read last. */
const SHORTEST_BLINK_MS = 50, USUAL_BLINK_MS = 70;

function go(frame, slice) {
  if (!image) return;
  if (edit.pen) endStroke();
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
  if (at("working").hidden) off("label", !image);
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
  at("file").onclick = (event) => { if (!at("working").hidden) event.preventDefault(); };
  at("label").onclick = async () => { if (!isOff("label") && (await mayReplace())) begins("label", { model: at("model").value, in_plane_mm: number("inPlane"), between_mm: number("between"), interval_ms: number("interval") }); };
  at("play").onclick = play;
  at("frame").oninput = () => go(Number(at("frame").value) - 1, z);
  at("slice").oninput = () => go(t, Number(at("slice").value) - 1);
  at("layer").onchange = draw;
  at("strip").onclick = (event) => {
    const each = at("strip").clientWidth / Number(at("strip").dataset.perRow);
    go(t, Math.floor(event.offsetX / each) + Math.floor(event.offsetY / Number(at("strip").dataset.high)) * Number(at("strip").dataset.perRow));
  };
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
  at("asFound").onclick = () => { setFrames({}, "The detected frames are back."); at("ed").focus(); };
  listenToSeries();
  listenToView();
  listenToEdits();
  listenToPointers();
  listenToSession();
  listenToPerson();
  listenToFetching();
  document.addEventListener("keydown", key);
  new ResizeObserver(() => { draw(); drawCurve(); }).observe(at("show"));
}

async function begin() {
  setup = await openSession();
  base = `/api/${setup.session}`;
  at("file").accept = setup.endings.join(",");
  at("wanted").textContent = `a short-axis cine: ${setup.uploaded}`;
  at("samples").replaceChildren(...setup.samples.map(({ id, name }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.sample = id;
    button.textContent = name;
    button.onclick = async () => {
      if (!at("working").hidden || !(await mayReplace())) return;
      chooseFor(id);
      begins("sample", { sample: id });
    };
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
  /* What a page before a reload had. */
  await follow();
  document.body.dataset.ready = "yes";
}

attempt(begin);
