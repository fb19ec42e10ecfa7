"use strict";
/* What the page knows, and small words for its elements. Read first. */
const at = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const GONE = "The app does not respond; is it still running?";
let setup = null, base = "", imageNumber = 0, resultNumber = 0, image = null, result = null;
let t = 0, z = 0, timer = null, measures = null, polling = false, again = false;
/* Where lines and words of charts are drawn: colours of the theme. */
const INK = "var(--ink)", PALE = "var(--pale)", GRID = "var(--grid)", ACCENT = "var(--accent)";
/* Whether labels are lost with the page. */
let untaken = false;

function fill(list, facts) {
  list.replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
}

const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const short = (number) => Number(number.toPrecision(3)).toString();
const distances = ([dz, dy, dx]) => `${short(dx)} × ${short(dy)} mm, slice spacing ${short(dz)} mm`;

function showAll(kind, isThere) {
  for (const element of document.getElementsByClassName(kind)) element.hidden = !isThere;
}

function item(text) {
  const li = document.createElement("li");
  li.textContent = text;
  return li;
}

function svg(kind, attributes, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/* Tells readers of screens. */
function announce(text) {
  at("announce").textContent = text;
}

/* A button that is off keeps the focus, unlike a disabled one. */
function off(id, isOff) {
  at(id).setAttribute("aria-disabled", String(isOff));
}

const isOff = (id) => at(id).getAttribute("aria-disabled") === "true";
