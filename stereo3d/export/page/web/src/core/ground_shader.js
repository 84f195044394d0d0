/** How the ground is coloured: one shader for all layers. */
import { THREE } from './three.js';
import { FRAME_GLSL, frameUniforms } from './camera/glsl.js';

export const LAYERS = ['image', 'elevation', 'slope', 'range', 'sigma', 'seen', 'hillshade', 'kind'];

/** Colours of the layer `kind`: what was measured, what was filled in between, what was extended outwards. */
export const KIND_COLOURS = { measured: '#c4a484', filled: '#56b4e9', extended: '#d55e00' };

// Only what a layer needs goes from vertex to pixel: in software drawing each of these costs.
const NEEDS = /* glsl */ `
#if LAYER == 2 || LAYER == 6
#define WITH_NORMAL
#endif
#if LAYER == 1 || LAYER == 3 || defined(SHADOWS) || defined(CONTOURS) || defined(GRID) || defined(CLIP)
#define WITH_PLACE
#endif
#if LAYER == 4 || LAYER == 5 || LAYER == 7
#define WITH_VALUES
#endif
`;

const VERTEX = /* glsl */ `
${NEEDS}
in float _sigma, _kind, _seen;
uniform float uExaggeration;
out vec2 vUv;
#ifdef WITH_PLACE
out vec3 vEnu;
#endif
#ifdef WITH_NORMAL
out vec3 vNormal;
#endif
#ifdef WITH_VALUES
out vec2 vValues;
#endif
#ifdef FRAME
${FRAME_GLSL}
#endif

void main() {
  vec4 place = modelMatrix * vec4(position, 1.0);
  vUv = uv;
#ifdef WITH_PLACE
  vEnu = vec3(place.xy, place.z / uExaggeration);
#endif
#ifdef WITH_NORMAL
  // Across the surface in ENU, whatever the scales of the quantised places and of the exaggeration.
  vec3 scale = vec3(length(modelMatrix[0]), length(modelMatrix[1]), length(modelMatrix[2]) / uExaggeration);
  vNormal = normal / scale * scale.x;
#endif
#if LAYER == 4
  vValues = vec2(_sigma, 0.0);
#elif LAYER == 5
  vValues = vec2(_seen, 0.0);
#elif LAYER == 7
  vValues = vec2(abs(_kind - 1.0) < 0.5 ? 1.0 : 0.0, _kind > 1.5 ? 1.0 : 0.0); // filled, extended
#endif
#ifdef FRAME
  gl_Position = framePosition(vec3(place.xy, place.z / uExaggeration));
#else
  gl_Position = projectionMatrix * (viewMatrix * place);
#endif
}
`;

