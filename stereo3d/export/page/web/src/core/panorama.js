/** The panorama around the ground: a dome at infinity, drawn before the ground and never over it. */
import { THREE } from './three.js';

const VERTEX = /* glsl */ `
out vec3 vRay;
uniform mat4 uRayFromClip;
void main() {
  gl_Position = vec4(position.xy, 1.0, 1.0);
  vec4 far = uRayFromClip * vec4(position.xy, 1.0, 1.0);
  vRay = far.xyz / far.w;
}
`;

const FRAGMENT = /* glsl */ `
uniform sampler2D uPanorama;
uniform vec4 uSpan; // azimuth of the left edge, elevation of the top, width, height; rad
uniform float uBelow, uBrightness, uMono, uShow;
uniform vec3 uTop, uBottom;
uniform float uHeight;
in vec3 vRay;
out vec4 outColour;
const float TURN = 6.283185307179586;

void main() {
  vec3 back = mix(uTop, uBottom, 1.0 - gl_FragCoord.y / uHeight);
  vec3 ray = normalize(vRay);
  float across = fract((atan(ray.x, ray.y) - uSpan.x) / TURN + 1.0) * TURN / uSpan.z;
  float down = (uSpan.y - asin(clamp(ray.z, -1.0, 1.0))) / uSpan.w;
  // The derivative of "across" jumps at the seam: level 0 has no need of it.
  vec4 sky = textureLod(uPanorama, vec2(across, down), 0.0);
  float inside = step(0.0, down) * step(down, 1.0) * step(across, 1.0);
  float below = mix(uBelow, 1.0, smoothstep(-0.05, -0.01, ray.z));
  vec3 colour = mix(back, min(sky.rgb * uBrightness, 1.0), uShow * inside * below * sky.a);
  outColour = vec4(mix(colour, vec3(dot(colour, vec3(0.3, 0.59, 0.11))), uMono), 1.0);
}
`;

export const BACKGROUND = ['rgb(22,25,30)', 'rgb(74,78,84)'];

export class Dome {
  constructor() {
    const [top, bottom] = BACKGROUND.map((c) => new THREE.Color(c));
    this.uniforms = {
      uRayFromClip: { value: new THREE.Matrix4() },
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
      depthTest: false,
      depthWrite: false,
    });
    this.mesh = new THREE.Mesh(new THREE.PlaneGeometry(2, 2), material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = -10;
    this.mesh.onBeforeRender = (renderer, scene, camera) => {
      // From clip space to directions: the camera's turn without its place.
      const turn = new THREE.Matrix4().extractRotation(camera.matrixWorld);
      this.uniforms.uRayFromClip.value.copy(turn).multiply(camera.projectionMatrixInverse);
      const target = renderer.getRenderTarget();
      this.uniforms.uHeight.value = target ? target.height : renderer.domElement.height;
    };
  }

  setPanorama(texture, { azimuth_left_deg, elevation_top_deg, deg_per_px, width, height, brightness }) {
    const rad = Math.PI / 180;
    texture.wrapS = THREE.RepeatWrapping;
    this.uniforms.uPanorama.value = texture;
    this.uniforms.uBrightness.value = brightness ?? 1;
    this.uniforms.uSpan.value.set(azimuth_left_deg * rad, elevation_top_deg * rad, width * deg_per_px * rad, height * deg_per_px * rad);
  }

  /** @param {boolean} show @param {number} away m of the view from where the panorama was taken: from elsewhere its ground lies wrong. */
  prepare(show, away, mono) {
    const { uniforms } = this;
    uniforms.uShow.value = show && uniforms.uPanorama.value ? 1 : 0;
    uniforms.uBelow.value = Math.min(Math.max(1 - (away - 0.3) / 2, 0), 1);
    uniforms.uMono.value = mono ? 1 : 0;
  }
}
