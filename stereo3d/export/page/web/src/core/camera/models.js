/**
 * The exact camera models CAHV, CAHVOR and CAHVORE in double precision, in the frame of the record (ENU, m).
 *
 * A pixel is (column x, row y), the centre of the first one at (0, 0). What a model cannot map is null.
 * Sources of the formulas: Yakimovsky & Cunningham 1978 (CAHV); Gennery 2001 (CAHVOR); Gennery 2006 (CAHVORE).
 *
 * @typedef {[number, number, number]} Vec3
 * @typedef {{origin: Vec3, direction: Vec3}} Ray
 */
import { fieldLimit, mu, undistorted } from './distortion.js';

const SMALL = 1e-15;

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const plus = (a, b, k = 1) => [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]];

function unit(v) {
  const length = Math.sqrt(dot(v, v));
  return [v[0] / length, v[1] / length, v[2] / length];
}

/** CAHV: the pinhole, and the linear part of the other two. */
export class CAHV {
  constructor(record) {
    this.C = [...record.C];
    this.A = [...record.A];
    this.H = [...record.H];
    this.V = [...record.V];
    const vh = cross(this.V, this.H);
    this.sign = dot(vh, this.A) > 0 ? 1 : -1;
    this.basisX = cross(this.A, this.V);
    this.basisY = cross(this.H, this.A);
    this.constant = vh;
  }

  /** Direction, not unit, of a pixel: (V - y A) x (H - x A), pointing forward. */
  linearDirection([x, y]) {
    const at = plus(plus(this.constant, this.basisX, x), this.basisY, y);
    return [at[0] * this.sign, at[1] * this.sign, at[2] * this.sign];
  }

  /** @param {Vec3} point m. @returns {[number, number] | null} px */
  project(point) {
    return this.linearPixel(minus(point, this.C));
  }

  linearPixel(d) {
    return pixelOf(dot(d, this.H), dot(d, this.V), dot(d, this.A));
  }

  /** @param {[number, number]} pixel @returns {Ray | null} */
  ray(pixel) {
    const direction = unit(this.linearDirection(pixel));
    return finite(direction) ? { origin: [...this.C], direction } : null;
  }
}

/** O and R on top of the linear part: both models map d = zeta O + lambda to the linear pixel of d + g O. */
class Radial extends CAHV {
  constructor(record) {
    super(record);
    this.O = [...record.O];
    this.R = [...record.R];
    this.excess = 2 - dot(this.O, this.O);
    this.limit = this.fieldLimit(record);
  }

  shifted(d, g) {
    // Term by term, as |d| may be far larger than the shift.
    const { O } = this;
    return pixelOf(
      dot(d, this.H) + dot(O, this.H) * g,
      dot(d, this.V) + dot(O, this.V) * g,
      dot(d, this.A) + dot(O, this.A) * g,
    );
  }

  /** Direction, zeta and chi^2 of a pixel, the distortion taken away. */
  entering(pixel) {
    const d = this.linearDirection(pixel);
    const zeta = dot(this.O, d);
    if (!(zeta > 0)) return null;
    const t = Math.max(dot(d, d) / (zeta * zeta) - this.excess, 0);
    const s = undistorted(t, this.R, this.limit);
    return Number.isNaN(s) ? null : { d, zeta, s };
  }
}

/** CAHVOR: P' = P + mu lambda with mu = r0 + r1 tau + r2 tau^2 and tau = |lambda|^2 / zeta^2; then CAHV of P'. */
export class CAHVOR extends Radial {
  fieldLimit() {
    return fieldLimit(this.R);
  }

  project(point) {
    const d = minus(point, this.C);
    const zeta = dot(d, this.O);
    const tau = dot(d, d) / (zeta * zeta) - this.excess;
    if (!(zeta > 0 && tau < this.limit)) return null;
    const m = mu(tau, this.R);
    return this.shifted(d, (-m / (1 + m)) * zeta);
  }

  ray(pixel) {
    const found = this.entering(pixel);
    if (!found) return null;
    const direction = unit(plus(found.d, this.O, found.zeta * mu(found.s, this.R)));
    return finite(direction) ? { origin: [...this.C], direction } : null;
  }
}

