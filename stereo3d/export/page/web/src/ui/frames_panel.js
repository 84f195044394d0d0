/** Stand where the camera stood: the frames, and the real picture over the ground seen through the same camera. */
import { button, el, section, slider, tick } from './dom.js';

const THUMB_PX = 96;

/** What is shown of a frame, apart from the panel: keys use it too. */
export class Frames {
  constructor(viewer, shell) {
    Object.assign(this, { viewer, shell, index: null, mix: 1, wipe: null, residual: false });
  }

  async show(index, change = {}) {
    if (this.viewer.frames.length === 0) return;
    Object.assign(this, change);
    this.index = index;
    try {
      await this.viewer.showFrame(index, { mix: this.mix, wipe: this.wipe, residual: this.residual });
    } catch (error) {
      this.shell.say(`The frame could not be shown: ${error.message}`, { bad: true });
    }
    this.changed?.();
  }

  /** The next frame of the same eye. */
  step(by) {
    const { frames } = this.viewer;
    if (this.index === null) return this.show(0);
    const eye = frames[this.index].record?.eye;
    for (let i = 1; i <= frames.length; i++) {
      const next = (this.index + by * i + frames.length * i) % frames.length;
      if (frames[next].record?.eye === eye) return this.show(next);
    }
    return this.show(this.index);
  }

  blink() {
    if (this.index !== null) this.show(this.index, { mix: this.mix > 0.5 ? 0 : 1, wipe: null, residual: false });
  }

  wipeBy(by) {
    if (this.index !== null) this.show(this.index, { wipe: Math.max(0, Math.min(1, (this.wipe ?? 0.5) + by)), residual: false });
  }
}

/** Draws a frame's small picture when it comes into sight. */
function thumbnail(frame, brightness) {
  const canvas = el('canvas', { class: 'thumb', width: THUMB_PX, height: Math.round(THUMB_PX * 0.75) });
  const watcher = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    try {
      const picture = await frame.picture();
      canvas.height = Math.round((THUMB_PX * picture.height) / picture.width);
      const pen = canvas.getContext('2d');
      pen.filter = `brightness(${brightness})`;
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    } catch {
      canvas.classList.add('broken');
    }
  });
  watcher.observe(canvas);
  return canvas;
}

export function framesPanel({ viewer, frames }) {
  const items = viewer.frames.map((frame, i) => {
    const record = frame.record ?? frame;
    const about = [record.eye === 'left' ? 'left eye' : 'right eye', Number.isInteger(record.pair) ? `pair ${record.pair + 1}` : null].filter(Boolean).join(', ');
    const item = el('button', { type: 'button', class: 'frame', testid: `frame-${i}`, aria: { pressed: 'false' }, data: { eye: record.eye ?? '' },
      on: { click: () => frames.show(i) } }, thumbnail(frame, Math.min(Math.max(Number(record.brightness) || 1, 0.5), 3)),
      el('span', {}, el('span', { class: 'frame-id', text: frame.id }), el('small', { text: about })));
    return item;
  });
  const mix = slider({ label: 'Mix: ground to frame', min: 0, max: 1, step: 0.01, value: 1, show: (v) => `${Math.round(v * 100)} % frame`, testid: 'frame-mix',
    input: (v) => frames.show(frames.index, { mix: v, wipe: null, residual: false }) });
  const wipe = slider({ label: 'Wipe: frame to the left', min: 0, max: 1, step: 0.005, value: 0.5, show: (v) => `${Math.round(v * 100)} %`, testid: 'frame-wipe',
    input: (v) => frames.show(frames.index, { wipe: v, residual: false }) });
  const residual = tick({ label: 'Residual: how much they differ', testid: 'frame-residual', change: (v) => frames.show(frames.index, { residual: v }) });
  const told = el('p', { class: 'quiet', testid: 'frame-fit' });
  const controls = el('div', { hidden: true, testid: 'frame-controls' },
    el('p', { class: 'headline', testid: 'frame-name' }),
    el('div', { class: 'row' }, button('Leave', () => frames.show(null), { testid: 'frame-leave', title: 'Back to the ground (Escape)' }),
      button('Blink', () => frames.blink(), { testid: 'frame-blink', title: 'Space' }),
      button('◀', () => frames.step(-1), { testid: 'frame-previous', title: 'Previous frame (,)', aria: { label: 'Previous frame' } }),
      button('▶', () => frames.step(1), { testid: 'frame-next', title: 'Next frame (.)', aria: { label: 'Next frame' } })),
    mix.element, wipe.element, residual.element, told);
  const eyes = new Set(viewer.frames.map((f) => f.record?.eye));
  const list = el('div', { class: 'frames' }, items);
  const both = tick({ label: 'Right eyes too', testid: 'frames-right', change: (v) => list.classList.toggle('left-only', !v) });
  list.classList.toggle('left-only', eyes.size > 1);
  const refresh = () => {
    const framing = viewer.framing;
    if (framing === null) frames.index = null;
    items.forEach((item, i) => item.setAttribute('aria-pressed', String(i === frames.index)));
    controls.hidden = frames.index === null;
    if (frames.index === null) return;
    controls.querySelector('.headline').textContent = viewer.frames[frames.index].id;
    if (framing && Number.isFinite(framing.wipe)) frames.wipe = framing.wipe;
    mix.set(frames.mix);
    wipe.set(frames.wipe ?? 0.5);
    residual.box.checked = frames.residual;
    const fit = framing?.fit;
    told.textContent = frames.residual && fit && Number.isFinite(fit.rms)
      ? `After brightness is brought together: correlation ${fit.correlation.toFixed(3)}, residual ${(100 * fit.rms).toFixed(1)} % rms. Black: the same; bright: different.` : '';
  };
  frames.changed = refresh;
  viewer.addEventListener('frame', refresh);
  refresh();
  const element = el('div', {},
    el('p', { class: 'quiet', text: 'Stand where the camera stood: the ground is drawn through the frame’s own camera model.' }),
    controls, section('Frames', eyes.size > 1 ? both.element : null, list));
  return { element, shown: refresh };
}
