// The server's answers. STOP has its own way, so that nothing else can delay it.

const META = 'meta[name="thecal-secret"]';
const MOST_AT_ONCE = 2; // a browser opens six connections to one server; the stream and STOP must always find one
const PATIENCE_MS = 30_000;
const STOP_PATIENCE_MS = 5_000;

let secret = document.querySelector(META)?.content;
let busy = 0;
const waiting = [];

/** An error with what to do about it. `kind` is "unreachable" if the server did not answer. */
export class ApiError extends Error {
  constructor(kind, text, todo = "") {
    super(text);
    this.kind = kind;
    this.todo = todo;
  }
}

async function turn() {
  if (busy >= MOST_AT_ONCE) await new Promise((go) => waiting.push(go));
  busy += 1;
}

function done() {
  busy -= 1;
  waiting.shift()?.();
}

async function refusal(response) {
  const said = await response.json().catch(() => ({}));
  const error = said.error ?? {};
  if (response.status === 401) return new ApiError("login", "You are not logged in.", "Log in with a key.");
  return new ApiError(
    error.kind ?? `http ${response.status}`,
    error.text ?? `The server answered ${response.status}.`,
    error.do ?? "",
  );
}

async function ask(path, { body, patience_ms = PATIENCE_MS } = {}) {
  const post =
    body === undefined
      ? {}
      : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-Thecal-Secret": secret } };
  let response;
  try {
    response = await fetch(path, { ...post, cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
  } catch {
    const todo =
      body === undefined ? "Look whether `thecal serve` still runs." : "Look at the pump's state before you repeat the order.";
    throw new ApiError(
      "unreachable",
      body === undefined ? "The server does not answer." : "The server did not answer. The outcome is unknown.",
      todo,
    );
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

// The server was started again, so it has another secret: it refused, and did nothing. Ask it for its page, then ask again.
async function askAgain(path, options) {
  try {
    return await ask(path, options);
  } catch (error) {
    if (error.kind !== "wrong_secret") throw error;
  }
  const page = await (await ask("/", {})).text();
  secret = new DOMParser().parseFromString(page, "text/html").querySelector(META)?.content;
  return ask(path, options);
}

async function inTurn(path, options) {
  await turn();
  try {
    const response = await askAgain(path, options);
    return { answer: await response.json(), date: response.headers.get("Date") };
  } finally {
    done();
  }
}

const of = (id, what) => `/api/pumps/${encodeURIComponent(id)}/${what}`;
const answer = async (path, options) => (await inTurn(path, options)).answer;

/** Return all pumps, and how far this computer's clock is ahead of the server's, in s. */
export async function pumps() {
  const { answer: list, date } = await inTurn("/api/pumps", { patience_ms: 4_000 });
  const ahead_s = date ? (Date.now() - Date.parse(date)) / 1000 : 0;
  return { list, ahead_s: Math.abs(ahead_s) > 2 ? ahead_s : 0 }; // the header has whole seconds
}

export const session = () => answer("/api/session");
export const chart = (id, span) => answer(of(id, `chart?span=${span}`));
export const program = (id) => answer(of(id, "program"));
export const review = (id, body) => answer(of(id, "review"), { body });
export const confirm = (id, of_review) => answer(of(id, "confirm"), { body: { review: of_review } });
export const cancel = (id, token) => answer(of(id, "cancel"), { body: { token } });
export const calibrate = (id, body) => answer(of(id, "calibrate"), { body });
export const download = (id, file) => of(id, file);

/** Forget this login. */
export async function logout() {
  await askAgain("/logout", { body: {} });
  location.assign("/login");
}

/** Stop a pump now: no turn to wait for, no secret, sent even if this page closes at the same moment. */
export async function stop(id) {
  let response;
  try {
    response = await fetch(of(id, "stop"), {
      method: "POST",
      keepalive: true,
      priority: "high",
      cache: "no-store",
      signal: AbortSignal.timeout(STOP_PATIENCE_MS),
    });
  } catch {
    throw new ApiError(
      "unreachable",
      "The server does not answer.",
      "Press the stop button on the pump, or switch off the motor's supply.",
    );
  }
  if (!response.ok) throw await refusal(response);
  return response.json();
}
