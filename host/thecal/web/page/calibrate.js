// The calibration wizard: plan, prime, run and weigh several times, store. The server and the pump do the work.

import * as api from "./api.js";
import { el, table } from "./dom.js";
import { failure } from "./review.js";
import { sentence } from "./words.js";

const POLL_MS = 700;
const STEPS = [
  ["planned", "1 Plan"],
  ["running", "2 Run"],
  ["weigh", "3 Weigh"],
  ["fitted", "4 Check"],
  ["stored", "5 Stored"],
];
const REACHED = { idle: 0, planned: 1, priming: 1, running: 1, weigh: 2, fitted: 3, stored: 5, failed: 0 };
const FIELDS = [
  ["tube", "Name of the tube", "T1"],
  ["lot", "Lot of the tube", "may stay empty"],
  ["turns", "Turns of the head per run", "more turns, less error", "20"],
  ["rate", "Rate of the runs", "the rate of your program", "2 mL/h"],
  ["runs", "Number of runs", "several show the scatter", "3"],
  ["prime", "Volume that fills the line first", "0.5 mL, empty for none"],
  ["temperature", "Temperature of the water", "gives its density", "20 C"],
  ["density", "Density, if it is not water", "1.005 g/mL"],
  ["for_volume", "Expires after this volume", "0 mL: never", "500 mL"],
  ["for_days", "Expires after these days", "0: never", "90"],
];
const NUMBERS = ["turns", "runs", "for_days"];

