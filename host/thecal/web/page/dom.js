// Make elements. Text from the server enters the page as text only, so it can never become markup.

import { glued } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return an HTML element with attributes, `onclick`-like listeners and children. */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return an SVG element. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Set the text of an element only if it differs: a screen reader then reads changes alone. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// One drawn symbol a state. Colour never stands alone.
const PATHS = {
  stopped: "M5 5h14v14H5z",
  running: "M7 4.5v15L20 12z",
  limited: "M5 4h5v16H5zM13 9h5v11h-5z",
  priming: "M12 3c4 5.5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-5.5 6-11z",
  calibrating: "M11 3h2v3h6v2h-1l3 6h-8l3-6h-3v10h5v3H6v-3h5V8H8l3 6H3l3-6H5V6h6z",
  resuming: "M12 5V1l6 5.5-6 5.5V8a5 5 0 1 0 5 5h3a8 8 0 1 1-8-8z",
  alarm: "M12 2 23.5 22H.5zM10.7 9l.5 6.5h1.6l.5-6.5zM12 17a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z",
  maintenance: "M14.5 2.5a6 6 0 0 0-4.7 8.3L3 17.6 6.4 21l6.8-6.8a6 6 0 0 0 8.1-7.3l-3.6 3.6-3.2-1-1-3.2 3.6-3.5a6 6 0 0 0-2.6-.3z",
  offline:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 3q2.3 0 4 1.3L6.3 16A7 7 0 0 1 12 5zm0 14q-2.3 0-4-1.3L17.7 8A7 7 0 0 1 12 19z",
  ok: "M9.5 19 3 12.5l2.5-2.5 4 4L18.5 5 21 7.5z",
};

/** Return the symbol of a state; hidden from screen readers, because its word stands beside it. */
export function icon(name) {
  const path = svg("path", { d: PATHS[name] ?? PATHS.offline, "fill-rule": "evenodd" });
  return svg("svg", { viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true" }, path);
}

/** Return a table with a caption; the first cell of each row is its heading. */
export function table(caption, heads, rows) {
  const head = heads.length
    ? el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((text) => el("th", { scope: "col" }, text)),
        ),
      )
    : null;
  const cells = (row) => row.map((text, at) => (at ? el("td", {}, glued(String(text))) : el("th", { scope: "row" }, String(text))));
  const body = el(
    "tbody",
    {},
    rows.map((row) => el("tr", {}, cells(row))),
  );
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption), head, body),
  );
}
