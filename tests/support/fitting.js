// What does not fit on the page: a list of sentences. Visible text is compared with the boxes that it is in.
const faults = new Set();
const HIDDEN = ".visually-hidden, dialog:not([open])";
const isClipped = (part) => [...ancestors(part)].some((box) => getComputedStyle(box).clipPath !== "none");
const shown = (part) => part.checkVisibility({ visibilityProperty: true }) && !part.closest(HIDDEN) && !isClipped(part);
const within = (rect, box) => ({
  left: Math.max(rect.left, box.left), right: Math.min(rect.right, box.right),
  top: Math.max(rect.top, box.top), bottom: Math.min(rect.bottom, box.bottom),
});
function* ancestors(part) { for (let box = part; box; box = box.parentElement) yield box; }
const name = (part) => `<${part.localName}${part.className ? ` class="${part.className.baseVal ?? part.className}"` : ""}>`;
const words = (text) => `“${text.trim().replace(/\s+/g, " ").slice(0, 60)}”`;
const most = document.documentElement.clientWidth;

// The page itself.
if (document.documentElement.scrollWidth > most) {
  const wide = [...document.body.querySelectorAll("*")].filter((part) => shown(part) && part.getBoundingClientRect().right > most + 1);
  faults.add(`the page is ${document.documentElement.scrollWidth - most} px too wide: ${wide.slice(0, 3).map(name).join(", ")}`);
}

// Each line of text, and what cuts it off.
const SCROLLS = new Set(["auto", "scroll"]);
const BOX = "td, th, .stat, .card, .notice, .button, .badge, .tag, .lines li, .segments a, .menu a";
const lines = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const parent = node.parentElement;
  if (!node.data.trim() || parent.closest("script, noscript, option, textarea, title, datalist, head") || !shown(parent)) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  const rects = [...range.getClientRects()].filter((rect) => rect.width > 1 && rect.height > 1);
  let seen = rects;
  for (const box of ancestors(parent)) {
    if (box === document.body) break;
    const style = getComputedStyle(box);
    const outline = box.getBoundingClientRect();
    const beyond = seen.some((rect) => rect.right > outline.right + 1.5 || rect.left < outline.left - 1.5);
    const below = seen.some((rect) => rect.bottom > outline.bottom + 3 || rect.top < outline.top - 3);
    const cuts = style.overflowX !== "visible" || style.overflowY !== "visible";
    const scrolls = SCROLLS.has(style.overflowX) || SCROLLS.has(style.overflowY);
    if (cuts && !scrolls && (beyond || below)) {
      const isNamed = style.textOverflow === "ellipsis" && (parent.closest("[title]") || box.querySelector("[title]"));
      if (!isNamed) faults.add(`${words(node.data)} is cut off by ${name(box)}`);
    }
    if (!cuts && beyond && box.matches(BOX)) faults.add(`${words(node.data)} is wider than its ${name(box)}`);
    if (cuts) seen = seen.map((rect) => within(rect, outline)).filter((rect) => rect.right - rect.left > 1 && rect.bottom - rect.top > 1);
  }
  if (!parent.closest(".skip, .side, .views-body, dialog")) for (const rect of seen) lines.push({ rect, node });
}

// Words on words. A column that stays in place while its table scrolls covers nothing before it scrolls.
lines.sort((one, other) => one.rect.top - other.rect.top);
for (let first = 0; first < lines.length; first++) {
  for (let next = first + 1; next < lines.length && lines[next].rect.top < lines[first].rect.bottom - 3; next++) {
    const [a, b] = [lines[first], lines[next]];
    if (a.node === b.node) continue;
    const across = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
    const down = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top);
    if (across > 1.5 && down > 3) faults.add(`${words(a.node.data)} overlaps ${words(b.node.data)}`);
  }
}

// Columns: none is left out, and where a table scrolls, the reader sees that it does, and a column besides the first.
for (const cell of document.querySelectorAll("main th, main td")) {
  const has = cell.textContent.trim() && !cell.querySelector("progress, .visually-hidden");
  const isLeftOut = getComputedStyle(cell).display === "none" && cell.parentElement.checkVisibility();
  if (has && isLeftOut) faults.add(`the column of ${words(cell.textContent)} is left out`);
}
for (const wrap of document.querySelectorAll("main .table-wrap")) {
  if (!shown(wrap) || wrap.scrollWidth <= wrap.clientWidth + 1) continue;
  const title = words(wrap.getAttribute("aria-label") ?? "");
  if (!getComputedStyle(wrap).backgroundAttachment.includes("local")) faults.add(`nothing shows that ${title} scrolls`);
  const edge = wrap.getBoundingClientRect().right;
  const row = [...(wrap.querySelector("tbody tr")?.children ?? [])];
  if (row.length > 1 && !row.slice(1).some((cell) => cell.textContent.trim() && cell.getBoundingClientRect().right <= edge + 1)) {
    faults.add(`${title} shows nothing beside its first column`);
  }
}
return [...faults];
