/** The panel of pictures to take away, and of what the scene is. */
import { button, choice, download, el, fileName, section, tick } from './dom.js';
import { compose } from './picture.js';

const MOST_PX = 8192;

const SIZES = [['view', 'as the window'], ['twice', 'twice the window'], ['1920x1080', '1920 × 1080'], ['3840x2160', '3840 × 2160']];

/** A screenshot of the view. */
export async function takePicture(ui, size = 'view', furniture = true) {
  const { viewer, marks, shell } = ui;
  const box = viewer.canvas.getBoundingClientRect();
  const times = { view: window.devicePixelRatio || 1, twice: 2 * (window.devicePixelRatio || 1) }[size];
  const [width, height] = (times ? [box.width * times, box.height * times] : size.split('x').map(Number)).map((v) => Math.min(MOST_PX, Math.round(v)));
  const canvas = compose(viewer, marks, { width, height, furniture });
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
  if (!blob) {
    shell.say('The picture is too large for this browser: choose a smaller one.', { bad: true });
    return null;
  }
  download(blob, fileName(viewer.manifest, viewer.layer, 'png'));
  shell.say(`Picture of ${width} × ${height} saved.`);
  return blob;
}

export function picturePanel(ui) {
  const { manifest } = ui.viewer;
  const size = choice({ label: 'Size', options: SIZES, value: 'view', testid: 'picture-size', change: () => {} });
  const furniture = tick({ label: 'With scale, north, caption and credit', checked: true, testid: 'picture-furniture', change: () => {} });
  const about = el('dl', { class: 'about' });
  for (const [key, value] of Object.entries(manifest.about ?? {})) {
    about.append(el('dt', { text: key.replaceAll('_', ' ') }), el('dd', { text: typeof value === 'string' ? value : JSON.stringify(value) }));
  }
  const notes = (Array.isArray(manifest.notes) ? manifest.notes : []).slice(0, 50).map((note) => el('li', { text: String(note) }));
  const element = el('div', {},
    size.element, furniture.element, button('Save picture (PNG)', () => takePicture(ui, size.list.value, furniture.box.checked), { testid: 'picture-save' }),
    section('This scene', el('p', { class: 'headline', text: manifest.name ?? '' }),
      manifest.simulated ? el('p', { class: 'warn', text: 'A simulated scene: not Mars itself.' }) : null,
      el('p', { class: 'quiet', text: manifest.credit ?? '' }), about, notes.length ? el('ul', { class: 'notes' }, notes) : null,
      el('p', { class: 'quiet', text: `stereo3d ${manifest.version ?? ''}` })));
  return { element };
}
