"use strict";
/* The list of the series of a DICOM upload, and the choice among them. */
const MOST_NAMED = 4;
let seriesNumber = 0;

/* Shows the list of that number; null where there is nothing to choose from. */
async function takeSeries(number) {
  const list = number ? await call(`${base}/series`) : null;
  seriesNumber = number || 0;
  at("series").hidden = !number;
  if (!number) return;
  const used = list.rows.filter((row) => row.chosen);
  at("seriesTitle").textContent = used.length ? `Series in use: ${named(used)}` : `Which series is the ${list.cine}?`;
  at("emptyText").textContent = "Choose a series from the list.";
  at("seriesOf").textContent = `${list.rows.length} series in ${list.name}`;
  let examination = 0, count = 0;
  at("seriesList").tBodies[0].replaceChildren(...list.rows.flatMap((row) => {
    const isNext = row.examination !== examination;
    examination = row.examination;
    return [...(isNext ? [heading(examination)] : []), line(row, count++, !used.length)];
  }));
  at("series").open = !used.length;
  showTicked();
}

/* "#7 cine_sax", or the names of several. */
function named(rows) {
  if (rows.length === 1) return `${rows[0].name} ${rows[0].description}`;
  const first = rows.slice(0, MOST_NAMED).map((row) => row.name).join(", ");
  return rows.length > MOST_NAMED ? `${first} and ${rows.length - MOST_NAMED} more` : first;
}

function heading(examination) {
  const row = document.createElement("tr"), head = document.createElement("th");
  head.colSpan = 7;
  head.scope = "rowgroup";
  head.textContent = `Examination ${examination}`;
  row.append(head);
  return row;
}

/* A row: a box to tick, and what the series holds. isOpen: nothing is in use yet. */
function line(row, i, isOpen) {
  const made = document.createElement("tr"), head = document.createElement("th");
  const box = document.createElement("input"), label = document.createElement("label"), first = document.createElement("small");
  Object.assign(box, { type: "checkbox", id: `series${i}`, value: row.name, checked: row.chosen, defaultChecked: row.chosen });
  label.htmlFor = box.id;
  const name = document.createElement("b");
  name.textContent = row.name;
  label.append(name, ` ${row.description || "no description"}`);
  first.textContent = row.first;
  head.scope = "row";
  head.append(label, ...(row.first ? [first] : []));
  const said = row.chosen ? "in use" : row.reason || (isOpen ? "may be the cine" : "");
  made.className = row.chosen || said === "may be the cine" ? "likely" : "";
  made.append(cell(box), head, cell(row.planes, "plane"), cell(row.plane), cell(row.frames, "frame"), cell(row.images, "image"), cell(said));
  return made;
}

/* unit: is said beside the number where the page is too narrow for columns. */
function cell(content, unit) {
  const made = document.createElement("td");
  made.append(content);
  if (unit) made.dataset.unit = content === 1 ? unit : `${unit}s`;
  return made;
}

const boxes = () => [...document.querySelectorAll("#seriesList input")];

/* Says how many series are ticked; the button is for another choice than the one in use. */
function showTicked() {
  const ticked = boxes().filter((box) => box.checked).length;
  const isOther = boxes().some((box) => box.checked !== box.defaultChecked);
  at("ticked").textContent = `${ticked} selected`;
  at("useSeries").disabled = !ticked || !isOther || !at("working").hidden;
  at("noSeries").disabled = !ticked;
}

async function useSeries() {
  const before = seriesNumber;
  if (!(await mayReplace())) return;
  await begins("series", { series: boxes().filter((box) => box.checked).map((box) => box.value) });
  if (seriesNumber === before) return;
  at("series").querySelector("summary").focus();
  if (at("show").offsetLeft === at("steps").offsetLeft) at("viewer").scrollIntoView();
}

function listenToSeries() {
  at("seriesList").onchange = showTicked;
  at("useSeries").onclick = useSeries;
  at("noSeries").onclick = () => {
    for (const box of boxes()) box.checked = false;
    showTicked();
    boxes()[0].focus();
  };
}
