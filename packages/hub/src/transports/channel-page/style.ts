/** Light first; dark where the system asks for it. Fonts are the reader's own: nothing is fetched from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f5f3ee; --card: #fffdf9; --sunken: #f0ede5; --line: #e0dcd1; --ink: #1c2026; --soft: #5d6470;
  --accent: #bb3f14; --fill: #c8471a; --on-fill: #fffaf5; --ok: #17803d; --wait: #a86a00; --bad: #b3261e;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #111417; --card: #191d21; --sunken: #14181b; --line: #2b3137; --ink: #eae7e1; --soft: #9ba4ae;
    --accent: #ff8a5c; --fill: #c24a1e; --ok: #45c46d; --wait: #e0a33a; --bad: #ff7a70;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 var(--sans); }
main { max-width: 860px; margin: 0 auto; padding: 20px 16px 48px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin-bottom: 16px; }
h1 { margin: 0; font-size: 26px; line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; }
#state { margin: 0 0 0 auto; color: var(--soft); font-size: 14px; white-space: nowrap; }
#state::before {
  content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px; border-radius: 50%; background: var(--wait);
}
#state[data-state="live"]::before { background: var(--ok); }
#state[data-state="refused"]::before { background: var(--bad); }
form { display: flex; gap: 8px; align-items: stretch; }
textarea {
  flex: 1; min-width: 0; height: 46px; min-height: 46px; padding: 10px 12px; resize: vertical; border: 1px solid var(--line);
  border-radius: 8px; background: var(--card); color: inherit; font: 14px/1.6 var(--mono);
}
button {
  padding: 0 20px; border: 0; border-radius: 8px; background: var(--fill); color: var(--on-fill); font: 600 15px var(--sans);
  cursor: pointer;
}
button:disabled { opacity: 0.55; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#note { min-height: 22px; margin: 6px 2px 14px; color: var(--soft); font-size: 13.5px; overflow-wrap: anywhere; }
#note.bad { color: var(--bad); }
ol { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 10px; background: var(--card); overflow: hidden; }
li { padding: 10px 14px; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; }
li p { display: flex; flex-wrap: wrap; gap: 0 14px; margin: 0; color: var(--soft); font-size: 12.5px; }
li p span:last-child { margin-left: auto; font-family: var(--mono); }
pre { margin: 2px 0 0; font: 14px/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 320px; overflow: auto; }
.empty { color: var(--soft); }
footer { margin-top: 22px; color: var(--soft); font-size: 13px; }
footer code {
  display: block; margin-top: 6px; padding: 9px 12px; border-radius: 8px; background: var(--sunken); color: var(--ink);
  font: 13px/1.5 var(--mono); overflow-x: auto; white-space: pre;
}
`;
