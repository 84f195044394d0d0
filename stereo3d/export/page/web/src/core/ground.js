/** The ground: chunks of three levels of detail, of which one each is drawn. */
import { THREE } from './three.js';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';
import { MeshoptDecoder } from 'meshoptimizer/decoder';
import { GroundMaterials, groundUniforms } from './ground_shader.js';

const SAMPLES = 200;

export class Ground {
  constructor(manifest) {
    this.manifest = manifest;
    this.group = new THREE.Group();
    this.group.name = 'ground';
    this.uniforms = groundUniforms();
    this.materials = new GroundMaterials(this.uniforms);
    this.chunks = [];
    this.drawnFaces = 0;
    this.box = new THREE.Box3();
  }

  /** @param {ArrayBuffer} buffer the GLB */
  async read(buffer) {
    await MeshoptDecoder.ready;
    const gltf = await new GLTFLoader().setMeshoptDecoder(MeshoptDecoder).parseAsync(buffer, '');
    gltf.scene.updateMatrixWorld(true);
    const root = gltf.scene.getObjectByName('enu') ?? gltf.scene;
    const enuFromWorld = root.matrixWorld.clone().invert();
    const byName = new Map();
    root.traverse((object) => object.isMesh && byName.set(object.name, object));
    for (const { box, nodes, faces, error_mm } of this.manifest.mesh.chunks) {
      const bounds = new THREE.Box3(new THREE.Vector3(...box[0]), new THREE.Vector3(...box[1]));
      const levels = nodes.map((name) => {
        const mesh = byName.get(name);
        if (!mesh) throw new Error(`The mesh lacks its part ${name}: make the page anew.`);
        mesh.matrix.copy(mesh.matrixWorld).premultiply(enuFromWorld);
        mesh.matrixAutoUpdate = false;
        mesh.frustumCulled = false;
        mesh.visible = false;
        mesh.material.dispose();
        return mesh;
      });
      this.group.add(...levels);
      const errors = error_mm ?? this.manifest.mesh.error_mm;
      this.chunks.push({ box: bounds, levels, faces, samples: samples(levels.at(-1)), error_mm: errors });
      this.box.union(bounds);
    }
  }

  setMaterial(wanted) {
    const material = this.materials.get(wanted);
    for (const chunk of this.chunks) for (const mesh of chunk.levels) mesh.material = material;
  }

  /**
   * Show of each chunk the coarsest level whose error is no more than `tolerance_px` from `eye`.
   *
   * @param {(box: THREE.Box3) => boolean} inView
   * @param {(distance_m: number) => number} pxPerMetre at a distance
   */
  choose(eye, inView, pxPerMetre, tolerance_px) {
    this.drawnFaces = 0;
    for (const chunk of this.chunks) {
      const shown = inView(chunk.box);
      let level = 0;
      if (shown) {
        const px = pxPerMetre(Math.max(nearest(chunk.samples, eye), 0.2)) / 1000;
        for (let l = 1; l < chunk.levels.length && chunk.error_mm[l] * px <= tolerance_px; l++) level = l;
        this.drawnFaces += chunk.faces[level];
      }
      chunk.levels.forEach((mesh, l) => (mesh.visible = shown && l === level));
    }
  }
}

/** Places (ENU, m) spread over a mesh: the box of far ground holds the eye, although nothing of it is near. */
function samples(mesh) {
  const { position } = mesh.geometry.attributes;
  const count = Math.min(SAMPLES, position.count);
  const places = new Float64Array(3 * count);
  const at = new THREE.Vector3();
  for (let i = 0; i < count; i++) {
    at.fromBufferAttribute(position, Math.floor((i * position.count) / count)).applyMatrix4(mesh.matrix).toArray(places, 3 * i);
  }
  return places;
}

function nearest(places, { x, y, z }) {
  let least = Infinity;
  for (let i = 0; i < places.length; i += 3) {
    least = Math.min(least, (places[i] - x) ** 2 + (places[i + 1] - y) ** 2 + (places[i + 2] - z) ** 2);
  }
  return Math.sqrt(least);
}
