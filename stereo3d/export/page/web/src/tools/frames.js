// ENU (X east, Y north, Z up) to the frames of the mission, m.

/** @typedef {{rotation: number[][], translation: number[]}} Rigid x_to = rotation x + translation */

/** @param {Rigid} transform @param {number[]} p */
export function apply(transform, p) {
  const { rotation: r, translation: t } = transform;
  return [0, 1, 2].map((i) => r[i][0] * p[0] + r[i][1] * p[1] + r[i][2] * p[2] + t[i]);
}

/** @param {Rigid} transform @param {number[]} p in the frame that the transform leads to */
export function applyInverse(transform, p) {
  const { rotation: r, translation: t } = transform;
  const d = [p[0] - t[0], p[1] - t[1], p[2] - t[2]];
  return [0, 1, 2].map((i) => r[0][i] * d[0] + r[1][i] * d[1] + r[2][i] * d[2]);
}
