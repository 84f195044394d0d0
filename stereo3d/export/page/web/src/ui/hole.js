/** Why there is no ground where one clicked: what the frame that shows the place says of its pixel. */
import { add, scale } from '../tools/vector.js';

const FAR_M = 1e4;
const RINGS_PX = [6, 12, 24, 48, 96];

const AT_THE_CAMERAS_M = 1;

const leftFrames = (viewer) => viewer.frames.filter((f) => f.record.reason);

function nearestTo(viewer, place) {
  let best = null;
  for (const frame of leftFrames(viewer)) {
    const pixel = frame.project(place);
    if (!pixel) continue;
    const { width, height } = frame.record;
    if (!frame.inside(pixel)) continue;
    const off = Math.hypot(pixel[0] - width / 2, pixel[1] - height / 2);
    if (!best || off < best.off) best = { frame, pixel, off };
  }
  return best;
}

/** The frame and pixel that look along a ray from the cameras' own place; null from elsewhere. */
export function pixelTowards(viewer, { origin, direction }) {
  const far = add(origin, scale(direction, FAR_M));
  const standing = viewer.framing && viewer.frames[viewer.framing.index];
  if (standing?.record.reason) {
    const pixel = standing.project(far);
    return pixel && { frame: standing, pixel, guessed: false };
  }
  const { eye } = viewer.manifest;
  if (Math.hypot(...origin.map((v, k) => v - eye[k])) > AT_THE_CAMERAS_M) return null;
  const found = nearestTo(viewer, far);
  // From a little beside the camera near ground is seen past its pixel.
  const beside = found ? Math.hypot(...origin.map((v, k) => v - found.frame.record.C[k])) : 0;
  return found && { ...found, guessed: beside > 0.01 };
}

/**
 * The frame and pixel that look where a ray goes that met nothing. Seen from the cameras' own place the direction is
 * enough; from elsewhere the place is taken to lie as far away as the ground around it.
 */
export function pixelOfHole(viewer, x, y, ray) {
  const { origin } = ray;
  const direct = pixelTowards(viewer, ray);
  if (direct) return direct;
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
  const about = found.guessed ? ' (about there)' : '';
  if (!reason) return `No ground there. Why is not known: ${at}${about}.`;
  if (reason === 'measured') return `No ground there, although its pixel was measured: ${at}${about}. The surface was not closed over it.`;
  return `No ground there: ${reason}. ${at}${about}.`;
}
