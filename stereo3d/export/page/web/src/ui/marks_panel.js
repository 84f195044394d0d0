/** The panel of annotations. */
import { button, download, el, fileName, section, textField } from './dom.js';
import { icon } from './icons.js';
import { KINDS, labelPlace } from './annotations.js';
import { still } from './dom.js';
import { RecordError, withSigma } from '../tools/index.js';

const MOST_SHOWN = 300;

/** Loads a file and tells how it went. */
export async function loadFile(ui, file) {
  try {
    const count = await ui.annotations.load(file);
    ui.shell.say(count ? `${count} ${count === 1 ? 'annotation' : 'annotations'} loaded.` : 'Nothing new in that file.');
  } catch (error) {
    if (!(error instanceof RecordError)) console.warn(error);
    const why = error instanceof RecordError ? error.message : 'it could not be read';
    ui.shell.say(`${file.name.slice(0, 80)} was not loaded: ${why}.`, { bad: true });
  }
}

function summary(one) {
  const m = one.measure;
  if (Number.isFinite(m.length_m)) return withSigma(m.length_m, m.sigma_m, 'm');
  if (Number.isFinite(m.area_m2)) return withSigma(m.area_m2, m.sigma_m2, 'm2');
  return '';
}

export function marksPanel(ui) {
  const { annotations, measure, shell, viewer } = ui;
  let open = null;
  const kinds = KINDS.map((kind) => el('button', { type: 'button', class: 'pick', testid: `mark-${kind.id}`, aria: { pressed: 'false' },
    on: { click: () => (measure.taker?.kind === kind.id ? measure.lend(null) : annotations.start(kind.id)) } },
    icon(kind.id === 'line' ? 'line' : kind.id), el('span', { text: kind.name })));
  const hint = el('p', { class: 'hint', testid: 'mark-hint' });
  const undo = button('Take back', () => measure.undo(), { testid: 'mark-undo' });
  const done = button('Done', () => measure.finish(), { testid: 'mark-done' });
  const stop = button('Stop', () => measure.lend(null), { testid: 'mark-stop' });
  const list = el('ol', { class: 'results', testid: 'annotations', aria: { label: 'Annotations' } });
  const input = el('input', { type: 'file', accept: '.geojson,.json,application/geo+json,application/json', hidden: true, testid: 'annotations-file',
    on: { change: async () => {
      for (const file of input.files) await loadFile(ui, file);
      input.value = '';
    } } });
  const save = button('Save GeoJSON', () => {
    download(new Blob([annotations.geoJson()], { type: 'application/geo+json' }), fileName(viewer.manifest, 'annotations', 'geojson'));
  }, { testid: 'annotations-save' });
  const csv = button('Save CSV', () => download(new Blob([annotations.csv()], { type: 'text/csv' }), fileName(viewer.manifest, 'annotations', 'csv')), { testid: 'annotations-csv' });
  const clear = button('Delete all', () => {
    if (clear.dataset.sure) annotations.clear();
    clear.dataset.sure = clear.dataset.sure ? '' : '1';
    clear.textContent = clear.dataset.sure ? 'Really all?' : 'Delete all';
    setTimeout(() => { clear.dataset.sure = ''; clear.textContent = 'Delete all'; }, 4000);
  }, { testid: 'annotations-clear' });

  function go(one) {
    const at = labelPlace(one);
    const state = viewer.viewState();
    viewer.showFrame(null);
    const away = state.focus ? state.eye.map((v, k) => v - state.focus[k]) : [0, -4, 2];
    const length = Math.hypot(...away) || 1;
    const wanted = Math.min(length, 8);
    const eye = state.mode === 'top' ? at : at.map((v, k) => v + (away[k] / length) * wanted);
    viewer.setView({ ...state, mode: state.mode === 'top' ? 'top' : 'orbit', eye, focus: at }, { seconds: still() ? 0 : 0.6 });
  }

  function editor(one) {
    const later = () => {
      clearTimeout(editor.timer);
      editor.timer = setTimeout(() => annotations.changed(), 250);
    };
    const name = textField({ label: one.kind === 'text' ? 'Text' : 'Name', value: one.name, testid: 'mark-name', input: (v) => { one.name = v; later(); } });
    const note = textField({ label: 'Note', value: one.note, long: true, testid: 'mark-note', input: (v) => { one.note = v; later(); } });
    const colour = el('input', { type: 'color', value: one.colour, testid: 'mark-colour', aria: { label: 'Colour' }, on: { input: () => { one.colour = colour.value; later(); } } });
    return el('div', { class: 'editor' }, name.element, note.element, el('div', { class: 'row' }, colour,
      button('Go there', () => go(one), { testid: 'mark-go' }), button('Delete', () => annotations.remove(one), { testid: 'mark-delete' })));
  }

  const rows = new Map();
  function row(one) {
    const swatch = el('span', { class: 'swatch' });
    const title = el('span', { class: 'row-title' });
    const kept = el('small', {});
    const head = el('button', { type: 'button', class: 'row-head', testid: 'annotation', aria: { expanded: 'false' },
      on: { click: () => { open = open === one ? null : one; refresh(); } } }, swatch, title, kept);
    const element = el('li', { class: 'card' }, head);
    return { element, update() {
      swatch.style.background = one.colour;
      title.textContent = one.name || '(no name)';
      kept.textContent = summary(one);
      head.setAttribute('aria-expanded', String(open === one));
      const there = element.querySelector('.editor');
      if (open === one && !there) element.append(editor(one));
      else if (open !== one) there?.remove();
    } };
  }

  function refresh() {
    const { taker } = measure;
    KINDS.forEach((kind, i) => kinds[i].setAttribute('aria-pressed', String(taker?.kind === kind.id)));
    hint.textContent = taker ? `${matchMedia('(pointer: coarse)').matches ? 'Tap' : 'Click'} ${measure.hint}.` : 'Choose what to add, then click the ground.';
    undo.disabled = !taker || !measure.points.length;
    done.hidden = !taker || taker.most <= taker.least;
    done.disabled = !measure.canFinish;
    stop.disabled = !taker;
    const shown = annotations.list.slice(-MOST_SHOWN).reverse();
    for (const [one, made] of rows) {
      if (shown.includes(one)) continue;
      made.element.remove();
      rows.delete(one);
    }
    shown.forEach((one, i) => {
      if (!rows.has(one)) rows.set(one, row(one));
      const { element, update } = rows.get(one);
      if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
      update();
    });
    more.textContent = annotations.list.length > MOST_SHOWN ? `and ${annotations.list.length - MOST_SHOWN} more` : annotations.list.length ? '' : 'None yet.';
    for (const one of [save, csv, clear]) one.disabled = !annotations.list.length;
  }
  const more = el('p', { class: 'quiet', testid: 'annotations-more' });
  annotations.addEventListener('change', refresh);
  annotations.addEventListener('added', (event) => {
    if (!ui.shell.isOpen('mark')) return;
    open = event.detail;
    refresh();
    const field = list.querySelector('.editor input');
    field?.focus();
    field?.select();
  });
  measure.addEventListener('change', refresh);
  refresh();
  const element = el('div', {},
    el('div', { class: 'picks', attr: { role: 'group' }, aria: { label: 'Kinds of annotations' } }, kinds), hint, el('div', { class: 'row' }, undo, done, stop),
    list, more,
    section('File', el('div', { class: 'row' }, save, csv, button('Load', () => input.click(), { testid: 'annotations-load' }), clear), input,
      el('p', { class: 'quiet', text: `GeoJSON in metres of the ${viewer.manifest.site_from_enu ? 'site frame (north, east, down)' : 'stop (east, north, up)'}. A file may be dropped on the page.` })));
  return { element, shown: refresh, hidden: () => measure.taker && measure.lend(null) };
}
