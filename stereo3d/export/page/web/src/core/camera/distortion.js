/** The radial distortion that CAHVOR and CAHVORE share: chi (1 + r0 + r1 chi^2 + r2 chi^4) = chi'. */

/** s q(s)^2 with s = chi^2: the square of the distorted chi'. */
export function distorted(s, r) {
  const q = 1 + r[0] + s * (r[1] + r[2] * s);
  return s * q * q;
}

/** r0 + r1 s + r2 s^2. */
export function mu(s, r) {
  return (r[2] * s + r[1]) * s + r[0];
}

/** The largest chi^2 up to which chi' grows with chi; infinity when it grows for ever. */
export function fold(r) {
  // The first positive zero of the derivative in s = chi^2, 5 r2 s^2 + 3 r1 s + (1 + r0), without cancellation.
  const a = 5 * r[2];
  const b = 3 * r[1];
  const c = 1 + r[0];
  const square = b * b - 4 * a * c;
  const slope = square >= 0 ? Math.sqrt(square) - b : 0;
  return slope > 0 ? (2 * c) / slope : Infinity;
}

/** The largest chi^2 of a model: `end` (of its projection), the fold, or chi' = 1e5, always finite. */
export function fieldLimit(r, end = Infinity) {
  const limit = Math.min(fold(r), end);
  let high = 1;
  while (high < limit && distorted(high, r) < 1e10) high *= 2;
  high = Math.min(high, limit);
  return distorted(high, r) <= 1e10 ? high : bisected(1e10, r, high);
}

/** chi^2 of t = chi'^2; NaN where there is none below `limit`, the model's `fieldLimit`. */
export function undistorted(t, r, limit) {
  if (!(t < distorted(limit, r))) return NaN;
  const q0 = 1 + r[0];
  const r1 = r[1];
  const r2 = r[2];
  // Newton's method for s (q0 + r1 s + r2 s^2)^2 = t, from the first terms of the inverse series.
  let s = t / (q0 * q0);
  s *= Math.min(Math.max(1 - ((2 * r1) / q0) * s, 0.25), 4);
  for (let i = 0; i < 12; i++) {
    const q = q0 + s * (r1 + r2 * s);
    const slope = r1 + 2 * r2 * s;
    const step = (s * q * q - t) / (q * (q + 2 * s * slope));
    // A step over the fold would land on the far branch, where the answer is another ray.
    s = Math.min(Math.max(s - step, 0), limit);
    if (!(Math.abs(step) > 1e-15 * (1 + s))) break;
  }
  return Math.abs(distorted(s, r) - t) <= 1e-14 * (1 + t) ? s : bisected(t, r, limit);
}

function bisected(t, r, limit) {
  let low = 0;
  let high = limit;
  for (;;) {
    const middle = 0.5 * (low + high);
    if (middle === low || middle === high) return middle;
    if (distorted(middle, r) < t) low = middle;
    else high = middle;
  }
}
