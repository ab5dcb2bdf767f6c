// STOP: one click, in front of everything, its outcome beside it. It waits for no other request and for no question.

import * as api from "./api.js";
import { el, icon, setText } from "./dom.js";
import * as store from "./store.js";
import { sentence, stateWord } from "./words.js";

const KEEP_MS = 60_000; // a good outcome stays this long; a bad one stays until somebody takes it away
const AT_REST = ["stopped", "alarm", "maintenance"];

const results = document.getElementById("stop-results");
const lines = new Map();
let shown = null; // the pump of this screen, or null for all
let latest = 0;

const main = el("button", {
  type: "button",
  class: "stop",
  id: "stop-main",
  "aria-keyshortcuts": "Alt+S",
  onclick: () => stopMany(shown ? [shown] : ids()),
});
const all = el("button", { type: "button", class: "stop stop-all", id: "stop-all", hidden: true, onclick: () => stopMany(ids()) });
const ids = () => store.pumps().map((one) => one.id);

/** Put STOP onto the screen. */
export function begin() {
  document.getElementById("stop-buttons").append(main, all);
  addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.code !== "KeyS") return;
    event.preventDefault();
    main.click();
  });
  store.watch(update);
  update();
}

/** Say which pump this screen is about; null for all. */
export function screenOf(id) {
  shown = id;
  update();
}

function update() {
  const count = store.pumps().length;
  const one = shown ? store.pump(shown) : count === 1 ? store.pumps()[0] : null;
  setText(main, one ? `STOP ${store.title(one)}` : shown ? "STOP this pump" : count ? `STOP all ${count} pumps` : "STOP");
  all.hidden = !(shown && count > 1);
  setText(all, `STOP all ${count}`);
}

/** Return a STOP button of one pump. */
export function button(id) {
  return el("button", { type: "button", class: "stop stop-one", onclick: () => stopMany([id]) }, "STOP");
}

function stopMany(which) {
  if (!which.length) line("", "No pump is known to this page.", "bad", "Use the stop button on the pump.");
  for (const id of which) stopOne(id);
}

async function stopOne(id) {
  const name = store.pump(id) ? store.title(store.pump(id)) : id;
  const number = (latest += 1);
  line(id, `${name}: stopping…`, "wait", "", number);
  try {
    const said = await api.stop(id);
    const rest = AT_REST.includes(said.state);
    const text = said.state === "stopped" ? `${name} stopped.` : `${name} answered: ${stateWord(said.state).toLowerCase()}.`;
    line(
      id,
      `${text} ${sentence(said.delivered_text)}`.trim(),
      rest ? "good" : "bad",
      rest ? "" : "Press STOP again, or the stop button on the pump.",
      number,
    );
  } catch (error) {
    line(
      id,
      `${name}: STOP is not confirmed. ${sentence(error.message)}`,
      "bad",
      error.todo || "Press the stop button on the pump, or switch off the motor's supply.",
      number,
    );
  }
  store.refresh();
}

// One line a pump: the outcome of the newest press replaces the one before, never the other way round.
function line(id, text, how, todo, number = (latest += 1)) {
  const old = lines.get(id);
  if (old && old.number > number) return;
  const away = el(
    "button",
    { type: "button", class: "away", "aria-label": `Remove this message: ${text}`, onclick: () => remove(id) },
    "×",
  );
  const symbol = how === "good" ? icon("ok") : how === "bad" ? icon("alarm") : null;
  const node = el(
    "p",
    { class: `result ${how}` },
    symbol,
    el("span", {}, text, todo ? el("strong", {}, ` ${sentence(todo)}`) : null),
    how === "wait" ? null : away,
  );
  if (old) {
    clearTimeout(old.timer);
    old.node.replaceWith(node);
  } else {
    results.append(node);
  }
  lines.set(id, { node, number, timer: how === "good" ? setTimeout(() => remove(id), KEEP_MS) : 0 });
}

function remove(id) {
  lines.get(id)?.node.remove();
  lines.delete(id);
}
