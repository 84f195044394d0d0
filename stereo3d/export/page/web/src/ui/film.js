/** A fly-through along bookmarks as a film: MP4 by WebCodecs, else WebM by the browser's recorder. */
import { BufferTarget, CanvasSource, Mp4OutputFormat, Output, Quality, getFirstEncodableVideoCodec } from 'mediabunny';
import { between } from './bookmarks.js';
import { compose } from './picture.js';

const CODECS = ['avc', 'vp9', 'av1'];

/** Thrown when a person stops the film. */
export class Stopped extends Error {}

/** Which way this browser makes films: {kind: 'mp4', codec} | {kind: 'webm', mime} | null. */
export async function filmWay(width, height) {
  if (typeof VideoEncoder !== 'undefined') {
    const codec = await getFirstEncodableVideoCodec(CODECS, { width, height });
    if (codec) return { kind: 'mp4', codec };
  }
  if (typeof MediaRecorder !== 'undefined' && HTMLCanvasElement.prototype.captureStream) {
    const mime = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm'].find((m) => MediaRecorder.isTypeSupported(m));
    if (mime) return { kind: 'webm', mime };
  }
  return null;
}

/** Views of the film: {view, layer} of each picture. */
export function filmViews(marks, secondsEach, fps) {
  const steps = Math.max(1, Math.round(secondsEach * fps));
  const views = [];
  for (let leg = 0; leg + 1 < marks.length; leg++) {
    for (let i = 0; i < steps; i++) {
      const t = i / steps;
      views.push({ view: between(marks[leg].view, marks[leg + 1].view, t), layer: marks[t < 0.5 ? leg : leg + 1].layer });
    }
  }
  const last = marks[marks.length - 1];
  views.push({ view: last.view, layer: last.layer });
  return views;
}

/**
 * @param viewer @param marks of the view
 * @param {{bookmarks: object[], width: number, height: number, fps: number, secondsEach: number,
 *   progress: (share: number) => void, stopped: () => boolean}} options
 * @returns {Promise<{blob: Blob, ending: string, codec: string}>}
 */
export async function makeFilm(viewer, marks, { bookmarks, width, height, fps, secondsEach, progress, stopped }) {
  const way = await filmWay(width, height);
  if (!way) {
    throw new Error('This browser can make no films: it has neither WebCodecs nor MediaRecorder. Take single pictures, or use a current Chrome, Edge, Firefox or Safari.');
  }
  const before = { view: viewer.viewState(), layer: viewer.layer };
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const views = filmViews(bookmarks, secondsEach, fps);
  viewer.showFrame(null);
  const draw = async (i) => {
    if (stopped()) throw new Stopped();
    viewer.layer = views[i].layer;
    await viewer.setView(views[i].view, { seconds: 0 });
    compose(viewer, marks, { width, height, into: canvas });
    progress((i + 1) / views.length);
    // Lets the page live: the button that stops it, the bar.
    if (i % 2) await new Promise((resolve) => { setTimeout(resolve); });
  };
  try {
    return way.kind === 'mp4' ? await encoded(canvas, way.codec, views.length, fps, draw) : await recorded(canvas, way.mime, views.length, fps, draw);
  } finally {
    viewer.layer = before.layer;
    await viewer.setView(before.view, { seconds: 0 });
    viewer.requestRender();
  }
}

async function encoded(canvas, codec, count, fps, draw) {
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target: new BufferTarget() });
  const source = new CanvasSource(canvas, { codec, quality: new Quality('high'), keyFrameInterval: 2 });
  output.addVideoTrack(source, { frameRate: fps });
  await output.start();
  try {
    for (let i = 0; i < count; i++) {
      await draw(i);
      await source.add(i / fps, 1 / fps);
    }
    await output.finalize();
  } catch (error) {
    await output.cancel().catch(() => {});
    throw error;
  }
  return { blob: new Blob([output.target.buffer], { type: 'video/mp4' }), ending: 'mp4', codec };
}

/** The recorder takes pictures as time passes: a film drawn slowly plays slowly. */
async function recorded(canvas, mime, count, fps, draw) {
  const stream = canvas.captureStream(0);
  const [track] = stream.getVideoTracks();
  const recorder = new MediaRecorder(stream, { mimeType: mime, videoBitsPerSecond: 8_000_000 });
  const parts = [];
  recorder.addEventListener('dataavailable', (event) => parts.push(event.data));
  const ended = new Promise((resolve, reject) => {
    recorder.addEventListener('stop', resolve);
    recorder.addEventListener('error', () => reject(new Error('The browser stopped recording.')));
  });
  recorder.start(1000);
  try {
    for (let i = 0; i < count; i++) {
      const next = performance.now() + 1000 / fps;
      await draw(i);
      track.requestFrame();
      await new Promise((resolve) => { setTimeout(resolve, Math.max(0, next - performance.now())); });
    }
  } finally {
    recorder.stop();
    await ended;
    track.stop();
  }
  return { blob: new Blob(parts, { type: mime }), ending: 'webm', codec: mime };
}
