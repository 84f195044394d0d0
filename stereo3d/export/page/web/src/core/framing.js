/** Which frame is shown over the ground, and how: mixed, wiped or as the residual. */
import { THREE } from './three.js';
import { FrameView } from './frame_view.js';
import { anglesOf } from './pose.js';
import { RAD, add, clamp, dot, norm, scaled, sub, unit } from './vec.js';

export class Framing {
  constructor(viewer, divider) {
    this.viewer = viewer;
    this.divider = divider;
    this.view = new FrameView(viewer);
    /** @type {{index: number, mix: number, wipe: number | null, residual: boolean, fit: object | null} | null} */
    this.now = null;
    this.wanted = null;
    divider.addEventListener('pointerdown', (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener('pointermove', (event) => this.dragged(event));
    divider.addEventListener('keydown', (event) => this.keyed(event));
  }

  get frame() {
    return this.viewer.frames[this.now.index];
  }

  async show(index, { mix = 0.5, wipe = null, residual = false }) {
    const { viewer } = this;
    const frame = viewer.frames[index];
    if (!frame) {
      this.leave();
      return;
    }
    viewer.stop();
    const wanted = { index, mix: clamp(mix, 0, 1), wipe: wipe === null ? null : clamp(wipe, 0, 1), residual: Boolean(residual), fit: null };
    this.wanted = wanted;
    if (this.now?.index !== index) {
      await frame.picture();
      // Another frame, or none, was asked for meanwhile.
      if (this.wanted !== wanted) return;
      await this.view.open(frame);
    }
    this.now = wanted;
    viewer.drawing.framing(true);
    this.placeDivider();
    viewer.render();
    wanted.fit = this.view.fits.get(frame) ?? null;
    viewer.emit('frame', wanted);
  }

  leave() {
    this.wanted = null;
    if (!this.now) return;
    this.now = null;
    this.viewer.drawing.framing(false);
    this.placeDivider();
    this.viewer.emit('frame', null);
    this.viewer.requestRender();
  }

  /** Ray of a place of the canvas, CSS px; null outside the picture. */
  rayAt(x, y) {
    const pixel = this.view.pixelAt(x, y);
    return (this.frame.inside(pixel) && this.frame.ray(pixel)) || null;
  }

  /** Compass azimuth of the frame's middle and its width, deg. */
  heading() {
    const { width, height } = this.frame.record;
    const azimuths = [0, width / 2, width - 1].map((x) => anglesOf(this.frame.ray([x, height / 2])?.direction ?? [0, 1, 0]).azimuth / RAD);
    return { azimuth_deg: azimuths[1], width_deg: (((azimuths[2] - azimuths[0]) % 360) + 360) % 360 };
  }

  placeDivider() {
    const { divider, now } = this;
    divider.hidden = !now || now.wipe === null || now.residual;
    if (divider.hidden) return;
    divider.style.left = `${this.view.placeOf([now.wipe * this.view.size[0] - 0.5, 0])[0]}px`;
    divider.setAttribute('aria-valuenow', String(Math.round(now.wipe * 100)));
  }

  wipe(share) {
    this.now.wipe = clamp(share, 0, 1);
    this.placeDivider();
    this.viewer.emit('frame', this.now);
    this.viewer.requestRender();
  }

  dragged(event) {
    if (!this.divider.hasPointerCapture(event.pointerId)) return;
    const left = this.viewer.canvas.getBoundingClientRect().left;
    this.wipe((this.view.pixelAt(event.clientX - left, 0)[0] + 0.5) / this.view.size[0]);
  }

  keyed(event) {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.wipe(this.now.wipe + step);
  }

  /** Choose the ground's levels for a frame; `magnified`: px drawn for one px of it. */
  chooseLevels(frame, magnified) {
    const { viewer } = this;
    const { width, height, C, A } = frame.record;
    const direction = (x, y) => frame.ray([x, y])?.direction ?? unit(A);
    const axis = unit(A);
    const pxPerRad = magnified / Math.max(norm(sub(direction(width / 2 + 1, height / 2), direction(width / 2, height / 2))), 1e-6);
    const corners = [direction(0, 0), direction(width - 1, 0), direction(0, height - 1), direction(width - 1, height - 1)];
    const cone = Math.acos(clamp(Math.min(...corners.map((d) => dot(d, axis))), -1, 1));
    const inView = (box) => {
      // The cone about the axis that holds the picture, against the sphere about the box.
      const low = box.min.toArray();
      const high = box.max.toArray();
      const radius = norm(sub(high, low)) / 2;
      const away = sub(scaled(add(low, high), 0.5), C);
      const distance = norm(away);
      return distance <= radius || Math.acos(clamp(dot(away, axis) / distance, -1, 1)) <= cone + Math.asin(radius / distance);
    };
    const { tolerance_px } = viewer.quality.wanted(viewer.isMoving());
    viewer.ground.choose(new THREE.Vector3(...C), inView, (d) => pxPerRad / d, viewer.isMoving() ? tolerance_px : 0.25);
  }
}
