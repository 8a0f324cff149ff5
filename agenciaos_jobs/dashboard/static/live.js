// Keeps a page current: a stream of server-sent events reports changes, and the page's live parts are fetched again.
// A page that is hidden or being left has no stream, fetch or timer. A page shows when its stream is silent, and goes to
// the login when its session has ended.

import { morph } from "./morph.js";

const PACE = 400;
const SILENCE = 25_000;
const STAYED = 5_000;

const main = document.querySelector("main[data-live]");
let source, state, request, isPaused = true, isStale = false, lastRefresh = 0, retry = 500;
let silence, polling, reopening, staying;

function show(shown) {
  state = shown;
  for (const badge of document.querySelectorAll("[data-live-state]")) {
    badge.hidden = false;
    badge.dataset.state = state;
    const words = state === "on" ? badge.dataset.on : badge.dataset.lost;
    if (badge.lastElementChild.textContent !== words) badge.lastElementChild.textContent = words;
  }
}

async function refresh() {
  if (isPaused) return;
  if (request) { isStale = true; return; }
  isStale = false;
  request = new AbortController();
  const { signal } = request;
  const pace = Number(main.dataset.pace) || PACE;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, lastRefresh + pace - Date.now())));
  lastRefresh = Date.now();
  const text = await fetchPage(signal);
  if (text && !signal.aborted) replaceParts(new DOMParser().parseFromString(text, "text/html"));
  request = undefined;
  poll();
  if (isStale) refresh();
}

// The page's HTML; nothing if the server refuses or is unreachable, as the stream reports when it is back. A page
// redirects only to the login, which is then loaded as a page.
async function fetchPage(signal) {
  const address = location.pathname + (main.dataset.live || "?");
  try {
    const response = await fetch(address, { headers: { "X-Live": "1", Accept: "text/html" }, redirect: "manual", signal });
    if (response.type === "opaqueredirect") location.reload();
    return response.ok ? await response.text() : "";
  } catch {
    return "";
  }
}

// Progress that changes no run (a bulk action) is polled for as long as the page requests it.
function poll() {
  clearTimeout(polling);
  const part = document.querySelector("[data-poll]");
  if (part && !isPaused) polling = setTimeout(refresh, Number(part.dataset.poll));
}

function replaceParts(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    if (part.parentElement.closest("[data-part]")) continue;
    const shown = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (shown) morph(shown, part);
  }
  document.dispatchEvent(new Event("refreshed"));
  if (state) show(state);
}

function expectBeat() {
  clearTimeout(silence);
  silence = setTimeout(lose, SILENCE);
}

function lose() {
  source?.close();
  show("lost");
  clearTimeout(silence);
  clearTimeout(reopening);
  reopening = setTimeout(open, retry);
  retry = Math.min(retry * 2, 10_000);
}

function open() {
  if (isPaused || (source && source.readyState !== EventSource.CLOSED)) return;
  const live = new URL("../../live", import.meta.url); // beside /static, under whatever path the service is
  if (main.dataset.watch) live.searchParams.set("run", main.dataset.watch);
  source = new EventSource(live);
  source.addEventListener("open", () => { retry = 500; show("on"); expectBeat(); refresh(); });
  source.addEventListener("beat", () => { show("on"); expectBeat(); });
  source.addEventListener("change", () => { expectBeat(); refresh(); });
  source.addEventListener("error", () => {
    show("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    lose();
    refresh(); // a stream has no status when it is refused; the page's own response redirects to the login
  });
}

function pause() {
  isPaused = true;
  for (const timer of [silence, polling, reopening, staying]) clearTimeout(timer);
  request?.abort();
  source?.close();
}

function resume() {
  if (!isPaused || document.hidden) return;
  isPaused = false;
  clearTimeout(staying);
  open();
  poll();
}

// Leaving begins before the request that may end the session is sent. No event reports an abandoned navigation, so a
// page that still exists after a while resumes.
function leave() {
  pause();
  staying = setTimeout(resume, STAYED);
}

export function keepLive() {
  if (!main) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : resume()));
  addEventListener("beforeunload", leave);
  addEventListener("pagehide", pause);
  addEventListener("pageshow", resume);
  resume();
}
