/** The viewer: what the panels talk to. */
import { THREE } from './three.js';

export class Viewer extends EventTarget {
  constructor(source, document) {
    super();
    this.source = source;
    this.manifest = source.manifest;
    this.canvas = document.getElementById('view');
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera();
    this.overlay = new THREE.Group();
    this.frames = [];
    this.strip = null;
    this.layer = 'image';
    this.mode = 'orbit';
  }

  async load() {}
  pick() { return null; }
  pickRay() { return null; }
  pointFrame() { return null; }
  skyRay() { return null; }
  toScreen() { return { x: 0, y: 0, visible: false }; }
  groundHeight() { return null; }
  profile() { return []; }
  set() {}
  options() { return {}; }
  viewState() { return {}; }
  async setView() {}
  showFrame() {}
  render() {}
  requestRender() {}
  screenshotCanvas() { return document.createElement('canvas'); }
}
