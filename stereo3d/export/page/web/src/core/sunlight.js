/** Shadows of the sun for the hillshade: the ground's depth as the sun sees it, drawn anew when the sun moves. */
import { THREE } from './three.js';
import { RAD } from './vec.js';

/** Half width, m, of the ground about the eye that casts and takes shadows. */
const REACH_M = 24;

/** (3,) towards the sun. */
export function sunDirection(azimuth_deg, elevation_deg) {
  const [a, e] = [azimuth_deg * RAD, elevation_deg * RAD];
  return [Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)];
}

export class Sunlight {
  constructor(drawing, slow) {
    this.drawing = drawing;
    this.size = slow ? 1024 : 4096;
    this.level = slow ? 2 : 0;
    this.camera = new THREE.OrthographicCamera(-REACH_M, REACH_M, REACH_M, -REACH_M, 0, 6 * REACH_M);
    this.camera.up.set(0, 0, 1);
    this.material = new THREE.MeshBasicMaterial({ side: THREE.DoubleSide, colorWrite: false });
    this.target = null;
    this.drawn = null;
  }

  /** Draw the shadows of a sun about `middle` (ENU, m), unless they are there already, and set the ground's uniforms. */
  cast(direction, middle) {
    const key = JSON.stringify(direction);
    if (key === this.drawn) return;
    this.drawn = key;
    const { drawing, camera, size } = this;
    const { renderer, ground, world, scene, dome } = drawing;
    if (!this.target) {
      this.target = new THREE.WebGLRenderTarget(size, size, { depthTexture: new THREE.DepthTexture(size, size, THREE.UnsignedIntType) });
    }
    const centre = new THREE.Vector3(...middle);
    camera.position.copy(centre).addScaledVector(new THREE.Vector3(...direction), 3 * REACH_M);
    camera.lookAt(centre);
    camera.updateMatrixWorld();
    camera.updateProjectionMatrix();
    const shown = ground.chunks.map(({ levels }) => levels.map((mesh) => mesh.visible));
    const others = world.children.filter((child) => child !== ground.group && child.visible);
    const exaggeration = world.scale.z;
    // True heights: the sun knows of no exaggeration.
    drawing.exaggerate(1);
    dome.visible(false, false);
    for (const child of others) child.visible = false;
    for (const { levels } of ground.chunks) levels.forEach((mesh, l) => (mesh.visible = l === Math.min(this.level, levels.length - 1)));
    scene.overrideMaterial = this.material;
    renderer.setRenderTarget(this.target);
    renderer.clear();
    renderer.render(scene, camera);
    renderer.setRenderTarget(null);
    scene.overrideMaterial = null;
    ground.chunks.forEach(({ levels }, i) => levels.forEach((mesh, l) => (mesh.visible = shown[i][l])));
    for (const child of others) child.visible = true;
    drawing.exaggerate(exaggeration);
    const { uniforms } = ground;
    uniforms.uShadow.value = this.target.depthTexture;
    uniforms.uShadowTexel.value = 1 / size;
    uniforms.uShadowStep.value = (2 * REACH_M) / size;
    uniforms.uSunFromEnu.value.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
  }
}
