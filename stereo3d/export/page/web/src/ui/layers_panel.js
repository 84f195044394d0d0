/** The panel of layers: what colours the ground, contour lines, the sun. */
import { el, freshId, section, slider, tick } from './dom.js';

export const LAYERS = [
  ['image', 'Image', 'the photographs'],
  ['elevation', 'Elevation', 'height above the rover’s ground'],
  ['slope', 'Slope', 'steepness of the ground'],
  ['range', 'Range', 'distance from the camera'],
  ['sigma', 'Sigma', 'one sigma of the range'],
  ['seen', 'Coverage', 'how many pairs measured it; click a hole for its reason'],
  ['hillshade', 'Hillshade', 'relief under a sun that you move'],
  ['kind', 'Honest surface', 'measured, filled or extended'],
];

const CONTOURS_M = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50];

export function layersPanel({ viewer }) {
  const group = freshId('layer');
  const boxes = LAYERS.map(([id, name, what], i) => {
    const box = el('input', { type: 'radio', name: group, value: id, testid: `layer-${id}`, on: { change: () => { viewer.layer = id; } } });
    return { id, box, element: el('label', { class: 'option' }, box,
      el('span', { class: 'option-text' }, el('span', { text: name }), el('small', { text: what })), el('kbd', { text: String(i + 1), aria: { hidden: 'true' } })) };
  });
  const start = viewer.options();
  const nearest = (metres) => CONTOURS_M.reduce((best, m, i) => (Math.abs(Math.log(m / metres)) < Math.abs(Math.log(CONTOURS_M[best] / metres)) ? i : best), 0);
  const lines = tick({ label: 'Contour lines', checked: start.contours, testid: 'contours', change: (contours) => viewer.set({ contours }) });
  const interval = slider({ label: 'Interval', min: 0, max: CONTOURS_M.length - 1, step: 1,
    value: nearest(start.contourInterval_m ?? viewer.manifest.contours?.interval_m ?? 0.25), show: (i) => `${CONTOURS_M[i]} m`, testid: 'contour-interval',
    input: (i) => {
      lines.box.checked = true;
      viewer.set({ contours: true, contourInterval_m: CONTOURS_M[i] });
    } });
  const azimuth = slider({ label: 'Sun azimuth', min: 0, max: 359, step: 1, value: Math.round(start.sunAzimuth_deg ?? 315), show: (v) => `${v}°`,
    testid: 'sun-azimuth', input: (sunAzimuth_deg) => viewer.set({ sunAzimuth_deg }) });
  const elevation = slider({ label: 'Sun elevation', min: 1, max: 90, step: 1, value: Math.round(start.sunElevation_deg ?? 35), show: (v) => `${v}°`,
    testid: 'sun-elevation', input: (sunElevation_deg) => viewer.set({ sunElevation_deg }) });
  const sun = section('Sun of the hillshade', azimuth.element, elevation.element);
  const refresh = () => {
    for (const { id, box } of boxes) box.checked = viewer.layer === id;
    sun.hidden = viewer.layer !== 'hillshade';
    const now = viewer.options();
    lines.box.checked = now.contours;
    if (now.contourInterval_m) interval.set(nearest(now.contourInterval_m));
    if (Number.isFinite(now.sunAzimuth_deg)) azimuth.set(Math.round(now.sunAzimuth_deg));
    if (Number.isFinite(now.sunElevation_deg)) elevation.set(Math.round(now.sunElevation_deg));
  };
  for (const type of ['layer', 'options']) viewer.addEventListener(type, refresh);
  refresh();
  const element = el('div', {}, el('div', { class: 'options', attr: { role: 'radiogroup' }, aria: { label: 'Layer' } }, boxes.map((b) => b.element)),
    sun, section('Contours', lines.element, interval.element));
  return { element, shown: refresh };
}
