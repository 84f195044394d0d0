/** The tool in the hand: collects places by clicks, shows marks as they come, hands over results. */
import { TOOLS, asText, circle, evaluate } from './evaluate.js';
import { whyHole } from './hole.js';

const COLOUR = '#5ad1f0';
const TWICE_MS = 350;
const TWICE_PX = 8;

/** How the marks of places look on the ground: dots, a line, where the label stands. */
function drawing(viewer, shape, points, result) {
  const enus = points.map((p) => p.enu);
  const middle = enus[enus.length >> 1];
  if (shape === 'area') return { dots: enus, closed: enus.length > 2, at: enus[0] };
  if (shape === 'height') return { dots: enus, line: enus.length > 3 ? [...enus.slice(0, 3), enus[0]] : enus, at: enus[enus.length - 1] };
  if (shape === 'circle' && enus.length === 2) {
    const radius = Math.hypot(enus[1][0] - enus[0][0], enus[1][1] - enus[0][1]);
    return { dots: [enus[0]], line: circle(viewer, enus[0], radius), closed: true, at: enus[0], also: result?.plane };
  }
  if (result?.profile) {
    const line = result.profile.filter((s) => s.up_m !== null).map((s) => [s.east_m, s.north_m, s.up_m]);
    return { dots: enus, line: line.length > 1 ? line : enus, at: enus[1] };
  }
  return { dots: enus, at: enus.length > 2 ? middle : enus[enus.length - 1], also: result?.plane };
}

export class Measure extends EventTarget {
  constructor(viewer, marks, shell) {
    super();
    Object.assign(this, { viewer, marks, shell, tool: null, points: [], results: [], polygon: false, last: null });
    this.numbers = {};
    viewer.addEventListener('click', (event) => this.clicked(event.detail));
  }

  /** The shape and the number of places of the tool in the hand. */
  plan(tool = this.tool) {
    if (tool?.id === 'plane' && this.polygon) {
      return { ...tool, least: 3, most: 500, shape: 'area', steps: ['the first corner', 'the second corner', 'the third corner', 'the next corner, or Done'] };
    }
    return tool;
  }

  changed() {
    document.getElementById('app').classList.toggle('picking', Boolean(this.tool) || Boolean(this.taker));
    this.dispatchEvent(new Event('change'));
  }

  /** Takes a tool by its name, or none by null. */
  take(id) {
    this.cancel();
    this.taker = null;
    this.tool = TOOLS.find((tool) => tool.id === id) ?? null;
    this.changed();
    if (this.tool) this.shell.say(`${this.tool.name}: pick ${this.plan().steps[0]}.`, { shownIn: 'measure' });
  }

  /** Lets another part take the places (annotations); `taker` has taken(points) and least, most, shape, steps. */
  lend(taker) {
    this.cancel();
    this.tool = null;
    this.taker = taker;
    this.changed();
    if (taker) this.shell.say(`${taker.name}: pick ${taker.steps[0]}.`, { shownIn: 'mark' });
  }

  get current() {
    return this.taker ?? this.plan();
  }

  /** What to pick next, in words. */
  get hint() {
    const now = this.current;
    return now ? now.steps[Math.min(this.points.length, now.steps.length - 1)] : null;
  }

  setPolygon(polygon) {
    this.cancel();
    this.polygon = polygon;
    this.changed();
  }

  async clicked({ x, y, point, ray }) {
    if (!this.current) {
      if (!point && ray) this.shell.say(await whyHole(this.viewer, x, y, ray));
      return;
    }
    const now = performance.now();
    const twice = this.last && now - this.last.when < TWICE_MS && Math.hypot(x - this.last.x, y - this.last.y) < TWICE_PX;
    this.last = { x, y, when: now };
    if (twice) {
      if (this.canFinish) this.finish();
      return;
    }
    if (!point) {
      this.shell.say(await whyHole(this.viewer, x, y, ray ?? this.viewer.skyRay(x, y)), { bad: true });
      return;
    }
    this.addPoint(point);
  }

  /** One more place; the tool ends by itself when it has all. */
  addPoint(point) {
    this.points.push(point);
    const now = this.current;
    if (this.points.length >= now.most) {
      this.finish();
      return;
    }
    this.sketch();
    this.changed();
    this.shell.say(`Place ${this.points.length}: range ${point.range_m.toFixed(2)} metres. Now pick ${this.hint}.`, { shownIn: this.taker ? 'mark' : 'measure' });
  }

  get canFinish() {
    return Boolean(this.current) && this.points.length >= this.current.least;
  }

  /** The places so far, with what they give already. */
  sketch() {
    const now = this.current;
    if (!this.points.length) {
      this.marks.remove('sketch');
      return;
    }
    const open = { ...drawing(this.viewer, now.shape, this.points), colour: COLOUR };
    if (this.tool && this.canFinish && this.tool.id !== 'plane') open.label = evaluate(this.viewer, this.tool.id, this.points).label;
    this.marks.set('sketch', open);
  }

  undo() {
    if (!this.points.length) return false;
    this.points.pop();
    this.sketch();
    this.changed();
    this.shell.say(`Taken back. Now pick ${this.hint}.`, { shownIn: this.taker ? 'mark' : 'measure' });
    return true;
  }

  cancel() {
    this.points = [];
    this.marks.remove('sketch');
  }

  finish() {
    const { points, taker } = this;
    this.cancel();
    if (taker) {
      this.changed();
      taker.taken(points);
      return null;
    }
    const tool = this.plan();
    this.numbers[tool.id] = (this.numbers[tool.id] ?? 0) + 1;
    const name = `${tool.name} ${this.numbers[tool.id]}`;
    const result = { id: `${tool.id}-${this.numbers[tool.id]}`, tool: tool.id, name, points, shape: tool.shape,
      ...evaluate(this.viewer, tool.id, points, tool.id === 'plane' && this.polygon) };
    this.draw(result);
    this.results.unshift(result);
    this.changed();
    this.shell.say(`${name}: ${result.headline}`, { seconds: 10, shownIn: 'measure' });
    this.dispatchEvent(new CustomEvent('result', { detail: result }));
    return result;
  }

  draw(result) {
    const { also, ...mark } = drawing(this.viewer, result.shape, result.points, result);
    this.marks.set(result.id, { ...mark, colour: COLOUR, label: result.label });
    if (also?.length) this.marks.set(`${result.id}+`, { dots: [], line: also, colour: '#ffffff' });
  }

  remove(result) {
    this.marks.remove(result.id);
    this.marks.remove(`${result.id}+`);
    this.results = this.results.filter((one) => one !== result);
    this.changed();
  }

  clear() {
    for (const result of [...this.results]) this.remove(result);
    this.cancel();
    this.changed();
  }

  /** A place picked in the middle of the view, for the keyboard. */
  pickMiddle() {
    const box = this.viewer.canvas.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    if (!this.current) this.take('point');
    this.last = null;
    return this.clicked({ x, y, point: this.viewer.pick(x, y), ray: this.viewer.skyRay(x, y) });
  }
}

export { asText };
