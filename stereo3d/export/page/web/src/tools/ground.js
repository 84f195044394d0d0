// Ground to fit a plane through: places so far apart that their errors are their own.

/** Matching ties the errors of pixels as near as this together. */
const TIED_PX = 15;
const MOST_ACROSS = 20;

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
 * does not count.  No two places are nearer than what matching ties together, nor than a twentieth of the extent.
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
      if (place && place.kind === 0) found.push(place);
    }
  }
  return { places: found, stepM: step };
}
