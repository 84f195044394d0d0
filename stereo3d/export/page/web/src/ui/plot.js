/** The elevation profile as a plot with a band of one sigma. */
import { el, svg } from './dom.js';
import { fixed, ticks, withSigma } from '../tools/index.js';

const WIDTH = 260;
const HEIGHT = 180;
const BOX = { left: 46, top: 10, right: 8, bottom: 34 };

/** Runs of neighbouring samples that have ground. */
function runs(samples) {
  const found = [];
  let open = null;
  for (const s of samples) {
    if (s.up_m === null) open = null;
    else if (open) open.push(s);
    else found.push((open = [s]));
  }
  return found.filter((run) => run.length > 1);
}

/**
 * @param {object[]} samples of the profile
 * @param {(sample: object|null) => void} over told which sample is under the pointer
 */
export function profilePlot(samples, over) {
  const known = samples.filter((s) => s.up_m !== null);
  const root = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'plot', role: 'img', tabindex: '0', 'data-testid': 'profile-plot' });
  if (known.length < 2) return el('p', { text: 'No ground along the line.' });
  const length = samples[samples.length - 1].s_m || 1;
  let low = Math.min(...known.map((s) => s.up_m - s.sigma_m));
  let high = Math.max(...known.map((s) => s.up_m + s.sigma_m));
  const room = Math.max(0.06 * (high - low), 0.005);
  [low, high] = [low - room, high + room];
  const x = (s) => BOX.left + ((WIDTH - BOX.left - BOX.right) * s) / length;
  const y = (up) => HEIGHT - BOX.bottom - ((HEIGHT - BOX.top - BOX.bottom) * (up - low)) / (high - low);
  const stretch = ((y(low) - y(high)) / (high - low)) / ((x(length) - x(0)) / length);
  root.setAttribute('aria-label', `Elevation profile, ${fixed(length, 2)} metres long, heights from ${fixed(low, 2)} to ${fixed(high, 2)} metres, band: one sigma`);
  const digits = (values) => Math.max(0, ...values.map((v) => (String(Number(v.toPrecision(6))).split('.')[1] ?? '').length));
  const ups = ticks(low, high, false, 5);
  const along = ticks(0, length, false, 4);
  for (const up of ups) {
    root.append(svg('line', { x1: BOX.left, x2: WIDTH - BOX.right, y1: y(up), y2: y(up), class: 'grid' }),
      svg('text', { x: BOX.left - 5, y: y(up) + 3.5, 'text-anchor': 'end', text: fixed(up, digits(ups)) }));
  }
  for (const s of along) {
    root.append(svg('line', { x1: x(s), x2: x(s), y1: BOX.top, y2: HEIGHT - BOX.bottom, class: 'grid' }),
      svg('text', { x: x(s), y: HEIGHT - BOX.bottom + 13, 'text-anchor': 'middle', text: fixed(s, digits(along)) }));
  }
  root.append(svg('text', { x: (WIDTH + BOX.left) / 2, y: HEIGHT - 5, 'text-anchor': 'middle', text: `level metres · heights ${stretch.toPrecision(2)} × lengths` }));
  for (const run of runs(samples)) {
    const upper = run.map((s) => `${x(s.s_m).toFixed(2)},${y(s.up_m + s.sigma_m).toFixed(2)}`);
    const lower = run.map((s) => `${x(s.s_m).toFixed(2)},${y(s.up_m - s.sigma_m).toFixed(2)}`).reverse();
    root.append(svg('polygon', { points: [...upper, ...lower].join(' '), class: 'band' }),
      svg('polyline', { points: run.map((s) => `${x(s.s_m).toFixed(2)},${y(s.up_m).toFixed(2)}`).join(' '), class: 'curve' }));
    const made = run.filter((s) => s.kind !== 'measured');
    for (const s of made) root.append(svg('circle', { cx: x(s.s_m), cy: y(s.up_m), r: 1.4, class: 'made' }));
  }
  const cursor = svg('line', { y1: BOX.top, y2: HEIGHT - BOX.bottom, class: 'cursor', visibility: 'hidden' });
  const told = el('p', { class: 'told-line', text: '' });
  let at = Math.floor(samples.length / 2);
  root.append(cursor);
  const show = (index) => {
    at = Math.max(0, Math.min(samples.length - 1, index));
    const s = samples[at];
    cursor.setAttribute('x1', x(s.s_m));
    cursor.setAttribute('x2', x(s.s_m));
    cursor.setAttribute('visibility', 'visible');
    told.textContent = `at ${fixed(s.s_m, 2)} m: ${s.up_m === null ? 'no ground' : `up ${withSigma(s.up_m, s.sigma_m, 'm')}${s.kind === 'measured' ? '' : ` (${s.kind})`}`}`;
    over(s);
  };
  const leave = () => {
    cursor.setAttribute('visibility', 'hidden');
    told.textContent = 'Band: one sigma. Dots: not measured.';
    over(null);
  };
  root.addEventListener('pointermove', (event) => {
    const box = root.getBoundingClientRect();
    const s = (((event.clientX - box.left) / box.width) * WIDTH - BOX.left) / (WIDTH - BOX.left - BOX.right);
    show(Math.round(s * (samples.length - 1)));
  });
  root.addEventListener('pointerleave', leave);
  root.addEventListener('blur', leave);
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    show(at + (event.key === 'ArrowLeft' ? -1 : 1) * (event.shiftKey ? 10 : 1));
    event.preventDefault();
    event.stopPropagation();
  });
  leave();
  return el('div', { class: 'plot-box' }, root, told);
}
