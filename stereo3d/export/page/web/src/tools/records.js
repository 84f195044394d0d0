// Annotations as GeoJSON and CSV.  Files come from strangers: everything is checked before anything is taken over.

import { apply, applyInverse } from './frames.js';

export const MAX_BYTES = 10_000_000;
export const MAX_FEATURES = 10_000;
export const MAX_COORDINATES = 100_000;
export const MAX_LETTERS = 2_000;
const MAX_METRES = 1e7;
const MAX_MEASURES = 50;

const GEOMETRY = { point: 'Point', text: 'Point', line: 'LineString', area: 'Polygon' };
const LEAST = { Point: 1, LineString: 2, Polygon: 3 };
const SAFE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,60}$/;

export const DEFAULT_COLOUR = '#f0b35a';

/**
 * @typedef {{enu: number[], sigma_m: number|null}} Vertex
 * @typedef {{kind: "point"|"line"|"area"|"text", name: string, note: string, colour: string, points: Vertex[],
 *   measure: Object<string, number|string|boolean>}} Annotation
 */

/** What is wrong with a file, in words for its owner. */
export class RecordError extends Error {}

/** At most MAX_LETTERS letters of a text; anything else than a text becomes "". */
export function cut(text) {
  if (typeof text !== 'string') return '';
  return text.length <= MAX_LETTERS ? text : [...text].slice(0, MAX_LETTERS).join('');
}

const rounded = (value, digits) => Number(value.toFixed(digits));

/**
 * The GeoJSON (a plain value) of annotations.  Coordinates are SITE (X north, Y east, Z down, m) where the stop's place
 * in its site is known, else ENU (east, north, up, m); to 0.1 mm.
 * @param {Annotation[]} annotations
 * @param {object} manifest
 */
