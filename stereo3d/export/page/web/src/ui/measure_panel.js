/** The panel of the measuring tools: which one, what to pick next, what came out. */
import { TOOLS, asText } from './evaluate.js';
import { button, choice, download, el, fileName } from './dom.js';
import { icon } from './icons.js';
import { profilePlot } from './plot.js';

/** Puts a text on the clipboard, by the old way where the new one is refused. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', { class: 'away', value: text, aria: { label: 'Text to copy' } });
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

export function measurePanel(ui) {
  const { measure, shell, viewer, marks } = ui;
  const buttons = TOOLS.map((tool) => el('button', { type: 'button', class: 'pick', testid: `tool-${tool.id}`, title: `${tool.title ?? tool.name} (${tool.key})`,
    aria: { pressed: 'false', keyshortcuts: tool.key }, on: { click: () => measure.take(measure.tool?.id === tool.id ? null : tool.id) } },
    icon(tool.id), el('span', { text: tool.name }), el('kbd', { text: tool.key, aria: { hidden: 'true' } })));
  const hint = el('p', { class: 'hint', testid: 'hint' });
  const undo = button('Take back', () => measure.undo(), { testid: 'tool-undo', title: 'Take the last place back (Backspace)' });
  const done = button('Done', () => measure.finish(), { testid: 'tool-done', title: 'Finish (double click, or Shift+Enter)' });
  const stop = button('Stop', () => measure.take(null), { testid: 'tool-stop', title: 'Put the tool away (Escape)' });
  const shape = choice({ label: 'Ground within', options: [['circle', 'a circle (middle, edge)'], ['polygon', 'a polygon (corners)']], value: 'circle',
    testid: 'plane-shape', change: (value) => measure.setPolygon(value === 'polygon') });
  const results = el('ol', { class: 'results', testid: 'results', aria: { label: 'Measurements' } });
  const clear = button('Clear all', () => measure.clear(), { testid: 'results-clear' });
  const cards = new Map();

  function card(result) {
    const list = el('dl', {});
    for (const group of result.groups) {
      if (group.title) list.append(el('dt', { class: 'group', text: group.title }));
      for (const [label, value] of group.rows) {
        if (label) list.append(el('dt', { text: label }), el('dd', { text: value }));
        else list.append(el('dd', { class: 'note', text: value }));
      }
    }
    const tools = el('div', { class: 'card-tools' },
      el('button', { type: 'button', class: 'plain square', testid: 'result-copy', title: 'Copy', aria: { label: `Copy ${result.name}` },
        on: { click: async () => shell.say((await copyText(asText(result.name, result))) ? `${result.name} copied.` : 'The browser does not let this page copy.') } }, icon('copy')),
      el('button', { type: 'button', class: 'plain square', testid: 'result-keep', title: 'Keep as an annotation', aria: { label: `Keep ${result.name} as an annotation` },
        on: { click: () => ui.annotations.keep(result) } }, icon('mark')),
      el('button', { type: 'button', class: 'plain square', testid: 'result-delete', title: 'Delete', aria: { label: `Delete ${result.name}` },
        on: { click: () => measure.remove(result) } }, icon('trash')));
    const extra = [];
    if (result.profile) {
      extra.push(profilePlot(result.profile, (s) => {
        if (s && s.up_m !== null) marks.set('cursor', { dots: [[s.east_m, s.north_m, s.up_m]], colour: '#ffffff' });
        else marks.remove('cursor');
      }));
      extra.push(button('Save as CSV', () => download(new Blob([result.csv()], { type: 'text/csv' }), fileName(viewer.manifest, result.id, 'csv')), { testid: 'profile-csv' }));
    }
    if (result.frame >= 0) {
      extra.push(button('Stand at that frame', () => {
        ui.frames.show(result.frame);
        shell.show('frames');
      }, { testid: 'result-frame' }));
    }
    return el('li', { class: 'card', testid: 'result', data: { tool: result.tool } },
      el('header', {}, el('h3', { text: result.name }), tools), el('p', { class: 'headline', testid: 'result-headline', text: result.headline }), list, ...extra);
  }

  function refresh() {
    for (const [i, tool] of TOOLS.entries()) buttons[i].setAttribute('aria-pressed', String(measure.tool?.id === tool.id));
    const next = measure.taker ? null : measure.hint;
    const middle = matchMedia('(pointer: coarse)').matches ? 'Tap' : 'Click';
    hint.textContent = next ? `${middle} ${next}.` : 'Choose a tool, then click the ground.';
    shape.element.hidden = measure.tool?.id !== 'plane';
    undo.disabled = !measure.points.length;
    done.hidden = !measure.tool || measure.plan().most <= measure.plan().least;
    done.disabled = !measure.canFinish;
    stop.disabled = !measure.tool;
    clear.hidden = measure.results.length < 2;
    for (const [result, element] of cards) {
      if (!measure.results.includes(result)) {
        element.remove();
        cards.delete(result);
      }
    }
    for (const result of [...measure.results].reverse()) {
      if (cards.has(result)) continue;
      cards.set(result, card(result));
      results.prepend(cards.get(result));
    }
  }

  measure.addEventListener('change', refresh);
  refresh();
  const element = el('div', { class: 'panel-measure' },
    el('div', { class: 'picks', attr: { role: 'group' }, aria: { label: 'Measuring tools' } }, buttons), shape.element,
    hint, el('div', { class: 'row' }, undo, done, stop), results, clear,
    el('p', { class: 'quiet', text: '± is one sigma: of the range along the line of sight and of the pointing across it, places taken as independent.' }));
  return { element };
}
