/** From pixels to rays and places, and back. */
import { THREE } from './three.js';
import { clamp, add, norm, sub } from './vec.js';

export class Sight {
  constructor(viewer) {
    this.viewer = viewer;
    this.caster = new THREE.Raycaster();
  }

  /** Ray of a pixel, as it is shown (heights times the exaggeration). */
  shownRay(clientX, clientY) {
    const { canvas, drawing, pose } = this.viewer;
    const box = canvas.getBoundingClientRect();
    const at = new THREE.Vector2(((clientX - box.left) / box.width) * 2 - 1, 1 - ((clientY - box.top) / box.height) * 2);
    this.caster.setFromCamera(at, drawing.aim(pose));
    const { origin, direction } = this.caster.ray;
    return { origin: origin.toArray(), direction: direction.toArray() };
  }

  /** Ray of a pixel in ENU, whether it meets ground or not; null beside the picture of a frame. */
  ray(clientX, clientY) {
    const { viewer } = this;
    if (viewer.framing) {
      const box = viewer.canvas.getBoundingClientRect();
      return viewer.frameMode.rayAt(clientX - box.left, clientY - box.top);
    }
    const { origin, direction } = this.shownRay(clientX, clientY);
    return { origin: viewer.hidden(origin), direction: viewer.hiddenDirection(direction) };
  }

  /** Where the pointer is at the depth of the focus, for gestures that hold no ground. Shown coordinates. */
  ahead(clientX, clientY) {
    const { pose } = this.viewer;
    const { origin, direction } = this.shownRay(clientX, clientY);
    return add(origin, direction, pose.mode === 'top' ? 1 : clamp(norm(sub(pose.focus, pose.eye)), 0.5, 300));
  }

  /** Heights at n even steps of the level line from a to b. */
  profile(a, b, n) {
    const { viewer } = this;
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const top = viewer.ground.box.max.z + 1;
    return Array.from({ length: n }, (_, i) => {
      const t = n > 1 ? i / (n - 1) : 0;
      const point = viewer.pickRay([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, top], [0, 0, -1]);
      return { s_m: t * length, up_m: point?.enu[2] ?? null, sigma_m: point?.sigma_m ?? null, point };
    });
  }

  /** The frame that shows a place best: not hidden by other ground, and nearest to the middle of its picture. */
  frameOf(enu) {
    const { frames, picker } = this.viewer;
    let best = null;
    frames.forEach((frame, index) => {
      const pixel = frame.project(enu);
      if (!pixel || !frame.inside(pixel)) return;
      const { width, height, C } = frame.record;
      const off = Math.hypot(pixel[0] / width - 0.5, pixel[1] / height - 0.5);
      if (best && best.off <= off) return;
      const away = sub(enu, C);
      const distance = norm(away);
      const hit = picker.cast(C, away);
      if (hit && hit.distance < distance - Math.max(0.03, 0.01 * distance)) return;
      best = { frame, index, pixel, off };
    });
    return best && { frame: best.frame, index: best.index, pixel: best.pixel };
  }

  /** Place in the window, client px; `visible`: within the view and before it, whether ground hides it or not. */
  toScreen(enu) {
    const { viewer } = this;
    const box = viewer.canvas.getBoundingClientRect();
    let place;
    let before = true;
    if (viewer.framing) {
      const pixel = viewer.frameMode.frame.project(enu);
      if (!pixel) return { x: 0, y: 0, visible: false };
      place = viewer.frameView.placeOf(pixel);
    } else {
      const { camera } = viewer;
      const at = new THREE.Vector3(...viewer.shown(enu)).applyMatrix4(camera.matrixWorldInverse);
      before = at.z < 0;
      at.applyMatrix4(camera.projectionMatrix);
      place = [((at.x + 1) / 2) * box.width, ((1 - at.y) / 2) * box.height];
    }
    const [x, y] = place;
    const visible = before && x >= 0 && y >= 0 && x <= box.width && y <= box.height;
    return { x: box.left + x, y: box.top + y, visible };
  }
}
