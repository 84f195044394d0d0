/** The viewer: what the panels talk to. Places are ENU, m; pixels are those of the window (clientX, clientY). */
import { THREE } from './three.js';
import { Drawing } from './drawing.js';
import { openFrames } from './frames.js';
import { Framing } from './framing.js';
import { Ground } from './ground.js';
import { LAYERS } from './ground_shader.js';
import { bitmap, paletteTexture, pictureTexture } from './images.js';
import { softwareDrawing } from './loading.js';
import { Navigation } from './navigation.js';
import { Picker } from './picker.js';
import { anglesOf, axes } from './pose.js';
import { Quality } from './quality.js';
import { ScaleObjects } from './scale_objects.js';
import { Sight } from './sight.js';
import { decodeBase64 } from './source.js';
import { Standpoint } from './standpoint.js';
import { Sunlight, sunDirection } from './sunlight.js';
import { Strip } from './strip.js';
import { RAD, clamp, dot, norm, sub, unit } from './vec.js';
import { Xr } from './xr.js';

const SETTLE_MS = 220;
const HUMAN_EYES_M = 0.065;

export class Viewer extends EventTarget {
  /** @param {import('./source.js').Source} source @param {Document} document */
  constructor(source, document) {
    super();
    this.source = source;
    this.manifest = source.manifest;
    this.canvas = document.getElementById('view');
    this.ground = new Ground(this.manifest);
    const slow = softwareDrawing();
    this.quality = new Quality(slow);
    this.drawing = new Drawing(this.canvas, this.ground, slow);
    this.sunlight = new Sunlight(this.drawing, slow);
    this.picker = new Picker(this.ground, this.manifest);
    this.objects = new ScaleObjects();
    this.drawing.world.add(this.objects.group);
    this.strip = new Strip(document.getElementById('strip'), this);
    this.frames = openFrames(this.manifest, source);
    this.sight = new Sight(this);
    this.frameMode = new Framing(this, document.getElementById('divider'));
    this.palettes = new Map();
    const { sun, contours } = this.manifest;
    this.settings = {
      contours: false,
      contourInterval_m: contours?.interval_m ?? 0.25,
      sunAzimuth_deg: sun?.azimuth_deg ?? 315,
      sunElevation_deg: sun?.elevation_deg ?? 35,
      shadows: true,
      exaggeration: 1,
      clip: null,
      anaglyph: false,
      eyeBase_m: 0.2,
      dome: true,
      strip: true,
      person: false,
      rover: false,
      grid: false,
      wireframe: false,
    };
    this.shownLayer = 'image';
    this.standpoint = new Standpoint(this);
    this.ring = makeRing();
    this.overlay.add(this.ring);
    this.xr = new Xr(this);
    this.movingUntil = 0;
    this.lastFrame = 0;
  }

  get renderer() {
    return this.drawing.renderer;
  }

  get scene() {
    return this.drawing.scene;
  }

  get overlay() {
    return this.drawing.overlay;
  }

  get camera() {
    return this.pose.mode === 'top' ? this.drawing.parallel : this.drawing.perspective;
  }

