"use strict";
/* What the tools do to the labels of a slice; shapes are in pixels of the image. */
const ALL = 0, UNKNOWN = 255, PUSH_PART = 0.5;

/* Calls with the index of each pixel whose middle is in a circle; at least that around its middle. */
function inCircle([u, v], radius, act) {
  const [, , rows, columns] = image.shape, tall = radius / image.aspect;
  let count = 0;
  for (let y = Math.max(0, Math.floor(v - tall)); y <= Math.min(rows - 1, Math.ceil(v + tall)); y++)
    for (let x = Math.max(0, Math.floor(u - radius)); x <= Math.min(columns - 1, Math.ceil(u + radius)); x++) {
      const away = Math.hypot(x + 0.5 - u, (y + 0.5 - v) * image.aspect);
      if (away > radius) continue;
      act(y * columns + x, away);
      count++;
    }
  const [x, y] = [Math.floor(u), Math.floor(v)];
  if (!count && x >= 0 && y >= 0 && x < columns && y < rows) act(y * columns + x, 0);
}

/* Paints a tissue, or erases it (ALL: whatever there is), along a line. */
function paintLine(labels, from, to, radius, tissue, isEraser) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / Math.max(0.5, radius / 2)));
  for (let i = 0; i <= steps; i++) {
    const middle = [0, 1].map((axis) => from[axis] + ((to[axis] - from[axis]) * i) / steps);
    inCircle(middle, radius, (at2) => {
      if (!isEraser) labels[at2] = tissue;
      else if (labels[at2] !== UNKNOWN && (tissue === ALL || labels[at2] === tissue)) labels[at2] = 0;
    });
  }
}

/* Pushes contours: labels in a circle move with its middle, less towards its edge.
   push: { from, before }, the place and the labels since which it moves; changed when it has gone far. */
function pushLine(labels, push, to, radius) {
  const [, , rows, columns] = image.shape;
  const far = Math.hypot(to[0] - push.from[0], (to[1] - push.from[1]) * image.aspect);
  const steps = Math.max(1, Math.ceil(far / (PUSH_PART * radius))), start = push.from;
  for (let i = 1; i <= steps; i++) {
    const middle = [0, 1].map((axis) => start[axis] + ((to[axis] - start[axis]) * i) / steps);
    const [dx, dy] = [middle[0] - push.from[0], middle[1] - push.from[1]];
    labels.set(push.before);
    inCircle(middle, radius, (at2, away) => {
      const part = (1 - (away / radius) ** 2) ** 2;
      const x = limited(Math.round((at2 % columns) - dx * part), 0, columns - 1);
      const y = limited(Math.round(Math.floor(at2 / columns) - dy * part), 0, rows - 1);
      labels[at2] = push.before[y * columns + x];
    });
    /* A shift of half the radius folds nothing; what is left of the way starts from here. */
    if (i < steps || Math.hypot(dx, dy * image.aspect) >= PUSH_PART * radius) Object.assign(push, { from: middle, before: labels.slice() });
  }
}

/* Labels of another slice instead of those that there are; of one tissue, or of ALL. */
function copyInto(labels, source, tissue) {
  for (let i = 0; i < labels.length; i++) {
    if (tissue === ALL) labels[i] = source[i];
    else if (source[i] === tissue) labels[i] = tissue;
    else if (labels[i] === tissue) labels[i] = 0;
  }
}
