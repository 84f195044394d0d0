/**
 * Where the scene comes from: the server that sent the page, or the page itself (one file).
 *
 * @typedef {{manifest: object, part: (name: string, progress?: (share: number) => void) => Promise<ArrayBuffer>}} Source
 */

/** @returns {Promise<Source>} */
export async function openSource() {
  const inside = document.getElementById('scene');
  if (inside) return { manifest: checked(JSON.parse(inside.textContent)), part: partInside };
  const reply = await fetched('scene.json');
  return { manifest: checked(await reply.json()), part: partServed };
}

function checked(manifest) {
  if (manifest?.format !== 1) throw new Error('This page and its scene do not fit together: make both anew.');
  return manifest;
}

async function partInside(name, progress) {
  const element = document.getElementById(`part:${name}`);
  if (!element) throw new Error(`The page lacks its part ${name}: it was cut short. Make it anew.`);
  const bytes = decodeBase64(element.textContent);
  // The text is as large again as the bytes, and each part is asked for once.
  element.remove();
  progress?.(1);
  return bytes.buffer;
}

/** Bytes of a base64 text, which may be broken into lines. */
export function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** XMLHttpRequest tells how far it is; reading the stream of a fetch to its end looks aborted to Chromium at times. */
function partServed(name, progress) {
  const path = `part/${encodeURIComponent(name)}`;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.responseType = 'arraybuffer';
    request.onprogress = ({ lengthComputable, loaded, total }) => lengthComputable && progress?.(loaded / total);
    request.onload = () => {
      if (request.status !== 200) reject(new Error(missing(path, request.status)));
      else resolve(request.response);
    };
    request.onerror = () => reject(new Error(SILENT));
    request.open('GET', path);
    request.send();
  });
}

const SILENT = 'The server does not answer: is "stereo3d view --web" still running?';
const missing = (path, status) => `The server has no ${path} (${status}).`;

async function fetched(path) {
  let reply;
  try {
    reply = await fetch(path, { credentials: 'same-origin' });
  } catch {
    throw new Error(SILENT);
  }
  if (!reply.ok) throw new Error(missing(path, reply.status));
  return reply;
}
