// Conveniences only: the page says everything without them.
(function () {
  "use strict";
  var root = document.documentElement;

  // Light or dark: the system's choice until the reader makes one.
  var button = document.getElementById("theme");
  function chosen() {
    try { return localStorage.getItem("tacit-theme"); } catch (error) { return null; }
  }
  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  if (chosen() === "light" || chosen() === "dark") root.dataset.theme = chosen();
  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("tacit-theme", root.dataset.theme); } catch (error) { /* Kept for this page only. */ }
  });

  // What stands at a place of a drawing.
  var tip = document.getElementById("tip");
  function hide() { tip.hidden = true; }
  function show(event) {
    var marked = event.target.closest ? event.target.closest("[data-tip]") : null;
    if (!marked || !marked.dataset.tip) return hide();
    if (tip.textContent !== marked.dataset.tip) tip.textContent = marked.dataset.tip;
    tip.hidden = false;
    var box = tip.getBoundingClientRect();
    var left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    var top = event.clientY - box.height - 12;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = (top < 8 ? event.clientY + 18 : top) + "px";
  }
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", hide, { passive: true });

  // Where the reader is.
  var links = Array.prototype.slice.call(document.querySelectorAll("nav.contents li a"));
  if (!("IntersectionObserver" in window)) return;
  var visible = {};
  var observer = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) { visible[entry.target.id] = entry.isIntersecting; });
    var current = links.filter(function (link) { return visible[link.hash.slice(1)]; })[0];
    if (!current) return;
    links.forEach(function (link) {
      if (link === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }, { rootMargin: "-10% 0px -60% 0px" });
  document.querySelectorAll("main > section").forEach(function (section) { observer.observe(section); });
})();
