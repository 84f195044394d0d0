/** The frame of the panels: a slim column of buttons, one panel at a time, messages, the status line. */
import { el, phone } from './dom.js';
import { icon } from './icons.js';

export class Shell {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.panels = new Map();
    this.open = null;
    this.bar = el('nav', { id: 'bar', aria: { label: 'Panels' } });
    this.title = el('h2', { id: 'panel-title' });
    this.body = el('div', { id: 'panel-body' });
    const close = el('button', { type: 'button', class: 'plain square', testid: 'panel-close', aria: { label: 'Close the panel' },
      on: { click: () => this.show(null) } }, icon('close'));
    this.panel = el('aside', { id: 'panel', hidden: true, aria: { labelledby: 'panel-title' } },
      el('header', {}, this.title, close), this.body);
    this.readout = el('span', { id: 'readout', testid: 'readout' });
    this.credit = el('span', { id: 'credit' });
    this.status = el('footer', { id: 'status' }, this.readout, this.credit);
    this.message = el('div', { id: 'message', testid: 'message', attr: { role: 'status' }, aria: { live: 'polite' } });
    root.append(this.bar, this.panel, this.status);
    document.getElementById('stage').append(this.message);
  }

  /**
   * A panel and its button; `make` fills the body once, when it is first opened.
   * @param {{id: string, name: string, key: string, make: () => {element: HTMLElement, shown?: () => void, hidden?: () => void}}} panel
   */
  add(panel) {
    const button = el('button', { type: 'button', class: 'tool', testid: `panel-${panel.id}`,
      title: `${panel.name} (${panel.key})`, aria: { expanded: 'false', controls: 'panel', keyshortcuts: panel.key },
      on: { click: () => this.show(this.open === panel.id ? null : panel.id) } }, icon(panel.id), el('span', { text: panel.name }));
    this.bar.append(button);
    this.panels.set(panel.id, { ...panel, button, made: null });
  }

  /** A button that opens no panel. */
  addAction({ id, name, key, run }) {
    this.bar.append(el('button', { type: 'button', class: 'tool', testid: `action-${id}`, title: `${name} (${key})`,
      aria: { keyshortcuts: key }, on: { click: run } }, icon(id), el('span', { text: name })));
  }

  /** Shows one panel, or none by null. */
  show(id) {
    if (id === this.open) return;
    const before = this.panels.get(this.open);
    if (before) {
      before.button.setAttribute('aria-expanded', 'false');
      before.made.hidden?.();
    }
    this.open = id;
    const panel = this.panels.get(id);
    const hadFocus = this.panel.contains(document.activeElement);
    this.panel.hidden = !panel;
    document.getElementById('app').classList.toggle('with-panel', Boolean(panel));
    if (!panel) {
      if (hadFocus) before?.button.focus();
      return;
    }
    panel.made ??= panel.make();
    panel.button.setAttribute('aria-expanded', 'true');
    this.title.textContent = panel.name;
    this.body.replaceChildren(panel.made.element);
    this.body.scrollTop = 0;
    panel.made.shown?.();
    if (phone()) panel.button.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  isOpen(id) {
    return this.open === id;
  }

  /** The panel's content, made if need be. */
  made(id) {
    const panel = this.panels.get(id);
    panel.made ??= panel.make();
    return panel.made;
  }

  /** Tells something in passing, to eyes and to screen readers. */
  say(text, { bad = false, seconds = 5, shownIn = null } = {}) {
    clearTimeout(this.timer);
    this.message.classList.toggle('bad', bad);
    // What a panel shows anyway is told to screen readers only.
    this.message.classList.toggle('unseen', shownIn !== null && this.open === shownIn);
    // The same text again must be told again.
    this.message.textContent = '';
    requestAnimationFrame(() => { this.message.textContent = text; });
    this.timer = setTimeout(() => { this.message.textContent = ''; }, (bad ? 12 : seconds) * 1000);
  }
}