const FRAGMENT = /* glsl */ `
${NEEDS}
uniform sampler2D uPhoto, uPalette;
uniform float uBrightness, uMono, uContour;
uniform vec2 uLimits;
uniform vec3 uEye, uSun, uClipMin, uClipMax, uKind[3];
in vec2 vUv;
#ifdef WITH_PLACE
in vec3 vEnu;
#endif
#ifdef WITH_NORMAL
in vec3 vNormal;
#endif
#ifdef WITH_VALUES
in vec2 vValues;
#endif
out vec4 outColour;

#ifdef SHADOWS
uniform highp sampler2D uShadow;
uniform mat4 uSunFromEnu;
uniform float uShadowTexel, uShadowStep; // of the shadow's picture; m of the ground that one takes

// Share of the sun that reaches a place: 1 or what lies around it of 0 and 1, mixed over a pixel of the shadow's picture.
float sunlit(vec3 place, vec3 normal) {
  vec3 at = (uSunFromEnu * vec4(place + normal * (1.5 * uShadowStep), 1.0)).xyz * 0.5 + 0.5;
  if (any(lessThan(at, vec3(0.002))) || any(greaterThan(at, vec3(0.998)))) return 1.0;
  vec2 pixel = at.xy / uShadowTexel - 0.5;
  vec2 first = (floor(pixel) + 0.5) * uShadowTexel;
  vec2 part = fract(pixel);
  vec4 lit = vec4(
    step(at.z, texture(uShadow, first).r),
    step(at.z, texture(uShadow, first + vec2(uShadowTexel, 0.0)).r),
    step(at.z, texture(uShadow, first + vec2(0.0, uShadowTexel)).r),
    step(at.z, texture(uShadow, first + vec2(uShadowTexel)).r));
  return mix(mix(lit.x, lit.y, part.x), mix(lit.z, lit.w, part.x), part.y);
}
#endif

vec3 ofPalette(float value, float dim) {
  if (isnan(value)) return vec3(0.35) * dim;
#ifdef LOGARITHMIC
  float share = log(max(value, uLimits.x) / uLimits.x) / log(uLimits.y / uLimits.x);
#else
  float share = (value - uLimits.x) / (uLimits.y - uLimits.x);
#endif
  return texture(uPalette, vec2((clamp(share, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb * dim;
}

// How much of a pixel lines of width 'px' cover, at whole numbers of 'at'; they fade where they would run together.
float lines(float at, float px) {
  float step = max(fwidth(at), 1e-6);
  float away = abs(fract(at - 0.5) - 0.5) / step;
  return clamp(0.5 * px + 0.5 - away, 0.0, 1.0) * clamp(1.4 - 3.5 * step, 0.0, 1.0);
}

void main() {
#ifdef CLIP
  if (any(lessThan(vEnu, uClipMin)) || any(greaterThan(vEnu, uClipMax))) discard;
#endif
  vec3 photo = texture(uPhoto, vUv).rgb;
  float dim = clamp(0.55 + 0.45 * dot(photo, vec3(0.25, 0.5, 0.25)) * (255.0 / 180.0), 0.55, 1.0);
  vec3 colour;
#if LAYER == 0
  colour = min(photo * uBrightness, 1.0);
#elif LAYER == 1
  colour = ofPalette(vEnu.z, dim);
#elif LAYER == 2
  colour = ofPalette(degrees(acos(clamp(normalize(vNormal).z, -1.0, 1.0))), dim);
#elif LAYER == 3
  colour = ofPalette(distance(vEnu, uEye), dim);
#elif LAYER == 4
  colour = ofPalette(vValues.x, dim);
#elif LAYER == 5
  colour = ofPalette(floor(vValues.x + 0.5), dim);
#elif LAYER == 6
  vec3 up = normalize(vNormal);
  float light = max(dot(up, uSun), 0.0);
#ifdef SHADOWS
  if (light > 0.0) light *= sunlit(vEnu, up);
#endif
  colour = vec3(0.12 + 0.88 * light);
#else
  float worst = vValues.y > 0.5 ? 2.0 : vValues.x > 0.5 ? 1.0 : 0.0;
  colour = (worst > 1.5 ? uKind[2] : worst > 0.5 ? uKind[1] : uKind[0]) * dim;
#endif
#ifdef GRID
  vec2 metre = vec2(lines(vEnu.x, 1.2), lines(vEnu.y, 1.2));
  vec2 ten = vec2(lines(vEnu.x / 10.0, 2.2), lines(vEnu.y / 10.0, 2.2));
  colour = mix(colour, vec3(0.75, 0.92, 1.0), max(0.45 * max(metre.x, metre.y), 0.8 * max(ten.x, ten.y)));
#endif
#ifdef CONTOURS
  float thin = lines(vEnu.z / uContour, 1.1);
  float bold = lines(vEnu.z / (5.0 * uContour), 2.0);
  colour = mix(colour, dot(colour, vec3(0.333)) > 0.35 ? vec3(0.08, 0.05, 0.03) : vec3(0.97, 0.93, 0.85), max(0.5 * thin, 0.85 * bold));
#endif
  outColour = vec4(mix(colour, vec3(dot(colour, vec3(0.3, 0.59, 0.11))), uMono), 1.0);
}
`;

/** The uniforms that all variants of the material share. */
export function groundUniforms() {
  const colour = (text) => new THREE.Color(text);
  return {
    uPhoto: { value: null },
    uPalette: { value: null },
    uBrightness: { value: 1 },
    uMono: { value: 0 },
    uContour: { value: 1 },
    uLimits: { value: new THREE.Vector2(0, 1) },
    uEye: { value: new THREE.Vector3() },
    uSun: { value: new THREE.Vector3(0, 0, 1) },
    uShadow: { value: null },
    uShadowTexel: { value: 1 },
    uShadowStep: { value: 1 },
    uSunFromEnu: { value: new THREE.Matrix4() },
    uClipMin: { value: new THREE.Vector3() },
    uClipMax: { value: new THREE.Vector3() },
    uKind: { value: Object.values(KIND_COLOURS).map(colour) },
    uExaggeration: { value: 1 },
    ...frameUniforms(),
  };
}

/** Materials by what they need: a plain picture is not slowed by what other layers compute. */
export class GroundMaterials {
  constructor(uniforms) {
    this.uniforms = uniforms;
    this.made = new Map();
  }

  /** @param {{layer: string, logarithmic?: boolean, frame?: boolean, contours?: boolean, grid?: boolean, shadows?: boolean, clip?: boolean, wireframe?: boolean}} wanted */
  get(wanted) {
    const { layer, logarithmic, frame, contours, grid, shadows, clip, wireframe } = wanted;
    const defines = { LAYER: LAYERS.indexOf(layer) };
    if (logarithmic) defines.LOGARITHMIC = '';
    if (frame) defines.FRAME = '';
    if (contours) defines.CONTOURS = '';
    if (grid) defines.GRID = '';
    if (shadows) defines.SHADOWS = '';
    if (clip) defines.CLIP = '';
    const key = JSON.stringify([defines, Boolean(wireframe)]);
    if (!this.made.has(key)) {
      const material = new THREE.ShaderMaterial({
        name: 'ground',
        glslVersion: THREE.GLSL3,
        vertexShader: VERTEX,
        fragmentShader: FRAGMENT,
        uniforms: this.uniforms,
        defines,
        side: THREE.DoubleSide,
        wireframe: Boolean(wireframe),
      });
      this.made.set(key, material);
    }
    return this.made.get(key);
  }
}
