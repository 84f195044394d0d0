/** The panel of bookmarks and of the fly-through along them. */
import { button, choice, download, el, fileName, phone, section, slider, still } from './dom.js';
import { icon } from './icons.js';
import { bookmarksFile, MOST, readBookmarks } from './bookmarks.js';
import { copyText } from './measure_panel.js';
import { filmViews, makeFilm, Stopped } from './film.js';
import { LAYERS } from './layers_panel.js';

const FPS = 30;
const SIZES = [['1280x720', '1280 × 720'], ['1920x1080', '1920 × 1080'], ['854x480', '854 × 480'], ['720x1280', '720 × 1280, upright']];
const MOST_BYTES = 1_000_000;

export function placesPanel(ui) {
  const { bookmarks, viewer, shell, marks } = ui;
  const list = el('ol', { class: 'results', testid: 'bookmarks', aria: { label: 'Bookmarks' } });
  const name = el('input', { type: 'text', maxLength: 80, placeholder: 'Name of this view', testid: 'bookmark-name', aria: { label: 'Name of the new bookmark' } });
  const add = () => {
    const made = bookmarks.add(name.value.trim());
    shell.say(made ? `${made.name} added.` : `There are ${MOST} bookmarks already.`, { bad: !made });
    name.value = '';
  };
  name.addEventListener('keydown', (event) => { if (event.key === 'Enter') add(); });
  const seconds = () => (still() ? 0 : 1.2);
  const input = el('input', { type: 'file', accept: '.json,application/json', hidden: true, testid: 'bookmarks-file', on: { change: async () => {
    const [file] = input.files;
    input.value = '';
    if (!file) return;
    try {
      if (file.size > MOST_BYTES) throw new Error('the file is larger than 1 MB');
      bookmarks.list = readBookmarks(await file.text(), LAYERS.map(([id]) => id));
      bookmarks.changed();
      shell.say(`${bookmarks.list.length} bookmarks loaded.`);
    } catch (error) {
      shell.say(`${file.name.slice(0, 80)} was not loaded: ${error.message}.`, { bad: true });
    }
  } } });
  const save = button('Save list', () => download(new Blob([bookmarksFile(bookmarks.list)], { type: 'application/json' }), fileName(viewer.manifest, 'bookmarks', 'json')), { testid: 'bookmarks-save' });
  const link = button('Copy link', async () => shell.say((await copyText(location.href)) ? 'The link with these views is copied.' : 'The browser does not let this page copy.'), { testid: 'bookmarks-link' });

  let stopped = true;
  const bar = el('progress', { max: 1, value: 0, hidden: true, testid: 'film-progress', aria: { label: 'Film' } });
  const told = el('p', { class: 'quiet', testid: 'film-told', attr: { role: 'status' } });
  const size = choice({ label: 'Size', options: SIZES, value: phone() ? '720x1280' : '1280x720', testid: 'film-size', change: () => {} });
  const each = slider({ label: 'From view to view', min: 1, max: 15, step: 0.5, value: 4, show: (v) => `${v} s`, testid: 'film-seconds', input: () => refresh() });
  const play = button('Play', async () => {
    if (!stopped) return;
    stopped = false;
    refresh();
    const start = performance.now();
    const views = filmViews(bookmarks.list, Number(each.range.value), FPS);
    for (let i = 0; i < views.length && !stopped; i = Math.max(i + 1, Math.floor(((performance.now() - start) / 1000) * FPS))) {
      viewer.layer = views[i].layer;
      await viewer.setView(views[i].view, { seconds: 0 });
      await new Promise((resolve) => { requestAnimationFrame(resolve); });
    }
    if (!stopped) await bookmarks.go(bookmarks.list[bookmarks.list.length - 1], 0);
    stopped = true;
    refresh();
  }, { testid: 'film-play' });
  const make = button('Make film', async () => {
    const [width, height] = size.list.value.split('x').map(Number);
    stopped = false;
    bar.hidden = false;
    told.textContent = 'Drawing the film. The page stays as it is meanwhile.';
    refresh();
    try {
      const film = await makeFilm(viewer, marks, { bookmarks: bookmarks.list, width, height, fps: FPS, secondsEach: Number(each.range.value),
        progress: (share) => { bar.value = share; }, stopped: () => stopped });
      download(film.blob, fileName(viewer.manifest, 'film', film.ending));
      told.textContent = `Film saved: ${film.ending.toUpperCase()} (${film.codec}), ${(film.blob.size / 1e6).toFixed(1)} MB.${film.ending === 'webm' ? ' This browser makes no MP4; the film plays as slowly as it was drawn.' : ''}`;
      ui.lastFilm = { size: film.blob.size, ending: film.ending, codec: film.codec };
    } catch (error) {
      if (error instanceof Stopped) told.textContent = 'Stopped; no film was saved.';
      else {
        told.textContent = `No film: ${error.message}`;
        shell.say(told.textContent, { bad: true });
      }
    }
    stopped = true;
    bar.hidden = true;
    refresh();
  }, { testid: 'film-make' });
  const stop = button('Stop', () => { stopped = true; }, { testid: 'film-stop' });

  function row(mark, i) {
    const field = el('input', { type: 'text', value: mark.name, maxLength: 80, testid: 'bookmark-rename', aria: { label: `Name of bookmark ${i + 1}` },
      on: { change: () => bookmarks.rename(mark, field.value.trim()) } });
    const small = (icon_, label, click, testid, disabled = false) => el('button', { type: 'button', class: 'plain square', title: label, disabled, testid, aria: { label: `${label}: ${mark.name}` }, on: { click } },
      typeof icon_ === 'string' ? el('span', { text: icon_ }) : icon_);
    return el('li', { class: 'bookmark' }, button('Go', () => bookmarks.go(mark, seconds()), { testid: 'bookmark-go', aria: { label: `Go to ${mark.name}` } }), field,
      small('↑', 'Earlier', () => bookmarks.move(mark, -1), 'bookmark-up', i === 0), small(icon('trash'), 'Delete', () => bookmarks.remove(mark), 'bookmark-delete'));
  }

  function refresh() {
    list.replaceChildren(...bookmarks.list.map(row));
    refreshFilm();
  }
  function refreshFilm() {
    const few = bookmarks.list.length < 2;
    play.disabled = make.disabled = few || !stopped;
    stop.disabled = stopped;
    for (const one of [save, link]) one.disabled = !bookmarks.list.length;
    if (stopped && few) told.textContent = 'Two bookmarks at least make a way to fly along.';
    else if (stopped && told.textContent.startsWith('Two')) told.textContent = '';
  }
  bookmarks.addEventListener('change', refresh);
  refresh();
  const element = el('div', {},
    el('div', { class: 'row' }, name, button('Add this view', add, { testid: 'bookmark-add' })), list,
    el('div', { class: 'row' }, save, button('Load list', () => input.click(), { testid: 'bookmarks-load' }), link), input,
    el('p', { class: 'quiet', text: 'Kept in this browser and in the page’s address.' }),
    section('Fly-through', each.element, size.element, el('div', { class: 'row' }, play, make, stop), bar, told));
  return { element };
}
