/** The loading bar, and what is said when the page cannot show the ground. */

/** Why this browser cannot draw, or null. */
export function webglProblem() {
  const canvas = document.createElement('canvas');
  const gl = canvas.getContext('webgl2');
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  if (gl) return null;
  return (
    'This browser cannot draw the ground: WebGL 2 is missing or switched off. ' +
    'Switch on "hardware acceleration" in its settings, or open this page in a current Firefox, Chrome, Edge or Safari.'
  );
}

/** Whether drawing is done by the processor (SwiftShader, llvmpipe, WARP), not by a graphics card. */
export function softwareDrawing() {
  const gl = document.createElement('canvas').getContext('webgl2');
  const about = gl?.getExtension('WEBGL_debug_renderer_info');
  const name = gl ? String(gl.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : '';
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

export class Loading {
  constructor() {
    this.box = document.getElementById('loading');
    this.text = document.getElementById('loading-text');
    this.bar = document.getElementById('loading-bar');
  }

  /** @param {number} share 0 to 1 */
  show(share) {
    this.bar.value = share;
  }

  done() {
    this.box.hidden = true;
    document.getElementById('app').removeAttribute('aria-busy');
  }

  fail(error) {
    this.bar.hidden = true;
    this.box.hidden = false;
    this.box.setAttribute('role', 'alert');
    this.text.textContent = error.message;
  }
}