/** Return the wizard of a pump. `sure` asks the page's question before the motor turns. */
export function wizard(id) {
  const node = el("section", { class: "wizard", "aria-label": "Calibration" });
  const trail = el("ol", { class: "trail", "aria-label": "Steps" });
  const place = el("div", { class: "wizard-place" });
  const problem = el("div", { class: "review-place" });
  node.append(
    el("h2", {}, "Calibrate by weight"),
    el(
      "p",
      { class: "intro" },
      "The pump turns its head a known number of times. You weigh what came out. From several runs follows the volume of a step.",
    ),
    trail,
    place,
    problem,
  );
  let stage = "";
  let view = null;
  const typed = Object.fromEntries(FIELDS.map(([name, , , value]) => [name, value ?? ""])); // kept when a plan is refused

  async function look() {
    try {
      draw(await (await fetch(api.download(id, "calibrate"), { cache: "no-store" })).json());
    } catch {
      if (node.isConnected) setTimeout(look, 2000);
    }
  }

  async function step(body) {
    problem.replaceChildren();
    try {
      draw(await api.calibrate(id, { wizard: view?.wizard, ...body }), true);
    } catch (error) {
      failure(problem, error);
    }
  }

  function draw(found, focus = false) {
    if (!found.stage) return;
    view = found;
    const moving = ["priming", "running"].includes(found.stage);
    if (moving && stage === found.stage && progress) update(found);
    else build(found, focus || (stage !== "" && stage !== found.stage));
    stage = found.stage;
    if (moving && node.isConnected) setTimeout(look, POLL_MS);
  }

  let progress = null;

  function update(found) {
    progress.bar.value = found.done_permille;
    progress.text.textContent = `${Math.floor(found.done_permille / 10)} %`;
  }

  function build(found, focus) {
    const reached = REACHED[found.stage] ?? 0;
    trail.replaceChildren(
      ...STEPS.map(([, label], at) =>
        el(
          "li",
          { "aria-current": at === Math.min(reached, STEPS.length - 1) ? "step" : null, class: at < reached ? "done" : null },
          label,
        ),
      ),
    );
    const head = el("h3", { tabindex: "-1" }, headline(found));
    const rows = found.rows.length ? table("Calibration so far", [], found.rows) : null;
    const error = found.error ? el("p", { class: "differs" }, `${sentence(found.error.text)} ${sentence(found.error.do)}`) : null;
    progress = null;
    place.replaceChildren(head, found.text ? el("p", {}, found.text) : "", error ?? "", rows ?? "", ...parts(found));
    if (focus) head.focus({ preventScroll: true });
  }

  function parts(found) {
    const can = (name) => found.allowed.includes(name);
    const made = [];
    if (found.stage === "idle" || found.stage === "stored" || found.stage === "failed")
      made.push(el("p", { class: "hint" }, sentence(found.calibration_text)), planForm());
    if (["priming", "running"].includes(found.stage)) {
      progress = {
        bar: el("progress", { max: "1000", value: found.done_permille, "aria-label": "Progress of the run" }),
        text: el("span", {}),
      };
      made.push(el("p", { class: "progress" }, progress.bar, progress.text));
      update(found);
    }
    if (can("mass")) made.push(massForm());
    const buttons = [];
    if (can("prime")) buttons.push(act("Prime the line (the motor turns)", "prime"));
    if (can("run")) buttons.push(act(`Start run ${found.run + 1} of ${found.runs} (the motor turns)`, "run", "primary"));
    if (can("store"))
      buttons.push(
        act("Store this calibration", "store", "primary"),
        act("Store although the runs scatter", "store", "", { accept_scatter: true }),
      );
    if (can("leave") && found.stage !== "idle") buttons.push(act("Leave, change nothing", "leave"));
    if (buttons.length) made.push(el("div", { class: "buttons" }, buttons));
    return made;
  }

  function act(label, name, kind = "", more = {}) {
    return el("button", { type: "button", class: kind || null, onclick: () => step({ step: name, ...more }) }, label);
  }

  function planForm() {
    const inputs = FIELDS.map(([name, label, hint]) => ({ name, node: field(name, label, hint, typed[name]) }));
    const buoyancy = el("input", { type: "checkbox", id: "cal-buoyancy" });
    const submit = (event) => {
      event.preventDefault();
      const body = { step: "plan", wizard: undefined, buoyancy: buoyancy.checked };
      for (const { name, node: one } of inputs) {
        typed[name] = one.querySelector("input").value.trim();
        body[name] = NUMBERS.includes(name) ? Number.parseInt(typed[name] || "0", 10) : typed[name];
      }
      step(body);
    };
    return el(
      "form",
      { class: "order", "aria-label": "Plan of the calibration", onsubmit: submit },
      el(
        "div",
        { class: "fields" },
        inputs.map((one) => one.node),
      ),
      el("label", { class: "check", for: "cal-buoyancy" }, buoyancy, " Correct for air buoyancy (about 0.1 %)"),
      el(
        "div",
        { class: "buttons" },
        el("button", { type: "submit", class: "primary" }, "Plan the runs"),
        el("span", { class: "hint" }, "Moves nothing yet."),
      ),
    );
  }

  function massForm() {
    const mass = field("mass", "Weight after the run", "1.0023 g");
    const tare = field("tare", "Weight of the empty vessel", "0 g if the balance was set to zero", "0 g");
    const submit = (event) => {
      event.preventDefault();
      step({
        step: "mass",
        mass: mass.querySelector("input").value.trim(),
        tare: tare.querySelector("input").value.trim() || "0 g",
      });
    };
    return el(
      "form",
      { class: "order", "aria-label": "Weight", onsubmit: submit },
      el("div", { class: "fields" }, mass, tare),
      el("div", { class: "buttons" }, el("button", { type: "submit", class: "primary" }, "Take this weight")),
    );
  }

  look();
  return { node };
}

function headline(found) {
  return (
    {
      idle: "Plan",
      planned: `Ready for run ${found.run + 1} of ${found.runs}`,
      priming: "The pump primes the line",
      running: `Run ${found.run} of ${found.runs}: the motor turns`,
      weigh: `Weigh what run ${found.run} delivered`,
      fitted: "Check, then store",
      stored: "Stored and read back",
      failed: "The calibration has failed",
    }[found.stage] ?? found.stage
  );
}

function field(name, label, hint, value = "") {
  const key = `cal-${name}`;
  return el(
    "div",
    { class: "field" },
    el("label", { for: key }, label),
    el("input", {
      type: "text",
      id: key,
      name,
      value,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      "aria-describedby": `${key}-hint`,
    }),
    el("span", { class: "hint", id: `${key}-hint` }, hint),
  );
}
