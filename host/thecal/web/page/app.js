// The screens: all pumps side by side, or one pump with its parts. The address after # names the screen.

import * as alarms from "./alarms.js";
import * as api from "./api.js";
import { wizard } from "./calibrate.js";
import { card, facts } from "./card.js";
import { charts } from "./chart.js";
import { picture } from "./day.js";
import { el, setText, table } from "./dom.js";
import * as orders from "./orders.js";
import { failure } from "./review.js";
import * as stop from "./stop.js";
import * as store from "./store.js";
import { glued, orderText, sentence, shortDigest } from "./words.js";

const PARTS = [
  ["now", "Now"],
  ["order", "Order"],
  ["program", "Prescription"],
  ["calibrate", "Calibrate"],
  ["records", "Records"],
];
const main = document.getElementById("main");
const crumbs = document.getElementById("crumbs");
let screen = { update() {}, leave() {} };

// --- all pumps

function overview() {
  const grid = el("div", { class: "grid" });
  const empty = el("p", { class: "empty" });
  const cards = new Map();
  main.replaceChildren(el("h1", { class: "unseen", tabindex: "-1" }, "All pumps"), empty, grid);
  crumbs.replaceChildren();
  screenOf(null);

  function update() {
    const list = store.pumps();
    empty.hidden = list.length > 0;
    empty.textContent = store.trouble()
      ? `${store.trouble().message} ${store.trouble().todo}`
      : store.everHeard()
        ? "No pump was found. Plug one in, or type `thecal sim` for a simulated one."
        : "Asking the server for its pumps…";
    for (const [id, one] of cards) {
      if (list.some((pump) => pump.id === id)) continue;
      one.node.remove();
      cards.delete(id);
    }
    list.forEach((pump, at) => {
      if (!cards.has(pump.id)) cards.set(pump.id, card(pump.id));
      const { node, update: renew } = cards.get(pump.id);
      renew(pump);
      // Moved only if it is in another place: moving takes the focus away from a button inside.
      if (grid.children[at] !== node) grid.insertBefore(node, grid.children[at] ?? null);
    });
  }

  return { update, leave() {} };
}

// --- one pump

function onePump(id, part, kind) {
  const of_pump = `#/pump/${encodeURIComponent(id)}`;
  const title = el("h1", { tabindex: "-1" });
  const where = el("p", { class: "where" });
  const inside = facts(id);
  const alarmsOf = orders.alarmList();
  const body = el("div", { class: "part" });
  main.replaceChildren(
    el(
      "div",
      { class: `pump part-${part}` },
      el("div", { class: "pump-head" }, title, where, inside.node, alarmsOf.node),
      el(
        "div",
        { class: "pump-body" },
        el(
          "nav",
          { class: "tabs", "aria-label": "Parts of this pump" },
          PARTS.map(([name, label]) =>
            el("a", { href: `${of_pump}/${name}`, "aria-current": name === part ? "page" : null }, label),
          ),
        ),
        body,
      ),
    ),
  );
  crumbs.replaceChildren(el("a", { href: "#/" }, "All pumps"));
  screenOf(id);
  const made = { now, order, program, calibrate, records }[part](id, body, kind);

  function update() {
    const one = store.pump(id);
    title.textContent = one ? store.title(one) : id;
    const facts = one && [one.port, one.unique_id && `id ${one.unique_id}`, one.law_text && `doses ${one.law_text}`, store.keysText(one)];
    where.textContent = one ? facts.filter(Boolean).join(" · ") : "The server does not know this pump.";
    if (!one) return;
    inside.update(one);
    alarmsOf.update(one);
    made?.update?.(one);
  }

  return { update, leave: () => made?.stop?.() };
}

