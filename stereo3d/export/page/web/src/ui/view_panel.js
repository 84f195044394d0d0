/** The panel of how things are shown: relief, clip box, objects of known size, panorama, anaglyph, headset. */
import { button, el, section, slider, tick } from './dom.js';
import { fixed } from '../tools/index.js';

const AXES = ['West to east', 'South to north', 'Down to up'];
const EYES_M = 0.065;

/** The box around all chunks, ENU, m. */
export function groundBox(manifest) {
  const boxes = (manifest.mesh?.chunks ?? []).map((c) => c.box);
  if (!boxes.length) return { min: [-10, -10, -3], max: [10, 10, 3] };
  return {
    min: [0, 1, 2].map((k) => Math.min(...boxes.map((b) => b[0][k]))),
    max: [0, 1, 2].map((k) => Math.max(...boxes.map((b) => b[1][k]))),
  };
}

function clipControls(viewer) {
  const box = groundBox(viewer.manifest);
  let clip = { min: [...box.min], max: [...box.max] };
  const on = tick({ label: 'Show only what lies in a box', testid: 'clip', checked: Boolean(viewer.options().clip), change: (wanted) => send(wanted) });
  const send = (wanted) => {
    inner.hidden = !wanted;
    viewer.set({ clip: wanted ? { min: [...clip.min], max: [...clip.max] } : null });
  };
  // Most ground lies near: the slider is finer there.
  const value = (k, share) => {
    const [low, high] = [box.min[k], box.max[k]];
    if (k === 2) return low + (high - low) * share;
    const t = 2 * share - 1;
    return t >= 0 ? high * t ** 3 : -low * t ** 3;
  };
  const share = (k, v) => (k === 2 ? (v - box.min[k]) / (box.max[k] - box.min[k] || 1)
    : v >= 0 ? 0.5 + 0.5 * Math.cbrt(v / (box.max[k] || 1)) : 0.5 - 0.5 * Math.cbrt(v / (box.min[k] || -1)));
  const sliders = AXES.flatMap((axis, k) => ['min', 'max'].map((end) => ({
    k, end,
    slider: slider({ label: `${axis}, ${end === 'min' ? 'from' : 'to'}`, min: 0, max: 1, step: 0.001, value: share(k, clip[end][k]), testid: `clip-${end}-${'enu'[k]}`,
      show: (s) => `${fixed(value(k, s), 1)} m`,
      input: (s) => {
        const v = value(k, s);
        clip[end][k] = end === 'min' ? Math.min(v, clip.max[k] - 0.01) : Math.max(v, clip.min[k] + 0.01);
        send(true);
      } }),
  })));
  const reset = button('Whole ground', () => {
    clip = { min: [...box.min], max: [...box.max] };
    for (const one of sliders) one.slider.set(share(one.k, clip[one.end][one.k]));
    send(true);
  });
  const inner = el('div', { hidden: !viewer.options().clip }, sliders.map((s) => s.slider.element), reset);
  return { element: section('Clip box', on.element, inner), box: on.box, inner };
}

export function viewPanel({ viewer, shell }) {
  const now = viewer.options();
  const ticks = {};
  const box = (key, label) => (ticks[key] = tick({ label, checked: Boolean(now[key]), testid: `show-${key}`, change: (wanted) => viewer.set({ [key]: wanted }) })).element;
  const exaggeration = slider({ label: 'Heights', min: 1, max: 5, step: 0.25, value: now.exaggeration ?? 1, show: (v) => (v === 1 ? 'true' : `× ${v}`), testid: 'exaggeration',
    input: (v) => viewer.set({ exaggeration: v }) });
  const told = el('p', { class: 'quiet', testid: 'anaglyph-scale' });
  const eyes = slider({ label: 'Eye base', min: -2, max: 1, step: 0.02, value: Math.log10(now.eyeBase_m || EYES_M), show: (v) => `${Number((100 * 10 ** v).toPrecision(2))} cm`, testid: 'eye-base',
    input: (v) => viewer.set({ eyeBase_m: 10 ** v }) });
  const tellScale = () => {
    const base = viewer.options().eyeBase_m || EYES_M;
    const times = base / EYES_M;
    told.textContent = Math.abs(times - 1) < 0.05 ? 'A person’s own eyes: the ground looks its true size.'
      : times > 1 ? `The ground looks like a model ${Number(times.toPrecision(2))} times smaller.` : `The ground looks ${Number((1 / times).toPrecision(2))} times larger.`;
    eyesBox.hidden = !viewer.options().anaglyph;
  };
  const eyesBox = el('div', {}, eyes.element, told, button('True size', () => {
    viewer.set({ eyeBase_m: EYES_M });
    eyes.set(Math.log10(EYES_M));
  }));
  const clip = clipControls(viewer);
  const headset = el('div', { hidden: true }, section('Headset', button('Enter', () => viewer.xr.enter().catch((error) => shell.say(`The headset could not be entered: ${error.message}`, { bad: true })), { testid: 'xr' })));
  viewer.xr?.supported?.then((there) => { headset.hidden = !there; }, () => {});
  const refresh = () => {
    const options = viewer.options();
    for (const [key, one] of Object.entries(ticks)) one.box.checked = Boolean(options[key]);
    exaggeration.set(options.exaggeration ?? 1);
    clip.box.checked = Boolean(options.clip);
    clip.inner.hidden = !options.clip;
    tellScale();
  };
  viewer.addEventListener('options', refresh);
  refresh();
  const element = el('div', {},
    section('Size', box('person', 'Person, 1.8 m'), viewer.manifest.rover ? box('rover', 'Rover’s footprint') : null, box('grid', 'Metre grid')),
    section('Panorama', viewer.manifest.panorama ? box('dome', 'Sky around the ground') : el('p', { class: 'quiet', text: 'This scene has no panorama.' }),
      viewer.manifest.panorama ? box('strip', 'Strip below the view') : null),
    section('Relief', exaggeration.element, box('wireframe', 'Wire frame')),
    section('Red and cyan glasses', box('anaglyph', 'Anaglyph'), eyesBox),
    clip.element, headset);
  return { element, shown: refresh };
}
