/** What each measuring tool makes of the places clicked: a headline, rows to read, numbers to keep. */
import {
  angle,
  apply,
  area,
  azimuthElevation,
  distance,
  groundWithin,
  heightAbovePlane,
  pixelAngle,
  planeFit,
  polylineLength,
  profile,
  profileCsv,
  sigmaAlong,
  slopeAbout,
  withSigma,
} from '../tools/index.js';
import { add, cross, scale } from '../tools/vector.js';

const KINDS = { measured: 'measured', filled: 'filled, not measured', extended: 'extended, not measured' };
const PROFILE_STEPS = 241;
const FAR_UP_M = 1000;

/**
 * Tools in the order of their buttons. `least`/`most`: how many places; `steps`: what to click next; `shape`: how the
 * places are joined.
 */
export const TOOLS = [
  { id: 'point', name: 'Point', key: 'p', least: 1, most: 1, shape: 'point', steps: ['a place'] },
  {
    id: 'distance',
    name: 'Distance',
    key: 'l',
    least: 2,
    most: 2,
    shape: 'line',
    steps: ['the first place', 'the second place'],
  },
  {
    id: 'polyline',
    name: 'Polyline',
    key: 'k',
    least: 2,
    most: 500,
    shape: 'line',
    steps: ['the first place', 'the next place', 'the next place, or Done'],
  },
  {
    id: 'height',
    name: 'Height',
    key: 'i',
    least: 4,
    most: 4,
    shape: 'height',
    steps: [
      'the first of three places of the plane',
      'the second place of the plane',
      'the third place of the plane',
      'the place whose height is wanted',
    ],
  },
  {
    id: 'area',
    name: 'Area',
    key: 'r',
    least: 3,
    most: 500,
    shape: 'area',
    steps: ['the first corner', 'the second corner', 'the third corner', 'the next corner, or Done'],
  },
  {
    id: 'angle',
    name: 'Angle',
    key: 'g',
    least: 3,
    most: 3,
    shape: 'line',
    steps: ['the end of one leg', 'the corner', 'the end of the other leg'],
  },
  {
    id: 'plane',
    name: 'Plane',
    title: 'Plane: dip and strike',
    key: 'n',
    least: 2,
    most: 2,
    shape: 'circle',
    steps: ['the middle of a circle', 'its edge'],
  },
  { id: 'profile', name: 'Profile', key: 'j', least: 2, most: 2, shape: 'line', steps: ['the start', 'the end'] },
];

/** Ground straight below a place high up. */
export const groundUnder =
  (viewer) =>
  (e, n, fromUp = FAR_UP_M) =>
    viewer.pickRay([e, n, fromUp], [0, 0, -1]);

/** The coarsest pixel of the left frames, rad. */
function pixelRad(manifest) {
  const left = manifest.frames.filter((f) => f.eye === 'left').map((f) => pixelAngle(f.camera));
  return left.length ? Math.max(...left) : manifest.lateral_rad;
}

function threeRows(names, values, sigmas) {
  return names.map((name, i) => [name, withSigma(values[i], sigmas[i], 'm')]);
}

/** Rows of a place in a frame that a rigid transform leads to. */
function framed(transform, point, names) {
  const sigmas = transform.rotation.map((row) => sigmaAlong(point.cov, row));
  return threeRows(names, apply(transform, point.enu), sigmas);
}

function slope(viewer, point) {
  const { manifest } = viewer;
  const fit = slopeAbout(
    (origin, direction) => viewer.pickRay(origin, direction),
    point,
    manifest.eye,
    pixelRad(manifest),
  );
  return fit
    ? { text: withSigma(fit.dipDeg, fit.dipSigmaDeg, 'deg'), value: fit.dipDeg }
    : { text: withSigma(point.slope_deg, NaN, 'deg'), value: point.slope_deg };
}