/**
 * CAHVORE: off-axis angle theta maps to chi = tan(L theta) / L (theta for L = 0, sin for L < 0), which R then distorts;
 * the entrance pupil stands at C + s O with s = (theta / sin theta - 1) (e0 + e1 theta^2 + e2 theta^4).
 */
export class CAHVORE extends Radial {
  fieldLimit(record) {
    this.E = [...record.E];
    this.L = [1, 0, record.linearity ?? 0][record.pupil_type - 1];
    if (this.L === undefined) throw new Error(`pupil type must be 1, 2 or 3, got ${record.pupil_type}`);
    return fieldLimit(this.R, this.chi(Math.PI / 2) ** 2);
  }

  chi(theta) {
    if (this.L > SMALL) return Math.tan(this.L * theta) / this.L;
    if (this.L < -SMALL) return Math.sin(this.L * theta) / this.L;
    return theta;
  }

  theta(chi) {
    if (this.L > SMALL) return Math.atan(this.L * chi) / this.L;
    if (this.L < -SMALL) return Math.asin(this.L * chi) / this.L;
    return chi;
  }

  project(point) {
    const d = minus(point, this.C);
    const zeta = dot(d, this.O);
    const across = Math.sqrt(Math.max(dot(d, d) - this.excess * zeta * zeta, 0));
    const theta = this.angle(zeta, across);
    if (!(theta < Math.PI / 2)) return null;
    const chi = this.chi(theta);
    const s = chi * chi;
    if (!(s < this.limit)) return null;
    // P' = (across / chi) O + (1 + mu) lambda, and on the axis across / chi is the distance from the pupil, zeta there.
    const forward = chi === 0 ? zeta : across / chi;
    return this.shifted(d, forward / (1 + mu(s, this.R)) - zeta);
  }

  /** The angle at the pupil of a point at `zeta` along and `across` the axis, m; NaN: none. */
  angle(zeta, across) {
    let theta = Math.atan2(across, zeta);
    const [e0, e1, e2] = this.E;
    if (!(e0 || e1 || e2)) return theta;
    // Newton's method for zeta sin - across cos - (theta - sin) e = 0.
    let step = Infinity;
    for (let i = 0; i < 15 && !(Math.abs(step) <= 1e-9); i++) {
      const sin = Math.sin(theta);
      const cos = Math.cos(theta);
      const t2 = theta * theta;
      const e = e0 + t2 * (e1 + t2 * e2);
      const late = theta - sin;
      const slope = zeta * cos + across * sin - (1 - cos) * e - late * (theta * (2 * e1 + 4 * e2 * t2));
      step = (zeta * sin - across * cos - late * e) / slope;
      theta -= step;
    }
    // The last step bounds the error (convergence is quadratic); what still moves is not solved.
    return Math.abs(step) <= 1e-9 && theta >= 0 ? theta : NaN;
  }

  ray(pixel) {
    const found = this.entering(pixel);
    if (!found) return null;
    const chi = Math.sqrt(found.s);
    const theta = this.theta(chi);
    const sin = Math.sin(theta);
    // (cos theta) O + (sin theta) lambda / |lambda|, scaled so that its part across O is lambda.
    const along = (chi === 0 ? 1 : (Math.cos(theta) * chi) / sin) * (1 + mu(found.s, this.R)) - 1;
    const direction = unit(plus(found.d, this.O, along * found.zeta));
    if (!finite(direction)) return null;
    const t2 = theta * theta;
    const shift = ((chi === 0 ? 1 : theta / sin) - 1) * (this.E[0] + t2 * (this.E[1] + t2 * this.E[2]));
    return { origin: plus(this.C, this.O, shift), direction };
  }
}

function pixelOf(h, v, a) {
  if (!(a > 0)) return null;
  const pixel = [h / a, v / a];
  return finite(pixel) ? pixel : null;
}

function finite(v) {
  return v.every(Number.isFinite);
}

/** The model of a frame's record in the manifest: `{model: "CAHVORE", C: [..], ...}`. */
export function cameraModel(record) {
  const Model = { CAHV, CAHVOR, CAHVORE }[record.model];
  if (!Model) throw new Error(`unknown camera model ${record.model}`);
  return new Model(record);
}
