// Updates "há 3 min", running durations and countdowns while the page is open, in the format of formatting.py.

const isPortuguese = document.documentElement.lang.startsWith("pt");
const number = (value, places) => value.toLocaleString(isPortuguese ? "pt-BR" : "en-US", { minimumFractionDigits: places, maximumFractionDigits: places });

// Times are the server's: the browser's clock may be wrong.
const offset = Date.parse(document.documentElement.dataset.now) - Date.now();
const now = () => Date.now() + offset;

export function ago(moment, present = now()) {
  const seconds = (present - moment) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 1) return isPortuguese ? "agora" : "now";
  if (distance >= 7 * 86400) return null;
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([size]) => distance >= size);
  const length = `${Math.floor(distance / size)} ${unit}`;
  if (seconds > 0) return isPortuguese ? `há ${length}` : `${length} ago`;
  return isPortuguese ? `em ${length}` : `in ${length}`;
}

export function duration(seconds) {
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 0.9995) return `${Math.round(Math.max(seconds, 0) * 1000)} ms`;
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
}

function tick() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const words = ago(Date.parse(element.dateTime));
    if (words && element.textContent !== words) element.textContent = words;
  }
}

function grow() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = duration((now() - Date.parse(element.dataset.since)) / 1000);
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    element.textContent = duration(Math.max(0, Date.parse(element.dataset.until) - now()) / 1000);
  }
}

export function keepTime() {
  setInterval(tick, 1000);
  setInterval(grow, 200);
}