function pointTool(viewer, [point]) {
  const { manifest } = viewer;
  const sigmas = [0, 1, 2].map((i) => Math.sqrt(point.cov[i][i]));
  const seen = azimuthElevation(point, manifest.eye);
  const shown = viewer.pointFrame(point);
  const steep = slope(viewer, point);
  const groups = [
    { title: 'East, north, up', rows: threeRows(['East', 'North', 'Up'], point.enu, sigmas) },
    manifest.rover_from_enu && {
      title: 'Rover (ROVER_NAV)',
      rows: framed(manifest.rover_from_enu, point, ['X forward', 'Y right', 'Z down']),
    },
    manifest.site_from_enu && {
      title: 'Site (SITE)',
      rows: framed(manifest.site_from_enu, point, ['X north', 'Y east', 'Z down']),
    },
    {
      title: 'Seen from the camera',
      rows: [
        ['Range', withSigma(point.range_m, point.sigma_m, 'm')],
        ['Azimuth', withSigma(seen.azimuthDeg, seen.azimuthSigmaDeg, 'deg')],
        ['Elevation', withSigma(seen.elevationDeg, seen.elevationSigmaDeg, 'deg')],
        ['Slope', steep.text],
        ['Ground', KINDS[point.kind] ?? 'unknown'],
        ['Measured by', `${point.seen} ${point.seen === 1 ? 'pair' : 'pairs'}`],
        shown
          ? ['Pixel', `column ${shown.pixel[0].toFixed(1)}, row ${shown.pixel[1].toFixed(1)}`]
          : ['Frame', 'none shows it'],
        shown && ['', `of frame ${shown.frame.id}`],
      ].filter(Boolean),
    },
  ].filter(Boolean);
  return {
    headline: `range ${withSigma(point.range_m, point.sigma_m, 'm')}`,
    label: withSigma(point.range_m, point.sigma_m, 'm'),
    groups,
    frame: shown ? viewer.frames.indexOf(shown.frame) : -1,
    measure: {
      range_m: point.range_m,
      sigma_m: point.sigma_m,
      azimuth_deg: seen.azimuthDeg,
      elevation_deg: seen.elevationDeg,
      slope_deg: steep.value,
    },
  };
}

function distanceTool(viewer, [a, b]) {
  const d = distance(a, b);
  const main = withSigma(d.value, d.sigma, 'm');
  return {
    headline: main,
    label: main,
    groups: [
      {
        rows: [
          ['Level', withSigma(d.horizontalM, d.horizontalSigmaM, 'm')],
          ['Rise', withSigma(d.riseM, d.riseSigmaM, 'm')],
        ],
      },
    ],
    measure: { length_m: d.value, sigma_m: d.sigma, horizontal_m: d.horizontalM, rise_m: d.riseM },
  };
}

function polylineTool(viewer, points) {
  const d = polylineLength(points);
  const main = withSigma(d.value, d.sigma, 'm');
  return {
    headline: main,
    label: main,
    groups: [
      {
        rows: [
          ['Level', withSigma(d.horizontalM, d.horizontalSigmaM, 'm')],
          ['Pieces', String(d.pieces)],
        ],
      },
    ],
    measure: { length_m: d.value, sigma_m: d.sigma, horizontal_m: d.horizontalM },
  };
}

function heightTool(viewer, [a, b, c, place]) {
  const h = heightAbovePlane(place, a, b, c);
  const main = withSigma(h.value, h.sigma, 'm');
  return {
    headline: main,
    label: main,
    groups: [
      {
        rows: [
          ['', Number.isFinite(h.value) ? 'square to the plane, up is positive' : 'the three places lie in a line'],
        ],
      },
    ],
    measure: { height_m: h.value, sigma_m: h.sigma },
  };
}

function areaTool(viewer, points) {
  const a = area(points);
  const main = withSigma(a.value, a.sigma, 'm2');
  return {
    headline: main,
    label: main,
    groups: [
      {
        rows: [
          ['Seen from above', withSigma(a.horizontalM2, a.horizontalSigmaM2, 'm2')],
          ['Perimeter', withSigma(a.perimeterM, a.perimeterSigmaM, 'm')],
        ],
      },
    ],
    measure: { area_m2: a.value, sigma_m2: a.sigma, horizontal_m2: a.horizontalM2, perimeter_m: a.perimeterM },
  };
}

function angleTool(viewer, [a, b, c]) {
  const found = angle(a, b, c);
  const main = withSigma(found.value, found.sigma, 'deg');
  return { headline: main, label: main, groups: [], measure: { angle_deg: found.value, sigma_deg: found.sigma } };
}

/** Places of a circle's line on the ground; where there is none, at the height of its middle. */
export function circle(viewer, centre, radius, count = 48) {
  return Array.from({ length: count }, (_, i) => {
    const turn = (2 * Math.PI * i) / count;
    const [e, n] = [centre[0] + radius * Math.sin(turn), centre[1] + radius * Math.cos(turn)];
    return [e, n, viewer.groundHeight(e, n) ?? centre[2]];
  });
}

