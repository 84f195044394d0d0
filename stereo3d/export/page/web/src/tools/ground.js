// Ground to fit a plane through: places so far apart that their errors are their own.

import { planeFit } from './plane.js';
import { add, cross as across, norm, scale, sub } from './vector.js';

/** Side of the window in which pixels were matched together: nearer places have their errors in common. */
const TIED_PX = 15;
const MOST_ACROSS = 32;
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
 * Measured ground within a circle or a polygon, as seen from above: filled and extended ground was not measured and
 * does not count.  No two places are nearer than what matching ties together, nor than a small share of the extent.
 * @param {(east: number, north: number) => object|null} ground Point of the ground there
 * @param {{centre: number[], radius: number}|{corners: number[][]}} where ENU, m
 * @param {number} pixelRad @param {number} rangeM of the place from the eye
 */
export function groundWithin(ground, where, pixelRad, rangeM) {
  const box = where.corners
    ? [0, 1].map((k) => [Math.min(...where.corners.map((c) => c[k])), Math.max(...where.corners.map((c) => c[k]))])
    : [0, 1].map((k) => [where.centre[k] - where.radius, where.centre[k] + where.radius]);
  const inside = where.corners
    ? (e, n) => insidePolygon(e, n, where.corners)
    : (e, n) => Math.hypot(e - where.centre[0], n - where.centre[1]) <= where.radius;
  const extent = Math.max(box[0][1] - box[0][0], box[1][1] - box[1][0]);
  const step = Math.max(TIED_PX * pixelRad * rangeM, extent / MOST_ACROSS, 1e-6);
  const found = [];
  // Centred, so that a circle of less than one step still has its middle.
  const count = [0, 1].map((k) => Math.floor((box[k][1] - box[k][0]) / step));
  const start = [0, 1].map((k) => (box[k][0] + box[k][1] - count[k] * step) / 2);
  for (let i = 0; i <= count[0]; i++) {
    for (let j = 0; j <= count[1]; j++) {
      const [e, n] = [start[0] + i * step, start[1] + j * step];
      if (!inside(e, n)) continue;
      const place = ground(e, n);
      if (place?.kind === 'measured') found.push(place);
    }
  }
  return { places: found, stepM: step };
}

/**
 * The plane through what 3 x 3 lines of sight meet about a place, one matching window apart: its dip is the slope there.
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
