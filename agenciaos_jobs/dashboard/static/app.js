// Progressive enhancement: every page works without this script.

import { listen } from "./keys.js";
import { keepLive } from "./live.js";
import { suggestValues } from "./suggest.js";
import { keepTime } from "./time.js";

document.documentElement.classList.add("scripted");
keepTime();
keepLive();
listen();
suggestValues();

const menu = document.querySelector(".menu-button");
menu?.addEventListener("click", () => {
  const isOpen = menu.closest(".side").classList.toggle("open");
  menu.setAttribute("aria-expanded", String(isOpen));
});

// A select's filter applies on change, but not while the arrow keys still move through its options.
let isStepping = false;
document.addEventListener("pointerdown", () => { isStepping = false; }, true);
document.addEventListener("keydown", (event) => { isStepping = event.target.matches("select") && !["Enter", " "].includes(event.key); }, true);
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-auto] select") && !isStepping) event.target.form.requestSubmit();
});

// Empty filters are left out of the URL.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (event.submitter?.ariaBusy) return event.preventDefault();
  event.submitter?.setAttribute("aria-busy", "true");
  leave();
  if (form.method === "get") for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
});
addEventListener("pageshow", () => {
  clearTimeout(leaving);
  document.documentElement.classList.remove("leaving");
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  for (const field of document.querySelectorAll("form[method=get] :disabled[name]")) field.disabled = false;
});

// The clipboard is for pages over TLS, and may be refused there too: a selection is copied then.
async function copy(text) {
  try {
    return await navigator.clipboard.writeText(text);
  } catch {
    copySelection(text);
  }
}
function copySelection(text) {
  const field = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" }));
  field.select();
  document.execCommand("copy");
  field.remove();
}

// The text of an element, or the texts of several on lines of their own, or as data-join joins them.
const textOf = ({ copy: selector, join = "\n" }) => [...document.querySelectorAll(selector)].map((part) => part.textContent).join(join);

// The button confirms the copy for a moment, even if the page is refreshed meanwhile.
const copied = new Set();
function confirmCopies() {
  for (const button of copied) button.querySelector("span").textContent = button.closest("[data-done]").dataset.done;
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || copied.has(button)) return;
  const before = button.querySelector("span").textContent;
  await copy(textOf(button.dataset));
  copied.add(button);
  confirmCopies();
  setTimeout(() => { copied.delete(button); button.querySelector("span").textContent = before; }, 1500);
});
document.addEventListener("refreshed", confirmCopies);

// A navigation or submit that takes longer than a moment shows progress.
let leaving;
function leave() {
  leaving = setTimeout(() => document.documentElement.classList.add("leaving"), 150);
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const stays = !link || link.target || link.hasAttribute("download") || link.pathname + link.search === location.pathname + location.search;
  if (!stays && !event.defaultPrevented && !event.metaKey && !event.ctrlKey && !event.shiftKey) leave();
});

// Row checkboxes: select all, and the count, which is restored after a refresh or a return to the page.
function count() {
  for (const count of document.querySelectorAll("[data-picked]")) {
    count.textContent = count.closest("form").querySelectorAll("[name=run]:checked").length || "";
  }
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) for (const box of event.target.form.querySelectorAll("[name=run]")) box.checked = event.target.checked;
  count();
});
document.addEventListener("refreshed", count);
addEventListener("pageshow", count);

// "The same over the API" follows the form.
let following;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-request]");
  if (!form) return;
  clearTimeout(following);
  following = setTimeout(async () => {
    const response = await fetch(`${form.action}/request`, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (response.ok) document.querySelector(form.dataset.request).textContent = await response.text();
  }, 250);
});
