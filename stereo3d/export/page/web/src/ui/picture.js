/** A picture of the view with all that makes it a document: scale, north, legend, labels, caption and credit. */
import { compass, legend, legendHeight, legendOf, rimmed, scaleBar } from './draw.js';
import { metresPerPx, MODES, sight } from './hud.js';
import { LAYERS } from './layers_panel.js';
import { lengthText } from '../tools/index.js';

const MOST_LETTERS = 100;

/** What the picture shows, and whom to thank. */
export function caption(viewer) {
  const { manifest } = viewer;
  const { place, texture } = manifest;
  const [, name] = LAYERS.find(([id]) => id === viewer.layer);
  const bright =
    viewer.layer === 'image' && texture?.brightness > 1.05 ? ` (brightness × ${texture.brightness.toFixed(1)})` : '';
  const options = viewer.options();
  const framing = viewer.framing;
  const way = framing
    ? `as frame ${viewer.frames[framing.index].id}`
    : `${MODES.find(([id]) => id === viewer.mode)?.[1].toLowerCase()} view`;
  const parts = [
    String(manifest.name ?? '').slice(0, MOST_LETTERS),
    Number.isFinite(place?.sol) ? `sol ${place.sol}` : null,
    `${name.toLowerCase()}${bright}, ${way}`,
    options.exaggeration !== 1 ? `heights × ${options.exaggeration}` : null,
    viewer.layer === 'hillshade'
      ? `sun at azimuth ${Math.round(options.sunAzimuth_deg)}°, elevation ${Math.round(options.sunElevation_deg)}°`
      : null,
    options.contours ? `contours every ${lengthText(options.contourInterval_m)}` : null,
    options.anaglyph && !framing && viewer.mode !== 'top' ? `eyes ${lengthText(options.eyeBase_m)} apart` : null,
  ];
  return { left: parts.filter(Boolean).join(' · '), right: String(manifest.credit ?? '').slice(0, 2 * MOST_LETTERS) };
}

/** The largest size, up to `most`, at which two texts fit side by side. */
function fitting(pen, texts, room, most) {
  for (let size = most; size > 6; size *= 0.94) {
    pen.font = `${size}px system-ui, "DejaVu Sans", sans-serif`;
    if (texts.reduce((sum, text) => sum + pen.measureText(text).width, 3 * size) <= room) return size;
  }
  return 6;
}

/**
 * @param viewer @param {{labels: () => object[]}} marks
 * @param {{width: number, height: number, into?: HTMLCanvasElement, furniture?: boolean}} options
 * @returns {HTMLCanvasElement}
 */
export function compose(viewer, marks, { width, height, into, furniture = true }) {
  const box = viewer.canvas.getBoundingClientRect();
  const canvas = into ?? document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#16191e';
  pen.fillRect(0, 0, width, height);
  pen.drawImage(viewer.screenshotCanvas({ width, height, restore: !into }), 0, 0, width, height);
  // The view's height shows the same in the window and in the picture; its width too while a film is drawn.
  const unit = Math.max(11, Math.min(width, height) / 46);
  const k = height / box.height;
  const across = into ? width / box.width : k;
  const metres = furniture && !viewer.framing ? metresPerPx(viewer) : null;
  for (const { text, x, y } of marks.labels()) {
    const right = width / 2 + (x - box.left - box.width / 2) * across;
    pen.font = `${unit}px system-ui, "DejaVu Sans", sans-serif`;
    const ends = right + unit + pen.measureText(text).width > width;
    const from = right + (ends ? -0.6 : 0.6) * unit;
    rimmed(pen, text, from, (y - box.top) * k - unit, { size: unit, align: ends ? 'right' : 'left' });
  }
  if (!furniture) return canvas;
  const strip = Math.round(unit * 2.1);
  const state = viewer.viewState();
  compass(pen, width - unit * 3.4, unit * 3.6, unit * 2, sight(viewer, state));
  if (!viewer.framing) {
    scaleBar(
      pen,
      unit * 1.2,
      height - strip - unit * 1.1,
      metres ? metres / k : null,
      width * 0.22,
      unit,
      state.mode === 'top' ? '' : ' in the middle of the view',
    );
  }
  const told = legendOf(viewer);
  if (told && !viewer.framing?.residual)
    legend(
      pen,
      unit * 1.2,
      unit * 1.2,
      Math.min(unit, (height - strip - unit * 6) / legendHeight(told, 1)),
      told,
      viewer.manifest,
    );
  const { left, right } = caption(viewer);
  const size = fitting(pen, [left, right], width - 2 * unit, unit * 0.95);
  pen.fillStyle = 'rgba(10, 12, 15, 0.86)';
  pen.fillRect(0, height - strip, width, strip);
  pen.font = `${size}px system-ui, "DejaVu Sans", sans-serif`;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  pen.fillStyle = '#ffffff';
  pen.fillText(left, unit, height - strip / 2);
  pen.textAlign = 'right';
  pen.fillStyle = '#c8ccd2';
  pen.fillText(right, width - unit, height - strip / 2);
  return canvas;
}
