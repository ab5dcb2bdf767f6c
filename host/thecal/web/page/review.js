// The two steps of every order: a review, of which nothing was sent, then the confirmation and what the pump holds after it.

import * as api from "./api.js";
import { el, icon, table } from "./dom.js";
import * as store from "./store.js";
import { sentence, shortDigest } from "./words.js";

/** Ask for a review and show it in `place`; `verb` names the button that sends. Returns when the review is shown. */
export async function review(place, id, asked, verb) {
  show(place, "wait", "The server checks the order…", el("p", {}, "Nothing is sent yet."));
  try {
    question(place, id, asked, verb, await api.review(id, asked));
  } catch (error) {
    failure(place, error, "Nothing was sent.");
  }
}

/** Show an error with what to do about it. */
export function failure(place, error, before = "") {
  const todo = error.todo ? el("p", {}, el("strong", {}, "Do this: "), sentence(error.todo)) : null;
  show(place, "bad", sentence(error.message), before ? el("p", {}, before) : null, todo);
}

function question(place, id, asked, verb, found) {
  const until_ms = Date.now() + found.expires_s * 1000;
  const send = el("button", { type: "button", class: "primary", onclick: () => carryOut(place, id, found, clock) }, verb);
  const back = el(
    "button",
    {
      type: "button",
      onclick: () => {
        clearInterval(clock);
        place.replaceChildren();
        place.previousElementSibling?.querySelector("input, textarea, button")?.focus();
      },
    },
    "Back, send nothing",
  );
  const left = el("p", { class: "hint", "aria-live": "off" });
  const again = el("button", { type: "button", hidden: true, onclick: () => review(place, id, asked, verb) }, "Review again");
  const tick = () => {
    const left_s = Math.round((until_ms - Date.now()) / 1000);
    left.textContent =
      left_s > 0
        ? `Nothing was sent yet. This review is valid for ${left_s} s more.`
        : "This review has expired. Nothing was sent.";
    send.disabled = left_s <= 0;
    again.hidden = left_s > 0;
    if (left_s <= 0 || !place.isConnected) clearInterval(clock);
  };
  const clock = setInterval(tick, 1000);
  const digest = found.digest
    ? el("p", { class: "hint" }, "Digest of what will be sent: ", el("code", { title: found.digest }, shortDigest(found.digest)))
    : null;
  const buttons = el("div", { class: "buttons" }, send, again, back);
  show(place, "ask", found.question, el("div", {}, found.parts.flatMap(part)), digest, left, buttons);
  tick();
}

/** Return a part of a review as the command line prints it: lines, or a table with or without a head. */
function part({ kind, rows }) {
  if (kind === "lines") return rows.map((row) => el("p", {}, row.join(" ")));
  const widest = Math.max(...rows.map((row) => row.length));
  const full = rows.map((row) => [...row, ...Array(widest - row.length).fill("")]);
  return [table("What will change", kind === "headed" ? full.shift() : [], full)];
}

async function carryOut(place, id, found, clock) {
  clearInterval(clock);
  show(place, "wait", "Sending to the pump…", el("p", {}, "The pump answers, then the server reads back what it holds."));
  try {
    const said = await api.confirm(id, found.review);
    show(place, "good", sentence(said.text || "Done."), compared(found.digest, said.digest));
  } catch (error) {
    failure(place, error);
  }
  store.refresh();
}

function compared(reviewed, held) {
  if (!reviewed || !held) return null;
  const words =
    reviewed === held
      ? [icon("ok"), " The pump was read back. It holds what you reviewed: digest "]
      : [
          icon("alarm"),
          ` The pump holds another program than the one you reviewed (${shortDigest(reviewed)}). STOP it and look: digest `,
        ];
  return el("p", { class: reviewed === held ? "same" : "differs" }, words, el("code", { title: held }, shortDigest(held)));
}

function show(place, how, heading, ...rest) {
  const head = el("h3", { tabindex: "-1" }, how === "good" ? icon("ok") : how === "bad" ? icon("alarm") : null, heading);
  place.replaceChildren(
    el(
      "section",
      {
        class: `panel ${how}`,
        role: how === "bad" ? "alert" : null,
        "aria-label": how === "ask" ? "Review" : "Outcome",
        "aria-busy": how === "wait" ? "true" : null,
      },
      head,
      ...rest,
    ),
  );
  head.focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest" });
}
