// The elevation profile between two places.

import { quadratic } from "./vector.js";

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
 * @param {(east: number, north: number) => {enu: number[], normal: number[], cov: number[][]}|null} ground
 * @param {number[]} first ENU, m @param {number[]} second ENU, m
 * @returns {{s_m: number, up_m: number|null, sigma_m: number|null}[]} s_m is the level distance from the first place
 */
export function profile(ground, first, second, count) {
  const length = Math.hypot(second[0] - first[0], second[1] - first[1]);
  return Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    const place = ground(first[0] + share * (second[0] - first[0]), first[1] + share * (second[1] - first[1]));
    const s_m = share * length;
    return place ? { s_m, up_m: place.enu[2], sigma_m: heightSigma(place) } : { s_m, up_m: null, sigma_m: null };
  });
}

/** The profile as CSV: level distance, height and its sigma, east and north (m); empty cells where there is no ground. */
export function profileCsv(samples, first, second) {
  const length = samples[samples.length - 1].s_m || 1;
  const rows = ["distance_m,up_m,sigma_m,east_m,north_m"];
  for (const { s_m, up_m, sigma_m } of samples) {
    const share = s_m / length;
    const [e, n] = [0, 1].map((k) => (first[k] + share * (second[k] - first[k])).toFixed(4));
    const height = up_m === null ? "," : `${up_m.toFixed(4)},${sigma_m === null ? "" : sigma_m.toFixed(4)}`;
    rows.push(`${s_m.toFixed(4)},${height},${e},${n}`);
  }
  return rows.join("\r\n") + "\r\n";
}
