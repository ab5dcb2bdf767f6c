// One pump: state, rate, next change, delivered today, reservoir, program, alarms. Built once, then only its texts change,
// so that a button never moves away from under a finger.

import { el, icon, setText } from "./dom.js";
import * as stop from "./stop.js";
import * as store from "./store.js";
import { glued, orderText, sentence, shortDigest, span, stateWord, volume } from "./words.js";

const FACTS = ["Next", "Today", "Reservoir", "Program", "Going on"];

/** Return the facts of a pump as an element with `update(pump)`. */
export function facts(id) {
  const badge = el("p", { class: "badge" });
  const rate = el("p", { class: "rate" });
  const age = el("p", { class: "age" });
  const cells = Object.fromEntries(FACTS.map((name) => [name, el("dd", {})]));
  const rows = Object.fromEntries(FACTS.map((name) => [name, el("div", { class: "fact" }, el("dt", {}, name), cells[name])]));
  const level = el("span", { class: "level-fill" });
  const gauge = el("span", { class: "level", role: "meter", "aria-label": "Reservoir", "aria-valuemin": "0", hidden: true }, level);
  const words = el("span", {});
  cells.Reservoir.append(words, gauge);
  const node = el("div", { class: "facts" }, el("div", { class: "now" }, badge, rate), age, el("dl", {}, Object.values(rows)));
  let symbol = "";

  function update(one) {
    const { live, age_s, never } = store.freshness(one);
    const state = live ? one.state : "offline";
    node.classList.toggle("old", !live);
    if (symbol !== `${state}${one.state}`) {
      symbol = `${state}${one.state}`;
      badge.className = `badge state-${state}`;
      badge.replaceChildren(icon(state), el("span", {}, live ? stateWord(one.state) : "Not live"));
    }
    setText(rate, never ? "–" : glued(one.rate_text || one.state_text));
    setText(
      age,
      live ? "" : never ? ageless(one) : `Last seen ${span(age_s)} ago: ${stateWord(one.state).toLowerCase()}. ${why(one)}`,
    );
    age.hidden = live;
    setText(cells.Next, glued(one.next_text || "no change planned"));
    setText(cells.Today, glued(today(one.delivered_today)));
    setText(cells.Program, one.program ? `${one.program.name || "untitled"} (${shortDigest(one.program.digest)})` : "none");
    setText(cells["Going on"], glued(one.orders?.map(orderText).join("; ") ?? ""));
    rows["Going on"].hidden = !one.orders?.length;
    reservoir(one.reservoir);
  }

  function reservoir(known) {
    setText(words, known ? glued(known.text) : "no refill was reported");
    const share = known && known.capacity_ml ? Math.min(1, Math.max(0, known.left_ml / known.capacity_ml)) : null;
    gauge.hidden = share === null;
    if (share === null) return;
    level.style.width = `${100 * share}%`;
    gauge.classList.toggle("low", share < 0.15);
    gauge.setAttribute("aria-valuemax", known.capacity_ml);
    gauge.setAttribute("aria-valuenow", known.left_ml);
    gauge.setAttribute("aria-valuetext", known.text);
  }

  return { node, update };
}

function today(known) {
  if (!known || known.ml === null) return known?.text || "unknown";
  const text = (known.text || volume(known.ml)).replace("+-", "±");
  if (text.includes("±")) return text;
  return `${text} ${known.plus_minus_ml === null ? "(± unknown)" : `± ${volume(known.plus_minus_ml)}`}`;
}

function why(one) {
  if (!store.connected()) return "";
  return one.error ? `${sentence(one.error.text)} ${sentence(one.error.do)}` : "The pump does not answer.";
}

function ageless(one) {
  return one.error ? `${sentence(one.error.text)} ${sentence(one.error.do)}` : "This pump has not answered yet.";
}

/** Return the card of a pump on the screen of all pumps. */
export function card(id) {
  const inside = facts(id);
  const name = el("a", { href: `#/pump/${encodeURIComponent(id)}/now` });
  const where = el("p", { class: "where" });
  const alarms = el("p", { class: "card-alarms" });
  const stopper = stop.button(id);
  const node = el(
    "article",
    { class: "card" },
    el("header", {}, el("h2", {}, name), where),
    inside.node,
    alarms,
    el("div", { class: "card-foot" }, stopper),
  );

  function update(one) {
    const title = store.title(one);
    setText(name, title);
    setText(where, [one.port, one.law_text && `doses ${one.law_text}`, store.keysText(one)].filter(Boolean).join(" · "));
    setText(stopper, `STOP ${title}`);
    node.setAttribute("aria-label", title);
    const { live } = store.freshness(one);
    const severe = one.alarms.some((alarm) => alarm.severity !== "warning");
    node.className = `card state-${live ? one.state : "offline"}${severe ? " has-alarm" : one.alarms.length ? " has-warning" : ""}`;
    const text = [...one.alarms]
      .sort((a, b) => (a.severity === "warning") - (b.severity === "warning"))
      .map((alarm) => `${alarm.severity === "warning" ? "Warning" : "Alarm"}: ${alarm.text}`)
      .join("; ");
    if (alarms.dataset.text !== text) {
      alarms.dataset.text = text;
      alarms.className = `card-alarms${text.startsWith("Alarm") ? "" : " warning"}`;
      alarms.replaceChildren(...(text ? [icon("alarm"), el("span", {}, text)] : []));
    }
    inside.update(one);
  }

  return { node, update };
}
