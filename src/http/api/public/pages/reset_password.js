
const form = document.getElementById("form");
const told = document.getElementById("told");
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
history.replaceState(null, "", location.pathname);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  told.textContent = "";
  const body = JSON.stringify({ token, password: document.getElementById("password").value });
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(form.dataset.action, { method: "POST", headers, body });
    if (answer.ok) {
      form.hidden = true;
      told.textContent = form.dataset.done;
      return;
    }
    const error = (await answer.json()).error;
    const ended = error.code === "RESET_LINK_INVALID";
    told.textContent = ended ? form.dataset.ended : [form.dataset.failed, ...(error.details || [])].join(" ");
  } catch {
    told.textContent = form.dataset.failed;
  }
});
