/** From the viewer's state to pixels: one camera, two for the anaglyph, or a frame's own. */
import { THREE } from './three.js';
import { Dome } from './panorama.js';
import { FRAME_GLSL } from './camera/glsl.js';
import { axes } from './pose.js';
import { add, scaled } from './vec.js';

/** Where red and cyan let each eye see alone. */
const RED = [true, false, false, true];
const CYAN = [false, true, true, true];

const PLACED_GLSL = /* glsl */ `
vec4 placed(vec3 local) {
  vec3 enu = (modelMatrix * vec4(local, 1.0)).xyz;
  enu.z /= uExaggeration;
  return framePosition(enu);
}`;

export class Drawing {
  constructor(canvas, ground, slow) {
    const options = { canvas, antialias: !slow, powerPreference: 'high-performance' };
    this.renderer = new THREE.WebGLRenderer(options);
    this.renderer.outputColorSpace = THREE.LinearSRGBColorSpace;
    this.renderer.autoClear = false;
    this.renderer.info.autoReset = false;
    this.ground = ground;
    this.scene = new THREE.Scene();
    this.dome = new Dome();
    /** Everything in ENU; its scale along Z is the vertical exaggeration. */
    this.world = new THREE.Group();
    this.world.add(ground.group);
    this.scene.add(this.dome.mesh, this.dome.flat, this.world);
    this.front = new THREE.Scene();
    this.overlay = new THREE.Group();
    this.front.add(this.overlay);
    this.perspective = new THREE.PerspectiveCamera(55, 1, 0.05, 5000);
    this.parallel = new THREE.OrthographicCamera(-1, 1, 1, -1, 0, 1000);
    for (const camera of [this.perspective, this.parallel]) camera.up.set(0, 0, 1);
    this.eye = new THREE.PerspectiveCamera();
    this.eye.matrixAutoUpdate = false;
    this.framed = { value: false };
    this.size = { width: 1, height: 1, ratio: 1 };
  }

  /** The size of the view, CSS px, and pixels drawn for each. */
  resize(width, height, ratio) {
    const { size, renderer } = this;
    if (size.width === width && size.height === height && size.ratio === ratio) return;
    Object.assign(size, { width, height, ratio });
    renderer.setPixelRatio(ratio);
    renderer.setSize(width, height, false);
  }

  exaggerate(k) {
    this.world.scale.z = k;
    this.overlay.scale.z = k;
    this.ground.uniforms.uExaggeration.value = k;
    this.world.updateMatrixWorld(true);
    this.overlay.updateMatrixWorld(true);
  }

  /** The camera of a pose. */
  aim(pose) {
    const { width, height } = this.size;
    const aspect = width / height;
    if (pose.mode === 'top') {
      const camera = this.parallel;
      const top = this.ground.box.max.z * this.world.scale.z + 20;
      const deep = top - this.ground.box.min.z * this.world.scale.z + 20;
      Object.assign(camera, {
        top: pose.height / 2,
        bottom: -pose.height / 2,
        right: (aspect * pose.height) / 2,
        left: (-aspect * pose.height) / 2,
        near: 0,
        far: deep,
      });
      camera.position.set(pose.eye[0], pose.eye[1], top);
      camera.rotation.set(0, 0, 0);
      camera.updateProjectionMatrix();
      camera.updateMatrixWorld();
      return camera;
    }
    const camera = this.perspective;
    const { forward } = axes(pose);
    camera.aspect = aspect;
    camera.fov = (pose.fov * 180) / Math.PI;
    camera.position.set(...pose.eye);
    camera.lookAt(...add(pose.eye, forward));
    const span = this.ground.box.getSize(new THREE.Vector3()).length();
    camera.far = 2 * (span + this.ground.box.distanceToPoint(camera.position)) + 10;
    camera.near = Math.max(0.03, 0.05 * this.nearest(camera.position));
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
    return camera;
  }

  shownBox(box) {
    const k = this.world.scale.z;
    return new THREE.Box3(
      new THREE.Vector3(box.min.x, box.min.y, box.min.z * k),
      new THREE.Vector3(box.max.x, box.max.y, box.max.z * k),
    );
  }

  nearest(eye) {
    return Math.min(...this.ground.chunks.map(({ box }) => this.shownBox(box).distanceToPoint(eye)));
  }

