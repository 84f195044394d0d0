/** Keys of the page; those that move the view are the view's own. */
import { TOOLS } from './evaluate.js';
import { LAYERS } from './layers_panel.js';
import { MODES } from './hud.js';

const TYPING = new Set(['INPUT', 'TEXTAREA', 'SELECT']);

function typing(element) {
  return TYPING.has(element?.tagName) && !['range', 'checkbox', 'radio'].includes(element.type);
}

export function bindKeys(ui, panels) {
  const { viewer, shell, measure, hud, frames, help } = ui;
  const run = new Map();
  LAYERS.forEach(([id, name], i) => run.set(String(i + 1), () => {
    viewer.layer = id;
    shell.say(`Layer: ${name}.`, { seconds: 2, shownIn: 'layers' });
  }));
  for (const tool of TOOLS) {
    run.set(tool.key, () => {
      const same = measure.tool?.id === tool.id;
      measure.take(same ? null : tool.id);
      if (!same) shell.show('measure');
    });
  }
  for (const [id, , key] of MODES) run.set(key, () => hud.setMode(id));
  for (const { id, key } of panels) run.set(key, () => shell.show(shell.isOpen(id) ? null : id));
  run.set('0', () => hud.goHome());
  run.set('h', () => help.toggle());
  run.set('?', () => help.toggle());
  run.set(',', () => frames.step(-1));
  run.set('.', () => frames.step(1));
  run.set('[', () => frames.wipeBy(-0.05));
  run.set(']', () => frames.wipeBy(0.05));

  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || ui.help.dialog.open || typing(target)) {
      if (key === 'Escape' && typing(target)) target.blur();
      return;
    }
    const onView = target === viewer.canvas || target === document.body;
    if (key === 'Escape') {
      if (measure.points.length) measure.take(measure.tool?.id ?? null);
      else if (measure.tool || measure.taker) measure.take(null);
      else if (viewer.framing) frames.show(null);
      else shell.show(null);
    } else if (key === 'Enter' && event.shiftKey) {
      if (measure.canFinish) measure.finish();
    } else if (key === 'Enter' && onView) {
      measure.pickMiddle();
    } else if (key === 'Backspace' && measure.points.length) {
      measure.undo();
    } else if (key === ' ' && onView && viewer.framing) {
      frames.blink();
    } else if (run.has(key) && (!event.shiftKey || key === '?')) {
      run.get(key)();
    } else {
      return;
    }
    event.preventDefault();
  });
  // The cross shows where Enter picks, for those who look about by keys.
  const cross = () => document.getElementById('stage').classList.toggle('by-key', viewer.canvas.matches(':focus-visible'));
  for (const type of ['focus', 'blur']) viewer.canvas.addEventListener(type, cross);
  viewer.canvas.addEventListener('keydown', () => document.getElementById('stage').classList.add('by-key'));
  viewer.canvas.addEventListener('pointerdown', () => document.getElementById('stage').classList.remove('by-key'));
}
