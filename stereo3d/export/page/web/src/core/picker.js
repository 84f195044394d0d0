/** What of the ground a ray meets, on its finest level, whatever level is shown. All in ENU, m. */
import { CENTER, MeshBVH } from 'three-mesh-bvh';
import { THREE } from './three.js';
import { add, clamp, dot, norm, scaled, sub, unit } from './vec.js';


export class Picker {
  constructor(ground, manifest) {
    this.ground = ground;
    this.eye = manifest.eye;
    this.lateral_rad = manifest.lateral_rad;
    this.trees = new Map();
    this.clip = null;
  }

  /** The search tree of a chunk, built when a ray first comes near it. */
  tree(chunk) {
    let found = this.trees.get(chunk);
    if (found) return found;
    const mesh = chunk.levels[0];
    const from = mesh.geometry;
    const { position, normal, _sigma, _kind, _seen } = from.attributes;
    const places = new Float32Array(position.count * 3);
    const at = new THREE.Vector3();
    for (let i = 0; i < position.count; i++) at.fromBufferAttribute(position, i).applyMatrix4(mesh.matrix).toArray(places, 3 * i);
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(places, 3));
    // The tree sorts the index in place: this one is its own.
    geometry.setIndex(new THREE.BufferAttribute(from.index ? from.index.array.slice() : Uint32Array.from({ length: position.count }, (_, i) => i), 1));
    const bvh = new MeshBVH(geometry, { strategy: CENTER, targetLeafSize: 12, setBoundingBox: false });
    const s = new THREE.Vector3().setFromMatrixScale(mesh.matrix);
    found = { bvh, places, normal, sigma: _sigma, kind: _kind, seen: _seen, scale: [s.x, s.y, s.z] };
    this.trees.set(chunk, found);
    return found;
  }

  /** @returns {{distance: number, chunk: object, a: number, b: number, c: number, place: number[]} | null} */
  cast(origin, direction, far = Infinity) {
    const ray = new THREE.Ray(new THREE.Vector3(...origin), new THREE.Vector3(...unit(direction)));
    const candidates = [];
    const entry = new THREE.Vector3();
    for (const chunk of this.ground.chunks) {
      if (chunk.box.containsPoint(ray.origin)) candidates.push([0, chunk]);
      else if (ray.intersectBox(chunk.box, entry)) candidates.push([entry.distanceTo(ray.origin), chunk]);
    }
    candidates.sort((a, b) => a[0] - b[0]);
    let best = null;
    for (const [near, chunk] of candidates) {
      if (near > Math.min(best?.distance ?? Infinity, far)) break;
      const { bvh } = this.tree(chunk);
      const hit = this.clip ? this.clipped(bvh, ray) : bvh.raycastFirst(ray, THREE.DoubleSide);
      if (hit && hit.distance < Math.min(best?.distance ?? Infinity, far)) {
        best = { distance: hit.distance, chunk, ...hit.face, place: hit.point.toArray() };
      }
    }
    return best;
  }

  clipped(bvh, ray) {
    const { min, max } = this.clip;
    const inside = (p) => p.x >= min[0] && p.y >= min[1] && p.z >= min[2] && p.x <= max[0] && p.y <= max[1] && p.z <= max[2];
    const hits = bvh.raycast(ray, THREE.DoubleSide).filter((hit) => inside(hit.point));
    return hits.reduce((a, b) => (a && a.distance <= b.distance ? a : b), null);
  }

  /** The Point of the contract that the ray meets first, or null. */
  point(origin, direction) {
    const hit = this.cast(origin, direction);
    return hit && this.described(hit);
  }

  described({ chunk, a, b, c, place }) {
    const tree = this.tree(chunk);
    const corners = [a, b, c];
    const weights = barycentric(place, corners.map((i) => [...tree.places.subarray(3 * i, 3 * i + 3)]));
    const mixed = (attribute) => corners.reduce((sum, i, k) => sum + weights[k] * attribute.getX(i), 0);
    const heaviest = corners[weights.indexOf(Math.max(...weights))];
    let normal = [0, 0, 0];
    corners.forEach((i, k) => {
      const n = [tree.normal.getX(i), tree.normal.getY(i), tree.normal.getZ(i)];
      normal = add(normal, [n[0] / tree.scale[0], n[1] / tree.scale[1], n[2] / tree.scale[2]], weights[k]);
    });
    normal = unit(normal);
    const sigma_m = mixed(tree.sigma);
    const away = sub(place, this.eye);
    const range_m = norm(away);
    const ray = scaled(away, 1 / range_m);
    return {
      enu: place,
      range_m,
      sigma_m,
      ray,
      normal,
      slope_deg: (Math.acos(clamp(normal[2], -1, 1)) * 180) / Math.PI,
      // As honest as the worst corner.
      kind: ['measured', 'filled', 'extended'][Math.max(...corners.map((i) => Math.round(tree.kind.getX(i))))],
      seen: Math.round(tree.seen.getX(heaviest)),
      cov: covariance(ray, sigma_m, range_m * this.lateral_rad),
    };
  }

  /** Up of the highest ground at a place, or null; `below`: of the highest below it. */
  height(e, n, below = this.ground.box.max.z + 1) {
    return this.cast([e, n, below], [0, 0, -1])?.place[2] ?? null;
  }
}

/** s^2 r r^T + t^2 (I - r r^T) by rows: sigma along the ray r, and across it. */
export function covariance(r, along_m, across_m) {
  const s2 = along_m * along_m;
  const t2 = across_m * across_m;
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => (s2 - t2) * r[i] * r[j] + (i === j ? t2 : 0)));
}

function barycentric(p, [a, b, c]) {
  const ab = sub(b, a);
  const ac = sub(c, a);
  const ap = sub(p, a);
  const d00 = dot(ab, ab);
  const d01 = dot(ab, ac);
  const d11 = dot(ac, ac);
  const d20 = dot(ap, ab);
  const d21 = dot(ap, ac);
  const area = d00 * d11 - d01 * d01;
  if (!(area > 0)) return [1, 0, 0];
  const v = clamp((d11 * d20 - d01 * d21) / area, 0, 1);
  const w = clamp((d00 * d21 - d01 * d20) / area, 0, 1 - v);
  return [1 - v - w, v, w];
}
