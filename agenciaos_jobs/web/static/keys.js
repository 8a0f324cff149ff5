// The keyboard: an element with data-key is focused or clicked by its key; j and k walk the rows; ? tells the keys.

const rows = () => [...document.querySelectorAll("[data-row] a.id")];

function walk(step) {
  const links = rows();
  const at = links.indexOf(document.activeElement?.closest?.("[data-row]")?.querySelector("a.id"));
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
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
    if (isTyping) {
      if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
      return;
    }
    if (event.key === "j" || event.key === "k") return walk(event.key === "j" ? 1 : -1);
    if (event.key === "x") return toggle(document.activeElement?.closest("[data-row]"));
    if (event.key === "?") return document.querySelector("dialog.keys")?.showModal();
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input, select, textarea")) target.focus();
    else target.click();
  });
}
