"use strict";
/* What is typed about a person; values per body surface area and reference ranges beside the measures. */
const PERSON = { height_cm: "height", weight_kg: "weight", age_years: "age", sex: "sex", title: "reportTitle" };

/* What the server knows of the person in the images, in the fields. */
function showPerson(person) {
  for (const [key, id] of Object.entries(PERSON)) at(id).value = person && person[key] !== null ? person[key] : "";
  at("personFault").textContent = "";
  showSurface(person || {});
}

function showSurface({ bsa_m2: surface, doubt }) {
  at("surface").textContent = surface ? `Body surface area ${surface.toFixed(2)} m² (Mosteller). ` : "";
  at("personDoubt").textContent = doubt || "";
}

async function tellPerson() {
  const said = {};
  for (const [key, id] of Object.entries(PERSON)) {
    const value = at(id).value.trim();
    said[key] = value === "" ? null : at(id).type === "number" ? Number(value) : value;
  }
  at("personFault").textContent = "";
  try {
    showSurface(await call(`${base}/person`, said));
    if (measures) await showMeasures();
  } catch (error) { at("personFault").textContent = error.message; }
}

const inWords = (value) => (Math.abs(value) < 100 ? value.toFixed(1) : value.toFixed(0));

/* Adds to the rows of measures what the person's size, sex and age say of them. */
function showByPerson(content) {
  at("person").hidden = content.unit === "µL";
  for (const row of content.rows) {
    const line = document.querySelector(`#measures [data-key="${row.key}"]`);
    if (!line) continue;
    const head = line.querySelector("th"), cell = line.querySelector("td");
    if (row.indexed) cell.append(small(`${inWords(row.indexed.value)} ${row.indexed.unit}`));
    for (const about of [row, row.indexed]) {
      if (!about || !about.reference) continue;
      const [low, high] = about.reference.map(inWords);
      head.append(small(`reference ${low} to ${high} ${about.unit}`));
      if (about.outside) cell.append(small(`${about === row ? "" : `${about.unit} `}${about.outside} reference`, "outside"));
    }
  }
}

function small(text, kind) {
  const made = document.createElement("small");
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function listenToPerson() {
  for (const id of Object.values(PERSON)) at(id).addEventListener("change", tellPerson);
}
