/**
 * How coarse the ground is while it moves, so that a slow machine (software drawing on two cores) follows the hand.
 *
 * The time between two frames says how long drawing takes, the graphics process included; what stands still is drawn
 * finely in any case.
 */
const AIM_MS = 55;

export class Quality {
  /** @param {boolean} slow drawing is done in software, so begin coarsely */
  constructor(slow) {
    this.slow = slow;
    this.tolerance = slow ? 8 : 1;
    this.ratio = slow ? 0.6 : 1;
    this.mean = null;
  }

  /** Tolerated error of the ground, px, and share of the screen's pixels drawn in each direction. */
  wanted(moving) {
    return moving ? { tolerance_px: this.tolerance, ratio: this.ratio } : { tolerance_px: this.slow ? 1.2 : 0.8, ratio: 1 };
  }

  /** Learn from the time between two successive frames of a movement, ms. */
  learn(interval_ms) {
    if (interval_ms > 1500) return;
    this.mean = this.mean === null ? interval_ms : this.mean + 0.3 * (interval_ms - this.mean);
    const over = this.mean / AIM_MS;
    if (over > 1.15) {
      if (this.tolerance < 12) this.tolerance *= Math.min(over, 1.5);
      else this.ratio = Math.max(0.45, this.ratio * 0.9);
      this.mean *= 0.9;
    } else if (over < 0.6) {
      if (this.ratio < 1) this.ratio = Math.min(1, this.ratio * 1.08);
      else this.tolerance = Math.max(1, this.tolerance * 0.9);
    }
  }
}