function planeTool(viewer, points, polygon) {
  const { manifest } = viewer;
  const corners = points.map((p) => p.enu);
  const radius = Math.hypot(corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]);
  const { places, stepM } = groundWithin(groundUnder(viewer), corners, pixelRad(manifest), manifest.eye);
  const fit = planeFit(places);
  if (!Number.isFinite(fit.dipDeg)) {
    return {
      headline: 'no plane',
      label: 'no plane',
      measure: {},
      groups: [
        {
          rows: [
            [
              '',
              `too little measured ground there (${places.length} places ${stepM.toPrecision(2)} m apart): take more`,
            ],
          ],
        },
      ],
    };
  }
  const dip = withSigma(fit.dipDeg, fit.dipSigmaDeg, 'deg');
  return {
    headline: `dip ${dip}`,
    label: `dip ${dip}`,
    groups: [
      {
        rows: [
          ['Dips towards', withSigma(fit.dipDirectionDeg, fit.strikeSigmaDeg, 'deg')],
          ['Strike', withSigma(fit.strikeDeg, fit.strikeSigmaDeg, 'deg')],
          ['', 'falls to the right of the strike'],
          ['Places', `${fit.count}, ${stepM.toPrecision(2)} m apart`],
          ['Off the plane', `${(1000 * fit.rmsM).toPrecision(2)} mm rms`],
          ['Chi² reduced', fit.reducedChi2.toPrecision(3)],
        ],
      },
    ],
    plane: planeMark(fit, polygon ? Math.sqrt(area(points).horizontalM2 / Math.PI) : radius),
    measure: {
      dip_deg: fit.dipDeg,
      dip_sigma_deg: fit.dipSigmaDeg,
      strike_deg: fit.strikeDeg,
      strike_sigma_deg: fit.strikeSigmaDeg,
      count: fit.count,
      rms_m: fit.rmsM,
    },
  };
}

/** The strike line through the plane's middle with the tick that points down the dip, as geologists draw it. */
function planeMark(fit, radius) {
  const level = Math.hypot(fit.normal[0], fit.normal[1]);
  if (!(level > 1e-9)) return [];
  const strike = [-fit.normal[1] / level, fit.normal[0] / level, 0];
  const down = cross(strike, fit.normal);
  const dip = down[2] < 0 ? down : scale(down, -1);
  const at = (along, below) => add(add(fit.centre, scale(strike, along * radius)), scale(dip, below * radius));
  return [at(-0.8, 0), at(0, 0), at(0, 0.4), at(0, 0), at(0.8, 0)];
}

function profileTool(viewer, [a, b]) {
  const samples = profile(groundUnder(viewer), a.enu, b.enu, PROFILE_STEPS);
  const d = distance(a, b);
  const heights = samples.filter((s) => s.up_m !== null);
  const low = heights.reduce(
    (found, s) => (s.up_m < found.up_m ? s : found),
    heights[0] ?? { up_m: NaN, sigma_m: NaN },
  );
  const high = heights.reduce(
    (found, s) => (s.up_m > found.up_m ? s : found),
    heights[0] ?? { up_m: NaN, sigma_m: NaN },
  );
  return {
    headline: `${withSigma(d.horizontalM, d.horizontalSigmaM, 'm')} long`,
    label: `profile ${withSigma(d.horizontalM, d.horizontalSigmaM, 'm')}`,
    groups: [
      {
        rows: [
          ['Rise', withSigma(d.riseM, d.riseSigmaM, 'm')],
          ['Lowest', withSigma(low.up_m, low.sigma_m, 'm')],
          ['Highest', withSigma(high.up_m, high.sigma_m, 'm')],
          ['Without ground', `${Math.round((100 * (samples.length - heights.length)) / samples.length)} % of the line`],
        ],
      },
    ],
    profile: samples,
    csv: () => profileCsv(samples),
    measure: { horizontal_m: d.horizontalM, sigma_m: d.horizontalSigmaM, rise_m: d.riseM },
  };
}

const RUN = {
  point: pointTool,
  distance: distanceTool,
  polyline: polylineTool,
  height: heightTool,
  area: areaTool,
  angle: angleTool,
  plane: planeTool,
  profile: profileTool,
};

/**
 * @param {string} id of the tool
 * @param {object[]} points Point of the viewer
 * @param {boolean} [polygon] of the plane tool
 */
export function evaluate(viewer, id, points, polygon = false) {
  return RUN[id](viewer, points, polygon);
}

/** A measurement as lines to copy. */
export function asText(name, result) {
  const lines = [`${name}: ${result.headline}`];
  for (const group of result.groups) {
    if (group.title) lines.push(`${group.title}:`);
    for (const [label, value] of group.rows) lines.push(`  ${label ? `${label}: ` : ''}${value}`);
  }
  return lines.join('\n');
}
