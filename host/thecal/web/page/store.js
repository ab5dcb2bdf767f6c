// What this page knows of the pumps, and how old that is.

import * as api from "./api.js";
import { listen } from "./stream.js";

const SILENCE_MS = 7_000;
const TICK_MS = 1_000;
const MEMORY = "thecal-pumps"; // names only, so that STOP has its pumps on the login page

const known = new Map();
const told_ms = new Map(); // pump -> when an event last described it
const watchers = new Set();
let heard_ms = 0; // the last sign of life of the server, on this computer's clock
let broken = false;
let ahead_s = 0;
let polling = false;
let problem = null; // why the server gives no pumps

/** Return all pumps in a steady order. */
export function pumps() {
  return [...known.values()].sort((a, b) => title(a).localeCompare(title(b), "en", { numeric: true }) || a.id.localeCompare(b.id));
}

export const pump = (id) => known.get(id);
export const title = (one) => one.name || `pump ${one.unique_id ? one.unique_id.slice(-6) : one.id}`;
let roles = {};
let keyed = "";
let keysChanged = () => {};

/** Take the roles of this login, by pump. */
export function setRoles(found) {
  roles = found;
  publish();
}

/** Call `changed` when a pump gets keys or loses them. */
export function onKeys(changed) {
  keysChanged = changed;
}

/** Return in words whether a pump has keys, and what this login may do. */
export function keysText(one) {
  if (one.keys === "damaged") return "keys damaged";
  if (one.keys !== "set") return "";
  return roles[one.id] ? `keys set, you may ${roles[one.id]}` : "keys set, you are not logged in";
}

export const everHeard = () => heard_ms > 0;
export const trouble = () => problem;

/** Say whether the server is alive, as far as this page can know at this moment. */
export function connected() {
  return !broken && heard_ms > 0 && Date.now() - heard_ms < SILENCE_MS;
}

export const silent_s = () => Math.max(0, Math.round((Date.now() - heard_ms) / 1000));

/** Return whether the values of a pump are of now, and their age in s. */
export function freshness(one) {
  const asof_s = Date.now() / 1000 - ahead_s - one.asof_utc_s;
  const of_server_s = connected() ? 0 : (Date.now() - heard_ms) / 1000;
  const age_s = Math.max(0, Math.round(one.online ? of_server_s : asof_s));
  return { live: connected() && one.online, age_s, never: !one.state };
}

/** Call `changed()` after every change, and once a second. */
export function watch(changed) {
  watchers.add(changed);
}

function publish() {
  const now = JSON.stringify(pumps().map((one) => [one.id, one.keys]));
  if (keyed && now !== keyed) keysChanged();
  keyed = now;
  for (const changed of watchers) changed();
}

function heard() {
  const was = connected();
  heard_ms = Date.now();
  broken = false;
  if (!was) refresh();
}

/** Ask for all pumps; the answer replaces what is known. */
export async function refresh() {
  if (polling) return;
  polling = true;
  const asked_ms = performance.now();
  try {
    const { list, ahead_s: ahead } = await api.pumps();
    ahead_s = ahead;
    const newer = [...known].filter(([id]) => told_ms.get(id) > asked_ms); // an event overtook this answer
    known.clear();
    for (const one of list) known.set(one.id, one);
    for (const [id, one] of newer) known.set(id, one);
    localStorage.setItem(MEMORY, JSON.stringify(list.map(({ id, name, unique_id }) => ({ id, name, unique_id }))));
    problem = null;
    heard_ms = Date.now();
    broken = false;
  } catch (error) {
    if (error.kind === "login" && location.pathname !== "/login") location.assign("/login");
    problem = error;
  } finally {
    polling = false;
    publish();
  }
}

/** Take the pumps that this browser saw last, for the login page. */
export function remember() {
  for (const one of JSON.parse(localStorage.getItem(MEMORY) ?? "[]")) known.set(one.id, { ...one, alarms: [] });
  publish();
}

function event(name, data) {
  if (name === "pump") {
    known.set(data.id, data);
    told_ms.set(data.id, performance.now());
  } else if (name === "gone") known.delete(data.id);
  else return;
  publish();
}

/** Begin: ask once, then follow the server's events. While they are silent, ask again and again. */
export function begin() {
  refresh();
  listen({
    heard,
    event,
    lost: () => {
      broken = true;
      publish();
    },
  });
  setInterval(() => {
    if (!connected() && document.visibilityState === "visible") refresh();
    publish();
  }, TICK_MS);
}
