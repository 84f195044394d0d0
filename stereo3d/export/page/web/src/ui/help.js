/** The help overlay: mouse, touch and keyboard on one page. */
import { el } from './dom.js';
import { icon } from './icons.js';
import { TOOLS } from './evaluate.js';
import { LAYERS } from './layers_panel.js';
import { MODES } from './hud.js';

const MOUSE = [
  ['Drag', 'turn about the ground (orbit), look around (walk, fly), shift (map)'],
  ['Right drag', 'shift the view; Shift + drag too'],
  ['Wheel', 'nearer, farther'],
  ['Click', 'pick a place with the tool in hand; a hole tells its reason'],
  ['Double click', 'finish a line or an area'],
];
const TOUCH = [
  ['One finger', 'turn, look around, or shift the map'],
  ['Two fingers', 'shift and pinch'],
  ['Tap', 'pick a place; tap twice to finish'],
];
const MOVING = [
  ['w a s d', 'move; the arrows too'], ['q e', 'down, up; Page up and down too'], ['+ −', 'nearer, farther'], ['Shift', 'faster'],
];

export class Help {
  constructor(panels) {
    const table = (title, rows) => el('section', {}, el('h3', { text: title }),
      el('dl', { class: 'keys' }, rows.flatMap(([key, what]) => [el('dt', {}, el('kbd', { text: key })), el('dd', { text: what })])));
    const close = el('button', { type: 'button', class: 'plain square', testid: 'help-close', aria: { label: 'Close the help' }, on: { click: () => this.dialog.close() } }, icon('close'));
    this.dialog = el('dialog', { id: 'help', testid: 'help', aria: { labelledby: 'help-title' } },
      el('header', {}, el('h2', { id: 'help-title', text: 'Help' }), close),
      el('div', { class: 'help-columns' },
        table('Mouse', MOUSE), table('Touch', TOUCH), table('Moving by keys (click the view first)', MOVING),
        table('Ways to move', [...MODES.map(([, name, key]) => [key, name]), ['0', 'first view']]),
        table('Measuring', [...TOOLS.map((tool) => [tool.key, tool.title ?? tool.name]), ['Enter', 'pick at the cross in the middle of the view'], ['Backspace', 'take the last place back'],
          ['Shift + Enter', 'finish'], ['Escape', 'stop; leave the frame; close the panel']]),
        table('Layers', LAYERS.map(([, name], i) => [String(i + 1), name])),
        table('Panels', [...panels.map(({ key, name }) => [key, name]), ['h ?', 'this help']]),
        table('Standing at a frame', [['Space', 'blink'], ['[ ]', 'wipe'], [', .', 'previous, next frame'], ['Escape', 'leave']])),
      el('p', { class: 'quiet', text: 'All lengths are metres; ± is one sigma. Heights count from the rover’s ground, azimuth from north over east.' }));
    this.dialog.addEventListener('click', (event) => { if (event.target === this.dialog) this.dialog.close(); });
    document.body.append(this.dialog);
  }

  toggle() {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }
}
