/** Pictures of the scene as bitmaps and textures: their pixels as stored, no colour conversion, first row on top. */
import { THREE } from './three.js';

const TYPES = { webp: 'image/webp', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg' };

/** @returns {Promise<ImageBitmap>} at most `largest` px in either direction. */
export async function bitmap(buffer, name, largest = Infinity) {
  const type = TYPES[name.split('.').pop()];
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
  const blob = new Blob([buffer], { type });
  const whole = await createImageBitmap(blob, options);
  const shrink = Math.min(1, largest / Math.max(whole.width, whole.height));
  if (shrink === 1) return whole;
  const resizeWidth = Math.floor(whole.width * shrink);
  const resizeHeight = Math.floor(whole.height * shrink);
  const small = await createImageBitmap(whole, { ...options, resizeWidth, resizeHeight, resizeQuality: 'medium' });
  whole.close();
  return small;
}

/** A texture with v = 0 at the first row. */
export function pictureTexture(image, { mipmaps = true, anisotropy = 1 } = {}) {
  const texture = new THREE.Texture(image);
  texture.flipY = false;
  texture.colorSpace = THREE.NoColorSpace;
  texture.generateMipmaps = mipmaps;
  texture.minFilter = mipmaps ? THREE.LinearMipmapLinearFilter : THREE.LinearFilter;
  texture.magFilter = THREE.LinearFilter;
  texture.anisotropy = anisotropy;
  texture.needsUpdate = true;
  return texture;
}

/** 256 x 1 px of a palette's 768 bytes of RGB. */
export function paletteTexture(bytes) {
  const rgba = new Uint8Array(256 * 4).fill(255);
  for (let i = 0; i < 256; i++) rgba.set(bytes.subarray(3 * i, 3 * i + 3), 4 * i);
  const texture = new THREE.DataTexture(rgba, 256, 1);
  texture.minFilter = texture.magFilter = THREE.LinearFilter;
  texture.needsUpdate = true;
  return texture;
}
