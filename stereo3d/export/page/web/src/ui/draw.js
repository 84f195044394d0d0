/** Compass, scale bar, legend and plotted texts, drawn alike over the view and into pictures. */
import { KIND_COLOURS } from '../core/ground_shader.js';
import { fixed, lengthText, roundLength, ticks } from '../tools/index.js';

const LIGHT = '#ffffff';
const DARK = 'rgba(0, 0, 0, 0.65)';

/** White text with a dark rim, readable on any ground. */
export function rimmed(pen, text, x, y, { size = 12, align = 'left', baseline = 'middle', weight = '' } = {}) {
  pen.font = `${weight} ${size}px system-ui, "DejaVu Sans", sans-serif`;
  pen.textAlign = align;
  pen.textBaseline = baseline;
  pen.lineJoin = 'round';
  pen.lineWidth = size / 4;
  pen.strokeStyle = 'rgba(0, 0, 0, 0.8)';
  pen.strokeText(text, x, y);
  pen.fillStyle = LIGHT;
  pen.fillText(text, x, y);
}

/** The azimuth (degrees) that is up in the view, and how flat level circles look in it (1 from above). */
export function compassView(state) {
  if (state.mode === 'top') return { azimuth: 0, squash: 1 };
  return { azimuth: state.azimuth_deg, squash: Math.max(0.45, Math.abs(Math.sin((state.elevation_deg * Math.PI) / 180))) };
}

/** A level compass needle as the view sees it; seen from the side it is tipped up to stay readable. */
export function compass(pen, x, y, radius, state) {
  const { azimuth, squash } = compassView(state);
  const turn = (azimuth * Math.PI) / 180;
  const at = (bearing, length) => [x + radius * length * Math.sin(bearing - turn), y - radius * length * squash * Math.cos(bearing - turn)];
  pen.beginPath();
  pen.ellipse(x, y, radius, radius * squash, 0, 0, 2 * Math.PI);
  pen.fillStyle = 'rgba(0, 0, 0, 0.45)';
  pen.fill();
  pen.strokeStyle = 'rgba(255, 255, 255, 0.6)';
  pen.lineWidth = Math.max(1, radius / 16);
  pen.stroke();
  for (const [bearing, colour] of [[0, '#ff6b4a'], [Math.PI, '#eeeeee']]) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(...at(bearing, 0.9));
    pen.lineTo(...at(bearing + Math.PI / 2, 0.2));
    pen.lineTo(...at(bearing - Math.PI / 2, 0.2));
    pen.fill();
  }
  const [nx, ny] = at(0, 1.32);
  rimmed(pen, 'N', nx, ny, { size: radius * 0.55, align: 'center', weight: 'bold' });
}

/**
 * A bar of a round length no longer than `room` px, from its lower left corner to the right.
 * @returns {{px: number, text: string}|null}
 */
export function scaleBar(pen, x, y, metresPerPx, room, size, note) {
  if (!(metresPerPx > 0) || !Number.isFinite(metresPerPx)) return null;
  const metres = roundLength(room * metresPerPx);
  const px = metres / metresPerPx;
  const bar = Math.max(4, size * 0.4);
  pen.fillStyle = DARK;
  pen.fillRect(x - 2, y - bar - 2, px + 4, bar + 4);
  for (let i = 0; i < 4; i++) {
    pen.fillStyle = i % 2 ? '#555555' : LIGHT;
    pen.fillRect(x + (px * i) / 4, y - bar, px / 4, bar);
  }
  const text = lengthText(metres) + note;
  rimmed(pen, text, x, y - bar - size * 0.75, { size });
  return { px, text };
}

const tables = new Map();

/** The 256 colours of a palette, each [r, g, b]. */
export function palette(manifest, name) {
  if (!tables.has(name)) {
    const bytes = atob(manifest.palettes[name]);
    tables.set(name, Array.from({ length: 256 }, (_, i) => [0, 1, 2].map((k) => bytes.charCodeAt(3 * i + k))));
  }
  return tables.get(name);
}

/** What a layer's colours say: {title, unit, limits, logarithmic, palette} with a scale, {title, kinds} of words, or null. */
export function legendOf(viewer) {
  const told = viewer.manifest.layers?.[viewer.layer];
  if (told?.palette) return told;
  if (viewer.layer === 'kind') {
    return { title: 'honest surface', kinds: Object.entries(KIND_COLOURS) };
  }
  return null;
}

const tickText = (value) => (Number.isInteger(value) ? fixed(value, 0) : String(Number(value.toPrecision(4))).replace('-', '−'));

/** The height that {@link legend} takes. */
export const legendHeight = (told, size) => (told.kinds ? size * (2 + 1.6 * told.kinds.length) : size * 14);

/** A layer's colour bar with unit and round values, or the words of its colours, from its upper left corner. */
export function legend(pen, x, y, size, told, manifest) {
  const title = told.unit && !told.title.includes('(') ? `${told.title} (${told.unit})` : told.title;
  rimmed(pen, title, x, y + size * 0.6, { size });
  const top = y + size * 1.8;
  if (told.kinds) {
    told.kinds.forEach(([name, colour], i) => {
      const row = top + i * size * 1.6;
      pen.fillStyle = DARK;
      pen.fillRect(x - 1, row - 1, size + 2, size + 2);
      pen.fillStyle = colour;
      pen.fillRect(x, row, size, size);
      rimmed(pen, name, x + size * 1.6, row + size / 2, { size });
    });
    return;
  }
  const height = size * 11.5;
  const [low, high] = told.limits;
  const colours = palette(manifest, told.palette);
  pen.fillStyle = DARK;
  pen.fillRect(x - 2, top - 2, size + 4, height + 4);
  const rows = Math.round(height);
  for (let i = 0; i < rows; i++) {
    const [r, g, b] = colours[Math.round(255 * (1 - i / (rows - 1)))];
    pen.fillStyle = `rgb(${r}, ${g}, ${b})`;
    pen.fillRect(x, top + i, size, 1.5);
  }
  const share = (v) => (told.logarithmic ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
  for (const value of ticks(low, high, told.logarithmic, 5)) {
    if (told.unit === '' && !Number.isInteger(value)) continue;
    const row = top + height * (1 - share(value));
    pen.fillStyle = LIGHT;
    pen.fillRect(x + size, row - 1, size * 0.35, 2);
    rimmed(pen, tickText(value), x + size * 1.6, row, { size: size * 0.92 });
  }
}

/** A canvas of `width` x `height` CSS px, sharp on this screen, and its pen. */
export function sharp(canvas, width, height) {
  const dense = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext('2d');
  pen.scale(dense, dense);
  return pen;
}
