/** The viewer: what the panels talk to. Places are ENU, m; pixels are those of the window (clientX, clientY). */
import { THREE } from './three.js';
import { cameraModel } from './camera/models.js';
import { Drawing } from './drawing.js';
import { FrameView, openFrames } from './frame_view.js';
import { Ground } from './ground.js';
import { LAYERS } from './ground_shader.js';
import { bitmap, paletteTexture, pictureTexture } from './images.js';
import { softwareDrawing } from './loading.js';
import { Navigation } from './navigation.js';
import { Picker } from './picker.js';
import * as poses from './pose.js';
import { Quality } from './quality.js';
import { ScaleObjects } from './scale_objects.js';
import { decodeBase64 } from './source.js';
import { Strip } from './strip.js';
import { RAD, add, clamp, dot, norm, scaled, sub, unit } from './vec.js';
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
    this.divider = document.getElementById('divider');
    this.ground = new Ground(this.manifest);
    const slow = softwareDrawing();
    this.quality = new Quality(slow);
    this.drawing = new Drawing(this.canvas, this.ground, slow);
    this.picker = new Picker(this.ground, this.manifest);
    this.objects = new ScaleObjects();
    this.drawing.world.add(this.objects.group);
    this.strip = new Strip(document.getElementById('strip'), this);
    this.frames = openFrames(this.manifest, source, cameraModel);
    this.frameView = new FrameView(this);
    this.framing = null;
    this.palettes = new Map();
    const { sun, contours } = this.manifest;
    this.settings = {
      contours: false,
      contourInterval_m: contours?.interval_m ?? 0.25,
      sunAzimuth_deg: sun?.azimuth_deg ?? 315,
      sunElevation_deg: sun?.elevation_deg ?? 35,
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
    this.pose = this.firstPose();
    this.ring = makeRing();
    this.overlay.add(this.ring);
    this.xr = new Xr(this);
    this.movingUntil = 0;
    this.lastFrame = 0;
    this.animation = null;
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
    this.placeFocus();
    this.navigation = new Navigation(this);
    this.wipeDivider();
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

  /** Where the rover's camera stood, looking as it looked. */
  firstPose() {
    const frame = this.frames[0];
    const start = { mode: 'orbit', azimuth: 0, elevation: -0.35, fov: 55 * RAD, height: 20, eye: [...this.manifest.eye], focus: [0, 0, 0] };
    if (!frame) return start;
    const { width, height, C } = frame.record;
    const rays = [height * 0.02, height / 2, height * 0.98].map((y) => frame.ray([width / 2, y])?.direction);
    if (rays.some((ray) => !ray)) return start;
    const { azimuth, elevation } = poses.anglesOf(rays[1]);
    const fov = clamp(Math.acos(clamp(dot(rays[0], rays[2]), -1, 1)), 20 * RAD, 65 * RAD);
    return { ...start, azimuth, elevation, fov, eye: [...C] };
  }

  placeFocus() {
    const hit = this.picker.cast(this.pose.eye, poses.axes(this.pose).forward);
    this.pose.focus = hit ? hit.place : add(this.pose.eye, poses.axes(this.pose).forward, 8);
  }

  get mode() {
    return this.pose.mode;
  }

  set mode(mode) {
    const from = this.pose;
    if (mode === from.mode || !['orbit', 'walk', 'fly', 'top'].includes(mode)) return;
    this.stop();
    this.leaveFrame();
    let pose = { ...from, mode };
    if (mode === 'top') {
      const height = clamp(2 * Math.tan(from.fov / 2) * norm(sub(from.focus, from.eye)), 24, 400);
      pose = { ...pose, height, eye: [...from.focus] };
    } else if (from.mode === 'top') {
      const focus = this.onGround(from.eye) ?? from.eye;
      const aimed = { ...pose, focus, elevation: -0.6 };
      const away = clamp(from.height / (2 * Math.tan(from.fov / 2)), 3, 300);
      pose = { ...aimed, eye: add(focus, poses.axes(aimed).forward, -away) };
    }
    if (mode === 'walk') {
      const under = this.onGround(pose.eye);
      const place = under && (pose.eye[2] - under[2] < 30 || from.mode === 'fly') ? under : pose.focus;
      pose = { ...pose, eye: [place[0], place[1], place[2] + poses.EYE_HEIGHT_M], elevation: clamp(pose.elevation, -0.5, 0.3) };
    }
    if (mode === 'orbit') {
      this.pose = pose;
      const hit = this.picker.cast(this.hidden(pose.eye), this.hiddenDirection(poses.axes(pose).forward));
      pose = { ...pose, focus: hit ? this.shown(hit.place) : add(pose.eye, poses.axes(pose).forward, 5) };
    }
    this.pose = pose;
    this.emit('mode', mode);
    this.moving();
  }

  /** Shown coordinates (exaggerated) of ENU, and back. */
  shown([e, n, u]) {
    return [e, n, u * this.settings.exaggeration];
  }

  hidden([e, n, u]) {
    return [e, n, u / this.settings.exaggeration];
  }

  hiddenDirection(direction) {
    return unit(this.hidden(direction));
  }

  onGround(shown) {
    const up = this.groundHeight(shown[0], shown[1]);
    return up === null ? null : [shown[0], shown[1], up * this.settings.exaggeration];
  }

  /** Where the pointer is at the depth of the focus, for gestures that hold no ground. Shown coordinates. */
  ahead(x, y) {
    const { origin, direction } = this.shownRay(x, y);
    const depth = this.pose.mode === 'top' ? 1 : clamp(norm(sub(this.pose.focus, this.pose.eye)), 0.5, 300);
    return add(origin, direction, depth);
  }

  flySpeed() {
    const under = this.onGround(this.pose.eye);
    return clamp(under ? this.pose.eye[2] - under[2] : 4, 1, 60);
  }

  /** Take a pose that navigation made, kept above the ground and near the scene. */
  go(pose) {
    this.pose = this.kept(pose);
    this.moving();
  }

  kept(pose) {
    const { box } = this.ground;
    const margin = 0.5 * box.getSize(new THREE.Vector3()).length() + 20;
    const walls = pose.mode === 'walk' ? 0 : margin;
    const eye = [clamp(pose.eye[0], box.min.x - walls, box.max.x + walls), clamp(pose.eye[1], box.min.y - walls, box.max.y + walls), pose.eye[2]];
    if (pose.mode === 'top') return { ...pose, eye };
    eye[2] = clamp(eye[2], box.min.z * this.settings.exaggeration - margin, box.max.z * this.settings.exaggeration + 2 * margin);
    const under = this.onGround(eye);
    if (pose.mode === 'walk') {
      // Over a hole the last height holds, and a step up is climbed within a few frames.
      const want = under ? under[2] + poses.EYE_HEIGHT_M : eye[2];
      return { ...pose, eye: [eye[0], eye[1], want] };
    }
    if (under) eye[2] = Math.max(eye[2], under[2] + 0.12);
    return { ...pose, eye };
  }

  /** @returns plain JSON, in ENU and degrees */
  viewState() {
    const { mode, azimuth, elevation, fov, height, eye, focus } = this.pose;
    const azimuth_deg = (((azimuth / RAD) % 360) + 360) % 360;
    const state = { mode, eye: this.hidden(eye), azimuth_deg, elevation_deg: elevation / RAD, focus: this.hidden(focus) };
    return mode === 'top' ? { ...state, height_m: height } : { ...state, fov_deg: fov / RAD };
  }

  poseOf(state) {
    const { pose } = this;
    const place = (p, other) => (Array.isArray(p) && p.length === 3 && p.every(Number.isFinite) ? this.shown(p) : other);
    const number = (x, other) => (Number.isFinite(x) ? x : other);
    return {
      mode: ['orbit', 'walk', 'fly', 'top'].includes(state.mode) ? state.mode : pose.mode,
      eye: place(state.eye, pose.eye),
      focus: place(state.focus, pose.focus),
      azimuth: number(state.azimuth_deg * RAD, pose.azimuth),
      elevation: clamp(number(state.elevation_deg * RAD, pose.elevation), -1.56, 1.56),
      fov: clamp(number(state.fov_deg * RAD, pose.fov), 2 * RAD, 120 * RAD),
      height: clamp(number(state.height_m, pose.height), 0.1, 1e5),
    };
  }

  /** Move to a view, in `seconds`; resolves when it stands there, or when another movement takes over. */
  setView(state, { seconds = 0 } = {}) {
    this.stop();
    this.leaveFrame();
    const from = this.pose;
    const to = this.poseOf(state);
    const changed = from.mode !== to.mode;
    if (!(seconds > 0) || (changed && (from.mode === 'top' || to.mode === 'top'))) {
      this.pose = to;
      if (changed) this.emit('mode', to.mode);
      this.requestRender();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.animation = { from, to, start: performance.now(), length: seconds * 1000, resolve };
      if (changed) this.emit('mode', to.mode);
      this.moving();
    });
  }

  /** End an animated movement where it is. */
  stop() {
    this.animation?.resolve();
    this.animation = null;
  }

  /** Compass azimuth of the middle of the view and its width, deg; null from above. */
  heading() {
    if (this.framing) {
      const frame = this.frames[this.framing.index];
      const { width, height } = frame.record;
      const [left, middle, right] = [0, width / 2, width - 1].map((x) => poses.anglesOf(frame.ray([x, height / 2])?.direction ?? [0, 1, 0]).azimuth);
      const span = (((right - left) / RAD) % 360 + 360) % 360;
      return { azimuth_deg: middle / RAD, width_deg: span };
    }
    if (this.pose.mode === 'top') return null;
    const { width, height } = this.drawing.size;
    return { azimuth_deg: this.pose.azimuth / RAD, width_deg: (2 * Math.atan((Math.tan(this.pose.fov / 2) * width) / height)) / RAD };
  }

  // --- rays and places ---

  /** Ray of a pixel, as it is shown (exaggerated). */
  shownRay(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    const at = new THREE.Vector2(((clientX - box.left) / box.width) * 2 - 1, 1 - ((clientY - box.top) / box.height) * 2);
    const camera = this.drawing.aim(this.pose);
    const caster = new THREE.Raycaster();
    caster.setFromCamera(at, camera);
    return { origin: caster.ray.origin.toArray(), direction: caster.ray.direction.toArray() };
  }

  /** Ray of a pixel in ENU, whether it meets ground or not. */
  skyRay(clientX, clientY) {
    if (this.framing) {
      const box = this.canvas.getBoundingClientRect();
      const frame = this.frames[this.framing.index];
      const pixel = this.frameView.pixelAt(clientX - box.left, clientY - box.top);
      return (frame.inside(pixel) && frame.ray(pixel)) || null;
    }
    const { origin, direction } = this.shownRay(clientX, clientY);
    return { origin: this.hidden(origin), direction: this.hiddenDirection(direction) };
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

  /** Heights at n even steps of the level line from a to b. */
  profile(a, b, n) {
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const top = this.ground.box.max.z + 1;
    return Array.from({ length: n }, (_, i) => {
      const t = n > 1 ? i / (n - 1) : 0;
      const point = this.pickRay([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, top], [0, 0, -1]);
      return { s_m: t * length, up_m: point?.enu[2] ?? null, sigma_m: point?.sigma_m ?? null, point };
    });
  }

  /** The frame that shows a place best: unhidden, and nearest to the middle of its picture. */
  pointFrame(point) {
    let best = null;
    this.frames.forEach((frame, index) => {
      const pixel = frame.project(point.enu);
      if (!pixel || !frame.inside(pixel)) return;
      const { width, height, C } = frame.record;
      const off = Math.hypot(pixel[0] / width - 0.5, pixel[1] / height - 0.5);
      if (best && best.off <= off) return;
      const away = sub(point.enu, C);
      const distance = norm(away);
      const hit = this.picker.cast(C, away);
      if (hit && hit.distance < distance - Math.max(0.03, 0.01 * distance)) return;
      best = { frame, index, pixel, off };
    });
    return best && { frame: best.frame, index: best.index, pixel: best.pixel };
  }

  /** Place in the window, client px; `visible`: within the view and before it, hidden by ground or not. */
  toScreen(enu) {
    const box = this.canvas.getBoundingClientRect();
    let x;
    let y;
    let before = true;
    if (this.framing) {
      const pixel = this.frames[this.framing.index].project(enu);
      if (!pixel) return { x: 0, y: 0, visible: false };
      [x, y] = this.frameView.placeOf(pixel);
    } else {
      const at = new THREE.Vector3(...this.shown(enu)).applyMatrix4(this.camera.matrixWorldInverse);
      before = at.z < 0;
      at.applyMatrix4(this.camera.projectionMatrix);
      x = ((at.x + 1) / 2) * box.width;
      y = ((1 - at.y) / 2) * box.height;
    }
    const visible = before && x >= 0 && y >= 0 && x <= box.width && y <= box.height;
    return { x: box.left + x, y: box.top + y, visible };
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
    const { azimuth, elevation } = poses.anglesOf(point ? sub(point.enu, this.manifest.eye) : (ray?.direction ?? [0, 1, 0]));
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
      const k = settings.exaggeration / before.exaggeration;
      const stretched = ([e, n, u]) => [e, n, u * k];
      this.pose = { ...this.pose, eye: stretched(this.pose.eye), focus: stretched(this.pose.focus) };
      drawing.exaggerate(settings.exaggeration);
      this.objects.forgetRover();
      this.pose = this.kept(this.pose);
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
    if (this.pose.mode === 'top') return this.hidden(this.onGround(eye) ?? eye);
    for (const away of [5, 4, 6, 7, 8, 3, 10, 14]) {
      const [e, n] = [eye[0] + Math.sin(azimuth) * away, eye[1] + Math.cos(azimuth) * away];
      const up = this.groundHeight(e, n);
      if (up !== null && eye[2] - up < 15) return [e, n, up];
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
    const [a, e] = [settings.sunAzimuth_deg * RAD, settings.sunElevation_deg * RAD];
    uniforms.uSun.value.set(Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e));
    uniforms.uContour.value = settings.contourInterval_m;
    uniforms.uMono.value = settings.anaglyph && !frame && this.pose.mode !== 'top' ? 1 : 0;
    if (settings.clip) {
      uniforms.uClipMin.value.fromArray(settings.clip.min);
      uniforms.uClipMax.value.fromArray(settings.clip.max);
    }
    const { contours, grid, wireframe } = settings;
    const clip = Boolean(settings.clip);
    ground.setMaterial({ layer, logarithmic: scale?.logarithmic, frame, contours, grid, clip, wireframe });
  }

  // --- frames ---

  /**
   * Stand where the camera of a frame stood, its picture mixed with the ground (`mix` 1: the frame alone), wiped at
   * `wipe` of its width, or as the residual; null goes back.
   */
  async showFrame(index, { mix = 0.5, wipe = null, residual = false } = {}) {
    if (index === null || index === undefined || !this.frames[index]) {
      this.leaveFrame();
      return;
    }
    this.stop();
    const frame = this.frames[index];
    const wanted = { index, mix, wipe, residual, fit: null };
    this.wanted = wanted;
    if (this.framing?.index !== index) {
      await frame.picture();
      // Another frame, or none, was asked for meanwhile.
      if (this.wanted !== wanted) return;
      await this.frameView.open(frame);
    }
    this.framing = wanted;
    this.drawing.framing(true);
    this.placeDivider();
    this.render();
    wanted.fit = this.frameView.fits.get(frame) ?? null;
    this.emit('frame', wanted);
  }

  leaveFrame() {
    this.wanted = null;
    if (!this.framing) return;
    this.framing = null;
    this.drawing.framing(false);
    this.placeDivider();
    this.emit('frame', null);
    this.requestRender();
  }

  placeDivider() {
    const { divider, framing } = this;
    divider.hidden = !framing || framing.wipe === null || framing.residual;
    if (divider.hidden) return;
    const [x] = this.frameView.placeOf([framing.wipe * this.frameView.size[0] - 0.5, 0]);
    divider.style.left = `${x}px`;
    divider.setAttribute('aria-valuenow', String(Math.round(framing.wipe * 100)));
  }

  wipeDivider() {
    const wipe = (share) => {
      this.framing.wipe = clamp(share, 0, 1);
      this.placeDivider();
      this.emit('frame', this.framing);
      this.requestRender();
    };
    this.divider.addEventListener('pointerdown', (event) => this.divider.setPointerCapture(event.pointerId));
    this.divider.addEventListener('pointermove', (event) => {
      if (!this.divider.hasPointerCapture(event.pointerId)) return;
      const [x] = this.frameView.pixelAt(event.clientX - this.canvas.getBoundingClientRect().left, 0);
      wipe((x + 0.5) / this.frameView.size[0]);
    });
    this.divider.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      wipe(this.framing.wipe + step);
    });
  }

  chooseForFrame(px_per_frame_px) {
    const frame = this.frames[this.framing?.index ?? this.wanted?.index ?? 0];
    const { width, height, C, A } = frame.record;
    const middle = frame.ray([width / 2, height / 2])?.direction ?? A;
    const edge = frame.ray([width / 2 + 1, height / 2])?.direction ?? A;
    const perRad = px_per_frame_px / Math.max(norm(sub(edge, middle)), 1e-6);
    const corners = (box) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i & 1 ? box.max.x : box.min.x, i & 2 ? box.max.y : box.min.y, i & 4 ? box.max.z : box.min.z]);
    const widest = Math.min(...[[0, 0], [width, 0], [0, height], [width, height]].map((p) => dot(frame.ray(p)?.direction ?? A, unit(A))));
    const inView = (box) => {
      // A cone about the axis that holds the picture, against the box's sphere.
      const centre = scaled(add([box.min.x, box.min.y, box.min.z], [box.max.x, box.max.y, box.max.z]), 0.5);
      const radius = Math.max(...corners(box).map((p) => norm(sub(p, centre))));
      const away = sub(centre, C);
      const distance = norm(away);
      if (distance <= radius) return true;
      return Math.acos(clamp(dot(away, unit(A)) / distance, -1, 1)) <= Math.acos(widest) + Math.asin(radius / distance);
    };
    const { tolerance_px } = this.quality.wanted(this.isMoving());
    this.ground.choose(new THREE.Vector3(...C), inView, (d) => perRad / d, Math.min(tolerance_px, 0.5) / 2);
  }

  // --- drawing ---

  resized() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this.strip.layout();
    this.placeDivider();
    this.render();
  }

  isMoving() {
    return performance.now() < this.movingUntil || Boolean(this.animation);
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
    if (this.animation) this.animate();
    if (this.navigation?.advance(Math.min(wasMoving ? interval : 16, 200) / 1000)) this.moving();
    if (wasMoving && this.isMoving()) this.quality.learn(interval);
    this.render();
    if (this.animation || this.navigation?.keys.size) this.requestRender();
  }

  animate() {
    const { from, to, start, length, resolve } = this.animation;
    const t = clamp((performance.now() - start) / length, 0, 1);
    this.pose = poses.between(from, to, t * t * (3 - 2 * t));
    this.moving();
    if (t < 1) return;
    this.animation = null;
    resolve();
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
    if (this.framing) this.placeDivider();
    this.strip.draw();
    this.emit('view', this.viewState());
  }

  drawAt(width, height, ratio, tolerance_px) {
    const { drawing, settings } = this;
    if (!(width > 0 && height > 0) || this.xr.active) return;
    drawing.resize(width, height, ratio);
    this.renderer.info.reset();
    if (this.framing) {
      this.frameView.draw(this.frames[this.framing.index], this.framing);
      this.renderer.clearDepth();
      this.renderer.render(drawing.front, this.frameView.camera);
      return;
    }
    this.useMaterial(this.layer, false);
    const camera = drawing.aim(this.pose);
    const anaglyph = settings.anaglyph && this.pose.mode !== 'top';
    const away = norm(sub(this.hidden(this.pose.eye), this.manifest.eye));
    drawing.dome.prepare(settings.dome && this.pose.mode !== 'top', away, anaglyph);
    this.objects.face(camera.position, settings.exaggeration);
    this.sizeRing(camera, height);
    drawing.choose(camera, tolerance_px);
    if (anaglyph) drawing.anaglyph(camera, this.pose, settings.eyeBase_m, this.middleDepth());
    else drawing.plain(camera);
  }

  get groundScene() {
    return this.drawing.scene;
  }

  /** Depth of the ground in the middle of the view, m: the anaglyph puts it on the screen. */
  middleDepth() {
    const { forward } = poses.axes(this.pose);
    const hit = this.picker.cast(this.hidden(this.pose.eye), this.hiddenDirection(forward));
    return hit ? Math.max(dot(sub(this.shown(hit.place), this.pose.eye), forward), 0.3) : 20;
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
