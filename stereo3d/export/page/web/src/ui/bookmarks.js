/** Bookmarks: named views, kept in the address (so that a link carries them) and in the browser's own store. */

export const MOST = 50;
const MOST_ADDRESS = 12_000;
const MODES = ['orbit', 'walk', 'fly', 'top'];
const MOST_BYTES = 1_000_000;

const place = (value) => Array.isArray(value) && value.length === 3 && value.every((v) => Number.isFinite(v) && Math.abs(v) < 1e7);
const angle = (value, most) => Number.isFinite(value) && Math.abs(value) <= most;

/** A bookmark of somebody else's making, checked; null where it is none. */
export function checked(value, layers) {
  const view = value?.view;
  if (!view || typeof view !== 'object' || !MODES.includes(view.mode) || !place(view.eye)) return null;
  if (!angle(view.azimuth_deg, 3600) || !angle(view.elevation_deg, 90)) return null;
  const clean = { mode: view.mode, eye: [...view.eye], azimuth_deg: view.azimuth_deg, elevation_deg: view.elevation_deg };
  if (place(view.focus)) clean.focus = [...view.focus];
  if (Number.isFinite(view.fov_deg) && view.fov_deg > 0.1 && view.fov_deg < 170) clean.fov_deg = view.fov_deg;
  if (Number.isFinite(view.height_m) && view.height_m > 0 && view.height_m < 1e6) clean.height_m = view.height_m;
  const name = typeof value.name === 'string' ? value.name.slice(0, 80) : '';
  return { name: name || 'View', layer: layers.includes(value.layer) ? value.layer : 'image', view: clean };
}

const rounded = (value) => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'number' ? Number(v.toFixed(4)) : v)));

/** Bookmarks as a file: the desktop window reads and writes the same. */
export function bookmarksFile(list) {
  return `${JSON.stringify({ stereo3d: { format: 1, kind: 'bookmarks' }, bookmarks: rounded(list) }, null, 1)}\n`;
}

/** The bookmarks of a file's text; an Error says what is wrong. */
export function readBookmarks(text, layers) {
  if (text.length > MOST_BYTES) throw new Error('the file is larger than 1 MB');
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error('the file is not JSON');
  }
  if (content?.stereo3d?.format !== 1 || content.stereo3d.kind !== 'bookmarks' || !Array.isArray(content.bookmarks)) {
    throw new Error('this is not a file of bookmarks of stereo3d (format 1)');
  }
  if (content.bookmarks.length > MOST) throw new Error(`the file has more than ${MOST} bookmarks`);
  return content.bookmarks.map((value, i) => {
    const found = checked(value, layers);
    if (!found) throw new Error(`bookmark ${i + 1} has no proper view`);
    return found;
  });
}

const toAddress = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const fromAddress = (text) => new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)));

/** The browser's store under a name of this scene; it may be missing, full or forbidden. */
export function store(manifest, what) {
  const { mission, site, drive } = manifest.place ?? {};
  const key = `stereo3d:${what}:${[manifest.name, mission, site, drive].join(':')}`.slice(0, 300);
  return {
    read() {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    write(text) {
      try {
        if (text === null) localStorage.removeItem(key);
        else localStorage.setItem(key, text);
        return true;
      } catch {
        return false;
      }
    },
  };
}

export class Bookmarks extends EventTarget {
  constructor(viewer, layers) {
    super();
    this.viewer = viewer;
    this.layers = layers;
    this.kept = store(viewer.manifest, 'bookmarks');
    this.list = this.fromHash() ?? this.fromStore() ?? [];
    window.addEventListener('hashchange', () => {
      const list = this.fromHash();
      if (!list) return;
      this.list = list;
      this.dispatchEvent(new Event('change'));
    });
  }

  parsed(text) {
    try {
      const values = JSON.parse(text);
      if (!Array.isArray(values)) return null;
      return values.slice(0, MOST).map((value) => checked(value, this.layers)).filter(Boolean);
    } catch {
      return null;
    }
  }

  fromHash() {
    const found = /[#&]views=([A-Za-z0-9_-]{1,60000})/.exec(location.hash);
    if (!found) return null;
    try {
      return this.parsed(fromAddress(found[1]));
    } catch {
      return null;
    }
  }

  fromStore() {
    const text = this.kept.read();
    return text ? this.parsed(text) : null;
  }

  /** Keeps the list in the address and in the store. */
  changed() {
    const text = JSON.stringify(rounded(this.list));
    this.kept.write(text);
    const address = this.list.length ? toAddress(text) : '';
    if (address.length <= MOST_ADDRESS) {
      const hash = address ? `#views=${address}` : '';
      try {
        history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
      } catch {
        location.hash = hash;
      }
    }
    this.dispatchEvent(new Event('change'));
  }

  add(name) {
    if (this.list.length >= MOST) return null;
    const mark = { name: name || `View ${this.list.length + 1}`, layer: this.viewer.layer, view: rounded(this.viewer.viewState()) };
    this.list.push(mark);
    this.changed();
    return mark;
  }

  rename(mark, name) {
    mark.name = name.slice(0, 80) || 'View';
    this.changed();
  }

  remove(mark) {
    this.list = this.list.filter((one) => one !== mark);
    this.changed();
  }

  move(mark, by) {
    const from = this.list.indexOf(mark);
    const to = from + by;
    if (to < 0 || to >= this.list.length) return;
    this.list.splice(from, 1);
    this.list.splice(to, 0, mark);
    this.changed();
  }

  go(mark, seconds) {
    this.viewer.showFrame(null);
    this.viewer.layer = mark.layer;
    return this.viewer.setView(mark.view, { seconds });
  }
}

const mixed = (a, b, t) => a + (b - a) * t;
const turned = (a, b, t) => a + (((((b - a + 180) % 360) + 360) % 360) - 180) * t;

/** The view a share `t` (0..1) of the way from one view to another; another mode is cut to in the middle. */
export function between(a, b, t) {
  const s = t * t * (3 - 2 * t);
  if (a.mode === 'top' ? b.mode !== 'top' : b.mode === 'top') return t < 0.5 ? a : b;
  const state = {
    mode: t < 0.5 ? a.mode : b.mode, eye: a.eye.map((v, k) => mixed(v, b.eye[k], s)), azimuth_deg: turned(a.azimuth_deg, b.azimuth_deg, s),
    elevation_deg: mixed(a.elevation_deg, b.elevation_deg, s),
  };
  if (a.focus && b.focus) state.focus = a.focus.map((v, k) => mixed(v, b.focus[k], s));
  if (a.fov_deg && b.fov_deg) state.fov_deg = mixed(a.fov_deg, b.fov_deg, s);
  // A zoom is even when the height grows by the same share in each moment.
  if (a.height_m && b.height_m) state.height_m = a.height_m * (b.height_m / a.height_m) ** s;
  return state;
}
