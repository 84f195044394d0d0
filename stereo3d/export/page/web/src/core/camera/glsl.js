/** The camera models for the vertex shader: the same mapping as models.js in single precision, relative to C. */
import { THREE } from '../three.js';

/** 0 CAHV, 1 CAHVOR, 2 CAHVORE. */
const KINDS = { CAHV: 0, CAHVOR: 1, CAHVORE: 2 };

/**
 * `vec4 framePosition(vec3 enu)`: clip coordinates whose x / w and y / w are the pixel in the window `uFrameWindow`.
 *
 * Up to `uFrameEdge`, an off-axis angle somewhat beyond the picture's corners, it is the exact model; beyond it goes on
 * linearly in the depth, down to negative ones, so that triangles over the border and behind the camera are cut by
 * the graphics card as those of any pinhole are.
 */
export const FRAME_GLSL = /* glsl */ `
uniform int uFrameKind;
uniform vec3 uFrameC, uFrameA, uFrameH, uFrameV, uFrameO, uFrameR, uFrameE;
uniform float uFrameL;
uniform vec2 uFrameEdge;   // angle, rad; depth over the true depth there
uniform vec4 uFrameWindow; // left, top, width, height: what the viewport shows, px of the frame from its corner

float frameChi(float theta) {
  if (uFrameL > 1e-15) return tan(uFrameL * theta) / uFrameL;
  if (uFrameL < -1e-15) return sin(uFrameL * theta) / uFrameL;
  return theta;
}

float frameAngle(float zeta, float lam) {
  float theta = atan(lam, zeta);
  if (uFrameKind < 2 || theta > uFrameEdge.x) return theta;
  for (int i = 0; i < 3; i++) {
    float s = sin(theta), c = cos(theta), t2 = theta * theta;
    float e = uFrameE.x + t2 * (uFrameE.y + t2 * uFrameE.z);
    // theta - sin theta without cancellation near the axis
    float late = theta < 0.3 ? theta * t2 * (1.0 / 6.0 - t2 * (1.0 / 120.0 - t2 / 5040.0)) : theta - s;
    float slope = zeta * c + lam * s - (1.0 - c) * e - late * (theta * (2.0 * uFrameE.y + 4.0 * uFrameE.z * t2));
    theta -= (zeta * s - lam * c - late * e) / slope;
  }
  return theta;
}

vec4 framePosition(vec3 enu) {
  vec3 d = enu - uFrameC;
  float g = 0.0;
  if (uFrameKind > 0) {
    float zeta = dot(d, uFrameO);
    vec3 across = d - zeta / dot(uFrameO, uFrameO) * uFrameO;
    float lam = length(across);
    float theta = frameAngle(zeta, lam);
    float depth = zeta * uFrameEdge.y;
    if (theta < uFrameEdge.x) {
      float chi = uFrameKind == 2 ? frameChi(theta) : lam / zeta;
      float s = chi * chi;
      float mu = (uFrameR.z * s + uFrameR.y) * s + uFrameR.x;
      depth = (chi > 1e-6 ? lam / chi : zeta) / (1.0 + mu);
    }
    g = depth - zeta;
  }
  vec3 p = d + g * uFrameO;
  float w = dot(p, uFrameA);
  vec2 corner = vec2(dot(p, uFrameH), dot(p, uFrameV)) + (0.5 - uFrameWindow.xy) * w;
  vec2 ndc = 2.0 * corner / uFrameWindow.zw - w;
  return vec4(ndc.x, -ndc.y, w * 1.00002 - 0.04, w);
}
`;

export function frameUniforms() {
  const vector = () => ({ value: new THREE.Vector3() });
  return {
    uFrameKind: { value: 0 },
    uFrameC: vector(),
    uFrameA: vector(),
    uFrameH: vector(),
    uFrameV: vector(),
    uFrameO: vector(),
    uFrameR: vector(),
    uFrameE: vector(),
    uFrameL: { value: 0 },
    uFrameEdge: { value: new THREE.Vector2(Math.PI, 1) },
    uFrameWindow: { value: new THREE.Vector4(0, 0, 1, 1) },
  };
}

/** Fill the uniforms with a frame's camera (its record and its exact model). */
export function setFrameUniforms(uniforms, record, model, width, height) {
  uniforms.uFrameKind.value = KINDS[record.model];
  for (const name of ['C', 'A', 'H', 'V', 'O', 'R', 'E']) {
    uniforms[`uFrame${name}`].value.fromArray(record[name] ?? [0, 0, 0]);
  }
  uniforms.uFrameL.value = model.L ?? 0;
  if (!record.O) return;
  // Somewhat beyond the farthest corner, but within the model's field.
  let corner = 0;
  for (const x of [-0.5, width / 2, width - 0.5]) {
    for (const y of [-0.5, height / 2, height - 0.5]) {
      const ray = model.ray([x, y]);
      if (ray) corner = Math.max(corner, Math.acos(Math.min(1, dot(ray.direction, record.O))));
    }
  }
  const limit = model.theta ? model.theta(Math.sqrt(model.limit)) : Math.atan(Math.sqrt(model.limit));
  const edge = Math.min(corner * 1.12 + 0.02, 0.5 * (corner + Math.min(limit, Math.PI / 2)));
  const chi = model.chi ? model.chi(edge) : Math.tan(edge);
  const s = chi * chi;
  const mu = (model.R[2] * s + model.R[1]) * s + model.R[0];
  uniforms.uFrameEdge.value.set(edge, Math.tan(edge) / chi / (1 + mu));
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
