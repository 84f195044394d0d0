/** The viewer: what the panels talk to. Places are ENU, m; pixels are those of the window (clientX, clientY). */
import { Appearance } from './appearance.js';
import { Drawing } from './drawing.js';
import { openFrames } from './frames.js';
import { Framing } from './framing.js';
import { Ground } from './ground.js';
import { bitmap, pictureTexture } from './images.js';
import { Navigation } from './navigation.js';
import { Picker } from './picker.js';
import { Pointing } from './pointing.js';
import { axes } from './pose.js';
import { Quality } from './quality.js';
import { ScaleObjects } from './scale_objects.js';
import { Sight } from './sight.js';
import { Standpoint } from './standpoint.js';
import { Strip } from './strip.js';
import { RAD, dot, norm, sub, unit } from './vec.js';
import { Xr } from './xr.js';

const SETTLE_MS = 220;
/** Layers whose colours tell of the ground's finest shape need more of it, once the view rests. */
const FINER = { slope: 0.2, hillshade: 0.2, sigma: 0.4, kind: 0.4, seen: 0.4 };
/** Between the eyes of a person, m. */
const HUMAN_EYES_M = 0.065;

export class Viewer extends EventTarget {
  /** @param {import('./source.js').Source} source @param {Document} document @param {boolean} slow drawn in software */
  constructor(source, document, slow) {
    super();
    this.source = source;
    this.manifest = source.manifest;
    this.canvas = document.getElementById('view');
    this.ground = new Ground(this.manifest);
    this.quality = new Quality(slow);
    this.drawing = new Drawing(this.canvas, this.ground, slow);
    this.picker = new Picker(this.ground, this.manifest);
    this.objects = new ScaleObjects();
    this.drawing.world.add(this.objects.group);
    this.strip = new Strip(document.getElementById('strip'), this);
    this.frames = openFrames(this.manifest, source);
    this.sight = new Sight(this);
    this.frameMode = new Framing(this, document.getElementById('divider'));
    this.appearance = new Appearance(this, slow);
    this.standpoint = new Standpoint(this);
    this.pointing = new Pointing(this);
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

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Fetch and show the ground; the panorama comes after it. */
  async load() {
    const { manifest, source, ground } = this;
    if (manifest.panorama) this.strip.expect(manifest.panorama);
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
    uniforms.uPhoto.value = pictureTexture(image, {
      anisotropy: this.quality.slow ? 1 : Math.min(8, this.renderer.capabilities.getMaxAnisotropy()),
    });
    uniforms.uBrightness.value = manifest.texture.brightness;
    uniforms.uEye.value.fromArray(manifest.eye);
    this.appearance.readPalettes(manifest.palettes);
    this.emit('progress', 0.95);
    this.standpoint.placeFocus();
    this.navigation = new Navigation(this);
    this.canvas.addEventListener('webglcontextrestored', () => this.requestRender());
    new ResizeObserver(() => this.resized()).observe(this.canvas.parentElement);
    // Coarsely at first where drawing is slow; what stands still is drawn finely right after.
    this.moving();
    this.resized();
    this.emit('progress', 1);
    this.emit('ready', null);
    if (manifest.panorama) this.loadPanorama(largest).catch((error) => this.emit('problem', error.message));
  }

  async loadPanorama(largest) {
    const about = this.manifest.panorama;
    const image = await bitmap(await this.source.part(about.part), about.part, largest);
    this.strip.setPanorama(image);
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
    return {
      azimuth_deg: this.pose.azimuth / RAD,
      width_deg: (2 * Math.atan((Math.tan(this.pose.fov / 2) * width) / height)) / RAD,
    };
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

  /** A ring about a place of the ground (ENU); null takes it away. */
  setHover(enu) {
    this.pointing.mark(enu);
  }

  // --- layers and options ---

  get layer() {
    return this.appearance.layer;
  }

  set layer(name) {
    this.appearance.setLayer(name);
  }

  get settings() {
    return this.appearance.settings;
  }

  options() {
    return { ...this.settings, worldScale: this.settings.eyeBase_m / HUMAN_EYES_M };
  }

  /** Change some options; see `options()` for all of them. */
  set(changes) {
    this.appearance.set(changes);
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
    const key = JSON.stringify([
      this.pose,
      this.framing,
      this.drawing.size,
      this.frameView.middle,
      this.frameView.scale,
      this.settings.exaggeration,
    ]);
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
    this.appearance.use(this.layer, false);
    const camera = drawing.aim(this.pose);
    const anaglyph = settings.anaglyph && this.pose.mode !== 'top';
    // Pictures of ground that was not measured would pass for measured ground in the holes of the other layers.
    const away = this.layer === 'image' ? norm(sub(this.hidden(this.pose.eye), this.manifest.eye)) : Infinity;
    drawing.dome.prepare(settings.dome && this.pose.mode !== 'top', away, anaglyph);
    this.objects.face(camera.position, settings.exaggeration);
    drawing.choose(camera, tolerance_px < 2 ? tolerance_px * (FINER[this.layer] ?? 1) : tolerance_px);
    if (anaglyph) drawing.anaglyph(camera, this.pose, settings.eyeBase_m, this.middleDepth());
    else drawing.plain(camera);
  }

  /** Depth of the ground in the middle of the view, m: the anaglyph puts it on the screen. */
  middleDepth() {
    const middle = this.standpoint.middle();
    return middle ? Math.max(dot(sub(middle, this.pose.eye), axes(this.pose).forward), 0.3) : 20;
  }

  /**
   * The view as it is, drawn finely at another size, with its marks. Without `restore` the view itself is left at that
   * size: for a film, whose last picture is followed by `render()`.
   */
  screenshotCanvas({ width, height, restore = true }) {
    this.drawAt(width, height, 1, 0.6);
    const copy = document.createElement('canvas');
    copy.width = width;
    copy.height = height;
    copy.getContext('2d').drawImage(this.canvas, 0, 0, width, height);
    if (restore) this.render();
    return copy;
  }
}
