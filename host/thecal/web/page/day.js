// The day of a program as a picture: the rate over 24 hours, with a table of the same.

import { el, svg, table } from "./dom.js";
import { digits, sentence, timeOfDay } from "./words.js";

const HEIGHT = 200;
const LEFT = 52;
const RIGHT = 10;
const TOP = 26;
const BOTTOM = 28;
const DAY_S = 86_400;

const DAYS = { mon: "Monday", tue: "Tuesday", wed: "Wednesday", thu: "Thursday", fri: "Friday", sat: "Saturday", sun: "Sunday" };
const dayName = (text) => DAYS[text] ?? text;

// The drawing shrinks with its place, its letters with it: a narrow screen gets a narrower drawing.
const width = () => Math.min(720, Math.max(300, document.documentElement.clientWidth - 60));

/** Return a figure of `view.day` (parts of a day, each at one rate). */
export function picture(view) {
  const WIDTH = width();
  const highest = Math.max(...view.day.map((part) => part.rate_ml_per_h), 0) || 1;
  const x = (second) => LEFT + ((WIDTH - LEFT - RIGHT) * second) / DAY_S;
  const y = (rate) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * rate) / highest;
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "day", role: "img", "aria-label": words(view) },
    [0, highest / 2, highest].map((rate) => [
      svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(rate), y2: y(rate), class: "rule" }),
      svg("text", { x: LEFT - 6, y: y(rate) + 4, "text-anchor": "end" }, digits(rate)),
    ]),
    [0, 6, 12, 18, 24].map((hour) =>
      svg(
        "text",
        { x: x(hour * 3600), y: HEIGHT - 8, "text-anchor": hour === 24 ? "end" : hour ? "middle" : "start" },
        `${String(hour).padStart(2, "0")}:00`,
      ),
    ),
    view.day.map((part) =>
      svg(
        "rect",
        {
          x: x(part.from_s),
          width: Math.max(0.5, x(part.to_s) - x(part.from_s)),
          y: y(part.rate_ml_per_h),
          height: HEIGHT - BOTTOM - y(part.rate_ml_per_h),
          class: "rate-area",
        },
        svg("title", {}, row(part).join(" ")),
      ),
    ),
    svg("path", { d: outline(view.day, x, y), class: "rate-line" }),
    svg("text", { x: LEFT - 6, y: 9, "text-anchor": "end", class: "unit" }, "mL/h"),
  );
  return el(
    "figure",
    { class: "day-figure" },
    drawing,
    el("figcaption", {}, sentence(dayName(view.day_text) || "the rates of the present day")),
    el(
      "details",
      {},
      el("summary", {}, "Rates of the day as a table"),
      table("Rates of the day", ["from", "to", "rate"], view.day.map(row)),
    ),
  );
}

const row = (part) => [timeOfDay(part.from_s), timeOfDay(part.to_s), `${digits(part.rate_ml_per_h)} mL/h`];

function outline(day, x, y) {
  return day
    .map((part, at) => `${at ? "L" : "M"}${x(part.from_s)} ${y(part.rate_ml_per_h)}L${x(part.to_s)} ${y(part.rate_ml_per_h)}`)
    .join("");
}

function words(view) {
  const parts = view.day
    .slice(0, 12)
    .map((part) => `${timeOfDay(part.from_s)} to ${timeOfDay(part.to_s)} ${digits(part.rate_ml_per_h)} mL/h`);
  const rest = view.day.length > 12 ? `, and ${view.day.length - 12} more parts, see the table` : "";
  return `Rates of the day: ${parts.join(", ")}${rest}`;
}
