// STOP: one click, in front of everything, its outcome beside it. It waits for no other request and for no question.

import * as api from "./api.js";
import { el, icon, setText } from "./dom.js";
import * as store from "./store.js";
import { sentence, stateWord } from "./words.js";

const KEEP_MS = 60_000; // a good outcome stays this long; a bad one stays until somebody takes it away
const AT_REST = ["stopped", "alarm", "maintenance"];

const results = document.getElementById("stop-results");
const outcomes = new Map();
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
  if (!which.length) report("", { how: "bad", text: "No pump is known to this page.", todo: "Use the stop button on the pump." });
  for (const id of which) stopOne(id);
}

async function stopOne(id) {
  const name = store.pump(id) ? store.title(store.pump(id)) : id;
  const number = (latest += 1);
  report(id, { number, name, how: "wait", text: "stopping…" });
  try {
    const said = await api.stop(id);
    const rest = AT_REST.includes(said.state);
    const word = said.state === "stopped" ? "stopped." : `answered: ${stateWord(said.state).toLowerCase()}.`;
    const text = `${word} ${sentence(said.delivered_text)}`;
    report(id, {
      number,
      name,
      how: rest ? "good" : "bad",
      text,
      todo: rest ? "" : "Press STOP again, or the stop button on the pump.",
    });
  } catch (error) {
    const todo = error.todo || "Press the stop button on the pump, or switch off the motor's supply.";
    report(id, { number, name, how: "bad", text: `STOP is not confirmed. ${sentence(error.message)}`, todo });
  }
  store.refresh();
}

// The outcome of the newest press of a pump replaces the one before, never the other way round.
function report(id, found) {
  const made = { number: (latest += 1), name: "", todo: "", ...found };
  const old = outcomes.get(id);
  if (old && old.number > made.number) return;
  clearTimeout(old?.timer);
  made.timer = made.how === "good" ? setTimeout(() => remove([id]), KEEP_MS) : 0;
  outcomes.set(id, made);
  draw();
}

// Pumps with the same outcome share a line: ten equal sentences would cover the screen.
function draw() {
  const groups = new Map();
  for (const [id, one] of outcomes) {
    const key = JSON.stringify([one.how, one.text.trim(), one.todo]);
    groups.set(key, [...(groups.get(key) ?? []), [id, one]]);
  }
  results.replaceChildren(...[...groups.values()].map((group) => line(group)));
}

function line(group) {
  const [, { how, text, todo }] = group[0];
  const names = group
    .map(([, one]) => one.name)
    .filter(Boolean)
    .join(", ");
  const words = `${names ? `${names}: ` : ""}${text.trim()}`;
  const symbol = how === "good" ? icon("ok") : how === "bad" ? icon("alarm") : null;
  const taken = () => remove(group.map(([id]) => id));
  const away = el("button", { type: "button", class: "away", "aria-label": `Remove this message: ${words}`, onclick: taken }, "×");
  const told = el("span", {}, words, todo ? el("strong", {}, ` ${sentence(todo)}`) : null);
  return el("p", { class: `result ${how}` }, symbol, told, how === "wait" ? null : away);
}

function remove(ids) {
  for (const id of ids) outcomes.delete(id);
  draw();
}