  get anaglyphScale() {
    return this.settings.eyeBase_m / HUMAN_EYES_M;
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Fetch and show the ground; the panorama comes after it. */
  async load() {
    const { manifest, source, ground } = this;
    const shares = { mesh: 0, texture: 0 };
    const progress = (name) => (share) => {
      shares[name] = share;
      this.emit('progress', 0.75 * shares.mesh + 0.15 * shares.texture);
    };
    const largest = this.renderer.capabilities.maxTextureSize;
    const mesh = source.part(manifest.mesh.part, progress('mesh')).then((buffer) => ground.read(buffer));
    const { part } = manifest.texture;
    const photo = source.part(part, progress('texture')).then((buffer) => bitmap(buffer, part, largest));
    const [image] = await Promise.all([photo, mesh]);
    const { uniforms } = ground;
    uniforms.uPhoto.value = pictureTexture(image, { anisotropy: this.quality.slow ? 1 : Math.min(8, this.renderer.capabilities.getMaxAnisotropy()) });
    uniforms.uBrightness.value = manifest.texture.brightness;
    uniforms.uEye.value.fromArray(manifest.eye);
    for (const [name, text] of Object.entries(manifest.palettes)) this.palettes.set(name, paletteTexture(decodeBase64(text)));
    this.emit('progress', 0.95);
    this.standpoint.placeFocus();
    this.navigation = new Navigation(this);
    this.canvas.addEventListener('webglcontextrestored', () => this.requestRender());
    new ResizeObserver(() => this.resized()).observe(this.canvas.parentElement);
    this.resized();
    this.render();
    this.emit('progress', 1);
    this.emit('ready', null);
    if (manifest.panorama) this.loadPanorama(largest).catch((error) => this.emit('problem', error.message));
  }

  async loadPanorama(largest) {
    const about = this.manifest.panorama;
    const image = await bitmap(await this.source.part(about.part), about.part, largest);
    this.strip.setPanorama(image, about);
    this.drawing.dome.setPanorama(pictureTexture(image, { mipmaps: false }), about);
    this.requestRender();
  }

  // --- the view ---

  get pose() {
    return this.standpoint.pose;
  }

  set pose(pose) {
    this.standpoint.pose = pose;
  }

  get mode() {
    return this.pose.mode;
  }

  set mode(mode) {
    this.standpoint.setMode(mode);
  }

  viewState() {
    return this.standpoint.state();
  }

  setView(state, { seconds = 0 } = {}) {
    return this.standpoint.move(state, seconds);
  }

  stop() {
    this.standpoint.stop();
  }

  /** Take a pose that navigation made. */
  go(pose) {
    this.pose = this.standpoint.kept(pose);
    this.moving();
  }

  /** Shown coordinates (heights times the exaggeration) of ENU, and back. */
  shown([e, n, u]) {
    return [e, n, u * this.settings.exaggeration];
  }

  hidden([e, n, u]) {
    return [e, n, u / this.settings.exaggeration];
  }

  hiddenDirection(direction) {
    return unit(this.hidden(direction));
  }

  /** Compass azimuth of the middle of the view and its width, deg; null from above. */
  heading() {
    if (this.framing) return this.frameMode.heading();
    if (this.pose.mode === 'top') return null;
    const { width, height } = this.drawing.size;
    return { azimuth_deg: this.pose.azimuth / RAD, width_deg: (2 * Math.atan((Math.tan(this.pose.fov / 2) * width) / height)) / RAD };
  }

  // --- rays and places ---

  skyRay(clientX, clientY) {
    return this.sight.ray(clientX, clientY);
  }

  pick(clientX, clientY) {
    const ray = this.skyRay(clientX, clientY);
    return ray && this.pickRay(ray.origin, ray.direction);
  }

  pickRay(origin, direction) {
    return this.picker.point(origin, direction);
  }

  groundHeight(e, n) {
    return this.picker.height(e, n);
  }

  profile(a, b, n) {
    return this.sight.profile(a, b, n);
  }

  pointFrame(point) {
    return this.sight.frameOf(point.enu);
  }

  toScreen(enu) {
    return this.sight.toScreen(enu);
  }

  // --- pointing ---

  click(x, y, event) {
    const ray = this.skyRay(x, y);
    this.emit('click', { x, y, point: ray && this.pickRay(ray.origin, ray.direction), ray, pointerType: event?.pointerType });
  }

  hoverAt(x, y) {
    if (!this.hovering) requestAnimationFrame(() => this.hoverNow());
    this.hovering = [x, y];
  }

  hoverNow() {
    const [x, y] = this.hovering;
    this.hovering = null;
    const ray = this.skyRay(x, y);
    const point = ray && this.pickRay(ray.origin, ray.direction);
    const { azimuth, elevation } = anglesOf(point ? sub(point.enu, this.manifest.eye) : (ray?.direction ?? [0, 1, 0]));
    this.hover(point, ray && { azimuth_deg: (azimuth / RAD + 360) % 360, elevation_deg: elevation / RAD });
  }

  /** The cursor is on a place, or in a direction from the eye; the strip and the ground both show it. */
  hover(point, angles = null, fromStrip = false) {
    this.strip.setMark(angles);
    this.setHover(fromStrip && point ? point.enu : null);
    this.emit('hover', { point: point ?? null, azimuth_deg: angles?.azimuth_deg ?? null, elevation_deg: angles?.elevation_deg ?? null, strip: fromStrip });
  }

  setHover(enu) {
    if (!enu && !this.ring.visible) return;
    this.ring.visible = Boolean(enu);
    if (enu) this.ring.position.set(...enu);
    this.requestRender();
  }

  // --- layers and options ---

  get layer() {
    return this.shownLayer;
  }

  set layer(name) {
    if (!LAYERS.includes(name)) throw new RangeError(`there is no layer ${name}`);
    if (name === this.shownLayer) return;
    this.shownLayer = name;
    this.emit('layer', name);
    this.requestRender();
  }

  options() {
    return { ...this.settings, worldScale: this.anaglyphScale };
  }

  /** Change some options; see `options()` for all of them. */
  set(changes) {
    const { settings, drawing } = this;
    const before = { ...settings };
    for (const [name, value] of Object.entries(changes)) if (name in settings) settings[name] = value;
    settings.exaggeration = clamp(Number(settings.exaggeration) || 1, 0.1, 20);
    settings.contourInterval_m = clamp(Number(settings.contourInterval_m) || 0.25, 0.001, 1000);
    settings.eyeBase_m = clamp(Number(settings.eyeBase_m) || HUMAN_EYES_M, 0.001, 20);
    if (settings.exaggeration !== before.exaggeration) {
      drawing.exaggerate(settings.exaggeration);
      this.objects.forgetRover();
      this.standpoint.stretch(settings.exaggeration / before.exaggeration);
    }
    this.picker.clip = settings.clip;
    if (settings.person && !before.person) this.objects.putPerson(this.placeAhead());
    this.objects.person.visible = Boolean(settings.person);
    if (settings.rover) this.objects.makeRover(this.manifest.rover ?? {}, (e, n) => this.groundHeight(e, n), settings.exaggeration);
    this.objects.rover.visible = Boolean(settings.rover);
    if (settings.strip !== this.strip.visible) this.strip.show(settings.strip);
    this.emit('options', this.options());
    this.requestRender();
  }

  /** Ground some metres ahead, to stand a person on. */
  placeAhead() {
    const { eye, focus, azimuth } = this.pose;
    const middle = this.hidden(focus);
    if (this.pose.mode === 'top') return this.hidden(this.standpoint.onGround(eye) ?? eye);
    for (const away of [5, 4, 6, 7, 8, 3, 10, 14]) {
      const [e, n] = [eye[0] + Math.sin(azimuth) * away, eye[1] + Math.cos(azimuth) * away];
      const up = this.groundHeight(e, n);
      if (up !== null && this.hidden(eye)[2] - up < 15) return [e, n, up];
    }
    return middle;
  }

  useMaterial(layer, frame) {
    const { settings, ground, manifest } = this;
    const { uniforms } = ground;
    const scale = manifest.layers[layer];
    if (scale) {
      uniforms.uLimits.value.set(...scale.limits);
      uniforms.uPalette.value = this.palettes.get(scale.palette);
    }
    const sun = sunDirection(settings.sunAzimuth_deg, settings.sunElevation_deg);
    uniforms.uSun.value.set(...sun);
    const shadows = layer === 'hillshade' && settings.shadows && settings.sunElevation_deg > 0;
    if (shadows) this.sunlight.cast(sun, [...manifest.eye.slice(0, 2), this.groundHeight(...manifest.eye) ?? 0]);
    uniforms.uContour.value = settings.contourInterval_m;
    uniforms.uMono.value = settings.anaglyph && !frame && this.pose.mode !== 'top' ? 1 : 0;
    if (settings.clip) {
      uniforms.uClipMin.value.fromArray(settings.clip.min);
      uniforms.uClipMax.value.fromArray(settings.clip.max);
    }
    const { contours, grid, wireframe } = settings;
    const clip = Boolean(settings.clip);
    ground.setMaterial({ layer, logarithmic: scale?.logarithmic, frame, contours, grid, shadows, clip, wireframe });
  }

  // --- frames ---

  /** What is shown of a frame now, or null. */
  get framing() {
    return this.frameMode.now;
  }

  get frameView() {
    return this.frameMode.view;
  }

  /**
   * Stand where the camera of a frame stood, its picture mixed with the ground (`mix` 1: the frame alone), wiped at
   * `wipe` of its width, or as the residual; null goes back.
   */
  showFrame(index, options = {}) {
    return this.frameMode.show(index, options);
  }

  leaveFrame() {
    this.frameMode.leave();
  }

  // --- drawing ---

  resized() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this.strip.layout();
    this.frameMode.placeDivider();
    this.render();
  }

