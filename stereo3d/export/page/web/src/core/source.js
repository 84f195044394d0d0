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

async function partServed(name, progress) {
  const reply = await fetched(`part/${encodeURIComponent(name)}`);
  const total = Number(reply.headers.get('Content-Length'));
  if (!progress || !total || !reply.body) return reply.arrayBuffer();
  const bytes = new Uint8Array(total);
  let done = 0;
  const reader = reply.body.getReader();
  for (;;) {
    const { done: end, value } = await reader.read();
    if (end) break;
    if (done + value.length > total) throw new Error(`${name} is longer than the server said.`);
    bytes.set(value, done);
    done += value.length;
    progress(done / total);
  }
  if (done !== total) throw new Error(`${name} was cut short: load the page again.`);
  return bytes.buffer;
}

async function fetched(path) {
  let reply;
  try {
    reply = await fetch(path, { credentials: 'same-origin' });
  } catch {
    throw new Error('The server does not answer: is "stereo3d view --web" still running?');
  }
  if (!reply.ok) throw new Error(`The server has no ${path} (${reply.status}).`);
  return reply;
}
