/** Where the view is taken from: modes, movements and what they may not do (fall through a hole, sink into the ground). */
import { THREE } from './three.js';
import * as poses from './pose.js';
import { RAD, add, clamp, dot, norm, sub } from './vec.js';

export const MODES = ['orbit', 'walk', 'fly', 'top'];

export class Standpoint {
  constructor(viewer) {
    this.viewer = viewer;
    this.animation = null;
    /** @type {import('./pose.js').Pose} in shown coordinates: heights times the exaggeration */
    this.pose = this.first();
  }

  /** Where the rover's camera stood, looking as it looked. */
  first() {
    const { frames, manifest } = this.viewer;
    const frame = frames[0];
    const start = {
      mode: 'orbit',
      azimuth: 0,
      elevation: -0.35,
      fov: 55 * RAD,
      height: 20,
      eye: [...manifest.eye],
      focus: [0, 0, 0],
    };
    if (!frame) return start;
    const { width, height, C } = frame.record;
    const rays = [height * 0.02, height / 2, height * 0.98].map((y) => frame.ray([width / 2, y])?.direction);
    if (rays.some((ray) => !ray)) return start;
    const { azimuth, elevation } = poses.anglesOf(rays[1]);
    const fov = clamp(Math.acos(clamp(dot(rays[0], rays[2]), -1, 1)), 20 * RAD, 65 * RAD);
    return { ...start, azimuth, elevation, fov, eye: [...C] };
  }

  /** Turn about what lies in the middle of the view. */
  placeFocus() {
    this.pose = { ...this.pose, focus: this.middle() ?? add(this.pose.eye, poses.axes(this.pose).forward, 8) };
  }

  /** Ground in the middle of the view, or null. */
  middle() {
    const { viewer, pose } = this;
    const hit = viewer.picker.cast(viewer.hidden(pose.eye), viewer.hiddenDirection(poses.axes(pose).forward));
    return hit && viewer.shown(hit.place);
  }

  onGround(shown) {
    const { viewer } = this;
    const up = viewer.groundHeight(shown[0], shown[1]);
    return up === null ? null : [shown[0], shown[1], up * viewer.settings.exaggeration];
  }

  setMode(mode) {
    const from = this.pose;
    if (mode === from.mode || !MODES.includes(mode)) return;
    this.stop();
    this.viewer.leaveFrame();
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
      const place = under && pose.eye[2] - under[2] < 30 ? under : pose.focus;
      pose = {
        ...pose,
        eye: [place[0], place[1], place[2] + poses.EYE_HEIGHT_M],
        elevation: clamp(pose.elevation, -0.5, 0.3),
      };
    }
    this.pose = pose;
    if (mode === 'orbit') this.placeFocus();
    this.viewer.appearance.makeRoom();
    this.viewer.emit('mode', mode);
    this.viewer.moving();
  }

  flySpeed() {
    const under = this.onGround(this.pose.eye);
    return clamp(under ? this.pose.eye[2] - under[2] : 4, 1, 60);
  }

  /** A pose that navigation made, kept above the ground and near the scene. */
  kept(pose) {
    const { ground, settings } = this.viewer;
    const { min, max } = ground.box;
    const span = ground.box.getSize(new THREE.Vector3()).length();
    const margin = pose.mode === 'walk' ? 0 : 0.5 * span + 20;
    const eye = [
      clamp(pose.eye[0], min.x - margin, max.x + margin),
      clamp(pose.eye[1], min.y - margin, max.y + margin),
      pose.eye[2],
    ];
    if (pose.mode === 'top') return { ...pose, eye };
    eye[2] = clamp(eye[2], min.z * settings.exaggeration - span, max.z * settings.exaggeration + 2 * span);
    const under = this.onGround(eye);
    // Over a hole a walker's last height holds.
    if (pose.mode === 'walk') eye[2] = under ? under[2] + poses.EYE_HEIGHT_M : eye[2];
    else if (under) eye[2] = Math.max(eye[2], under[2] + 0.12);
    return { ...pose, eye };
  }

  /** Heights are `factor` times what they were. */
  stretch(factor) {
    const stretched = ([e, n, u]) => [e, n, u * factor];
    this.pose = this.kept({ ...this.pose, eye: stretched(this.pose.eye), focus: stretched(this.pose.focus) });
  }

  /** @returns plain JSON, in ENU and degrees */
  state() {
    const { viewer } = this;
    const { mode, azimuth, elevation, fov, height, eye, focus } = this.pose;
    const azimuth_deg = (((azimuth / RAD) % 360) + 360) % 360;
    const state = {
      mode,
      eye: viewer.hidden(eye),
      azimuth_deg,
      elevation_deg: elevation / RAD,
      focus: viewer.hidden(focus),
    };
    return mode === 'top' ? { ...state, height_m: height } : { ...state, fov_deg: fov / RAD };
  }

  /** The pose of a state; what it lacks, or what is no number, stays as it is. */
  poseOf(state) {
    const { viewer, pose } = this;
    const place = (p, other) =>
      Array.isArray(p) && p.length === 3 && p.every(Number.isFinite) ? viewer.shown(p) : other;
    const number = (x, other) => (Number.isFinite(x) ? x : other);
    return {
      mode: MODES.includes(state.mode) ? state.mode : pose.mode,
      eye: place(state.eye, pose.eye),
      focus: place(state.focus, pose.focus),
      azimuth: number(state.azimuth_deg * RAD, pose.azimuth),
      elevation: clamp(number(state.elevation_deg * RAD, pose.elevation), -1.56, 1.56),
      fov: clamp(number(state.fov_deg * RAD, pose.fov), 2 * RAD, 120 * RAD),
      height: clamp(number(state.height_m, pose.height), 0.1, 1e5),
    };
  }

  /** Move to a view, in `seconds`; resolves when it stands there, or when another movement takes over. */
  async move(state, seconds) {
    const { viewer } = this;
    this.stop();
    viewer.leaveFrame();
    const from = this.pose;
    const to = this.poseOf(state);
    const changed = from.mode !== to.mode;
    if (changed) viewer.emit('mode', to.mode);
    if (!(seconds > 0) || (changed && (from.mode === 'top' || to.mode === 'top'))) {
      this.pose = to;
      viewer.requestRender();
      return;
    }
    await new Promise((resolve) => {
      this.animation = { from, to, start: performance.now(), length: seconds * 1000, resolve };
      viewer.moving();
    });
  }

  /** Where an animated movement is now. */
  animate() {
    const { from, to, start, length, resolve } = this.animation;
    const t = clamp((performance.now() - start) / length, 0, 1);
    this.pose = t < 1 ? poses.between(from, to, t * t * (3 - 2 * t)) : to;
    this.viewer.moving();
    if (t < 1) return;
    this.animation = null;
    resolve();
  }

  /** End an animated movement where it is. */
  stop() {
    this.animation?.resolve();
    this.animation = null;
  }
}
