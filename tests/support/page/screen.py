"""A page in a browser profile of its own, and what our checks ask of it."""

from typing import Any

HEIGHTS = {360: 740, 768: 1024, 1400: 900}
PATIENCE_MS = 8_000
# A server that a test ends makes these; everything else in the console is a fault of the page.
EXPECTED = ("net::ERR_", "Failed to load resource")

NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=button], [tabindex="0"]')]
  .filter((one) => one.checkVisibility() || one.type === 'file')
  .filter((one) => !(one.getAttribute('aria-label') || one.innerText?.trim() || (one.labels && [...one.labels].some((label) => label.innerText.trim()))
    || one.querySelector?.('caption')))
  .map((one) => one.outerHTML.slice(0, 120))"""
DOUBLE_IDS = "() => { const ids = [...document.querySelectorAll('[id]')].map((one) => one.id); return ids.filter((id, at) => ids.indexOf(id) !== at); }"
UNDESCRIBED = """() => [...document.querySelectorAll('[aria-describedby], label[for]')]
  .map((one) => one.getAttribute('aria-describedby') || one.getAttribute('for')).filter((id) => !document.getElementById(id))"""
TOO_WIDE = """() => { const wide = document.documentElement.clientWidth;
  const inside = (one) => one.closest('.scroll, pre, .unseen, [class*=u-]');
  return [...document.querySelectorAll('body *')].filter((one) => !inside(one) && one.getBoundingClientRect().right > wide + 1).map((one) => one.outerHTML.slice(0, 100))
    .concat(document.documentElement.scrollWidth > wide ? [`the page is ${document.documentElement.scrollWidth} px wide`] : []); }"""
SMALL = """() => [...document.querySelectorAll('button, .button, input[type=text], select, .tabs a, .choices a')].filter((one) => one.checkVisibility())
  .map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.height < 24 || box.width < 24).map(([one]) => one.outerHTML.slice(0, 100))"""
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => { const f = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const ground = (one) => { for (; one; one = one.parentElement) { const c = parse(getComputedStyle(one).backgroundColor); if (c.length === 3 || c[3] > 0.9) return c; } return parse(getComputedStyle(document.body).backgroundColor); };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.nodeValue.trim() || !one.checkVisibility() || one.closest('.unseen, svg, script, button:disabled')) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${((a + 0.05) / (b + 0.05)).toFixed(2)}: ${texts.currentNode.nodeValue.trim().slice(0, 40)}`);
  }
  return poor; }"""
COVERED = """() => { const one = document.getElementById('stop-main'); const box = one.getBoundingClientRect();
  const points = [[.5, .5], [.05, .2], [.95, .8]].map(([x, y]) => document.elementFromPoint(box.left + box.width * x, box.top + box.height * y));
  return box.width < 120 || box.height < 44 || points.some((hit) => hit !== one); }"""


class Screen:
    """`page` is Playwright's; the checks return what is wrong, empty if nothing is."""

    def __init__(self, browser: Any, address: str, *, width: int = 1400, dark: bool = False, context: Any = None) -> None:
        size = {"width": width, "height": HEIGHTS.get(width, 900)}
        self._own = context is None
        self.context = context or browser.new_context(viewport=size, color_scheme="dark" if dark else "light", locale="en-GB", timezone_id="UTC", accept_downloads=True)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self._said: list[str] = []
        self.page.on("console", lambda message: self._said.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._said.append(f"exception: {error}"))
        self.page.goto(address)

    def complaints(self) -> list[str]:
        """Return what the console complained about."""
        return [text for text in self._said if not any(expected in text for expected in EXPECTED)]

    def close(self) -> None:
        """Close the profile."""
        if self._own:
            self.context.close()

    def go(self, address: str) -> None:
        """Go to another screen of the page: "#/pump/p1/order"."""
        self.page.evaluate("(where) => { location.hash = where; }", address)

    def text(self, selector: str) -> str:
        """Return the text of the only element of a selector."""
        return str(self.page.locator(selector).inner_text())

    def wrong(self) -> dict[str, list[str]]:
        """Return what our checks of a screen find: names, ids, width, size, contrast, STOP in front of everything."""
        found = {"without a name": NAMELESS, "the same id twice": DOUBLE_IDS, "label of nothing": UNDESCRIBED, "too wide": TOO_WIDE, "too small": SMALL, "poor contrast": CONTRAST}
        made = {name: self.page.evaluate(script) for name, script in found.items()}
        made["STOP is covered"] = ["STOP"] if self.page.evaluate(COVERED) else []
        return {name: what for name, what in made.items() if what}
