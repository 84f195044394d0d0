/** The panorama as a strip at the bottom: its cursor and the view's are one. */
const HIGHEST_PX = 150;

export class Strip extends EventTarget {
  constructor(element, viewer) {
    super();
    this.element = element;
    this.viewer = viewer;
    this.image = null;
    this.mark = null;
    this.visible = true;
    this.canvas = document.createElement('canvas');
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', 'Panorama: the cursor here shows on the ground, a click measures');
    element.append(this.canvas);
    const on = (name, handler) => this.canvas.addEventListener(name, handler);
    on('pointermove', (event) => this.moved(event));
    on('pointerleave', () => this.viewer.hover(null));
    on('pointerdown', (event) => (this.start = [event.clientX, event.clientY]));
    on('pointerup', (event) => this.released(event));
  }

  /** @param {ImageBitmap} image @param about the manifest's `panorama` */
  setPanorama(image, about) {
    this.about = about;
    this.image = image;
    this.show(this.visible);
  }

  show(visible) {
    this.visible = visible;
    this.element.hidden = !(visible && this.image);
    this.layout();
  }

  layout() {
    if (!this.image || this.element.hidden) return;
    const { width, height } = this.about;
    const across = this.element.clientWidth;
    const high = Math.round(Math.min((across * height) / width, HIGHEST_PX, window.innerHeight * 0.2));
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    // A strip that would be too high shows its middle rows.
    this.share = Math.min(1, high / ((across * height) / width));
    this.canvas.style.height = `${high}px`;
    this.canvas.width = Math.max(1, Math.round(across * ratio));
    this.canvas.height = Math.max(1, Math.round(high * ratio));
    this.scaledDown = null;
    this.draw();
  }

  /** Azimuth and elevation (deg) at a place of the strip, CSS px of the window. */
  azEl(x, y) {
    const box = this.canvas.getBoundingClientRect();
    const { width, height, azimuth_left_deg, elevation_top_deg, deg_per_px } = this.about;
    const column = ((x - box.left) / box.width) * width;
    const row = (0.5 - this.share / 2 + ((y - box.top) / box.height) * this.share) * height;
    return {
      azimuth_deg: (((azimuth_left_deg + column * deg_per_px) % 360) + 360) % 360,
      elevation_deg: elevation_top_deg - row * deg_per_px,
    };
  }

  /** Place within the strip, 0..1 each, of a direction; x beyond 1 where the panorama does not reach. */
  placeOf(azimuth_deg, elevation_deg) {
    const { width, height, azimuth_left_deg, elevation_top_deg, deg_per_px } = this.about;
    const turn = (((azimuth_deg - azimuth_left_deg) % 360) + 360) % 360;
    const row = (elevation_top_deg - elevation_deg) / deg_per_px / height;
    return [turn / deg_per_px / width, (row - 0.5 + this.share / 2) / this.share];
  }

  ray(event) {
    const { azimuth_deg, elevation_deg } = this.azEl(event.clientX, event.clientY);
    const [a, e] = [azimuth_deg, elevation_deg].map((d) => (d * Math.PI) / 180);
    const direction = [Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)];
    return { origin: [...this.viewer.manifest.eye], direction, azimuth_deg, elevation_deg };
  }

  moved(event) {
    const { origin, direction, azimuth_deg, elevation_deg } = this.ray(event);
    this.viewer.hover(this.viewer.pickRay(origin, direction), { azimuth_deg, elevation_deg }, true);
  }

  released(event) {
    if (!this.start || Math.hypot(event.clientX - this.start[0], event.clientY - this.start[1]) > 6) return;
    this.start = null;
    const ray = this.ray(event);
    const point = this.viewer.pickRay(ray.origin, ray.direction);
    this.viewer.emit('click', { x: event.clientX, y: event.clientY, point, ray, strip: true });
  }

  /** @param {{azimuth_deg: number, elevation_deg: number} | null} at */
  setMark(at) {
    this.mark = at;
    this.draw();
  }

  draw() {
    if (!this.image || this.element.hidden) return;
    const context = this.canvas.getContext('2d');
    const { width: w, height: h } = this.canvas;
    if (!this.scaledDown) {
      // Shrunk once: drawing the whole panorama at each move of the cursor would not be.
      this.scaledDown = new OffscreenCanvas(w, h);
      const small = this.scaledDown.getContext('2d');
      small.imageSmoothingQuality = 'high';
      const rows = this.image.height * this.share;
      const whole = [this.image, 0, (this.image.height - rows) / 2, this.image.width, rows, 0, 0, w, h];
      small.drawImage(...whole);
      // As bright as the ground is shown: the picture once more, faintly, on top.
      small.globalCompositeOperation = 'lighter';
      small.globalAlpha = Math.min(Math.max((this.about.brightness ?? 1) - 1, 0), 1);
      small.drawImage(...whole);
    }
    context.clearRect(0, 0, w, h);
    context.drawImage(this.scaledDown, 0, 0);
    const ratio = w / Math.max(this.canvas.clientWidth, 1);
    this.drawView(context, w, h, ratio);
    if (!this.mark) return;
    const [x, y] = this.placeOf(this.mark.azimuth_deg, this.mark.elevation_deg);
    context.lineWidth = 1.5 * ratio;
    for (const [colour, wide] of [['rgba(0,0,0,0.7)', 3.5], ['#f0b35a', 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = wide * ratio;
      context.beginPath();
      context.arc(x * w, y * h, 6 * ratio, 0, 2 * Math.PI);
      context.moveTo(x * w, 0);
      context.lineTo(x * w, y * h - 6 * ratio);
      context.moveTo(x * w, y * h + 6 * ratio);
      context.lineTo(x * w, h);
      context.stroke();
    }
  }

  /** Where the view looks: its width at the upper edge. */
  drawView(context, w, h, ratio) {
    const view = this.viewer.heading();
    if (!view) return;
    const { width, deg_per_px } = this.about;
    const full = width * deg_per_px;
    const [x] = this.placeOf(view.azimuth_deg, 0);
    const half = Math.min(view.width_deg / full, 1) / 2;
    context.fillStyle = '#f0b35a';
    for (const turn of [-360 / full, 0, 360 / full]) context.fillRect((x + turn - half) * w, 0, 2 * half * w, 2.5 * ratio);
  }
}
