/**
 * Standing where a camera stood: the ground through the frame's exact camera model, with the real frame over it.
 *
 * The ground is drawn into a texture of the size of the view, then a second pass lays the frame over it: mixed, wiped,
 * or as the residual |frame - (gain ground + offset)|, the gain with the fall-off of the lens. What the view shows of the frame is a window, px of the frame.
 */
import { THREE } from './three.js';
import { pictureTexture } from './images.js';
import { setFrameUniforms } from './camera/glsl.js';
import { fitted } from './frame_fit.js';
import { clamp } from './vec.js';

const FIT_WIDTH = 640;

const COMPOSITE = /* glsl */ `
uniform sampler2D uGround, uFrame;
uniform vec2 uFrameSize;
uniform vec4 uWindow;
uniform float uMix, uWipe, uResidual, uOffset, uFrameBrightness, uMono;
uniform vec3 uGain;
in vec2 vAt;
out vec4 outColour;
const vec3 LUMA = vec3(0.3, 0.59, 0.11);
const float AMPLIFIED = 6.0;

void main() {
  vec4 ground = texture(uGround, vAt);
  vec2 pixel = uWindow.xy + vec2(vAt.x, 1.0 - vAt.y) * uWindow.zw;
  vec2 uv = pixel / uFrameSize;
  bool inside = all(greaterThanEqual(uv, vec2(0.0))) && all(lessThanEqual(uv, vec2(1.0)));
  if (!inside) {
    outColour = vec4(0.05, 0.055, 0.065, 1.0);
    return;
  }
  vec3 frame = min(texture(uFrame, uv).rgb * uFrameBrightness, 1.0);
  vec3 back = vec3(0.12, 0.13, 0.15);
  vec3 mesh = ground.rgb + back * (1.0 - ground.a);
  if (uResidual > 0.5) {
    vec2 away = (2.0 * uv - 1.0) * vec2(uFrameSize.x / uFrameSize.y, 1.0);
    float r2 = dot(away, away);
    float off = dot(frame, LUMA) - ((uGain.x + r2 * (uGain.y + r2 * uGain.z)) * dot(mesh, LUMA) + uOffset);
    float r = clamp(AMPLIFIED * abs(off), 0.0, 1.0);
    vec3 heat = clamp(vec3(r * 2.2, r * r * 1.6, pow(r, 4.0)), 0.0, 1.0);
    outColour = vec4(ground.a > 0.5 ? heat : back, 1.0);
    return;
  }
  float share = uWipe >= 0.0 ? step(uv.x, uWipe) : uMix;
  vec3 colour = mix(mesh, frame, share);
  outColour = vec4(mix(colour, vec3(dot(colour, LUMA)), uMono), 1.0);
}
`;

const COVER = /* glsl */ `
out vec2 vAt;
void main() {
  vAt = uv;
  gl_Position = vec4(position.xy, 0.0, 1.0);
}
`;

export class FrameView {
  constructor(viewer) {
    this.viewer = viewer;
    this.size = [1, 1];
    this.scale = 1;
    this.middle = [0.5, 0.5];
    this.target = null;
    this.uniforms = {
      uGround: { value: null },
      uFrame: { value: null },
      uFrameSize: { value: new THREE.Vector2(1, 1) },
      uWindow: { value: new THREE.Vector4() },
      uMix: { value: 0.5 },
      uWipe: { value: -1 },
      uResidual: { value: 0 },
      uGain: { value: new THREE.Vector3(1, 0, 0) },
      uOffset: { value: 0 },
      uFrameBrightness: { value: 1 },
      uMono: { value: 0 },
    };
    const material = new THREE.ShaderMaterial({
      name: 'frame',
      glslVersion: THREE.GLSL3,
      vertexShader: COVER,
      fragmentShader: COMPOSITE,
      uniforms: this.uniforms,
      depthTest: false,
      depthWrite: false,
    });
    this.quad = new THREE.Mesh(new THREE.PlaneGeometry(2, 2), material);
    this.quad.frustumCulled = false;
    this.pass = new THREE.Scene();
    this.pass.add(this.quad);
    this.camera = new THREE.Camera();
    this.textures = new Map();
    this.fits = new Map();
  }

  /** Load a frame's picture and set its camera. */
  async open(frame) {
    const { record } = frame;
    this.size = [record.width, record.height];
    this.scale = 1;
    this.middle = [record.width / 2, record.height / 2];
    setFrameUniforms(this.viewer.ground.uniforms, record, frame.camera, record.width, record.height);
    if (!this.textures.has(frame)) {
      const { maxTextureSize } = this.viewer.renderer.capabilities;
      const texture = pictureTexture(await frame.picture(), { mipmaps: Math.max(...this.size) <= maxTextureSize });
      this.textures.set(frame, texture);
    }
    this.uniforms.uFrame.value = this.textures.get(frame);
    this.uniforms.uFrameSize.value.set(...this.size);
    this.uniforms.uFrameBrightness.value = record.brightness ?? 1;
  }

