"""What our checks ask of a screen, as scripts that the page runs; each returns what is wrong."""

NAMELESS = """() => {
  const controls = document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=button], [tabindex="0"]');
  const labelled = (one) => one.labels && [...one.labels].some((label) => label.innerText.trim());
  const named = (one) => one.getAttribute('aria-label') || one.innerText?.trim() || labelled(one) || one.querySelector?.('caption');
  return [...controls].filter((one) => one.checkVisibility() || one.type === 'file').filter((one) => !named(one))
    .map((one) => one.outerHTML.slice(0, 120));
}"""
DOUBLE_IDS = """() => {
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
}"""
UNDESCRIBED = """() => [...document.querySelectorAll('[aria-describedby], label[for]')]
  .map((one) => one.getAttribute('aria-describedby') || one.getAttribute('for')).filter((id) => !document.getElementById(id))"""
TOO_WIDE = """() => {
  const wide = document.documentElement.clientWidth;
  const full = document.documentElement.scrollWidth;
  const scrolls = (one) => one.closest('.scroll, pre, .unseen, [class*=u-]');
  return [...document.querySelectorAll('body *')].filter((one) => !scrolls(one) && one.getBoundingClientRect().right > wide + 1)
    .map((one) => one.outerHTML.slice(0, 100)).concat(full > wide ? [`the page is ${full} px wide`] : []);
}"""
SMALL = """() => [...document.querySelectorAll('button, .button, input[type=text], select, .tabs a, .choices a')]
  .filter((one) => one.checkVisibility()).map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24).map(([one]) => one.outerHTML.slice(0, 100))"""
# WCAG 2: relative luminance, and at least 4.5 to 1 for text.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const part = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (texts.nextNode()) {
    const text = texts.currentNode.nodeValue.trim();
    const one = texts.currentNode.parentElement;
    if (!text || !one.checkVisibility() || one.closest('.unseen, svg, script, button:disabled')) continue;
    const [high, low] = [light(parse(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return poor;
}"""
STOP_COVERED = """() => {
  const one = document.getElementById('stop-main');
  const box = one.getBoundingClientRect();
  const at = ([x, y]) => document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
  const hits = [[.5, .5], [.05, .2], [.95, .8]].map(at);
  return box.width < 120 || box.height < 44 || hits.some((hit) => hit !== one) ? ['STOP is small or covered'] : [];
}"""
ALL = {
    "without a name": NAMELESS,
    "the same id twice": DOUBLE_IDS,
    "label of nothing": UNDESCRIBED,
    "too wide": TOO_WIDE,
    "too small": SMALL,
    "poor contrast": CONTRAST,
    "STOP": STOP_COVERED,
}
