/** The frames of the scene: their exact cameras, pictures and reasons of what is not measured. */
import { cameraModel } from './camera/models.js';
import { bitmap } from './images.js';

export function openFrames(manifest, source) {
  const parts = new Map();
  const load = (name) => {
    if (!parts.has(name)) parts.set(name, source.part(name).then((buffer) => bitmap(buffer, name)));
    return parts.get(name);
  };
  return manifest.frames.map((record) => {
    const camera = cameraModel(record.camera);
    let reasons = null;
    return {
      id: record.id,
      // The camera's vectors beside the picture's own numbers.
      record: { ...record, ...record.camera, width: record.width, height: record.height },
      camera,
      project: (enu) => camera.project(enu),
      ray: (pixel) => camera.ray(pixel),
      picture: () => load(record.part),
      inside: ([x, y]) => x >= -0.5 && y >= -0.5 && x < record.width - 0.5 && y < record.height - 0.5,
      async reasonAt([x, y]) {
        if (!record.reason) return null;
        reasons ??= readable(await load(record.reason.part));
        const { data, width, height } = reasons;
        const column = Math.floor((x + 0.5) / record.reason.scale);
        const row = Math.floor((y + 0.5) / record.reason.scale);
        if (column < 0 || row < 0 || column >= width || row >= height) return null;
        return manifest.reasons[data[4 * (row * width + column)]] ?? null;
      },
    };
  });
}

function readable(image) {
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}
