/** Opens the scene, starts the viewer and its panels. */
import { openSource } from './core/source.js';
import { Viewer } from './core/viewer.js';
import { Loading, webglProblem } from './core/loading.js';
import * as camera from './core/camera/models.js';
import { startUi } from './ui/ui.js';

async function start(page) {
  const loading = new Loading();
  try {
    const problem = webglProblem();
    if (problem) throw new Error(problem);
    const source = await openSource();
    const viewer = new Viewer(source, document);
    page.viewer = viewer;
    viewer.addEventListener('progress', (event) => loading.show(event.detail));
    await viewer.load();
    const started = startUi(viewer);
    page.ui = started;
    page.tools = started.tools;
    loading.done();
    return viewer;
  } catch (error) {
    loading.fail(error);
    throw error;
  }
}

const page = { camera };
window.stereo3d = page;
page.ready = start(page);
page.ready.catch(() => {});