export function toGeoJson(annotations, manifest) {
  const site = manifest.site_from_enu;
  const there = (p) => (site ? apply(site, p.enu) : p.enu).map((v) => rounded(v, 4));
  const place = manifest.place ?? {};
  return {
    type: 'FeatureCollection',
    stereo3d: {
      format: 1, frame: site ? 'SITE' : 'ENU', site: place.site ?? null, drive: place.drive ?? null,
      mission: place.mission ?? null,
      coordinates_are: site ? 'metres: north, east, down of the site frame' : 'metres: east, north, up of the stop',
    },
    features: annotations.map((a) => {
      const points = a.points.map(there);
      const type = GEOMETRY[a.kind];
      const coordinates = type === 'Point' ? points[0] : type === 'Polygon' ? [[...points, points[0]]] : points;
      return {
        type: 'Feature',
        geometry: { type, coordinates },
        properties: {
          kind: a.kind, name: a.name, note: a.note, colour: a.colour,
          sigma_m: a.points.map((p) => (Number.isFinite(p.sigma_m) ? rounded(p.sigma_m, 5) : null)),
          measure: a.measure,
        },
      };
    }),
  };
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function position(value, where) {
  if (!Array.isArray(value) || value.length !== 3) throw new RecordError(`${where}: a place is not three numbers`);
  for (const number of value) {
    if (typeof number !== 'number' || !Number.isFinite(number) || Math.abs(number) >= MAX_METRES) {
      throw new RecordError(`${where}: a coordinate is not a number below 10,000 km`);
    }
  }
  return value;
}

function positions(geometry, where) {
  if (!isObject(geometry)) throw new RecordError(`${where}: it has no geometry`);
  const { type, coordinates } = geometry;
  if (!Object.hasOwn(LEAST, type)) throw new RecordError(`${where}: its geometry is not a Point, LineString or Polygon`);
  if (type === 'Point') return [position(coordinates, where)];
  let list = coordinates;
  if (type === 'Polygon') {
    if (!Array.isArray(list) || list.length !== 1) throw new RecordError(`${where}: a polygon must have one ring`);
    list = list[0];
  }
  if (!Array.isArray(list)) throw new RecordError(`${where}: its coordinates are not a list`);
  if (list.length > MAX_COORDINATES) throw new RecordError(tooMany);
  let points = list.map((p) => position(p, where));
  if (type === 'Polygon') {
    const [first, last] = [points[0], points[points.length - 1]];
    if (points.length < 2 || first.some((v, i) => v !== last[i])) {
      throw new RecordError(`${where}: its ring does not end where it began`);
    }
    points = points.slice(0, -1);
  }
  if (points.length < LEAST[type]) throw new RecordError(`${where}: a ${type} needs ${LEAST[type]} places at least`);
  return points;
}

const tooMany = `the file has more than ${MAX_COORDINATES.toLocaleString('en')} places`;

function sigmas(value, count) {
  const list = Array.isArray(value) && value.length === count ? value : [];
  return Array.from({ length: count }, (_, i) =>
    typeof list[i] === 'number' && Number.isFinite(list[i]) && list[i] >= 0 && list[i] < MAX_METRES ? list[i] : null);
}

function measures(value) {
  const found = {};
  if (!isObject(value)) return found;
  for (const key of Object.keys(value).slice(0, MAX_MEASURES)) {
    const one = value[key];
    if (!SAFE_NAME.test(key)) continue;
    if (typeof one === 'number' && Number.isFinite(one)) found[key] = one;
    else if (typeof one === 'boolean') found[key] = one;
    else if (typeof one === 'string') found[key] = cut(one);
  }
  return found;
}

function feature(value, number, there) {
  const where = `feature ${number}`;
  if (!isObject(value) || value.type !== 'Feature') throw new RecordError(`${where}: it is not a Feature`);
  const points = positions(value.geometry, where);
  const properties = isObject(value.properties) ? value.properties : {};
  const standard = { Point: 'point', LineString: 'line', Polygon: 'area' }[value.geometry.type];
  const kind = properties.kind === undefined ? standard : properties.kind;
  if (!Object.hasOwn(GEOMETRY, kind) || GEOMETRY[kind] !== value.geometry.type) {
    throw new RecordError(`${where}: its kind does not fit its geometry`);
  }
  const sigma = sigmas(properties.sigma_m, points.length);
  return {
    kind, name: cut(properties.name), note: cut(properties.note),
    colour: /^#[0-9a-fA-F]{6}$/.test(properties.colour) ? properties.colour.toLowerCase() : DEFAULT_COLOUR,
    points: points.map((p, i) => ({ enu: there(p), sigma_m: sigma[i] })),
    measure: measures(properties.measure),
  };
}

function frameOf(about, manifest) {
  const place = manifest.place ?? {};
  if (!isObject(about) || about.format !== 1) {
    throw new RecordError('this is not an annotation file of stereo3d (format 1)');
  }
  const differs = ['mission', 'site'].find((key) => (about[key] ?? null) !== (place[key] ?? null));
  if (differs) {
    throw new RecordError(`the file belongs to another ${differs} (${String(about[differs]).slice(0, 40)}, not ${place[differs]})`);
  }
  if (about.frame === 'SITE') {
    if (!manifest.site_from_enu) throw new RecordError("the file is in the site frame, but this scene's place in its site is unknown");
    return (p) => applyInverse(manifest.site_from_enu, p);
  }
  if (about.frame !== 'ENU') throw new RecordError('the file names neither SITE nor ENU as its frame');
  if ((about.drive ?? null) !== (place.drive ?? null)) {
    throw new RecordError(`the file belongs to another stop (drive ${String(about.drive).slice(0, 40)}, not ${place.drive})`);
  }
  return (p) => [...p];
}

/**
 * The annotations of a GeoJSON text; all of them or, by a RecordError, none.
 * @param {string} text
 * @param {object} manifest
 * @returns {Annotation[]}
 */
export function fromGeoJson(text, manifest) {
  if (text.length > MAX_BYTES) throw new RecordError('the file is larger than 10 MB');
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new RecordError('the file is not JSON');
  }
  if (!isObject(content) || content.type !== 'FeatureCollection' || !Array.isArray(content.features)) {
    throw new RecordError('the file is not a GeoJSON FeatureCollection');
  }
  const there = frameOf(content.stereo3d, manifest);
  if (content.features.length > MAX_FEATURES) {
    throw new RecordError(`the file has more than ${MAX_FEATURES.toLocaleString('en')} features`);
  }
  let total = 0;
  return content.features.map((value, i) => {
    const found = feature(value, i + 1, there);
    total += found.points.length;
    if (total > MAX_COORDINATES) throw new RecordError(tooMany);
    return found;
  });
}

const COLUMNS = [
  'name', 'kind', 'vertex', 'site_x_north_m', 'site_y_east_m', 'site_z_down_m', 'east_m', 'north_m', 'up_m', 'sigma_m',
  'note',
];

/** A text as one cell: never a formula to a spreadsheet, quoted where it must be. */
export function cell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * One row for each vertex.
 * @param {Annotation[]} annotations
 * @param {object} manifest
 */
export function toCsv(annotations, manifest) {
  const rows = [COLUMNS.join(',')];
  for (const a of annotations) {
    a.points.forEach((p, i) => {
      const site = manifest.site_from_enu ? apply(manifest.site_from_enu, p.enu).map((v) => v.toFixed(4)) : ['', '', ''];
      const sigma = Number.isFinite(p.sigma_m) ? p.sigma_m.toFixed(5) : '';
      rows.push([cell(a.name), a.kind, i + 1, ...site, ...p.enu.map((v) => v.toFixed(4)), sigma, cell(a.note)].join(','));
    });
  }
  return rows.join('\r\n') + '\r\n';
}
