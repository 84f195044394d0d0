/** Things of known size on the ground: a person of 1.8 m, and the rover. The metre grid is drawn by the ground itself. */
import { THREE } from './three.js';

const PERSON_M = 1.8;
const SIDE = { side: THREE.DoubleSide };

/** Outline of one who stands, m from the feet; right half, mirrored. */
const OUTLINE = [
  [0.02, 0.0], [0.15, 0.0], [0.145, 0.05], [0.11, 0.09], [0.115, 0.45], [0.145, 0.52], [0.155, 0.85], [0.17, 0.95], [0.235, 0.82],
  [0.265, 0.8], [0.285, 0.84], [0.275, 0.95], [0.26, 1.2], [0.235, 1.42], [0.19, 1.49], [0.07, 1.53], [0.06, 1.57],
];

function personShape() {
  const shape = new THREE.Shape();
  shape.moveTo(...OUTLINE[0]);
  for (const [x, y] of OUTLINE.slice(1)) shape.lineTo(x, y);
  shape.absellipse(0, 1.69, 0.095, 0.115, -0.9, Math.PI + 0.9, false, 0);
  for (const [x, y] of [...OUTLINE].reverse()) shape.lineTo(-x, y);
  shape.lineTo(0, 0.78);
  shape.closePath();
  return shape;
}

export class ScaleObjects {
  constructor() {
    this.group = new THREE.Group();
    const geometry = new THREE.ShapeGeometry(personShape(), 12);
    geometry.computeBoundingBox();
    const k = PERSON_M / geometry.boundingBox.max.y;
    geometry.scale(k, k, k).rotateX(Math.PI / 2);
    this.person = new THREE.Group();
    const body = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ color: '#e9eef2', polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 4, ...SIDE }));
    const edge = new THREE.LineLoop(
      new THREE.BufferGeometry().setFromPoints(personShape().getPoints(12).map((p) => new THREE.Vector3(p.x * k, 0, p.y * k))),
      new THREE.LineBasicMaterial({ color: '#14171b' }),
    );
    this.person.add(body, edge);
    this.person.visible = false;
    this.rover = new THREE.Group();
    this.rover.visible = false;
    this.group.add(this.person, this.rover);
  }

  /** Stand on the ground at `enu`. */
  putPerson([e, n, u]) {
    this.person.position.set(e, n, u);
  }

  /** Turn the silhouette to the viewer; keep true height whatever the exaggeration. */
  face(eye, exaggeration) {
    const { position } = this.person;
    this.person.rotation.z = Math.atan2(eye.x - position.x, -(eye.y - position.y));
    this.person.scale.z = 1 / exaggeration;
  }

  /** The rover's footprint laid on the ground, and its height as a box. */
  makeRover({ footprint, height_m }, groundHeight, exaggeration) {
    if (this.rover.children.length || !footprint?.length) return;
    const outline = [];
    for (let i = 0; i < footprint.length; i++) {
      const [a, b] = [footprint[i], footprint[(i + 1) % footprint.length]];
      const pieces = Math.max(1, Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / 0.1));
      for (let k = 0; k < pieces; k++) outline.push([0, 1].map((j) => a[j] + ((b[j] - a[j]) * k) / pieces));
    }
    const ups = outline.map(([e, n]) => groundHeight(e, n));
    const known = ups.filter((u) => u !== null);
    const mean = known.length ? known.reduce((a, b) => a + b) / known.length : 0;
    const onGround = outline.map(([e, n], i) => new THREE.Vector3(e, n, (ups[i] ?? mean) + 0.02));
    const colour = '#7fd0ff';
    const material = new THREE.LineBasicMaterial({ color: colour });
    const loop = (points) => new THREE.LineLoop(new THREE.BufferGeometry().setFromPoints(points), material);
    const top = mean + height_m / exaggeration;
    const posts = footprint.flatMap(([e, n]) => [new THREE.Vector3(e, n, groundHeight(e, n) ?? mean), new THREE.Vector3(e, n, top)]);
    const floor = new THREE.ShapeGeometry(new THREE.Shape(footprint.map(([e, n]) => new THREE.Vector2(e, n))));
    const walls = new THREE.MeshBasicMaterial({ color: colour, transparent: true, opacity: 0.12, depthWrite: false, ...SIDE });
    const roof = new THREE.Mesh(floor, walls);
    roof.position.z = top;
    this.rover.add(
      loop(onGround),
      loop(footprint.map(([e, n]) => new THREE.Vector3(e, n, top))),
      new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(posts), material),
      roof,
    );
  }

  forgetRover() {
    for (const part of this.rover.children) part.geometry.dispose();
    this.rover.clear();
  }
}
