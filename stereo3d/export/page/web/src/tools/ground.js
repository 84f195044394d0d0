// Ground to fit a plane through: places so far apart that their errors are their own.

import { planeFit } from './plane.js';
import { add, cross as across, norm, scale, sub } from './vector.js';

/** Side of the window in which pixels were matched together: nearer places have their errors in common. */
const TIED_PX = 15;
const MOST = 4000;
const BELOW_M = 0.5;
/** What differs in range by more than this share lies on something else. */
const BESIDE_SHARE = 0.2;
const LEAST_BESIDE = 6;

/** The angle of one pixel in the middle of a frame (rad), from its camera's A and H. */
export function pixelAngle(camera) {
  const { A: a, H: h } = camera;
  const cross = [a[1] * h[2] - a[2] * h[1], a[2] * h[0] - a[0] * h[2], a[0] * h[1] - a[1] * h[0]];
  return 1 / Math.hypot(...cross);
}

/** True where (e, n) lies within the polygon's shadow on the level (even-odd rule). */
export function insidePolygon(e, n, corners) {
  let inside = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [a, b] = [corners[i], corners[j]];
    if (a[1] > n !== b[1] > n && e < ((b[0] - a[0]) * (n - a[1])) / (b[1] - a[1]) + a[0]) inside = !inside;
  }
  return inside;
}

/**
 * Measured ground on a level grid within an outline, as seen from above: filled and extended ground was not measured
 * and does not count. The grid's step is the width of the matcher's window at the outline's range, as it lies on the
 * ground, widened so that no more than a few thousand places remain. Ground more than the outline's own height (and
 * half a metre) above or below it belongs to something else.
 * @param {(east: number, north: number, fromUp: number) => object|null} ground Point of the ground below a height
 * @param {number[][]} outline ENU, m: a polygon's corners; two places make a circle: its middle, and one of its rim
 * @param {number} pixelRad @param {number[]} eye ENU, m
 */
export function groundWithin(ground, outline, pixelRad, eye) {
  const radius = Math.hypot(outline[1][0] - outline[0][0], outline[1][1] - outline[0][1]);
  const round = outline.length === 2;
  const [low, high] = [Math.min, Math.max].map((pick, end) =>
    [0, 1].map((k) => (round ? outline[0][k] + (end ? radius : -radius) : pick(...outline.map((c) => c[k])))),
  );
  const inside = round
    ? (e, n) => Math.hypot(e - outline[0][0], n - outline[0][1]) <= radius
    : (e, n) => insidePolygon(e, n, outline);
  const middle = outline.reduce((sum, p) => add(sum, scale(p, 1 / outline.length)), [0, 0, 0]);
  const window = TIED_PX * pixelRad * norm(sub(middle, eye));
  const sides = [0, 1].map((k) => high[k] - low[k]);
  const step = Math.max(window, Math.sqrt(Math.max(sides[0] * sides[1], 1e-12) / MOST));
  // Centred, so that a circle of less than one step still has its middle.
  const count = sides.map((side) => Math.floor(side / step));
  const start = [0, 1].map((k) => (low[k] + high[k] - count[k] * step) / 2);
  const ups = outline.map((p) => p[2]);
  const span = Math.max(...ups) - Math.min(...ups) + BELOW_M;
  const found = [];
  for (let i = 0; i <= count[0]; i++) {
    for (let j = 0; j <= count[1]; j++) {
      const [e, n] = [start[0] + i * step, start[1] + j * step];
      if (!inside(e, n)) continue;
      const place = ground(e, n, Math.max(...ups) + span);
      if (place?.kind === 'measured' && place.enu[2] > Math.min(...ups) - span) found.push(place);
    }
  }
  return { places: found, stepM: step };
}

/**
 * The plane through what 3 x 3 lines of sight meet about a place, one matching window apart: its dip is the
 * slope there.
 * Null where the place is hidden from the eye, or stands alone.
 * @param {(origin: number[], direction: number[]) => object|null} pickRay
 * @param {object} point @param {number[]} eye ENU, m @param {number} pixelRad
 */
export function slopeAbout(pickRay, point, eye, pixelRad) {
  const sight = sub(point.enu, eye);
  const range = norm(sight);
  const ray = scale(sight, 1 / range);
  const level = across(ray, [0, 0, 1]);
  const right = norm(level) < 1e-6 ? [1, 0, 0] : scale(level, 1 / norm(level));
  const up = across(right, ray);
  const step = TIED_PX * pixelRad;
  const hits = [];
  for (const i of [-1, 0, 1]) {
    for (const j of [-1, 0, 1]) hits.push(pickRay(eye, add(ray, add(scale(right, i * step), scale(up, j * step)))));
  }
  const near = hits.map((hit) => hit && Math.abs(norm(sub(hit.enu, eye)) - range) < BESIDE_SHARE * range);
  const places = hits.filter((_, i) => near[i]);
  if (!near[4] || norm(sub(hits[4].enu, point.enu)) > 0.01 * range || places.length < LEAST_BESIDE) return null;
  const fit = planeFit(places);
  return Number.isFinite(fit.dipDeg) ? fit : null;
}
