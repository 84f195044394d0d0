// The elevation profile between two places.

import { quadratic } from './vector.js';

/** A steeper face counts as this steep (cosine of its slope), or its height would be unsure without bound. */
export const FLATTEST = 0.2;

/**
 * One sigma (m) of the height of ground at a fixed level place: how unsure the surface is along its normal, told
 * upwards.
 * @param {{normal: number[], cov: number[][]}} place
 */
export function heightSigma(place) {
  return Math.sqrt(Math.max(quadratic(place.normal, place.cov), 0)) / Math.max(Math.abs(place.normal[2]), FLATTEST);
}

/**
 * Heights at `count` even steps of the level line between two places.
 * @param {(east: number, north: number) => {enu: number[], normal: number[], cov: number[][], kind: string}|null} ground
 * @param {number[]} first ENU, m @param {number[]} second ENU, m
 * @returns {{s_m: number, east_m: number, north_m: number, up_m: number|null, sigma_m: number|null, kind: string}[]}
 *   s_m is the level distance from the first place; kind is 'none' and the height null without ground
 */
export function profile(ground, first, second, count) {
  const length = Math.hypot(second[0] - first[0], second[1] - first[1]);
  return Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    const [east_m, north_m] = [0, 1].map((k) => first[k] + share * (second[k] - first[k]));
    const place = ground(east_m, north_m);
    const known = place ? { up_m: place.enu[2], sigma_m: heightSigma(place), kind: place.kind } : { up_m: null, sigma_m: null, kind: 'none' };
    return { s_m: share * length, east_m, north_m, ...known };
  });
}

/** The profile as CSV: level distance, place, height and its sigma (m), what the ground is; empty cells without ground. */
export function profileCsv(samples) {
  const number = (value) => (value === null ? '' : value.toFixed(4));
  const rows = samples.map((s) => [
    ...[s.s_m, s.east_m, s.north_m, s.up_m, s.sigma_m].map(number), s.kind,
  ].join(','));
  return `along_m,east_m,north_m,up_m,sigma_m,kind\n${rows.join('\n')}\n`;
}
