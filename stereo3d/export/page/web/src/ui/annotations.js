/** Annotations: points, lines, areas and texts that are kept, saved and loaded again. */
import { LineMaterial } from 'three/examples/jsm/lines/LineMaterial.js';
import { LineSegments2 } from 'three/examples/jsm/lines/LineSegments2.js';
import { LineSegmentsGeometry } from 'three/examples/jsm/lines/LineSegmentsGeometry.js';
import { THREE } from '../core/three.js';
import { area, fromGeoJson, polylineLength, RecordError, toCsv, toGeoJson } from '../tools/index.js';
import { DEFAULT_COLOUR, MAX_BYTES, MAX_FEATURES } from '../tools/records.js';
import { store } from './bookmarks.js';
import { circle } from './evaluate.js';

export const KINDS = [
  { id: 'point', name: 'Point', least: 1, most: 1, shape: 'point', steps: ['a place'] },
  { id: 'line', name: 'Line', least: 2, most: 1000, shape: 'line', steps: ['the first place', 'the next place', 'the next place, or Done'] },
  { id: 'area', name: 'Area', least: 3, most: 1000, shape: 'area', steps: ['the first corner', 'the second corner', 'the third corner', 'the next corner, or Done'] },
  { id: 'text', name: 'Text', least: 1, most: 1, shape: 'point', steps: ['where the text stands'] },
];

const MOST_LABELS = 200;
const LABEL_LETTERS = 60;
const MOST_KEPT = 2_000_000;

function measureOf(kind, points) {
  if (kind === 'line') {
    const found = polylineLength(points);
    return { length_m: found.value, sigma_m: found.sigma };
  }
  if (kind === 'area') {
    const found = area(points);
    return { area_m2: found.value, sigma_m2: found.sigma, perimeter_m: found.perimeterM };
  }
  return {};
}

const finite = (measure) => Object.fromEntries(Object.entries(measure).filter(([, v]) => typeof v !== 'number' || Number.isFinite(v)));

/** Where an annotation's label stands. */
export const labelPlace = (a) => a.points[a.kind === 'line' ? a.points.length >> 1 : 0].enu;

export class Annotations extends EventTarget {
  constructor(viewer, marks, measure, shell) {
    super();
    Object.assign(this, { viewer, marks, measure, shell, list: [], group: null, numbers: {} });
    this.kept = store(viewer.manifest, 'annotations');
    this.restore();
  }

  /** Takes up what the browser kept of this scene. */
  restore() {
    const text = this.kept.read();
    if (!text) return;
    try {
      this.list = fromGeoJson(text, this.viewer.manifest);
    } catch {
      this.list = [];
    }
    this.draw();
  }

  changed() {
    this.draw();
    const text = this.list.length ? this.geoJson() : null;
    if (text === null || text.length < MOST_KEPT) this.kept.write(text);
    this.dispatchEvent(new Event('change'));
  }

  geoJson() {
    return `${JSON.stringify(toGeoJson(this.list, this.viewer.manifest))}\n`;
  }

  csv() {
    return toCsv(this.list, this.viewer.manifest);
  }

  /** Starts picking the places of a new one. */
  start(kindId) {
    const kind = KINDS.find((one) => one.id === kindId);
    this.measure.lend({ ...kind, kind: kind.id, taken: (points) => {
      this.add({ kind: kind.id, points: points.map((p) => ({ enu: [...p.enu], sigma_m: p.sigma_m })), measure: measureOf(kind.id, points) });
    } });
  }

  add({ kind, points, measure = {}, name, note = '' }) {
    if (this.list.length >= MAX_FEATURES) {
      this.shell.say(`There are ${MAX_FEATURES} annotations already.`, { bad: true });
      return null;
    }
    this.numbers[kind] = (this.numbers[kind] ?? 0) + 1;
    const title = KINDS.find((one) => one.id === kind).name;
    const made = { kind, name: name ?? `${title} ${this.numbers[kind]}`, note, colour: DEFAULT_COLOUR, points, measure: finite(measure) };
    this.list.push(made);
    this.changed();
    this.shell.say(`${made.name} added.`);
    this.dispatchEvent(new CustomEvent('added', { detail: made }));
    return made;
  }

