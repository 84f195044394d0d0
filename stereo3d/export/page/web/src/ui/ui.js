/** The panels, the marks and the tools around the viewer. */
import * as tools from '../tools/index.js';
import { Annotations } from './annotations.js';
import { Bookmarks } from './bookmarks.js';
import { makeFilm } from './film.js';
import { Frames, framesPanel } from './frames_panel.js';
import { Help } from './help.js';
import { Hud } from './hud.js';
import { bindKeys } from './keys.js';
import { LAYERS, layersPanel } from './layers_panel.js';
import { Marks } from './marks.js';
import { loadFile, marksPanel } from './marks_panel.js';
import { Measure } from './measure.js';
import { measurePanel } from './measure_panel.js';
import { picturePanel, takePicture } from './picture_panel.js';
import { placesPanel } from './places_panel.js';
import { Shell } from './shell.js';
import { phone } from './dom.js';
import { viewPanel } from './view_panel.js';

/** Files dropped anywhere on the page are loaded as annotations. */
function acceptDrops(ui) {
  const app = document.getElementById('app');
  const files = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  document.addEventListener('dragover', (event) => {
    if (!files(event)) return;
    event.preventDefault();
    app.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) app.classList.remove('dropping');
  });
  document.addEventListener('drop', async (event) => {
    if (!files(event)) return;
    event.preventDefault();
    app.classList.remove('dropping');
    ui.shell.show('mark');
    for (const file of event.dataTransfer.files) await loadFile(ui, file);
  });
}

/**
 * @param {import('../core/viewer.js').Viewer} viewer
 * @returns all parts, and the pure tools, for tests and consoles
 */
export function startUi(viewer) {
  const { manifest } = viewer;
  document.title = `${manifest.name ?? 'Scene'} · stereo3d`;
  const shell = new Shell(document.getElementById('ui'));
  shell.credit.textContent = manifest.credit ?? '';
  const marks = new Marks(viewer, document.getElementById('marks'));
  const measure = new Measure(viewer, marks, shell);
  const ui = { viewer, tools, shell, marks, measure };
  ui.annotations = new Annotations(viewer, marks, measure, shell);
  ui.bookmarks = new Bookmarks(
    viewer,
    LAYERS.map(([id]) => id),
  );
  ui.frames = new Frames(viewer, shell);
  ui.hud = new Hud(viewer, shell, document.getElementById('stage'));
  /** Takes a tool; who did so by keys goes on in the view, where Enter picks. */
  ui.take = (id, byKey = false) => {
    measure.take(id);
    if (id && byKey) viewer.canvas.focus();
  };
  ui.takePicture = (size, furniture) => takePicture(ui, size, furniture);
  ui.makeFilm = (options) =>
    makeFilm(viewer, marks, { bookmarks: ui.bookmarks.list, progress: () => {}, stopped: () => false, ...options });
  const panels = [
    { id: 'measure', name: 'Measure', key: 'm', make: () => measurePanel(ui) },
    { id: 'mark', name: 'Annotate', key: 'x', make: () => marksPanel(ui) },
    { id: 'layers', name: 'Layers', key: 'c', make: () => layersPanel(ui) },
    { id: 'view', name: 'View', key: 'v', make: () => viewPanel(ui) },
    { id: 'frames', name: 'Frames', key: 'f', make: () => framesPanel(ui) },
    { id: 'places', name: 'Bookmarks', key: 'b', make: () => placesPanel(ui) },
    { id: 'picture', name: 'Picture', key: 'u', make: () => picturePanel(ui) },
  ];
  for (const panel of panels) shell.add(panel);
  ui.help = new Help(panels);
  shell.addAction({ id: 'help', name: 'Help', key: 'h', run: () => ui.help.toggle() });
  bindKeys(ui, panels);
  acceptDrops(ui);
  viewer.addEventListener('problem', (event) => shell.say(String(event.detail), { bad: true }));
  // Some browsers go on without this; a lost context leaves a black view and says nothing.
  viewer.canvas.addEventListener('webglcontextlost', () =>
    shell.say('The graphics card has let go of the page: load it again.', { bad: true }),
  );
  viewer.canvas.setAttribute(
    'aria-description',
    'Arrow keys move, Enter picks at the cross in the middle, h shows all keys.',
  );
  if (!phone()) shell.show('measure');
  return ui;
}
