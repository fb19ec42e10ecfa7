"use strict";
/* Where labels are: slices, the part of the picture with the heart, outlines. */
const MARGIN_PX = 12;

const plane = (array, frame, slice) => {
  const [, slices, rows, columns] = image.shape, size = rows * columns;
  return array.subarray((frame * slices + slice) * size, (frame * slices + slice + 1) * size);
};

function largestSlice() {
  /* Of the tissue of the first curve; where lesions are labelled, the slice with most of them. */
  const lesions = linesShown().map(({ tissue }) => tissue).filter((tissue) => LESIONS.includes(tissue));
  const counts = (wanted) => Array.from({ length: image.shape[1] }, (_, s) => plane(result.labels, t, s).reduce((n, v) => n + wanted.includes(v), 0));
  const found = counts(lesions), areas = Math.max(...found) ? found : counts([measures.lines[0].tissue]);
  return areas.indexOf(Math.max(...areas));
}

/* Part of the picture with labels in any frame, and a margin: [x, y, width, height]. */
function heartBox(labels) {
  const [, , rows, columns] = image.shape;
  const perColumn = new Float64Array(columns), perRow = new Float64Array(rows);
  let all = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] > 0 && labels[i] < 255) {
    perColumn[i % columns]++;
    perRow[Math.floor(i / columns) % rows]++;
    all++;
  }
  if (!all) return [0, 0, columns, rows];
  /* A few stray pixels do not widen it. */
  const ends = (counts) => {
    let low = 0, high = counts.length - 1, sum = 0;
    while (sum + counts[low] < 0.001 * all) sum += counts[low++];
    sum = 0;
    while (sum + counts[high] < 0.001 * all) sum += counts[high--];
    return [Math.max(0, low - MARGIN_PX), Math.min(counts.length, high + 1 + MARGIN_PX)];
  };
  const [x0, x1] = ends(perColumn), [y0, y1] = ends(perRow);
  return [x0, y0, x1 - x0, y1 - y0];
}

/* Outlines of a region between its pixels and the others: loops of [x, y] in pixels, where pixel
   0 reaches from 0 to 1. Points are the middles of the pixels' edges, so that a slope of stairs is
   a straight line. */
function outlines(inside, columns, rows) {
  const starts = new Map(), at2 = (x, y) => x >= 0 && y >= 0 && x < columns && y < rows && inside[y * columns + x];
  const add = (x, y, u, v) => {
    const key = y * (columns + 1) + x;
    if (!starts.has(key)) starts.set(key, []);
    starts.get(key).push([x, y, u, v]);
  };
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    if (!inside[y * columns + x]) continue;
    if (!at2(x, y - 1)) add(x, y, x + 1, y);
    if (!at2(x + 1, y)) add(x + 1, y, x + 1, y + 1);
    if (!at2(x, y + 1)) add(x + 1, y + 1, x, y + 1);
    if (!at2(x - 1, y)) add(x, y + 1, x, y);
  }
  const loops = [];
  for (const edges of starts.values()) while (edges.length) {
    const loop = [];
    let edge = edges.pop();
    while (edge) {
      loop.push([(edge[0] + edge[2]) / 2, (edge[1] + edge[3]) / 2]);
      const next = starts.get(edge[3] * (columns + 1) + edge[2]);
      edge = next && next.pop();
    }
    loops.push(loop);
  }
  return loops;
}

/* Oedema and scar are of the wall, whose outer border is around the cavity and all of it. */
const LESIONS = [8, 9], WALL = [2, ...LESIONS];
const REGIONS = [
  ...[3, 4, 5, 6, 7].map((value) => [value, (v) => v === value]),
  [2, (v) => v === 1 || WALL.includes(v)],
  ...[1, ...LESIONS].map((value) => [value, (v) => v === value]),
];

const forgetLoops = (frame, slice) => result.loops.delete(frame * image.shape[1] + slice);

function loopsOf(frame, slice) {
  const key = frame * image.shape[1] + slice, [, , rows, columns] = image.shape;
  if (!result.loops.has(key)) {
    const labels = plane(result.labels, frame, slice);
    const there = new Set(labels), isThere = (value) => (value === 2 ? WALL : [value]).some((v) => there.has(v));
    result.loops.set(key, REGIONS.filter(([value]) => isThere(value)).map(([value, is]) => [value, outlines(Array.from(labels, is), columns, rows)]));
  }
  return result.loops.get(key);
}
