"""What is measured of a screen in a real browser: width, touch targets, names, contrast, text cut off or covered."""

from dataclasses import dataclass, field
from typing import Any

TOUCH = 48
CONTRAST = 4.5

#: what every screen is asked; the answer: faults as [what, which element, figure], and the weakest contrast of its words
LOOK = """([touch, contrast]) => {
  const root = document.querySelector(".sheet") || document.body;
  const page = document.documentElement;
  const faults = [];
  const called = (one) => {
    const words = (one.innerText || one.value || one.placeholder || "").trim().replace(/\\s+/g, " ").slice(0, 24);
    const mark = one.dataset && one.dataset.test ? `[${one.dataset.test}]` : "." + String(one.className.baseVal ?? one.className).replace(/ /g, ".");
    return `${one.tagName.toLowerCase()}${mark} “${words}”`;
  };
  const fault = (what, one, figure) => faults.push([what, typeof one === "string" ? one : called(one), figure]);
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest(".visually-hidden");
  const box = (one) => one.getBoundingClientRect();
  const all = (what) => [...root.querySelectorAll(what)].filter(shown);

  // no scrolling sideways
  for (const frame of [page, ...document.querySelectorAll(".sheet")])
    if (frame.scrollWidth > frame.clientWidth) {
      const widest = all("*").filter((one) => box(one).right > frame.clientWidth + 1).pop();
      fault("wider than the window", widest || frame, `${frame.scrollWidth} of ${frame.clientWidth} px`);
    }

  // what is touched, with its label
  const controls = all("a[href], button, input, select, textarea, summary, [role=button]");
  for (const one of controls) {
    const boxes = [one, ...(one.labels || [])].map(box);
    const wide = Math.max(...boxes.map((b) => b.right)) - Math.min(...boxes.map((b) => b.left));
    const high = Math.max(...boxes.map((b) => b.bottom)) - Math.min(...boxes.map((b) => b.top));
    if (wide < touch - 0.5 || high < touch - 0.5) fault("too small to touch", one, `${wide.toFixed(0)} × ${high.toFixed(0)} px`);
    const frame = one.closest(".card, .inner, .actions, .sheet, .entry-body, nav");
    const edge = frame && box(frame).right - parseFloat(getComputedStyle(frame).paddingRight);
    if (frame && box(one).right > edge + 1.5) fault("runs out of its frame", one, `by ${(box(one).right - edge).toFixed(0)} px`);
    const by = (one.getAttribute("aria-labelledby") || "").split(" ").map((id) => id && document.getElementById(id));
    const name = [one.getAttribute("aria-label"), ...[...by, ...(one.labels || [])].map((it) => it && it.textContent)];
    if (!/INPUT|SELECT|TEXTAREA/.test(one.tagName)) name.push(one.textContent);
    if (!name.some((words) => words && words.trim())) fault("without a name", one, "");
  }

  // words: how they stand out, whether all of them is seen
  const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const ground = (one) => {
    const colour = one ? rgba(getComputedStyle(one).backgroundColor) : [255, 255, 255, 1];
    return colour[3] === 1 ? colour : over(colour, ground(one.parentElement));
  };
  const faded = (one) => (one ? Number(getComputedStyle(one).opacity) * faded(one.parentElement) : 1);
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const against = (text, under) => {
    const [a, b] = [light(text), light(under)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  let weakest = 21;
  const read = (one, style) => {
    if (one.closest("[disabled], svg")) return;
    const colour = rgba(style.color);
    colour[3] *= faded(one);
    const ratio = against(over(colour, ground(one)), ground(one));
    weakest = Math.min(weakest, ratio);
    if (ratio < contrast) fault("stands out too little", one, `${ratio.toFixed(2)} to 1`);
  };
  const pen = document.createElement("canvas").getContext("2d");
  for (const one of all("input[placeholder]")) {
    if (one.value) continue;
    const style = getComputedStyle(one), hint = getComputedStyle(one, "::placeholder");
    read(one, hint);
    pen.font = `${hint.fontWeight} ${hint.fontSize} ${hint.fontFamily}`;
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const needs = pen.measureText(one.placeholder).width;
    if (needs > room + 1) fault("its hint is cut off", one, `${needs.toFixed(0)} of ${room.toFixed(0)} px`);
  }
  const texts = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const told = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (!node.data.trim() || /SCRIPT|STYLE|OPTION/.test(one.tagName) || !shown(one)) continue;
    if (!told.has(one)) { told.add(one); read(one, getComputedStyle(one)); }
    const range = document.createRange();
    range.selectNodeContents(node);
    const at = range.getBoundingClientRect();
    texts.push([one, at]);
    for (let frame = one; frame && frame !== page; frame = frame.parentElement) {
      const style = getComputedStyle(frame), edge = box(frame);
      const clips = !/visible/.test(style.overflowX), holds = frame.matches("button, a, label, .tag, .card, .note, fieldset");
      if (style.display === "inline" || (!clips && !holds)) continue;
      const beside = Math.max(at.right - edge.right, edge.left - at.left);
      const below = /hidden|clip/.test(style.overflowY) || holds ? Math.max(at.bottom - edge.bottom, edge.top - at.top) : 0;
      if (beside > 1.5 || below > 4) { fault("words run out of their box", one, `by ${Math.max(beside, below).toFixed(0)} px`); break; }
    }
  }

  // at the end of the page nothing lies under what is fixed to the bottom
  const bars = root === document.body ? all("*").filter((one) => getComputedStyle(one).position === "fixed") : [];
  if (bars.length) {
    const before = page.scrollTop;
    page.scrollTop = page.scrollHeight;
    const moved = page.scrollTop - before;
    for (const bar of bars.filter((bar) => !bars.some((other) => other !== bar && other.contains(bar)))) {
      const edge = box(bar);
      if (bar.closest(".toast")) continue;
      if (edge.height > innerHeight / 2) fault("takes more than half of the window", bar, `${edge.height.toFixed(0)} of ${innerHeight} px`);
      for (const [one, at] of [...texts, ...controls.map((one) => [one, box(one)])])
        if (!bars.some((other) => other.contains(one)) && at.bottom - (texts.some((t) => t[1] === at) ? moved : 0) > edge.top + 2)
          fault("lies under the bar at the bottom", one, "");
    }
    page.scrollTop = before;
  }
  return [faults, weakest];
}"""


@dataclass
class Looks:
    """What was found over all screens: each fault once, however many sizes and languages show it."""

    faults: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    screens: list[str] = field(default_factory=list)
    weakest: float = 21

    def look(self, page: Any, screen: str) -> None:
        """Measure what is shown, and keep what is wrong with it under the screen's name."""
        found, weakest = page.evaluate(LOOK, [TOUCH, CONTRAST])
        self.screens.append(screen)
        self.weakest = min(self.weakest, weakest)
        for what, which, figure in found:
            self.faults.setdefault((which, what), []).append((screen, figure))

    def told(self) -> str:
        """One line for each fault: the first screen that shows it, the element, the figure, how many other screens."""
        lines = [
            f"{at[0][0]}: {which} {what} {at[0][1]}{f' (and on {len(at) - 1} more)' if at[1:] else ''}"
            for (which, what), at in self.faults.items()
        ]
        return "\n".join([f"{len(lines)} faults on {len(self.screens)} screens", *lines])
