// What pages do better with a script, and well without: copying, and times that
// stay right while a page is open, and progress that moves.
(() => {
  "use strict";

  for (const button of document.querySelectorAll("[data-copy]")) {
    const from = document.getElementById(button.dataset.copy);
    if (!from || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const label = button.textContent;
      try {
        await navigator.clipboard.writeText(from.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied";
      }
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }

  const span = (seconds) => {
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} days`;
  };
  const tick = () => {
    for (const ago of document.querySelectorAll("time + .ago")) {
      const at = Date.parse(ago.previousElementSibling.dateTime);
      const seconds = (Date.now() - at) / 1000;
      ago.textContent = seconds < 0 ? `in ${span(-seconds)}` : seconds < 1 ? "just now" : `${span(seconds)} ago`;
    }
  };
  setInterval(tick, 15000);

  // A page with data-poll is asked for again, and its parts with data-live replaced.
  const poll = () => {
    const wait = Number(document.querySelector("[data-poll]")?.dataset.poll);
    if (!wait) return;
    setTimeout(() => {
      const request = new XMLHttpRequest();
      request.open("GET", location.pathname);
      request.responseType = "document";
      request.addEventListener("load", () => {
        const asked = document.querySelector("[data-poll]");
        const now = request.status === 200 ? request.response : null;
        const news = now?.getElementById(asked.id);
        if (now && !news) return; // the session is over: the next click says so
        for (const part of now ? document.querySelectorAll("[data-live]") : []) {
          const its = now.getElementById(part.id);
          if (its && !its.isEqualNode(part)) part.replaceChildren(...its.childNodes);
        }
        if (news && !news.dataset.poll) {
          asked.className = news.className;
          asked.removeAttribute("data-poll");
        } else poll();
      });
      request.addEventListener("error", poll);
      request.send();
    }, wait);
  };
  poll();
})();