  /** What the view shows, px of the frame from its upper left corner: left, top, width, height. */
  window() {
    const { width: w, height: h } = this.viewer.drawing.size;
    const px = Math.min(w / this.size[0], h / this.size[1]) * this.scale;
    return { left: this.middle[0] - w / px / 2, top: this.middle[1] - h / px / 2, width: w / px, height: h / px, px };
  }

  /** Pixel of the frame (first centre at 0, 0) at a place of the canvas, CSS px; and back. */
  pixelAt(x, y) {
    const { left, top, px } = this.window();
    return [left + x / px - 0.5, top + y / px - 0.5];
  }

  placeOf([x, y]) {
    const { left, top, px } = this.window();
    return [(x + 0.5 - left) * px, (y + 0.5 - top) * px];
  }

  shift(dx, dy) {
    const { px } = this.window();
    this.middle = [this.middle[0] - dx / px, this.middle[1] - dy / px];
    this.limit();
  }

  zoom(x, y, factor) {
    const before = this.pixelAt(x, y);
    this.scale = clamp(this.scale * factor, 1, 24);
    const after = this.pixelAt(x, y);
    this.middle = [this.middle[0] + before[0] - after[0], this.middle[1] + before[1] - after[1]];
    this.limit();
  }

  limit() {
    const { width, height } = this.window();
    this.middle = [width, height].map((span, i) => {
      const half = Math.min(span, this.size[i]) / 2;
      return clamp(this.middle[i], half, this.size[i] - half);
    });
  }

  /** Draw the ground through the frame's camera into `target`, of the frame's window. */
  drawGround(frame, target, { left, top, width, height }, layer) {
    const { viewer } = this;
    const { renderer, ground } = viewer;
    ground.uniforms.uFrameWindow.value.set(left, top, width, height);
    viewer.useMaterial(layer, true);
    viewer.frameMode.chooseLevels(frame, target.height / height);
    renderer.setRenderTarget(target);
    renderer.setClearColor(0x000000, 0);
    renderer.clear();
    renderer.render(viewer.scene, this.camera);
    renderer.setRenderTarget(null);
  }

  draw(frame, { mix, wipe, residual }, target = null) {
    const { viewer, uniforms } = this;
    const { renderer } = viewer;
    const size = renderer.getDrawingBufferSize(new THREE.Vector2());
    if (!this.target || this.target.width !== size.x || this.target.height !== size.y) {
      this.target?.dispose();
      this.target = new THREE.WebGLRenderTarget(size.x, size.y, { samples: viewer.quality.slow ? 0 : 4 });
    }
    if (residual && !this.fits.has(frame)) this.fits.set(frame, this.fit(frame));
    const shown = this.window();
    this.drawGround(frame, this.target, shown, residual ? 'image' : viewer.layer);
    uniforms.uGround.value = this.target.texture;
    uniforms.uWindow.value.set(shown.left, shown.top, shown.width, shown.height);
    uniforms.uMix.value = mix;
    uniforms.uWipe.value = wipe ?? -1;
    uniforms.uResidual.value = residual ? 1 : 0;
    const fit = this.fits.get(frame);
    uniforms.uGain.value.fromArray(fit?.gain ?? [1, 0, 0]);
    uniforms.uOffset.value = fit?.offset ?? 0;
    renderer.setRenderTarget(target);
    renderer.setClearColor(0x000000, 1);
    renderer.clear();
    renderer.render(this.pass, this.camera);
    renderer.setRenderTarget(null);
  }

  /** Luma 0..1 of the ground and of the frame, row by row, at most `across` px wide; NaN where there is no ground. */
  luma(frame, across = FIT_WIDTH) {
    const { renderer } = this.viewer;
    const width = Math.min(across, this.size[0]);
    const height = Math.round((width * this.size[1]) / this.size[0]);
    const target = new THREE.WebGLRenderTarget(width, height);
    this.drawGround(frame, target, { left: 0, top: 0, width: this.size[0], height: this.size[1] }, 'image');
    const drawn = new Uint8Array(width * height * 4);
    renderer.readRenderTargetPixels(target, 0, 0, width, height, drawn);
    target.dispose();
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(this.textures.get(frame).image, 0, 0, width, height);
    const seen = context.getImageData(0, 0, width, height).data;
    const brightness = frame.record.brightness ?? 1;
    const ground = new Float64Array(width * height);
    const picture = new Float64Array(width * height);
    const value = (data, i, k) => (0.3 * data[i] + 0.59 * data[i + 1] + 0.11 * data[i + 2]) * (k / 255);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = 4 * ((height - 1 - y) * width + x);
        const j = y * width + x;
        ground[j] = drawn[i + 3] > 127 ? value(drawn, i, 1) : NaN;
        picture[j] = Math.min(value(seen, 4 * j, brightness), 1);
      }
    }
    return { width, height, ground, picture };
  }

  /** How the ground's brightness fits the frame's, see `fitted`. */
  fit(frame) {
    return fitted(this.luma(frame));
  }
}
