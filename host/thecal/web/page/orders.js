// The forms of the orders. Quantities are typed as text with a unit; the server reads them as the command line does.

import { el, icon } from "./dom.js";
import { review } from "./review.js";
import { sentence } from "./words.js";

const RATE = { name: "rate", label: "Rate", hint: "1 mL/h, 20 uL/min, or 120 ug/day" };
const DURATION = { name: "duration", label: "Time", hint: "90 min, 2 h" };
const SOFT = ["concentration", "rate", "bolus", "day"];

const ORDERS = {
  start: {
    label: "Start",
    verb: "Start the pump",
    intro: "Sets the pump's clock and starts the active program.",
    fields: [],
  },
  run: {
    label: "Run",
    verb: "Run now",
    soft: true,
    intro:
      "Pumps now. Give any two of rate, volume and time; a rate alone runs until you stop it. " +
      "The run becomes the active program and ends by itself on the pump.",
    fields: [
      RATE,
      { name: "volume", label: "Volume", hint: "5 mL, or a drug mass" },
      DURATION,
      { name: "drug", label: "Drug", hint: "empty: the fluid of the active program" },
      { name: "concentration", label: "Concentration", hint: "500 ug/mL, for doses in mass" },
    ],
  },
  bolus: {
    label: "Bolus",
    verb: "Give this bolus",
    soft: true,
    intro:
      "A dose on top of the basal rate. Give a rate, or a time for an extended bolus. " +
      "With all fields empty it is the demand bolus of the program.",
    fields: [
      { name: "volume", label: "Volume", hint: "20 uL, or a drug mass" },
      RATE,
      { name: "over", label: "Over", hint: "2 h, instead of a rate" },
    ],
  },
  temporary: {
    label: "Temporary rate",
    verb: "Begin this rate",
    intro: "Replaces the basal rate for a time, 1 min to 24 h. Give a rate or a percentage of the basal.",
    fields: [RATE, { name: "percent", label: "Or percentage", hint: "50 %" }, DURATION],
  },
  prime: {
    label: "Prime",
    verb: "Prime the line",
    intro: "Fills tubing and catheter. The pump counts it as a dose.",
    fields: [RATE, { name: "again", label: "Prime again, although the line is primed", check: true }],
  },
  refill: {
    label: "Refill",
    verb: "Report the refill",
    intro: "Reports what you found in the reservoir and what you filled in.",
    fields: [
      { name: "measured", label: "Found in the reservoir", hint: "2.1 mL" },
      { name: "filled", label: "Filled in", hint: "16 mL" },
    ],
  },
  restore: {
    label: "Restore",
    verb: "Bring it back",
    intro: "Brings back the program that the last run replaced.",
    fields: [],
  },
};

export const FIRST = "run";
export const isOrder = (kind) => kind in ORDERS;

function toReview() {
  const button = el("button", { type: "submit", class: "primary" }, "Review…");
  return el("div", { class: "buttons" }, button, el("span", { class: "hint" }, "Sends nothing yet."));
}

/** Return the links to all orders, the chosen one marked. */
export function choices(id, chosen) {
  return el(
    "nav",
    { class: "choices", "aria-label": "Orders" },
    Object.entries(ORDERS).map(([kind, order]) =>
      el(
        "a",
        {
          href: `#/pump/${encodeURIComponent(id)}/order/${kind}`,
          "aria-current": kind === chosen ? "true" : null,
        },
        order.label,
      ),
    ),
  );
}

/** Return the form of an order and the place of its review. */
export function form(id, kind) {
  const order = ORDERS[kind];
  const place = el("div", { class: "review-place" });
  const inputs = order.fields.map((field) => input(kind, field));
  const soft = order.soft ? softLimits() : null;
  const node = el(
    "form",
    { class: "order", "aria-label": order.label, onsubmit: submit },
    el("h2", {}, order.label),
    el("p", { class: "intro" }, order.intro),
    el(
      "div",
      { class: "fields" },
      inputs.map((one) => one.node),
    ),
    soft,
    toReview(),
  );

  function submit(event) {
    event.preventDefault();
    const asked = { kind };
    for (const one of inputs) Object.assign(asked, one.value());
    const overrides = soft ? [...soft.querySelectorAll("input:checked")].map((box) => box.value) : [];
    if (overrides.length) asked.overrides = overrides;
    review(place, id, asked, order.verb);
  }

  return el("div", {}, node, place);
}

