/** How the ground looks: its layer, and the options beside it. */
import { LAYERS } from './ground_shader.js';
import { paletteTexture } from './images.js';
import { decodeBase64 } from './source.js';
import { Sunlight, sunDirection } from './sunlight.js';
import { clamp } from './vec.js';

const USUAL_SUN = { azimuth_deg: 315, elevation_deg: 40 };

export class Appearance {
  constructor(viewer, slow) {
    this.viewer = viewer;
    this.layer = 'image';
    this.palettes = new Map();
    this.sunlight = new Sunlight(viewer.drawing, slow);
    const { sun, contours } = viewer.manifest;
    this.settings = {
      contours: false,
      contourInterval_m: contours?.interval_m ?? 0.25,
      sunAzimuth_deg: (sun ?? USUAL_SUN).azimuth_deg,
      sunElevation_deg: (sun ?? USUAL_SUN).elevation_deg,
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
  }

  readPalettes(palettes) {
    for (const [name, text] of Object.entries(palettes)) this.palettes.set(name, paletteTexture(decodeBase64(text)));
  }

  setLayer(name) {
    if (!LAYERS.includes(name)) throw new RangeError(`there is no layer ${name}`);
    if (name === this.layer) return;
    this.layer = name;
    this.viewer.emit('layer', name);
    this.viewer.requestRender();
  }

  set(changes) {
    const { settings, viewer } = this;
    const { objects } = viewer;
    const before = { ...settings };
    for (const [name, value] of Object.entries(changes)) if (name in settings) settings[name] = value;
    const within = (name, low, high) => {
      const value = Number(settings[name]);
      settings[name] = Number.isFinite(value) ? clamp(value, low, high) : before[name];
    };
    within('exaggeration', 0.1, 20);
    within('contourInterval_m', 0.001, 1000);
    within('eyeBase_m', 0.001, 20);
    within('sunAzimuth_deg', -360, 720);
    within('sunElevation_deg', -90, 90);
    if (settings.exaggeration !== before.exaggeration) {
      viewer.drawing.exaggerate(settings.exaggeration);
      objects.forgetRover();
      viewer.standpoint.stretch(settings.exaggeration / before.exaggeration);
    }
    viewer.picker.clip = settings.clip;
    if (settings.person && !before.person) objects.putPerson(this.placeAhead());
    objects.person.visible = Boolean(settings.person);
    if (settings.rover)
      objects.makeRover(viewer.manifest.rover ?? {}, (e, n) => viewer.groundHeight(e, n), settings.exaggeration);
    objects.rover.visible = Boolean(settings.rover);
    if (settings.strip !== viewer.strip.visible) viewer.strip.show(settings.strip);
    viewer.emit('options', viewer.options());
    viewer.requestRender();
  }

  /** A person does not stand in the face of who walks. */
  makeRoom() {
    const { objects, pose } = this.viewer;
    if (!objects.person.visible || pose.mode === 'top') return;
    const { x, y } = objects.person.position;
    if (Math.hypot(x - pose.eye[0], y - pose.eye[1]) < 2.5) objects.putPerson(this.placeAhead());
  }

  /** Ground some metres ahead (ENU), to stand a person on. */
  placeAhead() {
    const { viewer } = this;
    const { eye, focus, azimuth, mode } = viewer.pose;
    if (mode === 'top') return viewer.hidden(viewer.standpoint.onGround(eye) ?? eye);
    for (const away of [5, 4, 6, 7, 8, 3, 10, 14]) {
      const [e, n] = [eye[0] + Math.sin(azimuth) * away, eye[1] + Math.cos(azimuth) * away];
      const up = viewer.groundHeight(e, n);
      if (up !== null && viewer.hidden(eye)[2] - up < 15) return [e, n, up];
    }
    return viewer.hidden(focus);
  }

  /** Set the ground's material and uniforms for a layer; `frame`: through a frame's camera. */
  use(layer, frame) {
    const { settings, viewer } = this;
    const { ground, manifest } = viewer;
    const { uniforms } = ground;
    const scale = manifest.layers[layer];
    if (scale) {
      uniforms.uLimits.value.set(...scale.limits);
      uniforms.uPalette.value = this.palettes.get(scale.palette);
    }
    const sun = sunDirection(settings.sunAzimuth_deg, settings.sunElevation_deg);
    uniforms.uSun.value.set(...sun);
    const shadows = layer === 'hillshade' && settings.shadows && settings.sunElevation_deg > 0;
    const [e, n] = manifest.eye;
    if (shadows) this.sunlight.cast(sun, [e, n, viewer.groundHeight(e, n) ?? 0]);
    uniforms.uContour.value = settings.contourInterval_m;
    uniforms.uMono.value = settings.anaglyph && !frame && viewer.mode !== 'top' ? 1 : 0;
    if (settings.clip) {
      uniforms.uClipMin.value.fromArray(settings.clip.min);
      uniforms.uClipMax.value.fromArray(settings.clip.max);
    }
    const { contours, grid, wireframe, clip } = settings;
    ground.setMaterial({
      layer,
      logarithmic: scale?.logarithmic,
      frame,
      contours,
      grid,
      shadows,
      clip: Boolean(clip),
      wireframe,
    });
  }
}
