// The plane that fits ground best: dip and strike with their sigma.

import { add, dot, eigenSymmetric, quadratic, scale, sub } from './vector.js';

const DEGREES = 180 / Math.PI;
const ROUNDS = 10;
// Places whose second extent squared is less than this share of the first one's lie in a line.
const IN_LINE = 1e-12;
const LEVEL = 1e-9;
// A direction whose sigma is larger is not known at all.
const NO_DIRECTION_DEG = 180;

function scatter(enus, weights) {
  const total = weights.reduce((sum, w) => sum + w, 0);
  const centre = scale(enus.reduce((sum, p, i) => add(sum, scale(p, weights[i])), [0, 0, 0]), 1 / total);
  const s = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  enus.forEach((p, i) => {
    const d = sub(p, centre);
    for (let r = 0; r < 3; r++) for (let c = 0; c < 3; c++) s[r][c] += weights[i] * d[r] * d[c];
  });
  return { centre, s };
}

/**
 * The plane of weighted total least squares through places of the ground: each place weighs as its own sigma along the
 * plane's normal says, and the fit's covariance is made larger by the reduced chi squared where that is above one, so
 * that ground rougher than its sigma gives an honestly larger uncertainty.
 * Fewer than four places, or all in a line, give NaN.  The places count as independent: hand over thinned ground.
 * @param {import("./sigma.js").Place[]} places
 * @returns {{dipDeg: number, dipSigmaDeg: number, dipDirectionDeg: number, strikeDeg: number, strikeSigmaDeg: number,
 *   rmsM: number, reducedChi2: number, count: number,
 *   normal: number[], centre: number[]}} angles in degrees; strike by the right-hand rule (dip to the right of it)
 */
export function planeFit(places) {
  const enus = places.map((p) => p.enu);
  const nothing = {
    dipDeg: NaN, dipSigmaDeg: NaN, dipDirectionDeg: NaN, strikeDeg: NaN, strikeSigmaDeg: NaN,
    rmsM: NaN, reducedChi2: NaN, count: places.length, normal: [NaN, NaN, NaN], centre: [NaN, NaN, NaN],
  };
  if (places.length < 4) return nothing;
  let weights = places.map(() => 1);
  let { centre, s } = scatter(enus, weights);
  let found = eigenSymmetric(s);
  for (let round = 0; round < ROUNDS; round++) {
    const n = found.vectors[0];
    weights = places.map((p) => 1 / Math.max(quadratic(n, p.cov), 1e-18));
    ({ centre, s } = scatter(enus, weights));
    found = eigenSymmetric(s);
  }
  if (!(found.values[1] > IN_LINE * found.values[2])) return nothing;
  const normal = found.vectors[0][2] >= 0 ? found.vectors[0] : scale(found.vectors[0], -1);
  const off = enus.map((p) => dot(normal, sub(p, centre)));
  const reducedChi2 = off.reduce((sum, d, i) => sum + weights[i] * d * d, 0) / (places.length - 3);
  const larger = Math.max(1, reducedChi2);
  const [e1, e2] = [found.vectors[1], found.vectors[2]];
  // Variances of the turns about the plane's own two axes, rad^2.
  const tilts = [larger / found.values[1], larger / found.values[2]];
  const level = Math.hypot(normal[0], normal[1]);
  let dipDirectionDeg = NaN;
  let dipSigma = Math.sqrt(tilts[0]);
  let turnSigma = NaN;
  if (level >= LEVEL) {
    dipDirectionDeg = (Math.atan2(normal[0], normal[1]) * DEGREES + 360) % 360;
    const sum = (f) => Math.sqrt([e1, e2].reduce((total, e, i) => total + tilts[i] * f(e) ** 2, 0));
    dipSigma = sum((e) => e[2] / level);
    turnSigma = sum((e) => (normal[1] * e[0] - normal[0] * e[1]) / level ** 2);
  }
  return {
    dipDeg: Math.atan2(level, normal[2]) * DEGREES, dipSigmaDeg: dipSigma * DEGREES,
    dipDirectionDeg, strikeDeg: (dipDirectionDeg + 270) % 360,
    strikeSigmaDeg: Math.min(turnSigma * DEGREES, NO_DIRECTION_DEG),
    rmsM: Math.sqrt(off.reduce((sum, d) => sum + d * d, 0) / off.length), reducedChi2, count: places.length,
    normal, centre,
  };
}
