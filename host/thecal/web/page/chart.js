// Planned against delivered, from the pump's journal: two charts with one cursor, events on them, and the same as a table.

import * as api from "./api.js";
import { el, setText, table } from "./dom.js";
import { digits, volume } from "./words.js";

const SPANS = [
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
];
const AGAIN_MS = 20_000;
const SOON_MS = 1_000;
const MOST_ROWS = 96;
const MARKS = { alarm: "▲", warning: "▲", bolus: "●", program: "■", start: "▶", stop: "■", refill: "▼" };
const HEIGHT = 240;
// uPlot's own labels are 12-hour and American: [least step in s, label, its second line when the year, -, the day changes]
const TIMES = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [2_419_200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

/** Return the charts of a pump; `stop()` ends their refreshing. */
export function charts(id) {
  let span = sessionStorage.getItem("thecal-span") ?? "24h";
  let data = null;
  let plots = [];
  let timer = 0;
  let ended = false;
  let number = 0;

  const status = el("p", { class: "hint", role: "status" });
  const reading = el("p", { class: "reading", role: "status" });
  const holder = el("div", { class: "plots" });
  const tables = el("div", { class: "chart-tables" });
  const picks = el(
    "fieldset",
    { class: "spans" },
    el("legend", { class: "unseen" }, "Span of the charts"),
    SPANS.map(([value, label]) =>
      el(
        "label",
        {},
        el("input", {
          type: "radio",
          name: "span",
          value,
          checked: value === span,
          onchange: () => {
            span = value;
            sessionStorage.setItem("thecal-span", value);
            load();
          },
        }),
        el("span", {}, label),
      ),
    ),
  );
  const node = el(
    "section",
    { class: "charts", "aria-label": "Planned and delivered" },
    el("div", { class: "section-head" }, el("h2", {}, "Planned and delivered"), picks),
    holder,
    reading,
    status,
    tables,
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => data && draw();
  dark.addEventListener("change", redraw);
  const sizes = new ResizeObserver(() => plots.forEach((plot) => plot.setSize({ width: holder.clientWidth, height: plot.height })));
  sizes.observe(holder);

  async function load() {
    clearTimeout(timer);
    if (ended) return;
    const mine = (number += 1);
    if (!data) setText(status, "Reading the journal…");
    let next = AGAIN_MS;
    try {
      const found = await api.chart(id, span);
      if (ended || mine !== number) return;
      data = found;
      draw();
      setText(
        status,
        found.complete === false
          ? `Older parts of the journal are on their way (${Math.floor(found.done_permille / 10)} %).`
          : source(found),
      );
      if (found.complete === false) next = SOON_MS;
    } catch (error) {
      if (ended || mine !== number) return;
      setText(status, `The chart can't be renewed: ${error.message} ${error.todo}`);
    }
    timer = setTimeout(load, next);
  }

  function draw() {
    for (const plot of plots) plot.destroy();
    const shape = { data, width: holder.clientWidth || 300, read };
    holder.replaceChildren();
    if (!data.t.length) {
      plots = [];
      holder.append(el("p", { class: "empty" }, "The journal holds nothing for this time yet."));
    } else {
      plots = [volumes(shape), rates(shape)].map(({ label, make }) => {
        const frame = el("div", {
          class: "plot",
          tabindex: "0",
          role: "group",
          "aria-label": `${label}. Arrow keys read the values; the table below has the same.`,
        });
        holder.append(el("figure", {}, el("figcaption", {}, label), frame));
        const plot = make(frame);
        frame.addEventListener("keydown", (event) => keys(event, plot, data, read));
        return plot;
      });
    }
    fillTables(tables, data);
  }

  function read(at) {
    if (at === null || at === undefined || data.t[at] === undefined) return;
    const [planned_ml, delivered_ml] = [data.planned_ml[at], data.delivered_ml[at]];
    const more = `${delivered_ml < planned_ml ? "" : "+"}${volume(delivered_ml - planned_ml)}`;
    const volumes = `planned ${volume(planned_ml)}, delivered ${volume(delivered_ml)} (${more})`;
    const rates = `rate planned ${digits(data.rate_planned_ml_per_h[at])}, actual ${digits(data.rate_ml_per_h[at])} mL/h`;
    setText(reading, `${moment(data, data.t[at])}: ${volumes}; ${rates}`);
  }

  function stop() {
    ended = true;
    clearTimeout(timer);
    sizes.disconnect();
    dark.removeEventListener("change", redraw);
    for (const plot of plots) plot.destroy();
  }

  load();
  return { node, stop, load };
}

function source(data) {
  return data.time_known === false
    ? "From the pump's journal. The pump never knew the time of day: hours count from its first power-up."
    : "From the pump's journal. Times are the pump's local time.";
}

// --- the plots

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function volumes({ data, width, read }) {
  const uncertain = data.delivered_low_ml?.some((low, at) => Math.abs(low - data.delivered_ml[at]) > 1e-9);
  const series = [delivered("Delivered")];
  const columns = [data.t, data.delivered_ml];
  if (uncertain) {
    series.push({
      label: "Delivered at least",
      stroke: colour("--delivered"),
      width: 1,
      dash: [2, 3],
      points: { show: false },
      value: (_, found) => (found === null ? "–" : digits(found)),
    });
    columns.push(data.delivered_low_ml);
  }
  series.push(planned("Planned"));
  columns.push(data.planned_ml);
  return { label: "Volume, mL", make: (frame) => plot({ data, width, read, frame, series, columns, marks: true }) };
}

function rates({ data, width, read }) {
  const stepped = uPlot.paths.stepped({ align: -1 }); // a rate is the mean of the part before its moment
  const series = [
    { ...delivered("Delivered"), paths: stepped },
    { ...planned("Planned"), paths: stepped },
  ];
  return {
    label: "Rate, mL/h",
    make: (frame) =>
      plot({ data, width, read, frame, series, columns: [data.t, data.rate_ml_per_h, data.rate_planned_ml_per_h], marks: false }),
  };
}

// A thin dashed line on a thick one: told apart without colour, and both seen where they are equal.
const planned = (label) => ({
  label,
  stroke: colour("--planned"),
  width: 2,
  dash: [6, 6],
  points: { show: false },
  value: (_, found) => (found === null ? "–" : digits(found)),
});
const delivered = (label) => ({
  label,
  stroke: colour("--delivered"),
  width: 4,
  points: { show: false },
  value: (_, found) => (found === null ? "–" : digits(found)),
});

function plot({ data, width, read, frame, series, columns, marks }) {
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const time = data.time_known !== false;
  const hours = (_, splits) => splits.map((second) => `${digits(second / 3600)} h`);
  const options = {
    width,
    height: HEIGHT,
    tzDate: (second) => uPlot.tzDate(new Date((second + (data.offset_s ?? 0)) * 1000), "Etc/UTC"),
    scales: { x: { time }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
    legend: {
      live: false,
      markers: { dash: (made, at) => (made.series[at].dash ? (made.series[at].dash[0] < 4 ? "dotted" : "dashed") : "solid") },
    },
    axes: [
      time ? { ...axis, values: TIMES, space: 64 } : { ...axis, values: hours },
      { ...axis, size: 56, values: (_, splits) => splits.map(digits) },
    ],
    series: [{ label: "Time", value: (_, second) => (second === null ? "–" : moment(data, second)) }, ...series],
    cursor: { sync: { key: "thecal" }, drag: { x: true, y: false }, points: { size: 8 } },
    hooks: {
      setCursor: [(made) => frame.matches(":hover") && read(made.cursor.idx)],
      draw: marks ? [(made) => drawMarks(made, data)] : [],
    },
  };
  return new uPlot(options, columns, frame);
}

function drawMarks(made, data) {
  const { ctx, bbox } = made;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const one of data.events) {
    if (one.t < made.scales.x.min || one.t > made.scales.x.max) continue;
    const x = Math.round(made.valToPos(one.t, "x", true));
    const loud = /alarm|warning|fault/.test(one.kind);
    ctx.strokeStyle = ctx.fillStyle = colour(loud ? "--alarm" : "--muted");
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + 12 * devicePixelRatio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(mark(one.kind), x, bbox.top);
  }
  ctx.restore();
}

function mark(kind) {
  return MARKS[Object.keys(MARKS).find((word) => kind.includes(word))] ?? "◆";
}

// --- without a mouse, without a picture

function keys(event, plot, data, read) {
  const last = data.t.length - 1;
  const far = event.shiftKey ? 10 : 1;
  const at = plot.cursor.idx ?? (event.key === "ArrowRight" ? -1 : last + 1);
  const to = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: last }[event.key];
  if (to === undefined || event.altKey) return;
  event.preventDefault();
  const index = Math.min(last, Math.max(0, to));
  plot.setCursor({ left: plot.valToPos(data.t[index], "x"), top: plot.over.clientHeight / 2 });
  read(index);
}

function moment(data, second) {
  if (data.time_known === false) return `${digits(second / 3600)} h`;
  const [date, time] = new Date((second + (data.offset_s ?? 0)) * 1000).toISOString().split("T");
  return `${date} ${time.slice(0, 5)}`;
}

// Tables are made when they are opened: 2,000 rows nobody looks at would slow the page.
function fillTables(place, data) {
  const opened = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.name));
  const every = Math.max(1, Math.ceil(data.t.length / MOST_ROWS));
  const points = () =>
    table(
      `Planned and delivered${every > 1 ? `, every ${every}th of ${data.t.length} points; the journal as CSV has all` : ""}`,
      ["time", "planned", "delivered", "rate planned", "rate"],
      data.t.flatMap((second, at) =>
        at % every && at !== data.t.length - 1
          ? []
          : [
              [
                moment(data, second),
                volume(data.planned_ml[at]),
                volume(data.delivered_ml[at]),
                `${digits(data.rate_planned_ml_per_h[at])} mL/h`,
                `${digits(data.rate_ml_per_h[at])} mL/h`,
              ],
            ],
      ),
    );
  const events = () =>
    table(
      "Events",
      ["time", "event"],
      [...data.events].reverse().map((one) => [moment(data, one.t), `${mark(one.kind)} ${one.text}`]),
    );
  place.replaceChildren(
    lazy("events", `Events (${data.events.length})`, events, opened.has("events")),
    lazy("points", "Chart as a table", points, opened.has("points")),
  );
}

function lazy(name, label, make, open) {
  const body = el("div", {});
  const node = el(
    "details",
    { "data-name": name, ontoggle: () => node.open && !body.firstChild && body.append(make()) },
    el("summary", {}, label),
    body,
  );
  node.open = open;
  return node;
}
