// Keyboard shortcuts: a key focuses or clicks the element with its data-key; j and k move through the rows of a list;
// ? shows the shortcuts.

const leads = (row) => row?.querySelector("a.id, th a, .line-main a");
const rows = () => [...document.querySelectorAll("[data-row]")].map(leads).filter(Boolean);

function walk(links, step) {
  const at = links.indexOf(leads(document.activeElement?.closest?.("[data-row]")));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function toggle(row) {
  const box = row?.querySelector("input[type=checkbox]");
  if (box) box.click();
}

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
    if (isTyping) {
      if (event.key === "Escape" && !event.target.closest("dialog[open]")) event.target.blur();
      return;
    }
    const links = event.key === "j" || event.key === "k" ? rows() : [];
    if (links.length) return walk(links, event.key === "j" ? 1 : -1);
    if (event.key === "x") return toggle(document.activeElement?.closest("[data-row]"));
    if (event.key === "?") return document.querySelector("dialog.keys")?.showModal();
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target || getComputedStyle(target).visibility === "hidden") return;
    event.preventDefault();
    if (target.matches("input, select, textarea")) target.focus();
    else target.click();
  });
}
