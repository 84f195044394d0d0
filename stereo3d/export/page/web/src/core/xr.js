/** Standing on the ground with a headset: one metre is one metre, a thumbstick walks, the other turns. */
import { THREE } from './three.js';
import { RAD } from './vec.js';

const SPEED_M_S = 1.5;
const SNAP = 30 * RAD;
const DEAD = 0.2;

export class Xr {
  constructor(viewer) {
    this.viewer = viewer;
    this.active = false;
    this.supported = navigator.xr?.isSessionSupported
      ? navigator.xr.isSessionSupported('immersive-vr').catch(() => false)
      : Promise.resolve(false);
    // The headset's space is Y up and looks along -Z: turned, it is Z up and looks north.
    this.rig = new THREE.Group();
    this.camera = new THREE.PerspectiveCamera(70, 1, 0.05, 5000);
    this.rig.add(this.camera);
    this.azimuth = 0;
  }

  async enter() {
    const { viewer } = this;
    if (this.active) return;
    const session = await navigator.xr.requestSession('immersive-vr', { optionalFeatures: ['local-floor'] });
    viewer.set({ exaggeration: 1, anaglyph: false });
    viewer.mode = 'walk';
    viewer.leaveFrame();
    const { renderer, scene } = viewer;
    const [e, n, u] = viewer.pose.eye;
    this.azimuth = viewer.pose.azimuth;
    this.rig.position.set(e, n, viewer.groundHeight(e, n) ?? u - 1.7);
    scene.add(this.rig);
    renderer.xr.enabled = true;
    renderer.xr.setReferenceSpaceType('local-floor');
    await renderer.xr.setSession(session);
    session.addEventListener('end', () => this.leave());
    this.active = true;
    this.last = null;
    renderer.setAnimationLoop(() => this.draw());
    viewer.emit('xr', true);
  }

  leave() {
    const { viewer, rig } = this;
    viewer.renderer.setAnimationLoop(null);
    viewer.renderer.xr.enabled = false;
    this.active = false;
    viewer.scene.remove(rig);
    const { x, y, z } = rig.position;
    viewer.go({ ...viewer.pose, eye: [x, y, z + 1.7], azimuth: this.azimuth });
    viewer.drawing.size.width = 0;
    viewer.emit('xr', false);
    viewer.requestRender();
  }

  draw() {
    const { viewer, rig } = this;
    const { renderer, drawing } = viewer;
    // The page's clock: headsets' own ones are not all steady.
    const now = performance.now();
    const seconds = this.last === null ? 0 : Math.min((now - this.last) / 1000, 0.1);
    this.last = now;
    this.walk(seconds);
    rig.rotation.set(Math.PI / 2, 0, -this.azimuth, 'ZYX');
    rig.updateMatrixWorld(true);
    viewer.useMaterial(viewer.layer, false);
    const head = renderer.xr.getCamera();
    const eye = new THREE.Vector3().setFromMatrixPosition(head.matrixWorld);
    const place = eye.lengthSq() ? eye : rig.position;
    drawing.dome.prepare(viewer.settings.dome, place.distanceTo(new THREE.Vector3(...viewer.manifest.eye)), false);
    viewer.objects.face(place, 1);
    // Some 20 px a degree, all around: turning the head must not wait for levels.
    drawing.ground.choose(place, () => true, (distance) => 1150 / distance, 2.5);
    drawing.clear();
    drawing.both(this.camera);
  }

  walk(seconds) {
    const { viewer, rig } = this;
    const session = viewer.renderer.xr.getSession();
    let ahead = 0;
    let side = 0;
    for (const source of session?.inputSources ?? []) {
      const pad = source.gamepad?.axes;
      if (!pad || pad.length < 2) continue;
      const [x, y] = pad.length >= 4 ? [pad[2], pad[3]] : pad;
      if (source.handedness === 'right') {
        if (Math.abs(x) > 0.7 && !this.snapped) this.azimuth += Math.sign(x) * SNAP;
        this.snapped = Math.abs(x) > 0.4;
        if (Math.abs(y) > DEAD) ahead -= y;
      } else {
        if (Math.abs(x) > DEAD) side += x;
        if (Math.abs(y) > DEAD) ahead -= y;
      }
    }
    if (!ahead && !side) return;
    // The head looks along its -Z; its matrix holds the rig's place and turn.
    const { elements } = viewer.renderer.xr.getCamera().matrixWorld;
    const azimuth = Math.atan2(-elements[8], -elements[9]);
    const m = SPEED_M_S * seconds;
    const e = rig.position.x + m * (ahead * Math.sin(azimuth) + side * Math.cos(azimuth));
    const n = rig.position.y + m * (ahead * Math.cos(azimuth) - side * Math.sin(azimuth));
    const { box } = viewer.ground;
    if (e < box.min.x || e > box.max.x || n < box.min.y || n > box.max.y) return;
    // Over a hole the last height holds.
    rig.position.set(e, n, viewer.groundHeight(e, n) ?? rig.position.z);
  }
}
