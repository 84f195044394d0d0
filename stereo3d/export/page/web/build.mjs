// Bundles src/ to dist/stereo3d.js (one minified classic script) and style.css, and writes the licences of all that is
// in them.
//     npm ci && npm run build
// The heads of both hold a sha256 of the sources, so that a test without Node sees when they are stale: over build.mjs,
// package-lock.json, package.json and all .js and .css of src/ in the order of their paths (code points, "/" between
// folders), each as "<path>\n<bytes>\n" followed by its bytes.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, mkdirSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

function sources() {
  const found = ['build.mjs', 'package-lock.json', 'package.json'];
  const walk = (folder) => {
    for (const entry of readdirSync(join(here, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (/\.(js|css)$/.test(entry.name)) found.push(path);
    }
  };
  walk('src');
  return found.sort((a, b) => (a < b ? -1 : 1));
}

const hash = createHash('sha256');
for (const path of sources()) {
  const bytes = readFileSync(join(here, path));
  hash.update(`${path}\n${bytes.length}\n`).update(bytes);
}

const digest = hash.digest('hex');
const styles = ['src/core/base.css', 'src/ui/ui.css'].filter((path) => existsSync(join(here, path)));
writeFileSync(
  join(here, 'style.css'),
  `/* Made by build.mjs of ${styles.join(' and ')}; sources sha256 ${digest} */\n` +
    styles.map((path) => readFileSync(join(here, path), 'utf8')).join('\n'),
);

const result = await build({
  absWorkingDir: here,
  entryPoints: ['src/main.js'],
  bundle: true,
  format: 'iife',
  minify: true,
  target: 'es2022',
  charset: 'ascii',
  legalComments: 'none',
  banner: {
    js: `/* The page of stereo3d (MIT). The licences of what it contains: LICENSES.txt. sources sha256 ${digest} */`,
  },
  outfile: 'dist/stereo3d.js',
  metafile: true,
  logLevel: 'warning',
});

const packages = new Set();
for (const [path, part] of Object.entries(Object.values(result.metafile.outputs)[0].inputs)) {
  const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (name && part.bytesInOutput > 0) packages.add(name);
}
const rule = '-'.repeat(100);
const parts = ['dist/stereo3d.js contains code of these packages of npm, unchanged but for bundling and minifying.\n'];
for (const name of [...packages].sort()) {
  const folder = join(here, 'node_modules', name);
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].map((f) => join(folder, f)).find(existsSync);
  if (!file) throw new Error(`${name} brings no licence`);
  parts.push(
    `${rule}\n${name} ${about.version} (${about.license}): its source is the npm package ${name}@${about.version}\n${rule}\n`,
    readFileSync(file, 'utf8').trim() + '\n',
  );
}
mkdirSync(join(here, 'dist'), { recursive: true });
writeFileSync(join(here, 'dist/LICENSES.txt'), parts.join('\n'));
