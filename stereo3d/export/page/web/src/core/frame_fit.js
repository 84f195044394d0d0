/** How the brightness of the ground, drawn through a frame's camera, fits the frame's. */

/**
 * What brings the ground's brightness to the frame's, and how well they agree then: a gain with the fall-off towards
 * the corners that the frame has and the ground's texture has not, and an offset.
 */
export function fitted({ width, height, ground, picture }) {
  const basis = (i) => {
    const r2 = radius2(((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height, width / height);
    return [ground[i], ground[i] * r2, ground[i] * r2 * r2, 1];
  };
  let found = { gain: [1, 0, 0], offset: 0, correlation: NaN, rms: NaN, count: 0 };
  let widest = Infinity;
  for (let round = 0; round < 3; round++) {
    const normal = Array.from({ length: 4 }, () => new Float64Array(5));
    const model = (row) => row[0] * found.gain[0] + row[1] * found.gain[1] + row[2] * found.gain[2] + found.offset;
    const used = [];
    for (let i = 0; i < ground.length; i++) {
      if (!(ground[i] < 0.985 && picture[i] < 0.985)) continue;
      const row = basis(i);
      if (Math.abs(picture[i] - model(row)) > widest) continue;
      used.push(i);
      for (let a = 0; a < 4; a++) {
        for (let b = 0; b < 4; b++) normal[a][b] += row[a] * row[b];
        normal[a][4] += row[a] * picture[i];
      }
    }
    if (used.length < 100) break;
    const [g0, g1, g2, offset] = solved(normal);
    found = { ...found, gain: [g0, g1, g2], offset, count: used.length };
    const { rms, correlation } = agreement(used.map((i) => model(basis(i))), used.map((i) => picture[i]));
    found.rms = rms;
    // The correlation of all of it, not of what the later rounds kept.
    if (round === 0) found.correlation = correlation;
    widest = 3 * rms;
  }
  return found;
}

/** Square of the distance from the middle of a picture, 1 at the half height; u, v from 0 to 1. */
function radius2(u, v, aspect) {
  return ((2 * u - 1) * aspect) ** 2 + (2 * v - 1) ** 2;
}

/** Gauss elimination of n rows of n + 1, overwritten. */
function solved(rows) {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    let best = i;
    for (let k = i + 1; k < n; k++) if (Math.abs(rows[k][i]) > Math.abs(rows[best][i])) best = k;
    [rows[i], rows[best]] = [rows[best], rows[i]];
    const pivot = rows[i][i] || 1e-12;
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = rows[k][i] / pivot;
      for (let j = i; j <= n; j++) rows[k][j] -= factor * rows[i][j];
    }
  }
  return rows.map((row, i) => row[n] / (row[i] || 1e-12));
}

function agreement(a, b) {
  const n = a.length;
  const mean = (values) => values.reduce((sum, x) => sum + x, 0) / n;
  const [ma, mb] = [mean(a), mean(b)];
  let [aa, ab, bb, dd] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
    ab += (a[i] - ma) * (b[i] - mb);
    dd += (a[i] - b[i]) ** 2;
  }
  return { rms: Math.sqrt(dd / n), correlation: ab / Math.sqrt(Math.max(aa * bb, 1e-18)) };
}
