// Words and numbers, the same on every part of the page.

const STATES = {
  stopped: "Stopped",
  running: "Running",
  limited: "At a limit",
  priming: "Priming",
  calibrating: "Calibrating",
  resuming: "Resuming",
  alarm: "Alarm",
  maintenance: "Maintenance",
};

/** Return the state of a pump in a word or two. */
export function stateWord(state) {
  return STATES[state] ?? (state || "Unknown");
}

/** Return a time in words, to the second below two minutes. */
export function span(time_s) {
  if (time_s < 120) return `${time_s} s`;
  if (time_s < 7200) return `${Math.round(time_s / 60)} min`;
  if (time_s < 172_800) return `${Math.round(time_s / 3600)} h`;
  return `${Math.round(time_s / 86_400)} days`;
}

/** Return a volume in the unit that reads best. */
export function volume(ml) {
  if (ml === null || ml === undefined) return "unknown";
  if (ml === 0) return "0 mL";
  return Math.abs(ml) < 0.1 ? `${digits(ml * 1000)} uL` : `${digits(ml)} mL`;
}

/** Return a sentence: a capital first, a full stop last; "" stays. */
export function sentence(text) {
  const trimmed = (text ?? "").trim();
  if (!trimmed) return "";
  // A command stays as it is typed: `thecal stop` has no capital.
  const begun = trimmed.startsWith("thecal ") ? trimmed : trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return ended(begun);
}

/** Return a text with a full stop. */
export function ended(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

const ORDERS = { bolus: "Bolus", extended: "Extended bolus", temporary: "Temporary rate" };

/** Return an order that goes on in words. */
export function orderText(order) {
  return `${ORDERS[order.kind] ?? order.kind}: ${order.text}`;
}

/** Return a text whose numbers stay on one line with their units. */
export function glued(text) {
  return text.replace(/(\d) (?=(?:[num]?L|[num]?g|s|min|h|days?|%|±)(?:\b|\/|\W|$))/g, "$1\u00a0");
}

/** Return a number with four significant digits at most. */
export function digits(number) {
  return String(Number(number.toPrecision(4)));
}

/** Return the time of day of `second` of a day, as 07:45. */
export function timeOfDay(second) {
  const minute = Math.round(second / 60);
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

export const shortDigest = (digest) => (digest ? digest.slice(0, 12) : "");
