// One sigma of anything measured: the covariance of a picked place, and how it carries on to a number.

import { dot, norm, quadratic, scale, sub } from './vector.js';

const STEP_M = 1e-4;

/** @typedef {{enu: number[], cov: number[][]}} Place a place, ENU, m, and its (3, 3) covariance, m^2 */

/**
 * C = s^2 r r^T + (range * lateral_rad)^2 (I - r r^T): a place is unsure by s along the ray on which it was seen, and
 * by an angle across it.
 * @param {number[]} enu place, m
 * @param {number} sigmaM one sigma of the range, m
 * @param {number[]} eye where the range counts from, m
 * @param {number} lateralRad one sigma across the ray, rad
 */
export function covariance(enu, sigmaM, eye, lateralRad) {
  const away = sub(enu, eye);
  const range = norm(away);
  const r = scale(away, 1 / Math.max(range, 1e-12));
  const across = (range * lateralRad) ** 2;
  const more = sigmaM * sigmaM - across;
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => more * r[i] * r[j] + (i === j ? across : 0)));
}

/** The difference of two angles in degrees, wrapped to -180 .. 180. */
export function angleDifference(a, b) {
  return ((((a - b + 180) % 360) + 360) % 360) - 180;
}

const plain = (a, b) => a - b;

/**
 * One sigma of f(p1..pn): sigma^2 = sum g_i^T C_i g_i, first order, points independent; g_i by central differences.
 * @param {(enus: number[][]) => number} f
 * @param {Place[]} places
 * @param {(a: number, b: number) => number} [difference] for angles, that wraps
 */
export function propagate(f, places, difference = plain) {
  const enus = places.map((p) => [...p.enu]);
  let total = 0;
  places.forEach((place, i) => {
    const g = [0, 0, 0];
    for (let k = 0; k < 3; k++) {
      const was = enus[i][k];
      enus[i][k] = was + STEP_M;
      const high = f(enus);
      enus[i][k] = was - STEP_M;
      const low = f(enus);
      enus[i][k] = was;
      g[k] = difference(high, low) / (2 * STEP_M);
    }
    total += quadratic(g, place.cov);
  });
  return Math.sqrt(Math.max(total, 0));
}

/** One sigma of a place along a direction (unit or not). */
export function sigmaAlong(cov, direction) {
  return Math.sqrt(Math.max(quadratic(direction, cov), 0) / dot(direction, direction));
}
