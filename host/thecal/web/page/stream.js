// The server's events. One tab of a browser holds the stream and passes it on to the others: a browser has six
// connections to a server, so with a stream a tab the seventh tab would hang, and its STOP with it.

const SILENCE_MS = 7_000; // the server beats every 5 s
const AGAIN_MS = 1_000;

const channel = "BroadcastChannel" in self ? new BroadcastChannel("thecal") : null;

/** Call `heard()` at every sign of life, `event(name, data)` for every event, `lost()` when the stream breaks. */
export function listen(on) {
  const tell = (message) => {
    channel?.postMessage(message);
    take(on, message);
  };
  channel?.addEventListener("message", ({ data }) => take(on, data));
  const hold = () => forever(tell);
  if (navigator.locks) navigator.locks.request("thecal-stream", hold);
  else hold();
}

function take(on, message) {
  if (message.what === "heard") on.heard();
  else if (message.what === "lost") on.lost();
  else on.event(message.name, message.data);
}

async function forever(tell) {
  for (;;) {
    await read(tell).catch(() => {});
    tell({ what: "lost" });
    await new Promise((again) => setTimeout(again, AGAIN_MS));
  }
}

async function read(tell) {
  const stopper = new AbortController();
  let watch = setTimeout(() => stopper.abort(), SILENCE_MS);
  try {
    const response = await fetch("/api/events", {
      signal: stopper.signal,
      cache: "no-store",
      headers: { Accept: "text/event-stream" },
    });
    if (!response.ok) throw new Error(`events: ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(() => stopper.abort(), SILENCE_MS);
      tell({ what: "heard" });
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) pass(block, tell);
    }
  } finally {
    clearTimeout(watch);
    stopper.abort();
  }
}

function pass(block, tell) {
  const field = (name) =>
    block
      .split("\n")
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trimStart())
      .join("\n");
  const data = field("data");
  if (data) tell({ what: "event", name: field("event") || "message", data: JSON.parse(data) });
}
