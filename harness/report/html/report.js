"use strict";
// The table of cells turned, filtered and opened. Texts of a run become text nodes and nothing else: the page's
// policy (require-trusted-types-for) would stop anything that makes HTML of them. All state is in the fragment.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const {texts, shapes, words} = data;
  const w = words.script;
  const NAMES = ["mitigation", "server", "client", "check"];
  const EFFECTS = ["lost", "kept", "gained", "never", "not_settled", "fault"];
  const PIVOTS = {mitigation: [0, 1, 2], server: [1, 0, 2], client: [2, 0, 1]};
  const [UNEXPECTED, RESTORED, NOT_RESTORED] = [1, 2, 4];
  const OUTCOME_LETTERS = {ok: "ok", refused: "refused", unsupported: "unsupported", fault: "outcome_fault"};
  const $ = (id) => document.getElementById(id);
  const el = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
      if (value !== undefined && value !== false) key === "class" ? made.className = value : made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
    return made;
  };
  const actor = (known, name) => Object.hasOwn(known, name) ? known[name] : ["", "", true, ""];
  const label = (kind, name) => {
    if (kind !== 1 && kind !== 2) return name;
    const [, , emulated, called] = actor(kind === 1 ? data.servers : data.clients, name);
    return (emulated ? "~" : "") + (called || name);
  };
  const cells = data.cells.map((row, number) => {
    const names = [texts[row[0]], texts[row[1]], texts[row[2]], texts[row[3]]];
    return {
      number, names, id: names.join(":"), effect: texts[row[4]], flags: row[5], cause: texts[row[6]], sees: texts[row[7]],
      owner: texts[row[8]], claim: texts[row[9]], unsettled: texts[row[10]], inferred: texts[row[11]], laxer: texts[row[12]],
      attempts: row[13], parts: row[14], evidence: row[15] === undefined ? "" : texts[row[15]], files: row[16] || [],
      reused: row[17] === undefined ? "" : texts[row[17]],
    };
  });
  const values = [0, 1, 2, 3].map((at) => [...new Set(cells.map((cell) => cell.names[at]))]);
  const haystack = (cell) => cell.hay ||= [cell.id, cell.cause, cell.sees, ...cell.attempts.filter(Boolean)
    .flatMap((made) => shapes[made[0]][4].map((at) => texts[at]))].join(" ").toLowerCase();

  // The state: what stands in the fragment, and nothing else.
  const read = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  let state = read();
  const write = (changes, push) => {
    for (const [key, value] of Object.entries(changes)) value ? state.set(key, value) : state.delete(key);
    const text = state.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
    const address = text ? "#" + text : location.pathname + location.search;
    push ? history.pushState(null, "", address) : history.replaceState(null, "", address);
    show();
  };
  const chosen = (key) => new Set((state.get(key) || "").split(",").filter(Boolean));

  // The tools above the table.
  const tools = $("tools");
  const pick = (name, title, options) => {
    const field = el("select", {id: "f-" + name}, ...options.map(([value, text]) => el("option", {value}, text)));
    field.addEventListener("change", () => write({[name]: field.value}));
    tools.append(el("label", {for: field.id}, title, field));
    return field;
  };
  const c = words.cells;
  const fields = {pivot: pick("pivot", c.pivot, [["", c.by_mitigation], ["server", c.by_server], ["client", c.by_client]])};
  fields.view = pick("view", c.view, [["", c.view_effect], ["phases", c.view_phases]]);
  NAMES.forEach((name, at) => {
    fields[name] = pick(name, c[name], [["", c["any_" + name]], ...values[at].map((one) => [one, label(at, one)])]);
  });
  fields.q = el("input", {type: "search", id: "f-q", autocomplete: "off", spellcheck: "false"});
  let waiting = 0;
  fields.q.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => write({q: fields.q.value.trim()}), 120);
  });
  tools.append(el("label", {for: "f-q"}, c.search, fields.q));
  const toggles = el("div", {class: "toggles", role: "group", "aria-label": c.only});
  const toggle = (value, text, count, kind) => {
    const button = el("button", {type: "button", class: "button " + kind, "data-only": value, "aria-pressed": "false"}, `${text} ${count}`);
    button.addEventListener("click", () => {
      const now = chosen("only");
      now.delete(value) || now.add(value);
      write({only: [...now].join(",")});
    });
    toggles.append(button);
  };
  for (const effect of EFFECTS) {
    const count = cells.filter((cell) => cell.effect === effect).length;
    if (count) toggle(effect, `${words.letter[effect]} ${words.effect[effect]}`, count, "e-" + effect);
  }
  const odd = cells.filter((cell) => cell.flags & UNEXPECTED).length;
  if (odd) toggle("unexpected", c.not_expected, odd, "");
  const reset = el("button", {type: "button", class: "button", id: "reset"}, c.reset);
  reset.addEventListener("click", () => write({q: "", only: "", mitigation: "", server: "", client: "", check: ""}));
  tools.append(toggles, reset);

  // The table.
  const matching = () => {
    const wanted = NAMES.map((name) => state.get(name));
    const only = chosen("only");
    const unexpected = only.delete("unexpected");
    const needles = (state.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    return cells.filter((cell) =>
      wanted.every((value, at) => !value || cell.names[at] === value) && (!only.size || only.has(cell.effect)) &&
      (!unexpected || cell.flags & UNEXPECTED) && needles.every((needle) => haystack(cell).includes(needle)));
  };
  const outcome = (made) => made ? texts[shapes[made[0]][0]] : "";
  const mark = (cell, phases) => {
    let letter = words.letter[cell.effect];
    let told = words.effect[cell.effect];
    if (phases) {
      letter = cell.attempts.map((made) => made ? words.letter[OUTCOME_LETTERS[outcome(made)]] : words.letter.empty).join("");
      told += ": " + cell.attempts.map((made, at) =>
        `${[w.before, w.with_change, w.after][at]} ${made ? w["outcome_" + outcome(made)] : w.not_made}`).join(", ");
    }
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.className = `m e-${cell.effect}${cell.flags & UNEXPECTED ? " odd" : ""}${phases ? " wide" : ""}`;
    button.dataset.cell = cell.number;
    button.setAttribute("aria-label", `${cell.names.map((name, at) => label(at, name)).join(" ")}: ${told}`);
    button.textContent = letter;
    return button;
  };
  let grid = [];
  let shown = [];
  let drawn = null;
  const draw = () => {
    const [group, row, column] = PIVOTS[state.get("pivot")] || PIVOTS.mitigation;
    const phases = state.get("view") === "phases";
    shown = matching();
    const columns = new Map();
    const groups = new Map();
    for (const cell of shown) {
      if (!columns.has(cell.names[column])) columns.set(cell.names[column], new Set());
      columns.get(cell.names[column]).add(cell.names[3]);
      if (!groups.has(cell.names[group])) groups.set(cell.names[group], new Map());
      const rows = groups.get(cell.names[group]);
      if (!rows.has(cell.names[row])) rows.set(cell.names[row], new Map());
      rows.get(cell.names[row]).set(cell.names[column] + "\n" + cell.names[3], cell);
    }
    const order = (names, at) => values[at].filter((name) => names.has(name));
    const heads = order(columns, column).map((name) => [name, order(columns.get(name), 3)]);
    const first = el("tr", {}, el("th", {scope: "col", rowspan: 2, class: "g"}, c[NAMES[group]]), el("th", {scope: "col", rowspan: 2, class: "r"}, c[NAMES[row]]),
      ...heads.map(([name, checks]) => el("th", {scope: "colgroup", colspan: checks.length}, label(column, name))));
    const second = el("tr", {}, ...heads.flatMap(([, checks]) => checks.map((check, at) => el("th", {scope: "col", class: at ? "check" : "check first"}, el("span", {}, check)))));
    const body = document.createElement("tbody");
    grid = [];
    for (const name of order(groups, group)) {
      const rows = groups.get(name);
      const names = order(rows, row);
      names.forEach((one, at) => {
        const line = document.createElement("tr");
        if (!at) line.append(el("th", {scope: "rowgroup", rowspan: names.length, class: "g"}, label(group, name)));
        line.append(el("th", {scope: "row", class: "r"}, label(row, one)));
        const buttons = [];
        for (const [key, checks] of heads) checks.forEach((check, place) => {
          const cell = rows.get(one).get(key + "\n" + check);
          const td = document.createElement("td");
          if (!place) td.className = "first";
          if (cell) td.append(buttons[buttons.length] = mark(cell, phases));
          else buttons.length++;
          line.append(td);
        });
        grid.push(buttons);
        body.append(line);
      });
    }
    const table = el("table", {class: "matrix"}, el("caption", {class: "vh"}, c.table), el("thead", {}, first, second), body);
    $("matrix").replaceChildren(shown.length ? table : el("p", {class: "intro", id: "nothing"}, c.nothing));
    const one = grid.flat().find(Boolean);
    if (one) one.tabIndex = 0;
    $("count").textContent = c.shown.replace("{n}", shown.length).replace("{all}", cells.length);
  };

  // One cell: what happened at every step, the three phases side by side.
  const line = (list, title, ...content) => content.some(Boolean) && list.append(el("dt", {}, title), el("dd", {}, ...content));
  const milliseconds = (value) => `${value} ms`;
  const steps = (cell) => {
    const made = cell.attempts.map((one) => one && {shape: shapes[one[0]], ms: one[1], times: one.slice(2)});
    const longest = Math.max(1, ...made.filter(Boolean).flatMap((one) => one.times));
    const rows = new Map();
    made.forEach((one, phase) => {
      const seen = new Map();
      one && one.shape[3].forEach(([name, status, detail], at) => {
        const nth = (seen.get(name) || 0) + 1;
        seen.set(name, nth);
        const key = `${name}#${nth}`;
        if (!rows.has(key)) rows.set(key, {name: texts[name], found: []});
        rows.get(key).found[phase] = {status: texts[status], detail: texts[detail], ms: one.times[at]};
      });
    });
    const head = el("tr", {}, el("th", {scope: "col", class: "name"}, w.step), ...made.map((one, phase) =>
      el("th", {scope: "col"}, [w.before, w.with_change, w.after][phase], " ", el("span", {class: "outcome"}, one ? `${w["outcome_" + texts[one.shape[0]]]}` : w.not_made))));
    const body = [...rows.values()].map(({name, found}) => el("tr", {}, el("th", {scope: "row", class: "name"}, name), ...[0, 1, 2].map((phase) => {
      const step = found[phase];
      if (!step) return el("td", {});
      const bar = el("span", {class: "bar"});
      bar.style.width = `${100 * step.ms / longest}%`;
      const good = step.status === "STATUS_SUCCESS";
      return el("td", {class: good ? "" : "bad"}, el("span", {class: "ms"}, milliseconds(step.ms)), el("code", {}, good ? "ok" : step.status), step.detail ? el("small", {}, step.detail) : null, bar);
    })));
    const titles = {as_: "as", cipher: "encrypted"};
    const facts = data.facts.filter((fact) => fact !== "cipher" && made.some((one) => one && fact in one.shape[2])).map((fact) =>
      el("tr", {class: "fact"}, el("th", {scope: "row"}, w[titles[fact] || fact]), ...made.map((one) => {
        let text = one && fact in one.shape[2] ? texts[one.shape[2][fact]] : "";
        if (fact === "signed" || fact === "encrypted" || fact === "works") text = text === "yes" || text === "no" ? w[text] : text.replace("/", ` ${w.of} `);
        if (fact === "encrypted" && one && "cipher" in one.shape[2]) text += `, ${texts[one.shape[2].cipher]}`;
        return el("td", {}, text);
      })));
    const whole = el("tr", {class: "fact"}, el("th", {scope: "row"}, w.whole), ...made.map((one) => el("td", {}, one ? milliseconds(one.ms) : "")));
    return el("table", {class: "steps"}, el("caption", {class: "vh"}, w.steps), el("thead", {}, head), el("tbody", {}, ...body, ...facts, whole));
  };
  const parts = (cell) => el("table", {class: "steps"}, el("caption", {}, w.parts), el("thead", {}, el("tr", {}, ...[w.part, w.alone, w.without, w.stopped, w.cause].map((text) => el("th", {scope: "col"}, text)))),
    el("tbody", {}, ...cell.parts.map((part) => {
      const [name, alone, without, step, status, cause, note] = part.map((at) => texts[at]);
      return el("tr", {}, el("th", {scope: "row"}, name), el("td", {}, words.effect[alone] || w.not_made), el("td", {}, words.effect[without] || w.not_made), el("td", {}, `${step} ${status}`), el("td", {}, cause || note));
    })));
  // Over the page but not modal: to make all else inert, a browser computes the style of every cell anew (of ten thousand,
  // half a second at each opening and closing). So what a modal one does with keys, focus and clicks is done here.
  const dialog = $("detail");
  const shade = $("shade");
  const neighbour = (cell, way) => {
    const at = shown.indexOf(cell);
    return at < 0 ? undefined : shown[at + way];
  };
  const open = (cell) => {
    const [mitigation, server, client, check] = cell.names;
    const list = el("dl");
    const refused = cell.attempts[1] && shapes[cell.attempts[1][0]][4].map((at) => texts[at]).join(" ");
    line(list, w.user_sees, cell.sees && el("q", {}, cell.sees));
    line(list, w.stopped, refused && el("code", {}, refused));
    line(list, w.owner, cell.owner && (w["owner_" + cell.owner] || cell.owner));
    line(list, w.restored, cell.flags & RESTORED ? w.restored_yes : cell.flags & NOT_RESTORED ? el("b", {}, w.restored_no) : "");
    line(list, w.expected, cell.flags & UNEXPECTED ? el("b", {}, w.no) : w.yes);
    line(list, w.claim, cell.claim);
    line(list, w.not_settled, cell.unsettled);
    line(list, w.inferred, cell.inferred);
    line(list, w.laxer, words.effect[cell.laxer]);
    for (const [title, known, name] of [[w.server_is, data.servers, server], [w.client_is, data.clients, client]]) {
      const [what, software, emulated, called] = actor(known, name);
      line(list, title, [called, what, software, emulated ? `~ ${w.emulated}` : ""].filter(Boolean).join(" \u00b7 "));
    }
    // Names of ours, in a folder of ours: written when the page was, where they lie beside it.
    line(list, w.reused, cell.reused);
    line(list, w.evidence, cell.evidence && el("code", {}, `${data.run}/${cell.evidence}`), ...(data.beside === null ? [] : cell.files.flatMap((at) =>
      [" ", el("a", {href: `${data.beside}${cell.evidence}/${texts[at]}`}, texts[at])])));
    line(list, w.again, el("code", {}, `rehearse replay '${cell.id}' --run ${data.run}`));
    line(list, w.page, el("code", {}, `rehearse show '${cell.id}' --run ${data.run}`));
    const button = (text, action, attributes) => {
      const made = el("button", {type: "button", class: "button", ...attributes}, text);
      made.addEventListener("click", action);
      return made;
    };
    const step = (text, way, arrow) => {
      const other = neighbour(cell, way);
      return button(arrow, () => write({cell: other.id}), {"aria-label": text, title: text, disabled: !other && ""});
    };
    dialog.replaceChildren(
      el("div", {class: "sheet-top"}, el("h2", {id: "detail-h", tabindex: "-1"}, label(1, server).startsWith("~") || label(2, client).startsWith("~") ? "~ " : "", cell.id),
        el("div", {}, step(w.previous, -1, "\u2190"), step(w.next, 1, "\u2192"), button(w.close, () => dialog.close(), {id: "close"}))),
      el("div", {class: "sheet"}, el("p", {class: `lead e-${cell.effect}`}, el("b", {}, `${words.letter[cell.effect]} ${words.effect[cell.effect]}`), cell.cause ? `: ${cell.cause}` : ""), list, steps(cell),
        cell.parts.length ? el("h3", {}, w.parts) : null, cell.parts.length ? parts(cell) : null));
    if (!dialog.open) dialog.show();
    shade.hidden = false;
    $("detail-h").focus();
    dialog.scrollTop = 0;
  };
  dialog.addEventListener("close", () => {
    shade.hidden = true;
    const cell = cells.find((one) => one.id === state.get("cell"));
    if (cell) write({cell: ""});
    if (cell) document.querySelector(`[data-cell="${cell.number}"]`)?.focus();
  });
  shade.addEventListener("click", () => dialog.close());
  document.addEventListener("focusin", (event) => dialog.open && !dialog.contains(event.target) && $("detail-h").focus());
  document.addEventListener("keydown", (event) => {
    if (!dialog.open) return;
    if (event.key === "Escape") return dialog.close();
    const stops = [...dialog.querySelectorAll("a, button:not(:disabled)")];
    if (event.key === "Tab" && (event.shiftKey ? [stops[0], $("detail-h")] : [stops.at(-1)]).includes(document.activeElement)) {
      event.preventDefault();
      stops.at(event.shiftKey ? -1 : 0).focus();
    }
    const way = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    const other = way && neighbour(cells.find((one) => one.id === state.get("cell")), way);
    if (other) write({cell: other.id});
  });

  // Keys and clicks in the table: one stop of the Tab key, arrows from cell to cell.
  const matrix = $("matrix");
  matrix.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-cell]");
    if (button) write({cell: cells[button.dataset.cell].id}, true);
  });
  matrix.addEventListener("focusin", (event) => {
    if (!event.target.matches("button[data-cell]")) return;
    for (const one of matrix.querySelectorAll("button[tabindex='0']")) one.tabIndex = -1;
    event.target.tabIndex = 0;
  });
  matrix.addEventListener("keydown", (event) => {
    const by = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6]}[event.key];
    let y = grid.findIndex((row) => row.includes(event.target));
    if (!by || y < 0) return;
    event.preventDefault();
    let x = grid[y].indexOf(event.target);
    if (Math.abs(by[1]) > 1) {
      const there = grid[y].filter(Boolean);
      return there[by[1] < 0 ? 0 : there.length - 1].focus();
    }
    do { y += by[0]; x += by[1]; } while (grid[y] && x >= 0 && x < grid[y].length && !grid[y][x]);
    grid[y]?.[x]?.focus();
  });
  matrix.addEventListener("pointerover", (event) => {
    const button = event.target.closest("button[data-cell]");
    if (button && !button.title) button.title = button.getAttribute("aria-label");
  });

  // From the fragment to the page.
  const theme = $("theme");
  theme.addEventListener("change", () => write({theme: theme.value}));
  const show = () => {
    theme.value = state.get("theme") || "";
    theme.value ? document.documentElement.dataset.theme = theme.value : delete document.documentElement.dataset.theme;
    for (const [name, field] of Object.entries(fields)) if (document.activeElement !== field || name !== "q") field.value = state.get(name) || "";
    const only = chosen("only");
    for (const button of toggles.children) button.setAttribute("aria-pressed", String(only.has(button.dataset.only)));
    const filters = ["pivot", "view", "only", "q", ...NAMES].map((name) => state.get(name) || "").join("\n");
    if (filters !== drawn) draw();
    drawn = filters;
    const cell = state.get("cell") && cells.find((one) => one.id === state.get("cell"));
    if (cell) open(cell);
    else if (dialog.open) dialog.close();
  };
  addEventListener("hashchange", () => {
    if (location.hash && !location.hash.includes("=")) return;
    state = read();
    show();
  });
  // A link to a section keeps the filters.
  for (const link of document.querySelectorAll("nav a, .skip")) link.addEventListener("click", (event) => {
    event.preventDefault();
    const section = document.querySelector(link.hash);
    section.scrollIntoView();
    const stop = section.querySelector("h2");
    stop.tabIndex = -1;
    stop.focus({preventScroll: true});
  });
  tools.hidden = $("count").hidden = $("how").hidden = document.querySelector(".theme").hidden = false;
  $("plain").hidden = true;
  show();
  document.documentElement.dataset.ready = "";
})();
