/** Line icons of 24 x 24, drawn here. */
import { svg } from './dom.js';

const PATHS = {
  measure: 'M3 16 16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2',
  mark: 'M12 21s7-6.2 7-11.5A7 7 0 0 0 5 9.5C5 14.8 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  layers: 'M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5',
  view: 'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 3v2.5M12 18.5V21M3 12h2.5M18.5 12H21M5.6 5.6l1.8 1.8M16.6 16.6l1.8 1.8M18.4 5.6l-1.8 1.8M7.4 16.6l-1.8 1.8',
  frames: 'M4 7h3l2-2.5h6L17 7h3v12H4zM12 16a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z',
  places: 'M6 3h12v18l-6-4.5L6 21z',
  picture: 'M12 3v12M7.5 10.5 12 15l4.5-4.5M4 17v4h16v-4',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.3 9.3a2.7 2.7 0 1 1 3.9 2.5c-.8.4-1.2.9-1.2 1.9M12 16.8v.2',
  point: 'M12 3v6M12 15v6M3 12h6M15 12h6M12 12v.1',
  distance: 'M5 19 19 5M3.5 17.5l3 3M17.5 3.5l3 3',
  polyline: 'M4 18l5-9 5 5 6-9',
  height: 'M3 19l9 2 9-4M12 17V4M8.5 7.5 12 4l3.5 3.5',
  area: 'M5 7l9-3 6 8-5 8-11-3z',
  angle: 'M20 19H4L16 5M11 19a8 8 0 0 0-1.8-5',
  plane: 'M3 15l7-9h11l-7 9zM12 11v9M9.5 17.5 12 20l2.5-2.5',
  profile: 'M3 4v16h18M6 15c2-6 4-6 6-3s4 2 7-6',
  line: 'M4 18l6-8 4 4 6-9',
  text: 'M5 6V4h14v2M12 4v16M9 20h6',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h11v12H9zM5 15H4V3h11v2',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14',
  keep: 'M12 5v14M5 12h14',
  home: 'M4 11l8-7 8 7M6 10v10h12V10',
  edit: 'M4 20l1-5L16 4l4 4L9 19z',
};

/** An icon; it says nothing to a screen reader, the text beside it does. */
export function icon(name) {
  return svg('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' }, svg('path', { d: PATHS[name] }));
}
