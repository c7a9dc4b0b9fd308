// A list of items. `props.value` is the name of the chosen one, `props.rows` the HTML of the list.
function mark() {
  element.querySelectorAll("button[data-item]").forEach((row) => {
    row.setAttribute("aria-pressed", row.dataset.item === props.value);
  });
}

element.addEventListener("click", (event) => {
  const row = event.target.closest("button[data-item]");
  if (!row) return;
  props.value = row.dataset.item;
  mark();
  trigger("input");
  const shown = document.querySelector("#study-item");
  if (shown && shown.getBoundingClientRect().top > row.getBoundingClientRect().bottom) {
    shown.scrollIntoView({ behavior: "smooth", block: "start" });
  }
});

element.addEventListener("keydown", (event) => {
  const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
  const next = step && event.target.closest("li")?.[step]?.querySelector("button");
  if (next) { next.focus(); event.preventDefault(); }
});

watch(["rows", "value"], mark);