function input(kind, field) {
  const key = `${kind}-${field.name}`;
  if (field.check) {
    const box = el("input", { type: "checkbox", id: key });
    return {
      node: el("label", { class: "check", for: key }, box, ` ${field.label}`),
      value: () => (box.checked ? { [field.name]: true } : {}),
    };
  }
  const text = el("input", {
    type: "text",
    id: key,
    name: field.name,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: "200",
    "aria-describedby": `${key}-hint`,
  });
  const node = el(
    "div",
    { class: "field" },
    el("label", { for: key }, field.label),
    text,
    el("span", { class: "hint", id: `${key}-hint` }, field.hint),
  );
  return { node, value: () => (text.value.trim() ? { [field.name]: text.value.trim() } : {}) };
}

function softLimits() {
  return el(
    "details",
    { class: "soft" },
    el("summary", {}, "Confirm a soft limit of the drug library"),
    el("p", { class: "hint" }, "Only if the review was refused because of one. The pump's journal records it."),
    el(
      "div",
      { class: "checks" },
      SOFT.map((word) => el("label", { class: "check" }, el("input", { type: "checkbox", value: word }), ` ${word}`)),
    ),
  );
}

/** Return the form that uploads a prescription: drop a file, choose one, or paste text. */
export function upload(id) {
  const place = el("div", { class: "review-place" });
  const text = el("textarea", {
    id: "rx-text",
    rows: "10",
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "rx-hint",
  });
  const file = el("input", {
    type: "file",
    id: "rx-file",
    accept: ".toml,text/plain",
    class: "unseen",
    onchange: () => file.files[0] && take(file.files[0]),
  });
  const name = el("p", { class: "hint", role: "status" });
  let file_name = "prescription.toml";
  const zone = el(
    "div",
    { class: "drop", ondragover: over, ondragleave: () => zone.classList.remove("over"), ondrop: drop },
    el("p", {}, "Drop a prescription file here, or"),
    file,
    el("label", { for: "rx-file", class: "button" }, "Choose a file"),
    name,
  );
  const soft = softLimits();
  const node = el(
    "form",
    { class: "order", "aria-label": "New prescription", onsubmit: submit },
    el("h2", {}, "New prescription"),
    zone,
    el(
      "div",
      { class: "field" },
      el("label", { for: "rx-text" }, "Prescription (TOML)"),
      text,
      el("span", { class: "hint", id: "rx-hint" }, "You may also type or paste it. `thecal new` writes an example with comments."),
    ),
    soft,
    toReview(),
  );

  function over(event) {
    event.preventDefault();
    zone.classList.add("over");
  }

  function drop(event) {
    event.preventDefault();
    zone.classList.remove("over");
    const dropped = event.dataTransfer?.files[0];
    if (dropped) take(dropped);
  }

  async function take(chosen) {
    file_name = chosen.name;
    text.value = await chosen.text();
    name.textContent = `Read ${chosen.name}.`;
    place.replaceChildren();
  }

  function submit(event) {
    event.preventDefault();
    const overrides = [...soft.querySelectorAll("input:checked")].map((box) => box.value);
    const asked = { kind: "program", prescription: text.value, file_name };
    review(place, id, overrides.length ? { ...asked, overrides } : asked, "Upload and activate");
  }

  return el("div", {}, node, place);
}

/** Return the active alarms of a pump with a button that acknowledges each. */
export function alarmList() {
  const node = el("section", { class: "alarm-list", "aria-label": "Alarms of this pump" });
  const place = el("div", { class: "review-place" });
  const list = el("div", {});
  node.append(list, place);
  let drawn = null;

  function update(one) {
    const key = JSON.stringify(one.alarms);
    if (key === drawn) return;
    drawn = key;
    list.replaceChildren(
      ...one.alarms.map((alarm) =>
        el(
          "div",
          { class: `alarm-box ${alarm.severity ?? "alarm"}` },
          el(
            "p",
            {},
            icon("alarm"),
            el("strong", {}, `${alarm.severity === "warning" ? "Warning" : "Alarm"}: `),
            sentence(alarm.text),
          ),
          alarm.do ? el("p", {}, el("strong", {}, "Do this: "), sentence(alarm.do)) : null,
          el(
            "button",
            {
              type: "button",
              "aria-label": `Acknowledge: ${alarm.text}`,
              onclick: () => review(place, one.id, { kind: "ack", fault: alarm.fault }, "Acknowledge"),
            },
            "Acknowledge…",
          ),
        ),
      ),
    );
  }

  return { node, update };
}
