// What a page can do beyond its HTML. Every page works without it.

import { listen } from "./keys.js";
import { keepLive } from "./live.js";
import { keepTime } from "./time.js";

document.documentElement.classList.add("scripted");
keepTime();
keepLive();
listen();

const menu = document.querySelector(".menu-button");
menu?.addEventListener("click", () => {
  const isOpen = menu.closest(".side").classList.toggle("open");
  menu.setAttribute("aria-expanded", String(isOpen));
});

// Filters apply as soon as one is chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-auto] select")) event.target.form.requestSubmit();
});

// An empty filter does not belong into the address.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return event.preventDefault();
  if (form.method === "get") for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
});
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[method=get] :disabled[name]")) field.disabled = false;
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const words = button.querySelector("span"), before = words.textContent;
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
    words.textContent = button.dataset.done;
    setTimeout(() => { words.textContent = before; }, 1500);
  }
});

// Ticking rows: all at once, and how many they are.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.matches("[data-pick-all]")) for (const box of form.querySelectorAll("[name=run]")) box.checked = event.target.checked;
  const count = form?.querySelector("[data-picked]");
  if (count) count.textContent = form.querySelectorAll("[name=run]:checked").length || "";
});
