// Morphs one element into another with as few changes as possible, to preserve focus, selection and scroll position.

const KEPT = new Set(["DETAILS.open"]);

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return from.replaceWith(document.importNode(to, true));
  if (from.nodeType !== Node.ELEMENT_NODE) { from.nodeValue = to.nodeValue; return; }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !KEPT.has(`${from.nodeName}.${name}`)) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !KEPT.has(`${from.nodeName}.${name}`)) from.removeAttribute(name);
  }
  children(from, to);
}

function children(from, to) {
  const keyed = new Map([...from.children].filter(key).map((child) => [key(child), child]));
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = key(wanted) ? keyed.get(key(wanted)) : alike(place, wanted);
    if (!known) {
      from.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (known !== place) from.insertBefore(known, place);
    else place = place.nextSibling;
    morph(known, wanted);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// The next node to reuse for the wanted one: of the same kind, and not reserved for another key.
function alike(place, wanted) {
  for (let node = place; node; node = node.nextSibling) {
    if (key(node)) continue;
    return node.nodeName === wanted.nodeName ? node : null;
  }
  return null;
}

const key = (node) => node.dataset?.row || node.id || "";
