/** Points, lines and labels in the view. */
import { el } from './dom.js';
import { THREE } from '../core/three.js';
import { Line2 } from 'three/examples/jsm/lines/Line2.js';
import { LineGeometry } from 'three/examples/jsm/lines/LineGeometry.js';
import { LineMaterial } from 'three/examples/jsm/lines/LineMaterial.js';

const DOT_PX = 13;
const HIDDEN = 'hidden';

function dotTexture() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext('2d');
  for (const [radius, colour] of [[31, '#000000'], [25, '#ffffff'], [8, '#000000']]) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(32, 32, radius, 0, 2 * Math.PI);
    pen.fill();
  }
  return new THREE.CanvasTexture(canvas);
}

export class Marks {
  /** @param viewer @param {HTMLElement} host of the labels */
  constructor(viewer, host) {
    this.viewer = viewer;
    this.host = host;
    this.all = new Map();
    this.texture = dotTexture();
    for (const type of ['view', 'options']) viewer.addEventListener(type, () => this.place());
  }

  /**
   * Draws a mark anew. `dots` are places (ENU, m); `line` the line through places (closed or not); `at` where the label
   * stands.
   * @param {string} id
   * @param {{dots: number[][], line?: number[][], closed?: boolean, colour: string, label?: string, at?: number[],
   *   testid?: string}} mark
   */
  set(id, mark) {
    this.remove(id, false);
    const group = new THREE.Group();
    const colour = new THREE.Color(mark.colour);
    const line = mark.line ?? mark.dots;
    if (line.length > 1) {
      const path = mark.closed ? [...line, line[0]] : line;
      const geometry = new LineGeometry();
      // Float32 from the first place on, so that coordinates far from the origin do not shake.
      geometry.setPositions(path.flatMap((p) => p.map((v, k) => v - line[0][k])));
      for (const [width, tint, opacity, order] of [[5, new THREE.Color(0), 0.65, 10], [2.5, colour, 1, 11]]) {
        const material = new LineMaterial({ color: tint, linewidth: width, transparent: true, opacity, depthTest: false, depthWrite: false });
        const drawn = new Line2(geometry, material);
        drawn.position.set(...line[0]);
        drawn.renderOrder = order;
        drawn.frustumCulled = false;
        group.add(drawn);
      }
    }
    if (mark.dots.length) {
      const tint = colour.toArray();
      const dots = this.points(mark.dots.flatMap((p) => p.map((v, k) => v - mark.dots[0][k])), mark.dots.flatMap(() => tint));
      dots.position.set(...mark.dots[0]);
      group.add(dots);
    }
    this.viewer.overlay.add(group);
    this.all.set(id, { group, at: mark.at ?? mark.dots[mark.dots.length - 1] });
    if (mark.label) this.label(id, mark.label, this.all.get(id).at);
    this.place();
    this.viewer.requestRender();
  }

  /** Dots of one size on the screen: places and colours (r, g, b) in a row. */
  points(places, colours) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.Float32BufferAttribute(places, 3));
    geometry.setAttribute('color', new THREE.Float32BufferAttribute(colours, 3));
    const material = new THREE.PointsMaterial({ vertexColors: true, map: this.texture, size: DOT_PX, sizeAttenuation: false,
      transparent: true, alphaTest: 0.3, depthTest: false, depthWrite: false });
    const dots = new THREE.Points(geometry, material);
    dots.renderOrder = 12;
    dots.frustumCulled = false;
    return dots;
  }

  /** A text at a place; with a mark of the same name it goes when the mark goes. */
  label(id, text, at, look = 'measure') {
    const mark = this.all.get(id) ?? {};
    mark.label?.remove();
    const label = el('div', { class: `label ${look}`, testid: 'label', text });
    this.host.append(label);
    this.all.set(id, { ...mark, label, text, at });
    this.placeOne(this.all.get(id), this.host.getBoundingClientRect());
  }

  /** Removes all marks whose names begin so. */
  forget(start) {
    for (const id of [...this.all.keys()]) if (id.startsWith(start)) this.remove(id, false);
  }

  remove(id, draw = true) {
    const mark = this.all.get(id);
    if (!mark) return;
    if (mark.group) {
      this.viewer.overlay.remove(mark.group);
      for (const part of mark.group.children) {
        part.geometry.dispose();
        part.material.dispose();
      }
    }
    mark.label?.remove();
    this.all.delete(id);
    if (draw) this.viewer.requestRender();
  }

  /** Labels where they stand in the view now. */
  place() {
    const box = this.host.getBoundingClientRect();
    for (const mark of this.all.values()) this.placeOne(mark, box);
  }

  placeOne({ label, at }, box) {
    if (!label || !at) return;
    const { x, y, visible } = this.viewer.toScreen(at);
    label.classList.toggle(HIDDEN, !visible);
    if (visible) label.style.transform = `translate(${(x - box.left).toFixed(1)}px, ${(y - box.top).toFixed(1)}px) translate(10px, -130%)`;
  }

  /** Labels in the view: text and client px, to draw them into a picture. */
  labels() {
    return [...this.all.values()].filter((mark) => mark.label && mark.at).map((mark) => ({ text: mark.text, ...this.viewer.toScreen(mark.at) }))
      .filter((mark) => mark.visible);
  }
}