function now(id, body) {
  const chart = charts(id);
  const running = el("div", { class: "orders-now" });
  const place = el("div", { class: "review-place" });
  let digest = null;
  const shown = new Map(); // token -> its line; a button stays while its numbers change
  body.append(running, place, chart.node);

  function update(one) {
    for (const [token, line] of shown) {
      if ((one.orders ?? []).some((order) => order.token === token)) continue;
      line.remove();
      shown.delete(token);
    }
    for (const order of one.orders ?? []) {
      if (!shown.has(order.token)) {
        shown.set(
          order.token,
          el("div", { class: "order-now" }, el("p", {}), el("button", { type: "button", onclick: () => end(order) }, "End it")),
        );
        running.append(shown.get(order.token));
      }
      const [text, button] = shown.get(order.token).children;
      setText(text, glued(orderText(order)));
      button.setAttribute("aria-label", `End it: ${orderText(order)}`);
    }
    // What the chart shows changes at once with a program or an order; else every 20 s.
    const moment = `${one.program?.digest}${one.state}${(one.orders ?? []).map((order) => order.token)}`;
    if (digest !== null && digest !== moment) chart.load();
    digest = moment;
  }

  async function end(order) {
    try {
      const said = await api.cancel(id, order.token);
      place.replaceChildren(el("p", { class: "panel good", role: "status" }, sentence(said.text)));
    } catch (error) {
      failure(place, error);
    }
    store.refresh();
  }

  return { update, stop: chart.stop };
}

function order(id, body, kind) {
  const chosen = orders.isOrder(kind) ? kind : orders.FIRST;
  body.append(orders.choices(id, chosen), orders.form(id, chosen));
}

function program(id, body) {
  const held = el("section", { "aria-label": "Active prescription" }, el("p", { class: "empty" }, "Reading the program…"));
  body.append(held, orders.upload(id));
  let digest;

  async function load() {
    try {
      const view = await api.program(id);
      const heads = view.rows.length && view.rows[0][0] === "" ? view.rows[0] : [];
      held.replaceChildren(
        el("h2", {}, view.name || "Untitled"),
        el("p", { class: "hint" }, "Digest ", el("code", { title: view.digest }, shortDigest(view.digest))),
        picture(view),
        el(
          "details",
          {},
          el("summary", {}, "All settings"),
          table("Settings of the active program", heads, heads.length ? view.rows.slice(1) : view.rows),
        ),
        // A program that was uploaded elsewhere has no file here.
        view.toml ? el("details", {}, el("summary", {}, "As a prescription file"), el("pre", { tabindex: "0" }, view.toml)) : "",
      );
    } catch (error) {
      held.replaceChildren(
        el(
          "p",
          { class: "empty" },
          error.kind === "no_program" ? "This pump has no active program." : `${error.message} ${error.todo}`,
        ),
      );
    }
  }

  return {
    update(one) {
      if (digest === (one.program?.digest ?? "")) return;
      digest = one.program?.digest ?? "";
      load();
    },
  };
}

function calibrate(id, body) {
  body.append(wizard(id).node);
}

function records(id, body) {
  const file = (name, label, text) =>
    el(
      "li",
      {},
      el("a", { href: api.download(id, name), download: true, class: "button" }, label),
      el("span", { class: "hint" }, text),
    );
  body.append(
    el(
      "section",
      { class: "records", "aria-label": "Records" },
      el("h2", {}, "Records"),
      el("p", { class: "intro" }, "All of them come from the pump's own journal."),
      el(
        "ul",
        {},
        file("journal.csv", "Journal (CSV)", "Every record of the journal."),
        file("report.html?span=7d", "Report (page)", "Prescription, planned and delivered, boluses, alarms of 7 days."),
        file("compare.csv?span=7d", "Comparison (CSV)", "Forecast and delivered volume of each minute of 7 days."),
      ),
    ),
  );
}

// --- addresses

function screenOf(id) {
  stop.screenOf(id);
  alarms.screenOf(id);
}

function route(first = false) {
  screen.leave();
  const [what, id, part, kind] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const known = PARTS.some(([name]) => name === part);
  screen = what === "pump" && id ? onePump(id, known ? part : "now", kind) : overview();
  screen.update();
  if (first) return;
  scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
}

// --- who is there

// A link to log in appears only where a pump has keys; without keys, physical access decides.
async function who() {
  const place = document.getElementById("who");
  try {
    const known = await api.session();
    store.setRoles(known.roles);
    const keyed = known.login_needed || Object.keys(known.roles).length > 0;
    if (known.logged_in) place.replaceChildren(el("button", { type: "button", class: "quiet", onclick: api.logout }, "Log out"));
    else place.replaceChildren(keyed ? el("a", { href: "/login", class: "button quiet" }, "Log in") : "");
  } catch {
    place.replaceChildren(); // the pumps' own request says why
  }
}

stop.begin();
alarms.begin();
addEventListener("hashchange", () => route());
route(true);
store.watch(() => screen.update());
store.begin();
who();
store.onKeys(who);
