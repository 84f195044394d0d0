/** Why there is no ground where one clicked: what the frame that shows the place says of its pixel. */
import { add, scale } from '../tools/vector.js';

const FAR_M = 1e4;
const RINGS_PX = [6, 12, 24, 48, 96];

const leftFrames = (viewer) => viewer.frames.filter((f) => f.record?.reason ?? f.reason);

function nearestTo(viewer, place) {
  let best = null;
  for (const frame of leftFrames(viewer)) {
    const pixel = frame.project(place);
    if (!pixel) continue;
    const { width, height } = frame.record ?? frame;
    const off = Math.hypot(pixel[0] - width / 2, pixel[1] - height / 2);
    if (!best || off < best.off) best = { frame, pixel, off };
  }
  return best;
}

/**
 * The frame and pixel that look where a ray goes that met nothing. Seen from the cameras' own place the direction is
 * enough; from elsewhere the place is taken to lie as far away as the ground around it.
 */
export function pixelOfHole(viewer, x, y, ray) {
  const { eye } = viewer.manifest;
  const origin = ray.origin;
  const away = Math.hypot(origin[0] - eye[0], origin[1] - eye[1], origin[2] - eye[2]);
  if (away < 0.5) return { ...nearestTo(viewer, add(origin, scale(ray.direction, FAR_M))), guessed: false };
  for (const radius of RINGS_PX) {
    const depths = [];
    for (let i = 0; i < 8; i++) {
      const point = viewer.pick(x + radius * Math.cos((i * Math.PI) / 4), y + radius * Math.sin((i * Math.PI) / 4));
      if (point) depths.push(Math.hypot(...point.enu.map((v, k) => v - origin[k])));
    }
    if (depths.length < 3) continue;
    depths.sort((a, b) => a - b);
    const found = nearestTo(viewer, add(origin, scale(ray.direction, depths[depths.length >> 1])));
    return found ? { ...found, guessed: true } : null;
  }
  return null;
}

/** A sentence on why nothing was measured there. */
export async function whyHole(viewer, x, y, ray) {
  const found = pixelOfHole(viewer, x, y, ray);
  if (!found?.frame) return 'No ground there. No frame shows that direction.';
  const reason = await found.frame.reasonAt(found.pixel);
  const at = `${found.frame.id}, column ${found.pixel[0].toFixed(0)}, row ${found.pixel[1].toFixed(0)}`;
  const about = found.guessed ? ' (the place is guessed from the ground around it)' : '';
  if (!reason) return `No ground there. Why is not known: ${at}${about}.`;
  if (reason === 'measured') return `No ground there, although its pixel was measured: ${at}${about}. The surface was not closed over it.`;
  return `No ground there: ${reason}. ${at}${about}.`;
}
