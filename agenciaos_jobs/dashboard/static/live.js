// Keeps a page current: a stream of server-sent events reports that something has changed, and the page's live parts
// are fetched again. A page that is hidden or being left has neither stream nor fetch nor timer; one whose stream is
// silent says so. A page whose session has ended goes to the login.

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

// The page's HTML; nothing where the server refuses or is away, and the stream reports when it is back. The only
// redirect of a page leads to the login, which is loaded as a page.
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

// What changes no run (a bulk action's progress) is fetched again while it asks for it.
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

function hear() {
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
  source = new EventSource(main.dataset.watch ? `/live?run=${encodeURIComponent(main.dataset.watch)}` : "/live");
  source.addEventListener("open", () => { retry = 500; show("on"); hear(); refresh(); });
  source.addEventListener("beat", () => { show("on"); hear(); });
  source.addEventListener("change", () => { hear(); refresh(); });
  source.addEventListener("error", () => {
    show("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    lose();
    refresh(); // a stream does not tell why it was refused; a page whose session has ended leads to the login
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

// Leaving begins before the request that may end the session is sent. Nothing reports that it was given up, so a page
// that is still here after a while goes on.
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
