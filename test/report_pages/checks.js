// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// What is asked of every report page, in the page: a function that returns a list of sentences, one for each fault.
(width, leastContrast) => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (e) => `${e.tagName.toLowerCase()} "${(e.textContent || e.alt || "").trim().slice(0, 40)}"`;

  // Layout
  // `width` is the screen's: innerWidth grows with what does not fit where the screen is a phone's.
  const wide = document.scrollingElement.scrollWidth;
  if (wide > width || innerWidth > width) faults.push(`scrolls sideways: ${wide} of ${width} pixels`);
  const clipped = ".hidden, svg, .matrix tbody th";  // on purpose
  const cut = all("body *").find((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(clipped));
  if (cut) faults.push(`${name(cut)} is cut off at the right`);
  for (const h of all("tbody th")) {
    const narrow = h.offsetWidth < 0.2 * h.closest("table").offsetWidth;
    if (narrow && !h.closest(".matrix")) faults.push(`${name(h)} is squeezed`);
  }
  const full = all(".matrix td, .matrix thead th").find((e) => e.scrollWidth > e.offsetWidth + 1);
  if (full) faults.push(`${name(full)} does not fit its cell`);

  // Pictures and plots
  for (const image of all("img")) {
    if (!image.complete || image.naturalWidth === 0) faults.push(`a picture does not load: ${image.alt}`);
    if (!image.alt) faults.push("a picture has no alternative text");
    if (!image.src.startsWith("data:")) faults.push(`a picture comes from elsewhere: ${image.src}`);
  }
  for (const plot of all("svg")) {
    if (!plot.hasAttribute("aria-hidden") && !plot.getAttribute("aria-label")) faults.push("a plot has no text");
  }

  // Structure
  for (const table of all("table")) {
    if (!table.caption) faults.push("a table has no caption");
    if (!table.querySelector("th")) faults.push("a table has no headers");
    if (table.querySelector("th:not([scope])")) faults.push("a header of a table has no scope");
  }
  let level = 0;
  for (const h of all("h1, h2, h3")) {
    if (+h.tagName[1] > level + 1) faults.push(`${name(h)} skips a level`);
    level = +h.tagName[1];
  }
  if (all("h1").length !== 1) faults.push("one h1 is expected");
  const ids = all("[id]").map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an identifier is there twice");
  for (const link of all('a[href^="#"]')) {
    if (!document.getElementById(link.hash.slice(1))) faults.push(`no target: ${link.hash}`);
  }
  const foreign = all('script, iframe, object, embed, link:not([href^="data:"])');
  if (foreign.length > 0) faults.push(`the page holds a ${name(foreign[0])}`);

  // Contrast of every text with what lies below it (WCAG 2.1)
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const over = (top, below) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = (c) => 0.2126 * linear(c[0] / 255) + 0.7152 * linear(c[1] / 255) + 0.0722 * linear(c[2] / 255);
  const background = (e) => {
    const below = e.parentElement ? background(e.parentElement) : [255, 255, 255];
    return over(parse(getComputedStyle(e).backgroundColor), below);
  };
  let least = 99;
  let where = "";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    const text = texts.currentNode.textContent.trim();
    if (!text || e.closest(".hidden, title, details:not([open]) > :not(summary)")) continue;
    const plot = e.closest("svg");
    const below = background(plot || e);
    const style = getComputedStyle(e);
    const ink = over(parse(plot ? style.fill : style.color), below);
    const [light, dark] = [luminance(ink), luminance(below)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < least) [least, where] = [ratio, text.slice(0, 40)];
  }
  if (least < leastContrast) faults.push(`contrast ${least.toFixed(2)} : 1 of "${where}"`);
  return faults;
}
