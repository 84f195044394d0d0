/** Clicks, and the cursor that the ground and the panorama's strip share. */
import { THREE } from './three.js';
import { anglesOf } from './pose.js';
import { RAD, sub } from './vec.js';

const RING_PX = 22;

export class Pointing {
  constructor(viewer) {
    this.viewer = viewer;
    this.waiting = null;
    this.ring = ring();
    viewer.overlay.add(this.ring);
  }

  click(x, y, { pointerType }) {
    const { viewer } = this;
    const ray = viewer.skyRay(x, y);
    const point = ray && viewer.pickRay(ray.origin, ray.direction);
    viewer.emit('click', { x, y, point, ray, pointerType });
  }

  /** The mouse is over the view: looked up once a frame at most. */
  over(x, y) {
    if (!this.waiting) requestAnimationFrame(() => this.find());
    this.waiting = [x, y];
  }

  find() {
    const { viewer } = this;
    const ray = viewer.skyRay(...this.waiting);
    this.waiting = null;
    const point = ray && viewer.pickRay(ray.origin, ray.direction);
    if (!ray) {
      this.show(null);
      return;
    }
    const { azimuth, elevation } = anglesOf(point ? sub(point.enu, viewer.manifest.eye) : ray.direction);
    this.show(point, { azimuth_deg: (azimuth / RAD + 360) % 360, elevation_deg: elevation / RAD });
  }

  /** The cursor is on a place, or in a direction from the eye; the strip shows it, and the ground when it is not there. */
  show(point, angles = null, strip = false) {
    const { viewer } = this;
    viewer.strip.setMark(angles);
    this.mark(strip && point ? point.enu : null);
    const { azimuth_deg = null, elevation_deg = null } = angles ?? {};
    viewer.emit('hover', { point: point ?? null, azimuth_deg, elevation_deg, strip });
  }

  /** A ring about a place of the ground (ENU), or none. */
  mark(enu) {
    if (!enu && !this.ring.visible) return;
    this.ring.visible = Boolean(enu);
    if (enu) this.ring.position.set(...enu);
    this.viewer.requestRender();
  }
}

function ring() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext('2d');
  for (const [wide, colour] of [
    [13, 'rgba(0, 0, 0, 0.75)'],
    [7, '#f0b35a'],
  ]) {
    pen.lineWidth = wide;
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.arc(32, 32, 24, 0, 2 * Math.PI);
    pen.stroke();
  }
  const geometry = new THREE.BufferGeometry().setAttribute('position', new THREE.Float32BufferAttribute([0, 0, 0], 3));
  const material = new THREE.PointsMaterial({
    map: new THREE.CanvasTexture(canvas),
    size: RING_PX,
    sizeAttenuation: false,
    transparent: true,
    depthTest: false,
    depthWrite: false,
  });
  const points = new THREE.Points(geometry, material);
  points.frustumCulled = false;
  points.renderOrder = 20;
  points.visible = false;
  return points;
}