  /** A measurement becomes an annotation. */
  keep(result) {
    const vertex = (p) => ({ enu: [...p.enu], sigma_m: p.sigma_m });
    let kind = { point: 'point', area: 'area', circle: 'area' }[result.shape] ?? 'line';
    let points = result.points.map(vertex);
    if (result.shape === 'circle') {
      const [a, b] = result.points;
      points = circle(this.viewer, a.enu, Math.hypot(b.enu[0] - a.enu[0], b.enu[1] - a.enu[1]), 24).map((enu) => ({ enu, sigma_m: null }));
      kind = 'area';
    }
    // Its mark stands there from now on, not twice.
    this.marks.remove(result.id);
    return this.add({ kind, points, measure: result.measure, name: result.name, note: result.headline });
  }

  remove(one) {
    this.list = this.list.filter((other) => other !== one);
    this.changed();
  }

  clear() {
    this.list = [];
    this.changed();
  }

  /** All of a file, or nothing of it; what is there already is not added twice. Returns how many are new. */
  async load(file) {
    if (file.size > MAX_BYTES) throw new RecordError('the file is larger than 10 MB');
    const found = fromGeoJson(await file.text(), this.viewer.manifest);
    const key = (a) => JSON.stringify(toGeoJson([a], this.viewer.manifest).features[0]);
    const there = new Set(this.list.map(key));
    const fresh = found.filter((a) => !there.has(key(a)));
    if (this.list.length + fresh.length > MAX_FEATURES) throw new RecordError(`that would be more than ${MAX_FEATURES} annotations`);
    this.list = [...this.list, ...fresh];
    this.changed();
    return fresh.length;
  }

  /** All of them in one drawing of lines and one of points, however many there are. */
  draw() {
    const { viewer, marks } = this;
    if (this.group) {
      viewer.overlay.remove(this.group);
      for (const part of this.group.children) {
        part.geometry.dispose();
        part.material.dispose();
      }
      this.group = null;
    }
    marks.forget('note');
    viewer.requestRender();
    if (!this.list.length) return;
    const origin = this.list[0].points[0].enu;
    const near = (p) => p.enu.map((v, k) => v - origin[k]);
    const segments = [];
    const tints = [];
    const dots = [];
    const dotTints = [];
    for (const one of this.list) {
      const tint = new THREE.Color(one.colour).toArray();
      const line = one.kind === 'area' ? [...one.points, one.points[0]] : one.points;
      for (let i = 1; i < line.length; i++) {
        segments.push(...near(line[i - 1]), ...near(line[i]));
        tints.push(...tint, ...tint);
      }
      if (one.kind === 'text') continue;
      for (const p of one.points) {
        dots.push(...near(p));
        dotTints.push(...tint);
      }
    }
    const group = new THREE.Group();
    group.position.set(...origin);
    if (segments.length) {
      const geometry = new LineSegmentsGeometry();
      geometry.setPositions(segments);
      geometry.setColors(tints);
      for (const [linewidth, extra, order] of [[5, { color: 0x000000, opacity: 0.65 }, 8], [2.5, { vertexColors: true }, 9]]) {
        const drawn = new LineSegments2(geometry, new LineMaterial({ linewidth, transparent: true, depthTest: false, depthWrite: false, ...extra }));
        drawn.renderOrder = order;
        drawn.frustumCulled = false;
        group.add(drawn);
      }
    }
    if (dots.length) group.add(marks.points(dots, dotTints));
    viewer.overlay.add(group);
    this.group = group;
    for (const [i, one] of this.list.slice(0, MOST_LABELS).entries()) {
      if (one.name) marks.label(`note-${i}`, one.name.slice(0, LABEL_LETTERS), labelPlace(one), one.kind === 'text' ? 'text' : 'note');
    }
  }
}