  isMoving() {
    return performance.now() < this.movingUntil || Boolean(this.standpoint.animation);
  }

  /** The view changes now: draw coarsely where the machine needs it, and finely once it rests. */
  moving() {
    this.movingUntil = performance.now() + SETTLE_MS;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.requestRender(), SETTLE_MS + 20);
    this.requestRender();
  }

  requestRender() {
    if (this.requested || this.xr.active) return;
    this.requested = true;
    requestAnimationFrame((now) => {
      this.requested = false;
      this.tick(now);
    });
  }

  tick(now) {
    const interval = now - this.lastFrame;
    this.lastFrame = now;
    const wasMoving = this.drewMoving;
    if (this.standpoint.animation) this.standpoint.animate();
    if (this.navigation?.advance(Math.min(wasMoving ? interval : 16, 200) / 1000)) this.moving();
    if (wasMoving && this.isMoving()) this.quality.learn(interval);
    this.render();
    if (this.standpoint.animation || this.navigation?.keys.size) this.requestRender();
  }

  /** Draw now. */
  render() {
    const stage = this.canvas.parentElement;
    const moving = this.isMoving();
    const { tolerance_px, ratio } = this.quality.wanted(moving);
    this.drewMoving = moving;
    this.drawAt(stage.clientWidth, stage.clientHeight, ratio * Math.min(window.devicePixelRatio || 1, 2), tolerance_px);
    const key = JSON.stringify([this.pose, this.framing, this.drawing.size, this.frameView.middle, this.frameView.scale, this.settings.exaggeration]);
    if (key === this.lastView) return;
    this.lastView = key;
    if (this.framing) this.frameMode.placeDivider();
    this.strip.draw();
    this.emit('view', this.viewState());
  }

  drawAt(width, height, ratio, tolerance_px) {
    const { drawing, settings } = this;
    if (!(width > 0 && height > 0) || this.xr.active) return;
    drawing.resize(width, height, ratio);
    this.renderer.info.reset();
    if (this.framing) {
      drawing.patch();
      this.frameView.draw(this.frameMode.frame, this.framing);
      this.renderer.clearDepth();
      this.renderer.render(drawing.front, this.frameView.camera);
      return;
    }
    this.useMaterial(this.layer, false);
    const camera = drawing.aim(this.pose);
    const anaglyph = settings.anaglyph && this.pose.mode !== 'top';
    // Pictures of ground that was not measured would pass for measured ground in the holes of the other layers.
    const away = this.layer === 'image' ? norm(sub(this.hidden(this.pose.eye), this.manifest.eye)) : Infinity;
    drawing.dome.prepare(settings.dome && this.pose.mode !== 'top', away, anaglyph);
    this.objects.face(camera.position, settings.exaggeration);
    this.sizeRing(camera, height);
    drawing.choose(camera, tolerance_px);
    if (anaglyph) drawing.anaglyph(camera, this.pose, settings.eyeBase_m, this.middleDepth());
    else drawing.plain(camera);
  }

  /** Depth of the ground in the middle of the view, m: the anaglyph puts it on the screen. */
  middleDepth() {
    const middle = this.standpoint.middle();
    return middle ? Math.max(dot(sub(middle, this.pose.eye), axes(this.pose).forward), 0.3) : 20;
  }

  sizeRing(camera, height) {
    if (!this.ring.visible) return;
    const distance = this.pose.mode === 'top' ? this.pose.height : 2 * Math.tan(this.pose.fov / 2) * camera.position.distanceTo(new THREE.Vector3(...this.shown(this.ring.position.toArray())));
    const m = (distance / height) * 11;
    this.ring.scale.set(m, m, m);
    this.ring.quaternion.copy(camera.quaternion);
  }

  /** The view as it is, drawn finely at another size, with its marks. */
  screenshotCanvas({ width, height }) {
    const before = { ...this.drawing.size };
    this.drawAt(width, height, 1, 0.6);
    const copy = document.createElement('canvas');
    copy.width = width;
    copy.height = height;
    copy.getContext('2d').drawImage(this.canvas, 0, 0, width, height);
    this.drawAt(before.width, before.height, before.ratio, this.quality.wanted(false).tolerance_px);
    return copy;
  }
}

function makeRing() {
  const material = new THREE.MeshBasicMaterial({ color: '#f0b35a', depthTest: false, transparent: true, side: THREE.DoubleSide });
  const ring = new THREE.Mesh(new THREE.RingGeometry(0.75, 1, 40), material);
  ring.visible = false;
  return ring;
}