  /** Pick levels for a camera, the tolerance in px of the screen. */
  choose(camera, tolerance_px) {
    const planes = new THREE.Frustum().setFromProjectionMatrix(
      new THREE.Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse),
    );
    const { height } = this.size;
    const px = camera.isOrthographicCamera
      ? () => height / (camera.top - camera.bottom)
      : (distance) => height / (2 * Math.tan((camera.fov * Math.PI) / 360) * distance);
    const k = this.world.scale.z;
    const eye = camera.position.clone();
    eye.z /= k;
    this.ground.choose(
      eye,
      (box) => planes.intersectsBox(this.shownBox(box)),
      (d) => px(d) * Math.max(1, k),
      tolerance_px,
    );
  }

  clear() {
    const { renderer } = this;
    renderer.setClearColor(0x16191e, 1);
    renderer.clear();
  }

  /** Draw for one camera. */
  plain(camera) {
    this.clear();
    this.both(camera);
  }

  both(camera) {
    this.dome.visible(camera !== this.parallel, camera === this.parallel);
    this.renderer.render(this.scene, camera);
    if (!this.overlay.children.some((child) => child.visible)) return;
    this.renderer.clearDepth();
    this.renderer.render(this.front, camera);
  }

  /**
   * Two eyes `base_m` apart; what lies at `depth_m` falls together on the screen.
   */
  anaglyph(camera, pose, base_m, depth_m) {
    this.clear();
    const gl = this.renderer.getContext();
    const { color } = this.renderer.state.buffers;
    const { right } = axes(pose);
    for (const [side, mask] of [
      [-0.5, RED],
      [0.5, CYAN],
    ]) {
      const eye = this.eye;
      eye.position.set(...add(camera.position.toArray(), scaled(right, side * base_m)));
      eye.quaternion.copy(camera.quaternion);
      eye.updateMatrix();
      eye.updateMatrixWorld();
      eye.projectionMatrix.copy(camera.projectionMatrix);
      eye.projectionMatrix.elements[8] += ((side * base_m) / depth_m) * camera.projectionMatrix.elements[0];
      eye.projectionMatrixInverse.copy(eye.projectionMatrix).invert();
      // The renderer sets the mask with each material: hold it while one eye is drawn.
      color.setLocked(false);
      color.setMask(true);
      color.setLocked(true);
      gl.colorMask(...mask);
      this.renderer.clearDepth();
      this.both(eye);
    }
    color.setLocked(false);
    gl.colorMask(true, true, true, true);
  }

  framing(on) {
    this.framed.value = on;
    this.dome.visible(!on, false);
  }

  /** Let what is not the ground (marks, scale objects) go through the frame's camera too, while one is shown. */
  patch() {
    const { group } = this.ground;
    const one = (object) =>
      [object.material].flat().forEach((material) => material && this.patchMaterial(material, object));
    this.overlay.traverse(one);
    this.world.traverse((object) => object !== group && object.parent !== group && one(object));
  }

  patchMaterial(material, object) {
    if (material.userData.framed || object.isSprite || (material.isShaderMaterial && !material.isLineMaterial)) return;
    material.userData.framed = true;
    // Culling would ask a camera that is not the frame's.
    object.frustumCulled = false;
    material.onBeforeCompile = (shader) => {
      Object.assign(shader.uniforms, this.ground.uniforms, { uFramed: this.framed });
      shader.vertexShader = shader.vertexShader
        .replace(
          'void main() {',
          `uniform bool uFramed;\nuniform float uExaggeration;\n${FRAME_GLSL}\n${PLACED_GLSL}\nvoid main() {`,
        )
        .replace(
          '#include <project_vertex>',
          '#include <project_vertex>\nif (uFramed) gl_Position = placed(transformed);',
        )
        .replace(
          'vec4 clipStart = projectionMatrix * start;',
          'vec4 clipStart = uFramed ? placed(instanceStart) : projectionMatrix * start;',
        )
        .replace(
          'vec4 clipEnd = projectionMatrix * end;',
          `vec4 clipEnd = uFramed ? placed(instanceEnd) : projectionMatrix * end;
          // A wide line has no clipping of its own: what begins or ends behind the camera is left out.
          if (uFramed && min(clipStart.w, clipEnd.w) < 0.02) clipStart = clipEnd = vec4(2.0, 2.0, 2.0, 1.0);`,
        );
    };
    material.needsUpdate = true;
  }
}
