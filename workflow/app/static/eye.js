"use strict";
/* The bull's eye of wall thickness, or of scar, as the workflow's figures have it: seen from the apex, anterior
   wall above, septum on the left. */
const EYE = { size: 300, radius: 118, middle: [150, 140], bar: 282 };
/* Names of the walls around it: angle from the right, anticlockwise, and the turn of the text. */
const WALLS = [["Anterior", 90, 0], ["Septal", 180, -90], ["Inferior", 270, 0], ["Lateral", 0, 90]];

/* A point of the picture. deg: anticlockwise from the right; segments count from the anterior wall. */
function eyePoint(radius, deg) {
  const angle = (deg * Math.PI) / 180, [x, y] = EYE.middle;
  return [x + radius * EYE.radius * Math.cos(angle), y - radius * EYE.radius * Math.sin(angle)];
}

function eyeWedge([inner, outer], from, to) {
  const point = (radius, deg) => eyePoint(radius, deg).map((v) => v.toFixed(2)).join(" ");
  const arc = (radius, deg, sweep) => `A ${radius * EYE.radius} ${radius * EYE.radius} 0 0 ${sweep} ${point(radius, deg)}`;
  const back = inner ? `L ${point(inner, to)} ${arc(inner, from, 1)}` : `L ${EYE.middle.join(" ")}`;
  return `M ${point(outer, from)} ${arc(outer, to, 0)} ${back} Z`;
}

function eyeText(at2, text, attributes) {
  return svg("text", { x: at2[0], y: at2[1], "text-anchor": "middle", ...attributes }, text);
}

/* Shows what the server says of the wall: an eye, or why there is none. */
function showEye(eye) {
  at("eye").hidden = !eye;
  at("eyeWhy").hidden = !(eye && eye.doubt);
  at("eyePicture").replaceChildren();
  if (!eye) return;
  at("eyeTitle").textContent = eye.title;
  at("eyeWords").textContent = eye.words;
  at("eyeCaption").hidden = !!eye.doubt;
  if (eye.doubt) { at("eyeWhy").textContent = `Not measured: ${eye.doubt}.`; return; }
  const written = (value) => (value === null ? "–" : value.toFixed(eye.digits)), parts = [];
  for (const s of eye.segments) {
    const from = s.start_deg + 90, to = s.end_deg + 90, place = eyePoint(s.value_radius, (from + to) / 2);
    const wedge = svg("path", { d: eyeWedge(s.radii, from, to), fill: s.colour, stroke: s.value === null ? "var(--border)" : "var(--card)", "stroke-width": 1.4 });
    wedge.append(svg("title", {}, `${s.number} ${s.name}: ${s.value === null ? "unknown" : `${written(s.value)} ${eye.unit}`}`));
    parts.push(wedge);
    parts.push(eyeText([place[0], place[1] - 5], s.number, { fill: s.ink, "font-size": 8.5, opacity: 0.85, "pointer-events": "none" }));
    parts.push(eyeText([place[0], place[1] + 8], written(s.value), { fill: s.ink, "font-size": 12, "pointer-events": "none", "data-segment": s.number }));
  }
  for (const s of eye.segments.filter((one) => one.insertion)) {
    const [a, b] = [0.99, 1.12].map((radius) => eyePoint(radius, s.start_deg + 90));
    parts.push(svg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], stroke: INK, "stroke-width": 2.4 }));
  }
  for (const [name, deg, turn] of WALLS) {
    const place = eyePoint(1.1, deg);
    parts.push(eyeText(place, name, { fill: PALE, "font-size": 11, "dominant-baseline": "middle", transform: `rotate(${turn} ${place[0]} ${place[1]})` }));
  }
  const { low, high, colours } = eye.bar, width = 150 / colours.length;
  colours.forEach((colour, i) => parts.push(svg("rect", { x: 75 + i * width, y: EYE.bar, width: width + 0.5, height: 8, fill: colour })));
  for (const [x, value, anchor] of [[68, low, "end"], [232, high, "start"]]) parts.push(svg("text", { x, y: EYE.bar + 8, "text-anchor": anchor, "font-size": 11, fill: PALE }, `${value} ${eye.unit}`));
  const words = `${eye.title}, mean of all segments ${written(eye.global)} ${eye.unit}`;
  const drawn = svg("svg", { viewBox: `0 0 ${EYE.size} ${EYE.size}`, role: "img", "aria-label": words });
  drawn.append(...parts);
  at("eyePicture").append(drawn);
  at("eyeGlobal").textContent = `${written(eye.global)} ${eye.unit}`;
}
