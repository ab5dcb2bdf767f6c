// The login page. STOP works here too: for the pumps that this browser has seen.

import { setText } from "./dom.js";
import * as stop from "./stop.js";
import * as store from "./store.js";

const SAID = { 403: "This key is not right for this role.", 429: "Too many wrong keys. Wait a minute, then try again." };

setText(document.getElementById("wrong"), SAID[performance.getEntriesByType("navigation")[0]?.responseStatus] ?? "");
store.remember();
stop.begin();
