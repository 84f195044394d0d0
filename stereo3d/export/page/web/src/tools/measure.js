// Lengths, heights, areas and angles, each with its sigma.  The Python package measures with the same formulas.

import { add, cross, dot, eigenSymmetric, norm, scale, sub } from './vector.js';
import { angleDifference, propagate } from './sigma.js';

/** @typedef {import("./sigma.js").Place} Place */

const DEGREES = 180 / Math.PI;
const SAME_M = 1e-9;
const LEAST_AREA_M2 = 1e-9;

const length = (a, b) => norm(sub(b, a));
const levelLength = (a, b) => Math.hypot(b[0] - a[0], b[1] - a[1]);

/**
 * The straight line between two places (m), its level length and its rise from the first to the second.
 * Of one and the same place, where the line has no direction, sigma is the most that any direction gives.
 * @param {Place} first @param {Place} second
 */
export function distance(first, second) {
  const [a, b] = [first.enu, second.enu];
  const places = [first, second];
  const both = first.cov.map((row, i) => add(row, second.cov[i]));
  const flat = [[both[0][0], both[0][1], 0], [both[1][0], both[1][1], 0], [0, 0, 0]];
  const most = (matrix) => Math.sqrt(Math.max(eigenSymmetric(matrix).values[2], 0));
  const value = length(a, b);
  const horizontalM = levelLength(a, b);
  return {
    value,
    sigma: value < SAME_M ? most(both) : propagate(([p, q]) => length(p, q), places),
    unit: 'm',
    horizontalM,
    horizontalSigmaM: horizontalM < SAME_M ? most(flat) : propagate(([p, q]) => levelLength(p, q), places),
    riseM: b[2] - a[2],
    riseSigmaM: propagate(([p, q]) => q[2] - p[2], places),
  };
}

const along = (step, enus, closed) =>
  enus.reduce((sum, p, i) => (i > 0 ? sum + step(enus[i - 1], p) : sum), closed ? step(enus[enus.length - 1], enus[0]) : 0);

/**
 * The length of the line through the places in their order (m), and back to the first when `closed`.
 * @param {Place[]} places two or more
 */
export function polylineLength(places, closed = false) {
  const enus = places.map((p) => p.enu);
  const straight = (points) => along(length, points, closed);
  const level = (points) => along(levelLength, points, closed);
  return {
    value: straight(enus), sigma: propagate(straight, places), unit: 'm',
    horizontalM: level(enus), horizontalSigmaM: propagate(level, places),
    pieces: closed ? places.length : places.length - 1,
  };
}

function aboveThree([p, a, b, c]) {
  const normal = cross(sub(b, a), sub(c, a));
  const size = norm(normal);
  if (size < LEAST_AREA_M2) return NaN;
  return (dot(normal, sub(p, a)) / size) * (normal[2] >= 0 ? 1 : -1);
}

/**
 * How far a place lies above (below: negative) the plane through three others, along its normal (m).
 * NaN where the three lie in a line.
 * @param {Place} place @param {Place} first @param {Place} second @param {Place} third
 */
export function heightAbovePlane(place, first, second, third) {
  const places = [place, first, second, third];
  return { value: aboveThree(places.map((p) => p.enu)), sigma: propagate(aboveThree, places), unit: 'm' };
}

function vectorArea(enus) {
  const from = enus.map((p) => sub(p, enus[0]));
  return scale(from.reduce((sum, p, i) => add(sum, cross(p, from[(i + 1) % from.length])), [0, 0, 0]), 0.5);
}

/**
 * The area of the polygon through the places (m^2) on the plane where it is largest (Newell's sum of cross products),
 * of its shadow on level ground, and its perimeter (m).  A polygon that crosses itself counts its turns against each
 * other.
 * @param {Place[]} places three or more
 */
export function area(places) {
  const enus = places.map((p) => p.enu);
  const whole = (points) => norm(vectorArea(points));
  const level = (points) => Math.abs(vectorArea(points)[2]);
  const around = (points) => along(length, points, true);
  return {
    value: whole(enus), sigma: propagate(whole, places), unit: 'm2',
    horizontalM2: level(enus), horizontalSigmaM2: propagate(level, places),
    perimeterM: around(enus), perimeterSigmaM: propagate(around, places),
  };
}

function angleAt([a, b, c]) {
  const [u, v] = [sub(a, b), sub(c, b)];
  if (Math.min(norm(u), norm(v)) < SAME_M) return NaN;
  return Math.atan2(norm(cross(u, v)), dot(u, v)) * DEGREES;
}

/**
 * The angle at `corner` between the lines to the two others (degrees, 0 to 180); NaN where a leg has no length.
 * @param {Place} first @param {Place} corner @param {Place} second
 */
export function angle(first, corner, second) {
  const places = [first, corner, second];
  return { value: angleAt(places.map((p) => p.enu)), sigma: propagate(angleAt, places), unit: 'deg' };
}

const azimuthOf = (d) => (Math.atan2(d[0], d[1]) * DEGREES + 360) % 360;
const elevationOf = (d) => Math.atan2(d[2], Math.hypot(d[0], d[1])) * DEGREES;

/**
 * Where a place is seen from the eye: azimuth from north over east, elevation above level (degrees).
 * @param {Place} place
 * @param {number[]} eye ENU, m
 */
export function azimuthElevation(place, eye) {
  const azimuth = ([p]) => azimuthOf(sub(p, eye));
  const elevation = ([p]) => elevationOf(sub(p, eye));
  return {
    azimuthDeg: azimuth([place.enu]), azimuthSigmaDeg: propagate(azimuth, [place], angleDifference),
    elevationDeg: elevation([place.enu]), elevationSigmaDeg: propagate(elevation, [place]),
  };
}

/** Azimuth and elevation (degrees) of a direction, hit or not. */
export function directionAngles(direction) {
  return { azimuthDeg: azimuthOf(direction), elevationDeg: elevationOf(direction) };
}
