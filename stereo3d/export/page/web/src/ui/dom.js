/** Making elements. Texts are always set as text, never as markup; styles are set by classes or the object model. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element: `class`, `text`, `testid`, `on` (event handlers), `aria` (without the prefix), `data`, `attr`; everything
 * else is set as a property. Children that are null are left out; texts become text nodes.
 */
export function el(tag, options = {}, ...children) {
  const { class: name, text, testid, on, aria, data, attr, ...properties } = options;
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  if (testid) element.dataset.testid = testid;
  for (const [key, value] of Object.entries(data ?? {})) element.dataset[key] = value;
  for (const [key, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${key}`, value);
  for (const [key, value] of Object.entries(attr ?? {})) element.setAttribute(key, value);
  for (const [type, handler] of Object.entries(on ?? {})) element.addEventListener(type, handler);
  Object.assign(element, properties);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An SVG element with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'text') element.textContent = value;
    else element.setAttribute(key, String(value));
  }
  element.append(...children.flat().filter(Boolean));
  return element;
}

let lastId = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** A labelled slider that tells its value; `show` makes the text of a value. */
export function slider({ label, min, max, step, value, show = String, testid, input }) {
  const id = freshId('slider');
  const told = el('output', { class: 'told', htmlFor: id, text: show(value) });
  const range = el('input', { id, type: 'range', min, max, step, testid, aria: { valuetext: show(value) } });
  range.value = String(value);
  const tell = (number) => {
    told.textContent = show(number);
    range.setAttribute('aria-valuetext', show(number));
  };
  range.addEventListener('input', () => {
    tell(Number(range.value));
    input(Number(range.value));
  });
  const element = el('div', { class: 'field' }, el('label', { htmlFor: id, text: label }), told, range);
  return {
    element, range,
    set(number) {
      range.value = String(number);
      tell(number);
    },
  };
}

/** A labelled tick box. */
export function tick({ label, checked = false, testid, change }) {
  const box = el('input', { type: 'checkbox', checked, testid, on: { change: () => change(box.checked) } });
  return { element: el('label', { class: 'tick' }, box, el('span', { text: label })), box };
}

/** A labelled choice of a few; options are [value, text]. */
export function choice({ label, options, value, testid, change }) {
  const id = freshId('choice');
  const list = el('select', { id, testid, on: { change: () => change(list.value) } },
    options.map(([v, text]) => el('option', { value: v, text })));
  list.value = value;
  return { element: el('div', { class: 'field' }, el('label', { htmlFor: id, text: label }), list), list };
}

/** A labelled text field. */
export function textField({ label, value = '', testid, input, long = false, maxLength = 2000 }) {
  const id = freshId('text');
  const field = el(long ? 'textarea' : 'input', { id, value, maxLength, testid, on: { input: () => input?.(field.value) } });
  if (long) field.rows = 2;
  else field.type = 'text';
  return { element: el('div', { class: 'field' }, el('label', { htmlFor: id, text: label }), field), field };
}

/** A button with a text; `quiet` ones are drawn without a frame. */
export function button(text, click, { testid, quiet = false, title, disabled = false, aria } = {}) {
  const element = el('button', { type: 'button', class: quiet ? 'plain' : 'solid', text, testid, disabled, aria, on: { click } });
  if (title) element.title = title;
  return element;
}

/** A part of a panel under a heading. */
export function section(title, ...children) {
  return el('section', {}, el('h3', { text: title }), ...children);
}

/** Hands a file to the person. */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A name that every file system takes, of the scene's name and what the file holds. */
export function fileName(manifest, what, ending) {
  const base = String(manifest.name ?? 'scene').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 60);
  return `${base || 'scene'}-${what}.${ending}`;
}

export const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
export const phone = () => matchMedia('(max-width: 700px)').matches;
