/**
 * Fingers on a picture: swipe to go on, down to close, pinch and drag to look closer.
 *
 * Owns      the transformation of `target`. A mouse may drag when it is enlarged, and turn the wheel with Ctrl.
 */

import { still } from "./dom.js";

const SCALE_MAX = 6;
const SWIPE_PX = 60;

/** `on` has `next()`, `previous()`, `close()`, `tap()`, `scaled(scale)`. */
export function gestures(area, target, on) {
  const fingers = new Map();
  let scale = 1;
  let shift = { x: 0, y: 0 };
  let begun = null;
  let tapped = 0;

  const draw = (smooth = false) => {
    target.style.transition = smooth && !still() ? "transform 180ms ease" : "none";
    target.style.transform = `translate(${shift.x}px, ${shift.y}px) scale(${scale})`;
  };
  const reset = (smooth = false) => {
    scale = 1;
    shift = { x: 0, y: 0 };
    draw(smooth);
  };
  const middle = () => {
    const points = [...fingers.values()];
    return {
      x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
      y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
    };
  };
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  const begin = () =>
    (begun =
      fingers.size > 0 ? { ...middle(), spread: spread(), scale, shift: { ...shift }, fingers: fingers.size } : null);
  /** Keeps the point under the fingers where it is. */
  const scaleTo = (wanted, at, from = { scale, shift }) => {
    const box = area.getBoundingClientRect();
    const [x, y] = [at.x - box.left - box.width / 2, at.y - box.top - box.height / 2];
    scale = Math.min(SCALE_MAX, Math.max(1, wanted));
    shift = { x: x - ((x - from.shift.x) * scale) / from.scale, y: y - ((y - from.shift.y) * scale) / from.scale };
    on.scaled(scale);
  };

  area.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, a, input")) return;
    area.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    begin();
  });
  area.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId) || !begun) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = middle();
    const moved = { x: now.x - begun.x, y: now.y - begun.y };
    if (fingers.size > 1) {
      scaleTo((begun.scale * spread()) / (begun.spread || 1), begun, begun);
      shift = { x: shift.x + moved.x, y: shift.y + moved.y };
    } else if (scale > 1) shift = { x: begun.shift.x + moved.x, y: begun.shift.y + moved.y };
    else if (event.pointerType !== "mouse")
      shift = Math.abs(moved.x) > Math.abs(moved.y) ? { x: moved.x, y: 0 } : { x: 0, y: Math.max(0, moved.y) };
    draw();
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || !begun) return;
    const { x, y } = shift;
    const one = begun.fingers === 1;
    if (fingers.size > 0) return begin();
    begun = null;
    if (scale > 1.02) return undefined;
    if (!one) return reset(true);
    if (Math.abs(x) > SWIPE_PX) {
      reset();
      return x < 0 ? on.next() : on.previous();
    }
    if (y > SWIPE_PX * 1.5) return on.close();
    if (Math.abs(x) < 6 && Math.abs(y) < 6 && event.type === "pointerup") tap(event);
    return reset(true);
  };
  const tap = (event) => {
    const now = Date.now();
    if (now - tapped < 300) return twice(event);
    tapped = now;
    return on.tap();
  };
  const twice = (event) => {
    tapped = 0;
    if (scale > 1) return reset(true);
    scaleTo(2.5, { x: event.clientX, y: event.clientY });
    return draw(true);
  };
  area.addEventListener("pointerup", lift);
  area.addEventListener("pointercancel", lift);
  area.addEventListener("dblclick", (event) => scale > 1 && (event.preventDefault(), reset(true)));
  area.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      scaleTo(scale * Math.exp(-event.deltaY / 200), { x: event.clientX, y: event.clientY });
      draw();
    },
    { passive: false },
  );
  return { reset };
}
