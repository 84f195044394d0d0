/** The panorama around the ground: a dome at infinity, where there is no ground before it. */
import { THREE } from './three.js';

const ROWS = 36;
const COLUMNS = 72;
const TURN = 2 * Math.PI;

const VERTEX = /* glsl */ `
uniform vec4 uSpan; // azimuth of the left edge, elevation of the top, width, height; rad
out vec3 vAt; // across and down the panorama, elevation

void main() {
  // uv: turn from the left edge, elevation.
  float azimuth = uSpan.x + uv.x;
  vec3 ray = vec3(sin(azimuth) * cos(uv.y), cos(azimuth) * cos(uv.y), sin(uv.y));
  vAt = vec3(uv.x / uSpan.z, (uSpan.y - uv.y) / uSpan.w, uv.y);
  gl_Position = projectionMatrix * vec4(mat3(viewMatrix) * ray, 1.0);
  gl_Position.z = gl_Position.w; // at the far plane
}
`;

const FRAGMENT = /* glsl */ `
uniform sampler2D uPanorama;
uniform float uBelow, uBrightness, uMono, uShow, uHeight;
uniform vec3 uTop, uBottom;
in vec3 vAt;
out vec4 outColour;

void main() {
  vec3 colour = mix(uTop, uBottom, 1.0 - gl_FragCoord.y / uHeight);
  if (uShow > 0.5 && vAt.x < 1.0 && vAt.y > 0.0 && vAt.y < 1.0) {
    vec4 seen = textureLod(uPanorama, vAt.xy, 0.0);
    float below = mix(uBelow, 1.0, smoothstep(-0.05, -0.01, vAt.z));
    colour = mix(colour, min(seen.rgb * uBrightness, 1.0), below * seen.a);
  }
  outColour = vec4(mix(colour, vec3(dot(colour, vec3(0.3, 0.59, 0.11))), uMono), 1.0);
}
`;

export const BACKGROUND = ['rgb(22,25,30)', 'rgb(74,78,84)'];

export class Dome {
  constructor() {
    const [top, bottom] = BACKGROUND.map((c) => new THREE.Color(c));
    this.uniforms = {
      uPanorama: { value: null },
      uSpan: { value: new THREE.Vector4(0, 0, 1, 1) },
      uBelow: { value: 1 },
      uBrightness: { value: 1 },
      uMono: { value: 0 },
      uShow: { value: 0 },
      uTop: { value: top },
      uBottom: { value: bottom },
      uHeight: { value: 1 },
    };
    const material = new THREE.ShaderMaterial({
      name: 'dome',
      glslVersion: THREE.GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: this.uniforms,
      depthFunc: THREE.LessEqualDepth,
      depthWrite: false,
      side: THREE.DoubleSide,
    });
    this.mesh = new THREE.Mesh(sphere(), material);
    this.mesh.frustumCulled = false;
    // After the ground, so that what it hides costs nothing.
    this.mesh.renderOrder = 10;
    this.mesh.onBeforeRender = (renderer) => {
      const target = renderer.getRenderTarget();
      this.uniforms.uHeight.value = target ? target.height : renderer.domElement.height;
    };
    // From above, in parallel, all rays are one: only the background lies behind the ground then.
    this.flat = new THREE.Mesh(new THREE.PlaneGeometry(2, 2), flatMaterial(this.uniforms));
    this.flat.frustumCulled = false;
    this.flat.renderOrder = 10;
    this.flat.visible = false;
    this.flat.onBeforeRender = this.mesh.onBeforeRender;
  }

  setPanorama(texture, { azimuth_left_deg, elevation_top_deg, deg_per_px, width, height, brightness }) {
    const rad = Math.PI / 180;
    texture.wrapS = THREE.RepeatWrapping;
    this.uniforms.uPanorama.value = texture;
    this.uniforms.uBrightness.value = brightness ?? 1;
    this.uniforms.uSpan.value.set(azimuth_left_deg * rad, elevation_top_deg * rad, width * deg_per_px * rad, height * deg_per_px * rad);
  }

  visible(sphere, flat) {
    this.mesh.visible = sphere;
    this.flat.visible = flat;
  }

  /** @param {boolean} show @param {number} away m of the view from where the panorama was taken: from elsewhere its ground lies wrong. */
  prepare(show, away, mono) {
    const { uniforms } = this;
    uniforms.uShow.value = show && uniforms.uPanorama.value ? 1 : 0;
    uniforms.uBelow.value = Math.min(Math.max(1 - (away - 0.3) / 2, 0), 1);
    uniforms.uMono.value = mono ? 1 : 0;
  }
}

/** All directions; uv is the turn from the panorama's left edge and the elevation, rad. */
function sphere() {
  const geometry = new THREE.PlaneGeometry(1, 1, COLUMNS, ROWS);
  const { uv } = geometry.attributes;
  for (let i = 0; i < uv.count; i++) uv.setXY(i, uv.getX(i) * TURN, (uv.getY(i) - 0.5) * Math.PI);
  return geometry;
}

function flatMaterial(uniforms) {
  return new THREE.ShaderMaterial({
    name: 'background',
    glslVersion: THREE.GLSL3,
    vertexShader: 'void main() { gl_Position = vec4(position.xy, 1.0, 1.0); }',
    fragmentShader: /* glsl */ `
uniform vec3 uTop, uBottom;
uniform float uHeight;
out vec4 outColour;
void main() { outColour = vec4(mix(uTop, uBottom, 1.0 - gl_FragCoord.y / uHeight), 1.0); }`,
    uniforms,
    depthFunc: THREE.LessEqualDepth,
    depthWrite: false,
  });
}
