"use strict";
(() => {
  const form = document.getElementById("filter");
  const checks = [...document.querySelectorAll("article.check")];
  const texts = checks.map((check) => (check.querySelector("summary, .line") || check).textContent.toLowerCase() + " " + check.id.toLowerCase());
  const shown = document.getElementById("shown");
  const details = () => checks.filter((check) => !check.hidden).map((check) => check.querySelector("details")).filter(Boolean);
  const apply = () => {
    const data = new FormData(form);
    const wanted = new Set(data.getAll("verdict"));
    const words = String(data.get("text")).toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    checks.forEach((check, number) => {
      const fits = wanted.has(check.dataset.verdict) && words.every((word) => texts[number].includes(word));
      check.hidden = !fits;
      count += fits;
    });
    for (const group of document.querySelectorAll("section.group")) group.hidden = !group.querySelector("article:not([hidden])");
    shown.textContent = `${count} of ${checks.length} checks shown`;
  };
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let place = target; place; place = place.parentElement) {
      if (place.tagName === "DETAILS") place.open = true;
      if (place.hidden) place.hidden = false;
    }
    if (target.matches("article.check") && target.querySelector("details")) target.querySelector("details").open = true;
    target.scrollIntoView();
  };
  if (checks.length) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("open").addEventListener("click", () => details().forEach((one) => { one.open = true; }));
    document.getElementById("close").addEventListener("click", () => details().forEach((one) => { one.open = false; }));
    apply();
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = checks.map((check) => check.querySelector("details")).filter((one) => one && !one.open);
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));
  document.documentElement.dataset.ready = "yes";
})();
