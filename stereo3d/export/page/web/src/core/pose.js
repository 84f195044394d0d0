/**
 * Where the view is taken from: pure functions from one pose to the next. Z is up and stays up.
 *
 * @typedef {object} Pose
 * @property {'orbit'|'walk'|'fly'|'top'} mode
 * @property {number[]} eye m; in `top` what lies in the middle of the view
 * @property {number} azimuth from north to east, rad
 * @property {number} elevation rad
 * @property {number} fov of the height of the view, rad
 * @property {number} height m of ground over the height of the view, in `top`
 * @property {number[]} focus the place that an orbiting view turns about
 */
import { add, clamp, cross, dot, norm, scaled, sub } from './vec.js';

export const EYE_HEIGHT_M = 1.7;
const STEEPEST = (89 * Math.PI) / 180;

/** Forward, right and up of a pose, unit. */
export function axes({ azimuth, elevation, mode }) {
  if (mode === 'top') return { forward: [0, 0, -1], right: [1, 0, 0], up: [0, 1, 0] };
  const level = [Math.sin(azimuth), Math.cos(azimuth), 0];
  const forward = add(scaled(level, Math.cos(elevation)), [0, 0, Math.sin(elevation)]);
  const right = [Math.cos(azimuth), -Math.sin(azimuth), 0];
  return { forward, right, up: cross(right, forward) };
}

/** Azimuth and elevation (rad) of a direction. */
export function anglesOf(direction) {
  return {
    azimuth: Math.atan2(direction[0], direction[1]),
    elevation: Math.asin(clamp(direction[2] / norm(direction), -1, 1)),
  };
}

/** Turn the head in place. */
export function look(pose, right, up) {
  return { ...pose, azimuth: pose.azimuth + right, elevation: clamp(pose.elevation + up, -STEEPEST, STEEPEST) };
}

/** Swing the eye about the focus: to the right, and up over it; the focus keeps its place in the view. */
export function orbit(pose, right, up) {
  const turned = look(pose, -right, -up);
  const away = sub(pose.focus, pose.eye);
  const old = axes(pose);
  const now = axes(turned);
  let { focus: eye } = pose;
  for (const axis of ['right', 'up', 'forward']) eye = add(eye, now[axis], -dot(away, old[axis]));
  return { ...turned, eye };
}

/** Go towards `place` until what lies there is `factor` times as large. */
export function nearer(pose, place, factor) {
  if (pose.mode === 'top') {
    const height = clamp(pose.height / factor, 0.1, 1e5);
    const share = 1 - height / pose.height;
    return { ...pose, height, eye: add(pose.eye, sub(place, pose.eye), share) };
  }
  const away = sub(pose.eye, place);
  const distance = Math.max(norm(away), 1e-9);
  return { ...pose, eye: add(place, away, clamp(distance / factor, 0.05, 1e5) / distance) };
}

/** Shift the eye and the focus so that what lies at `depth` follows a drag of so many pixels. */
export function pan(pose, depth, right_px, up_px, height_px) {
  const unit = pose.mode === 'top' ? pose.height / height_px : (2 * Math.tan(pose.fov / 2) * depth) / height_px;
  const { right, up } = axes(pose);
  const shift = add(scaled(right, -unit * right_px), up, -unit * up_px);
  return { ...pose, eye: add(pose.eye, shift), focus: add(pose.focus, shift) };
}

/** Move along the level directions of the view, and up. */
export function step(pose, ahead_m, right_m, up_m = 0) {
  const { right } = axes({ ...pose, mode: 'walk' });
  const level = [Math.sin(pose.azimuth), Math.cos(pose.azimuth), 0];
  const shift = add(add(scaled(level, ahead_m), right, right_m), [0, 0, up_m]);
  return { ...pose, eye: add(pose.eye, shift) };
}

/** Move along the direction of view. */
export function fly(pose, ahead_m, right_m, up_m = 0) {
  const { forward, right } = axes(pose);
  return { ...pose, eye: add(add(add(pose.eye, forward, ahead_m), right, right_m), [0, 0, up_m]) };
}

/** Between two poses of one kind: angles the short way round, sizes by their ratio. */
export function between(a, b, t) {
  const number = (x, y) => x + (y - x) * t;
  const turn = ((((b.azimuth - a.azimuth + Math.PI) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI)) - Math.PI;
  return {
    ...b,
    eye: a.eye.map((x, i) => number(x, b.eye[i])),
    focus: a.focus.map((x, i) => number(x, b.focus[i])),
    azimuth: a.azimuth + turn * t,
    elevation: number(a.elevation, b.elevation),
    fov: number(a.fov, b.fov),
    height: a.height * (b.height / a.height) ** t,
  };
}
