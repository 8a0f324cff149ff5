// Keeps a page true: one stream of server-sent events tells that something changed, and the page's live parts are
// fetched anew. A hidden page closes its stream; one whose stream is silent says so.

import { morph } from "./morph.js";

const PACE = 400;
const SILENCE = 25_000;

const main = document.querySelector("main[data-live]");
let source, lastRefresh = 0, isRefreshing = false, isStale = false, silence, retry = 500;

function show(state) {
  for (const badge of document.querySelectorAll("[data-live-state]")) {
    badge.hidden = false;
    badge.dataset.state = state;
    const words = state === "on" ? badge.dataset.on : badge.dataset.lost;
    if (badge.lastElementChild.textContent !== words) badge.lastElementChild.textContent = words;
  }
}

async function refresh() {
  if (isRefreshing) { isStale = true; return; }
  isRefreshing = true;
  isStale = false;
  const pace = Number(main.dataset.pace) || PACE;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, lastRefresh + pace - Date.now())));
  lastRefresh = Date.now();
  try {
    const response = await fetch(location.pathname + (main.dataset.live || "?"), { headers: { "X-Live": "1", Accept: "text/html" } });
    if (response.status === 401) return location.reload();
    if (response.ok) replaceParts(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch { /* the stream tells when the server is back, and everything is fetched then */ }
  isRefreshing = false;
  poll();
  if (isStale) refresh();
}

// What changes no run (a bulk action's progress) is looked at again while it says so.
function poll() {
  const part = document.querySelector("[data-poll]");
  if (part && !document.hidden) setTimeout(refresh, Number(part.dataset.poll));
}

function replaceParts(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    if (part.parentElement.closest("[data-part]")) continue;
    const shown = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (shown) morph(shown, part);
  }
  document.dispatchEvent(new Event("refreshed"));
  show("on");
}

function hear() {
  clearTimeout(silence);
  silence = setTimeout(lose, SILENCE);
}

function lose() {
  source?.close();
  show("lost");
  clearTimeout(silence);
  setTimeout(open, retry);
  retry = Math.min(retry * 2, 10_000);
}

function open() {
  if (document.hidden || (source && source.readyState !== EventSource.CLOSED)) return;
  source = new EventSource(main.dataset.watch ? `/live?run=${encodeURIComponent(main.dataset.watch)}` : "/live");
  source.addEventListener("open", () => { retry = 500; show("on"); hear(); refresh(); });
  source.addEventListener("beat", () => { show("on"); hear(); });
  source.addEventListener("change", () => { hear(); refresh(); });
  source.addEventListener("error", () => {
    show("lost");
    if (source.readyState === EventSource.CLOSED) lose();
  });
}

export function keepLive() {
  if (!main) return;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    clearTimeout(silence);
    source?.close();
  });
  open();
  poll();
}
