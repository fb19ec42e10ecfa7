"use strict";
/* The images that were chosen: what is known about them. */
function forget() {
  stop();
  if (edit.on) setEditing(false);
  edit.cursor = null;
  Object.assign(view, { zoom: 1, middle: null, ...FULL });
  image = result = measures = null;
  untaken = false;
  imageNumber = resultNumber = 0;
  for (const id of ["stage", "strip", "controls", "looks", "display", "keys", "edit", "results", "charts", "eye", "imageFacts", "notes", "spacing", "intervalField", "legend", "ringLegend"]) at(id).hidden = true;
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
  showPerson(about.person);
  at("notes").hidden = !about.notes.length;
  at("notes").querySelector("summary").textContent = about.notes.length === 1 ? "One note" : `${about.notes.length} notes`;
  at("notes").open = about.notes.length === 1;
  at("notes").querySelector("ul").replaceChildren(...about.notes.map((text) => item(text)));
  at("spacing").hidden = !about.spacing_fault;
  at("spacingWhy").textContent = `${about.spacing_fault} Enter the voxel size of the scan.`;
  at("intervalField").hidden = !!about.interval_s || frames === 1;
  for (const id of ["stage", "controls", "looks", "display", "keys"]) at(id).hidden = false;
  at("strip").hidden = slices === 1;
  at("stage").classList.toggle("many", image.isMany);
  at("play").hidden = at("frameField").hidden = frames === 1;
  at("sliceField").hidden = slices === 1;
  for (const [kind, isThere] of [["ofFrames", frames > 1], ["ofSlices", slices > 1], ["ofPhases", true], ["ofEdits", false]]) showAll(kind, isThere);
  at("empty").hidden = true;
  for (const [id, count] of [["frame", frames], ["slice", slices]]) at(id).max = count;
  t = 0;
  z = Math.floor(slices / 2);
  showView();
  announce(`Images read: ${about.name}.`);
}
