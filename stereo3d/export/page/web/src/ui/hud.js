/** What always stands over the view: modes, compass, scale bar, legend, the readout of the place under the pointer. */
import { el, still } from './dom.js';
import { icon } from './icons.js';
import { compass, legend, legendHeight, legendOf, scaleBar, sharp } from './draw.js';
import { pixelTowards } from './hole.js';
import { directionAngles, fixed, withSigma } from '../tools/index.js';

export const MODES = [['orbit', 'Orbit', 'o'], ['walk', 'Walk', 'y'], ['fly', 'Fly', 'z'], ['top', 'Map', 't']];

const COMPASS_PX = 72;
const SCALE_PX = 150;
const EVERY_MS = 120;

/** Metres of one px in the middle of the view: exact all over a map, of the ground in the middle otherwise. */
export function metresPerPx(viewer) {
  const state = viewer.viewState();
  const box = viewer.canvas.getBoundingClientRect();
  if (state.mode === 'top') return state.height_m / box.height;
  const point = viewer.pick(box.left + box.width / 2, box.top + box.height / 2);
  if (!point) return null;
  const away = Math.hypot(...point.enu.map((v, k) => v - state.eye[k]));
  return (2 * away * Math.tan((state.fov_deg * Math.PI) / 360)) / box.height;
}

/** The view's direction as a state for the compass: that of the frame's middle where one stands at a frame. */
export function sight(viewer, state = viewer.viewState()) {
  const frame = viewer.framing && viewer.frames[viewer.framing.index];
  const ray = frame?.ray([frame.record.width / 2, frame.record.height / 2]);
  if (!ray) return state;
  const { azimuthDeg, elevationDeg } = directionAngles(ray.direction);
  return { mode: 'orbit', azimuth_deg: azimuthDeg, elevation_deg: elevationDeg };
}

export class Hud {
  constructor(viewer, shell, stage) {
    this.viewer = viewer;
    this.shell = shell;
    this.first = viewer.viewState();
    this.modes = MODES.map(([id, name, key]) => el('button', { type: 'button', testid: `mode-${id}`, text: name,
      title: `${name} (${key})`, aria: { pressed: 'false' }, on: { click: () => this.setMode(id) } }));
    this.home = el('button', { type: 'button', testid: 'home', title: 'The first view (0)', aria: { label: 'The first view' },
      on: { click: () => this.goHome() } }, icon('home'));
    this.compass = el('canvas', { id: 'compass', testid: 'compass', attr: { role: 'img' } });
    this.scale = el('canvas', { id: 'scale', testid: 'scale', attr: { role: 'img' } });
    this.legend = el('canvas', { id: 'legend', testid: 'legend', attr: { role: 'img' } });
    this.cross = el('div', { id: 'cross', aria: { hidden: 'true' } });
    stage.append(el('div', { id: 'modes', attr: { role: 'group' }, aria: { label: 'Ways to move' } }, this.modes, this.home),
      this.compass, this.scale, this.legend, this.cross);
    viewer.addEventListener('view', () => this.later());
    viewer.addEventListener('frame', () => {
      this.draw();
      this.showLegend();
    });
    for (const type of ['layer', 'options']) viewer.addEventListener(type, () => this.showLegend());
    viewer.addEventListener('hover', (event) => this.hover(event.detail));
    this.showLegend();
    this.draw();
  }

  setMode(mode) {
    this.viewer.mode = mode;
    this.draw();
  }

  goHome() {
    this.viewer.showFrame(null, {});
    this.viewer.setView(this.first, { seconds: still() ? 0 : 0.8 });
  }

  /** Draws now, and again a little after the last change. */
  later() {
    if (this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.draw();
    }, EVERY_MS);
    this.drawCompass(this.viewer.viewState());
  }

  drawCompass(view) {
    const state = sight(this.viewer, view);
    compass(sharp(this.compass, COMPASS_PX, COMPASS_PX), COMPASS_PX / 2, COMPASS_PX / 2 + 4, 23, state);
    this.compass.setAttribute('aria-label', state.mode === 'top' ? 'North is up' : `Compass: looking towards ${Math.round((state.azimuth_deg + 360) % 360)}°`);
  }

  draw() {
    const state = this.viewer.viewState();
    const { framing } = this.viewer;
    for (const [i, [id]] of MODES.entries()) this.modes[i].setAttribute('aria-pressed', String(!framing && state.mode === id));
    this.drawCompass(state);
    // A frame has no one scale: its lens and its far ground have others in each place.
    this.scale.hidden = Boolean(framing);
    if (framing) return;
    const pen = sharp(this.scale, SCALE_PX + 90, 34);
    const drawn = scaleBar(pen, 4, 28, metresPerPx(this.viewer), SCALE_PX, 12, state.mode === 'top' ? '' : ' in the middle');
    this.scale.setAttribute('aria-label', drawn ? `Scale: the bar is ${drawn.text}` : 'No scale: no ground in the middle of the view');
  }

  showLegend() {
    const told = legendOf(this.viewer);
    this.legend.hidden = !told || Boolean(this.viewer.framing?.residual);
    if (!told) return;
    const pen = sharp(this.legend, Math.min(340, this.viewer.canvas.clientWidth - 24), legendHeight(told, 12) + 6);
    legend(pen, 4, 2, 12, told, this.viewer.manifest);
    this.legend.setAttribute('aria-label', told.kinds ? `${told.title}: ${told.kinds.map(([name]) => name).join(', ')}`
      : `${told.title}, ${told.limits.map((v) => Number(v.toPrecision(3))).join(' to ')} ${told.unit}`);
  }

  hover(detail) {
    const { point } = detail ?? {};
    let { azimuth_deg: azimuth, elevation_deg: elevation } = detail ?? {};
    if (point) {
      if (!Number.isFinite(azimuth)) ({ azimuthDeg: azimuth, elevationDeg: elevation } = directionAngles(point.ray));
      const [e, n, u] = point.enu.map((v) => fixed(v, 2));
      this.shell.readout.textContent = `E ${e}  N ${n}  U ${u} m · range ${withSigma(point.range_m, point.sigma_m, 'm')} · az ${fixed(azimuth, 1)}° el ${fixed(elevation, 1)}°`;
    } else if (Number.isFinite(azimuth)) {
      const text = `az ${fixed((azimuth + 360) % 360, 1)}° el ${fixed(elevation, 1)}° · no ground`;
      this.shell.readout.textContent = text;
      this.tellReason(text, azimuth, elevation);
    } else {
      this.shell.readout.textContent = '';
    }
  }

  /** Adds why there is no ground, where the view stands at the cameras and so knows the pixel. */
  async tellReason(text, azimuth, elevation) {
    const [a, e] = [azimuth, elevation].map((v) => (v * Math.PI) / 180);
    const direction = [Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)];
    const { framing, frames } = this.viewer;
    const origin = framing ? frames[framing.index].record.C : this.viewer.viewState().eye;
    const found = pixelTowards(this.viewer, { origin, direction });
    const reason = await found?.frame.reasonAt(found.pixel);
    if (reason && this.shell.readout.textContent === text) this.shell.readout.textContent = `${text}: ${reason}`;
  }
}
