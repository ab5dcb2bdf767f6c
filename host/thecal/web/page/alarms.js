// Alarms by list, by title, by the tab's picture, by sound. Changes of state are said to a screen reader.

import { el, icon, setText } from "./dom.js";
import * as store from "./store.js";
import { ended, sentence, stateWord } from "./words.js";

const REPEAT_MS = 6_000;
const KEY = "thecal-sound";
const HZ = { alarm: [880, 660, 880], warning: [520], lost: [440, 330] };

const region = document.getElementById("alarms");
const lost = document.getElementById("lost");
const link = document.getElementById("link");
const sound = document.getElementById("sound");
const before = new Map(); // pump -> {state, faults}, to say only what changes
let drawn = "";
let shown = null;
let audio = null;
let wanted = localStorage.getItem(KEY) === "on";
let timer = 0;

/** Begin to watch. */
export function begin() {
  sound.addEventListener("click", toggle);
  // A browser plays nothing before the first gesture on the page.
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { passive: true });
  store.watch(update);
  label();
}

/** Say which pump this screen is about; null for all. */
export function screenOf(id) {
  shown = id;
  update();
}

const severe = (alarm) => alarm.severity !== "warning";
const active = () => store.pumps().flatMap((one) => one.alarms.map((alarm) => ({ one, alarm })));

function update() {
  const all = active().sort((a, b) => severe(b.alarm) - severe(a.alarm));
  draw(all);
  head(all);
  connection();
  for (const one of store.pumps()) say(one);
  if (all.length && !timer) timer = setInterval(tone, REPEAT_MS);
  if (!all.length && timer) timer = clearInterval(timer) ?? 0;
}

function draw(all) {
  const others = all.filter(({ one }) => one.id !== shown); // that pump's own screen shows them with what to do
  const key = JSON.stringify(others.map(({ one, alarm }) => [one.id, store.title(one), alarm]));
  if (key === drawn) return;
  drawn = key;
  region.hidden = !others.length;
  region.replaceChildren(
    ...others.map(({ one, alarm }) =>
      el(
        "a",
        { class: `alarm-line ${alarm.severity ?? "alarm"}`, href: `#/pump/${encodeURIComponent(one.id)}/now` },
        icon("alarm"),
        el("span", {}, el("strong", {}, severe(alarm) ? "Alarm " : "Warning "), `${store.title(one)}: ${ended(alarm.text)}`),
        el("span", { class: "look" }, "Look and acknowledge"),
      ),
    ),
  );
}

function head(all) {
  const first = all[0];
  const count = all.length > 1 ? ` and ${all.length - 1} more` : "";
  const word = first && (severe(first.alarm) ? "ALARM" : "WARNING");
  const lostWord = store.connected() || !store.everHeard() ? "" : "No connection | ";
  document.title = first
    ? `▲ ${word} ${store.title(first.one)}: ${first.alarm.text}${count} | ${lostWord}thecal`
    : `${lostWord}thecal`;
  const href = first ? "/page/icon-alarm.svg" : "/page/icon.svg";
  const favicon = document.getElementById("favicon");
  if (favicon.getAttribute("href") !== href) favicon.setAttribute("href", href);
}

function connection() {
  const live = store.connected();
  setText(link, live ? "Live" : store.everHeard() ? "Not live" : "Connecting…");
  link.className = live ? "live" : "dead";
  lost.hidden = live || !store.everHeard();
  if (lost.hidden) return void lost.replaceChildren();
  if (!lost.firstChild) {
    // The age changes each second; a screen reader should hear only that the connection is lost.
    play(HZ.lost);
    lost.append(
      icon("offline"),
      el(
        "span",
        {},
        el("strong", {}, "No connection to the server. "),
        "Each pump goes on by itself with what it was last ordered. STOP is tried anyway; the stop button on the pump always works.",
      ),
      el("span", { class: "age", "aria-live": "off" }),
    );
  }
  setText(lost.querySelector(".age"), `Last seen ${store.silent_s()} s ago`);
}

function say(one) {
  const { live } = store.freshness(one);
  const state = live ? one.state : one.online ? null : "offline"; // a lost server is said once, by its own message
  const old = before.get(one.id);
  const faults = new Set(one.alarms.map((alarm) => alarm.fault));
  if (old && state && old.state && state !== old.state) {
    announce("say", `${store.title(one)}: ${state === "offline" ? "does not answer" : stateWord(state)}`);
  }
  const fresh = one.alarms.filter((alarm) => !old?.faults.has(alarm.fault));
  if (fresh.length) {
    announce(
      "shout",
      fresh
        .map((alarm) => `${severe(alarm) ? "Alarm" : "Warning"}, ${store.title(one)}: ${ended(alarm.text)} ${sentence(alarm.do)}`)
        .join(" "),
    );
    tone();
  }
  before.set(one.id, { state: state ?? old?.state, faults });
}

/** Say a sentence to a screen reader: politely ("say") or at once ("shout"). */
export function announce(how, text) {
  setText(document.getElementById(how), text);
}

// --- sound

function label() {
  const ready = wanted && audio?.state === "running";
  sound.setAttribute("aria-pressed", String(wanted));
  setText(sound, wanted ? (ready ? "Sound on" : "Sound: click once") : "Sound off");
  sound.title =
    wanted && !ready
      ? "The browser plays no sound before the first click or key on this page."
      : "An alarm sounds every 6 seconds in this window.";
}

async function wake() {
  if (!wanted || audio?.state === "running") return;
  audio ??= new AudioContext();
  await audio.resume().catch(() => {});
  label();
}

async function toggle() {
  wanted = !wanted;
  localStorage.setItem(KEY, wanted ? "on" : "off");
  await wake();
  label();
  if (wanted) play([660]); // so that one hears that it works
}

function tone() {
  const all = active();
  if (all.length) play(all.some(({ alarm }) => severe(alarm)) ? HZ.alarm : HZ.warning);
}

function play(tones) {
  if (!wanted || audio?.state !== "running") return;
  tones.forEach((hz, at) => {
    const begin_s = audio.currentTime + at * 0.28;
    const oscillator = new OscillatorNode(audio, { type: "triangle", frequency: hz });
    const gain = new GainNode(audio, { gain: 0 });
    gain.gain.setValueAtTime(0, begin_s);
    gain.gain.linearRampToValueAtTime(0.35, begin_s + 0.02);
    gain.gain.setValueAtTime(0.35, begin_s + 0.18);
    gain.gain.linearRampToValueAtTime(0, begin_s + 0.22);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(begin_s);
    oscillator.stop(begin_s + 0.24);
  });
  document.documentElement.dataset.tones = String(Number(document.documentElement.dataset.tones ?? 0) + 1);
}
