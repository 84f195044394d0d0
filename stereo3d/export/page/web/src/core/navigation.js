/** Mouse, wheel, touch and keyboard to poses. */
import * as pose from './pose.js';
import { add, dot, norm, sub } from './vec.js';

const TURN = 0.005; // rad a pixel, of an orbit
const CLICK_PX = 6;
const MOVING_KEYS = new Set([
  'KeyW',
  'KeyA',
  'KeyS',
  'KeyD',
  'KeyQ',
  'KeyE',
  'ArrowUp',
  'ArrowDown',
  'ArrowLeft',
  'ArrowRight',
  'PageUp',
  'PageDown',
  'Equal',
  'Minus',
  'NumpadAdd',
  'NumpadSubtract',
]);

export class Navigation {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map();
    this.keys = new Set();
    this.fast = false;
    const { canvas } = viewer;
    const on = (name, handler, options) => canvas.addEventListener(name, handler.bind(this), options);
    on('pointerdown', this.down);
    on('pointermove', this.moved);
    on('pointerup', this.up);
    on('pointercancel', this.cancel);
    on('pointerleave', () => this.pointers.size || viewer.pointing.show(null));
    on('wheel', this.wheel, { passive: false });
    on('contextmenu', (event) => event.preventDefault());
    on('keydown', this.keydown);
    on('keyup', (event) => this.keys.delete(event.code));
    on('blur', () => this.keys.clear());
  }

  local(event) {
    const box = this.viewer.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    const { viewer } = this;
    try {
      viewer.canvas.setPointerCapture(event.pointerId);
    } catch {
      // A pointer that is gone already cannot be held: it still counts as one.
    }
    const at = [event.clientX, event.clientY];
    this.pointers.set(event.pointerId, { at, start: at });
    if (this.pointers.size === 1) {
      this.still = true;
      this.shifting = event.button === 1 || event.button === 2 || event.shiftKey;
      this.button = event.button;
      viewer.stop();
    } else {
      this.still = false;
    }
    this.anchor = null;
  }

  /** What the fingers hold, found when they begin to move. */
  hold(x, y) {
    const { viewer } = this;
    if (this.anchor) return this.anchor;
    const point = viewer.framing ? null : viewer.pick(x, y);
    const shown = point ? viewer.shown(point.enu) : viewer.sight.ahead(x, y);
    this.anchor = shown;
    if (viewer.pose.mode === 'orbit' && point) viewer.pose = { ...viewer.pose, focus: shown };
    return shown;
  }

  moved(event) {
    const { viewer } = this;
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) {
      if (event.pointerType !== 'touch') viewer.pointing.over(event.clientX, event.clientY);
      return;
    }
    const at = [event.clientX, event.clientY];
    if (this.still && Math.hypot(at[0] - pointer.start[0], at[1] - pointer.start[1]) < CLICK_PX) return;
    const before = this.gesture();
    if (this.still) pointer.at = at;
    else {
      pointer.at = at;
      const after = this.gesture();
      this.drag(before, after);
    }
    this.still = false;
  }

  /** Middle and spread of the one or two fingers. */
  gesture() {
    const [a, b] = [...this.pointers.values()].map((p) => p.at);
    if (!b) return { at: a, spread: 0 };
    return { at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], spread: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  }

  drag(before, after) {
    const { viewer } = this;
    const dx = after.at[0] - before.at[0];
    const dy = after.at[1] - before.at[1];
    const two = this.pointers.size > 1;
    const factor = two && before.spread > 0 ? after.spread / before.spread : 1;
    if (viewer.framing) {
      viewer.frameView.shift(dx, dy);
      if (two) viewer.frameView.zoom(...this.local({ clientX: after.at[0], clientY: after.at[1] }), factor);
      viewer.moving();
      return;
    }
    const height = viewer.canvas.clientHeight;
    let p = viewer.pose;
    const held = this.hold(...before.at);
    if (p.mode === 'top') {
      p = pose.pan(p, 1, dx, -dy, height);
      if (two) p = pose.nearer(p, held, factor);
    } else if (two || this.shifting) {
      if (p.mode === 'walk') {
        p = pose.step(p, -dy * 0.02 + Math.log(factor) * 4, dx * -0.02);
      } else {
        p = pose.pan(p, Math.max(dot(sub(held, p.eye), pose.axes(p).forward), 0.5), dx, -dy, height);
        if (two) p = pose.nearer(p, held, factor);
      }
    } else if (p.mode === 'orbit') {
      // The eye goes left and up over the focus when the hand goes right and down: the ground follows the hand.
      p = pose.orbit(viewer.pose, -dx * TURN, dy * TURN);
    } else {
      const rad = p.fov / height;
      p = pose.look(p, -dx * rad, dy * rad);
    }
    viewer.go(p);
  }

  up(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (pointer && this.still && this.pointers.size === 0 && this.button === 0) {
      this.viewer.pointing.click(event.clientX, event.clientY, event);
    }
    this.anchor = null;
    if (this.pointers.size) this.still = false;
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.still = false;
    this.anchor = null;
  }

  wheel(event) {
    event.preventDefault();
    const { viewer } = this;
    viewer.stop();
    const notch = event.deltaY * [1, 30, 300][event.deltaMode];
    const factor = Math.exp(-Math.max(-400, Math.min(400, notch)) * 0.0016);
    if (viewer.framing) {
      viewer.frameView.zoom(...this.local(event), factor);
      viewer.moving();
      return;
    }
    const p = viewer.pose;
    if (p.mode === 'walk') {
      viewer.go(pose.step(p, Math.log(factor) * 4, 0));
      return;
    }
    const point = viewer.pick(event.clientX, event.clientY);
    const place = point ? viewer.shown(point.enu) : viewer.sight.ahead(event.clientX, event.clientY);
    viewer.go(pose.nearer(p, place, factor));
  }

  keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !MOVING_KEYS.has(event.code)) return;
    event.preventDefault();
    this.fast = event.shiftKey;
    if (this.keys.has(event.code)) return;
    this.keys.add(event.code);
    this.viewer.stop();
    this.viewer.moving();
  }

  /** Whether keys are held; moves the pose by what they do in `seconds`. */
  advance(seconds) {
    if (!this.keys.size) return false;
    const { viewer } = this;
    const held = (...codes) => (codes.some((code) => this.keys.has(code)) ? 1 : 0);
    const ahead = held('KeyW') - held('KeyS');
    const side = held('KeyD') - held('KeyA');
    const up = held('ArrowUp') - held('ArrowDown');
    const right = held('ArrowRight') - held('ArrowLeft');
    const turn = held('KeyE') - held('KeyQ');
    const rise = held('PageUp') - held('PageDown');
    const larger = held('Equal', 'NumpadAdd') - held('Minus', 'NumpadSubtract');
    const quick = (this.fast ? 4 : 1) * seconds;
    let p = viewer.pose;
    if (viewer.framing) {
      viewer.frameView.shift(-(right + side) * 300 * quick, (up + ahead) * 300 * quick);
      if (larger)
        viewer.frameView.zoom(viewer.canvas.clientWidth / 2, viewer.canvas.clientHeight / 2, Math.exp(larger * quick));
      return true;
    }
    if (p.mode === 'top') {
      const m = 0.6 * p.height * quick;
      p = { ...p, eye: add(p.eye, [(right + side) * m, (up + ahead) * m, 0]) };
      p = pose.nearer(p, p.eye, Math.exp((larger + rise * -1) * quick));
    } else if (p.mode === 'orbit') {
      p = pose.orbit(p, right * quick, up * quick);
      p = pose.nearer(p, p.focus, Math.exp((ahead + larger) * quick));
      const m = 0.5 * norm(sub(p.focus, p.eye)) * quick;
      const moved = pose.step(p, 0, side * m, rise * m);
      p = { ...moved, focus: add(p.focus, sub(moved.eye, p.eye)) };
      if (turn) p = pose.orbit(p, turn * quick, 0);
    } else {
      p = pose.look(p, (right + turn) * 1.2 * seconds, p.mode === 'fly' ? up * 0.8 * seconds : 0);
      const walked = p.mode === 'walk' ? 1.6 : viewer.standpoint.flySpeed();
      const forward = ahead + larger + (p.mode === 'walk' ? up : 0);
      p =
        p.mode === 'walk'
          ? pose.step(p, forward * walked * quick, side * walked * quick)
          : pose.fly(p, forward * walked * quick, side * walked * quick, rise * walked * quick);
    }
    viewer.go(p);
    return true;
  }
}
