/** The panels; the viewer runs without them. */
export function startUi(viewer) {
  return { viewer };
}
