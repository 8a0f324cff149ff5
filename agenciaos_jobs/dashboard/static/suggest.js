// Fields with a list of suggestions fetch those that fit what is typed. Without scripts the first ones remain.

const PAUSE = 200;
let waiting;

async function suggest(field) {
  const address = new URL(`../../suggestions/${field.dataset.suggest}`, import.meta.url);
  address.searchParams.set("text", field.value);
  const response = await fetch(address, { redirect: "manual" });
  if (!response.ok) return;
  const options = (await response.json()).map((text) => Object.assign(document.createElement("option"), { value: text }));
  field.list.replaceChildren(...options);
}

export function suggestValues() {
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-suggest]");
    if (!field) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => suggest(field).catch(() => {}), PAUSE);
  });
}
