// Numbers as a person reads them: no digit that the sigma does not warrant.

const MINUS = '−';

/** `value` with `digits` decimals and a true minus sign; "-0.00" becomes "0.00". */
export function fixed(value, digits) {
  if (!Number.isFinite(value)) return 'unknown';
  const text = value.toFixed(digits);
  return /^-0\.?0*$/.test(text) ? text.slice(1) : text.replace('-', MINUS);
}

/** How many decimals show two digits of `sigma` (0 to 6). */
export function decimals(sigma) {
  if (!Number.isFinite(sigma) || sigma <= 0) return 3;
  let digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(sigma))));
  // 0.0996 rounds to 0.10: one decimal less, or three digits would show.
  if (Number(sigma.toFixed(digits)) >= 10 ** (2 - digits) && digits > 0) digits -= 1;
  return digits;
}

const UNITS = { m2: ' m²', deg: '°' };

/** "12.345 ± 0.012 m": two digits of sigma, the value rounded alike.  Units: m, m2, deg, or any text. */
export function withSigma(value, sigma, unit) {
  const space = UNITS[unit] ?? (unit ? ` ${unit}` : '');
  if (!Number.isFinite(value)) return 'unknown';
  if (!Number.isFinite(sigma)) return `${fixed(value, 3)}${space} (sigma unknown)`;
  const digits = decimals(sigma);
  const both = `${fixed(value, digits)} ± ${fixed(sigma, digits)}`;
  return unit === 'deg' ? `${fixed(value, digits)}° ± ${fixed(sigma, digits)}°` : both + space;
}

/** The largest of 1, 2, 5 times a power of ten that is no more than `about` (> 0). */
export function roundLength(about) {
  const power = 10 ** Math.floor(Math.log10(about));
  for (const m of [5, 2, 1]) if (m * power <= about * (1 + 1e-9)) return Number((m * power).toPrecision(1));
  return power;
}

/** A length with a fitting unit: "5 mm", "20 cm", "3 m", "2 km". */
export function lengthText(metres) {
  if (metres >= 1000) return `${Number((metres / 1000).toPrecision(3))} km`;
  if (metres >= 1) return `${Number(metres.toPrecision(3))} m`;
  if (metres >= 0.01) return `${Number((metres * 100).toPrecision(3))} cm`;
  return `${Number((metres * 1000).toPrecision(3))} mm`;
}

/** Round values within limits for a scale: 1, 2, 5 steps, or decades and their 2 and 5. */
export function ticks(low, high, logarithmic, about = 5) {
  if (!(high > low)) return [];
  if (logarithmic && low > 0) {
    const all = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const m of [1, 2, 5]) all.push(Number((m * 10 ** e).toPrecision(1)));
    }
    const found = all.filter((t) => t >= low * 0.999 && t <= high * 1.001);
    return found.length <= 8 ? found : found.filter((t) => Math.abs(Math.log10(t) % 1) < 1e-9);
  }
  const step = roundLength((high - low) / about);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-6); i <= Math.floor(high / step + 1e-6); i++) {
    found.push(Number((i * step).toPrecision(12)));
  }
  return found;
}
