extension ContactSheet {
  static let style = """
    :root {
      --ground: #f6f5f2; --card: #ffffff; --ink: #1c1b19; --faint: #66635d; --line: #e2dfd8; --track: #e9e6df;
      --appearance: #2d6cdf; --attributes: #d9822b; --same: #e3f1e6; --same-ink: #1d5a2d; --other-ink: #8f4a06;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #131315; --card: #1d1d20; --ink: #eceae5; --faint: #a3a099; --line: #303034; --track: #34343a;
        --appearance: #6ea0ff; --attributes: #f0a456; --same: #1d3524; --same-ink: #a5dfb4; --other-ink: #f5bd83;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 4rem; background: var(--ground); color: var(--ink);
      font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
    }
    header, main { max-width: 96rem; margin: 0 auto; }
    h1 { margin: 0; font-size: 1.7rem; font-weight: 650; letter-spacing: -0.015em; }
    header p { margin: 0.3rem 0 0; color: var(--faint); }
    ul, ol { margin: 0; padding: 0; list-style: none; }
    .legend { display: flex; flex-wrap: wrap; gap: 0.4rem 1.2rem; align-items: center; margin-top: 0.9rem;
      font-size: 0.8rem; color: var(--faint); }
    .key { display: inline-block; width: 0.75rem; height: 0.75rem; margin-right: 0.4rem; border-radius: 3px;
      vertical-align: -1px; }
    .appearance { background: var(--appearance); }
    .attributes { background: var(--attributes); }
    section { display: grid; grid-template-columns: minmax(12rem, 17rem) 1fr; gap: 2rem; margin-top: 2rem;
      padding-top: 2rem; border-top: 1px solid var(--line); }
    .query { position: sticky; top: 1.5rem; align-self: start; }
    .query h2 { margin: 0.9rem 0 0; font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
    .query .picture { border-radius: 14px; box-shadow: 0 0 0 3px var(--appearance); }
    .picture { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: #ffffff; }
    .missing { display: grid; place-items: center; background: var(--track); color: var(--faint); font-size: 0.8rem; }
    .categories { margin-top: 0.8rem; display: grid; gap: 0.45rem; font-size: 0.85rem; }
    .categories li { display: grid; grid-template-columns: 1fr auto; gap: 0.15rem 0.5rem; }
    .categories .track { grid-column: 1 / -1; }
    .number { font-variant-numeric: tabular-nums; }
    .track { display: flex; height: 6px; overflow: hidden; border-radius: 3px; background: var(--track); }
    .track > span { display: block; height: 100%; }
    dl { margin: 0.9rem 0 0; font-size: 0.85rem; }
    dl div { display: flex; justify-content: space-between; gap: 1rem; padding: 0.2rem 0;
      border-top: 1px solid var(--line); }
    dt { color: var(--faint); }
    dd { margin: 0; text-align: right; font-weight: 600; }
    .note { margin: 0.7rem 0 0; font-size: 0.78rem; color: var(--faint); }
    .empty { margin: 0; color: var(--faint); }
    .results { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: 1.1rem;
      align-content: start; }
    .results > li { display: flex; flex-direction: column; padding-bottom: 0.8rem; overflow: hidden;
      border: 1px solid var(--line); border-radius: 14px; background: var(--card); }
    .results > li > :not(figure) { margin-left: 0.8rem; margin-right: 0.8rem; }
    figure { position: relative; margin: 0; }
    .rank { position: absolute; top: 0.55rem; left: 0.55rem; min-width: 1.6rem; padding: 0.1rem 0.45rem;
      border-radius: 1rem; background: rgb(20 20 22 / 0.78); color: #ffffff; font-size: 0.75rem; font-weight: 650;
      text-align: center; font-variant-numeric: tabular-nums; }
    .score { display: flex; align-items: center; gap: 0.6rem; margin: 0.75rem 0 0; }
    .score .track { flex: 1; }
    .score strong { font-size: 0.9rem; font-weight: 650; font-variant-numeric: tabular-nums; }
    h3 { margin: 0.45rem 0 0; font-size: 0.95rem; font-weight: 600; overflow-wrap: anywhere; }
    a { color: inherit; text-decoration-color: var(--appearance); text-underline-offset: 0.18em; }
    a:focus-visible { outline: 2px solid var(--appearance); outline-offset: 2px; border-radius: 2px; }
    .about { margin: 0.1rem 0 0; font-size: 0.78rem; color: var(--faint); }
    .chips { display: flex; flex-wrap: wrap; gap: 0.3rem; margin-top: 0.6rem; }
    .chip { padding: 0.06rem 0.5rem; border: 1px solid transparent; border-radius: 1rem; background: var(--track);
      font-size: 0.75rem; }
    .chip.same { background: var(--same); color: var(--same-ink); }
    .chip.other { background: none; border: 1px dashed currentColor; color: var(--other-ink); }
    .chip.other::before { content: "≠"; margin-right: 0.35em; font-weight: 650; }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
      white-space: nowrap; }
    @media (max-width: 48rem) {
      section { grid-template-columns: 1fr; gap: 1.2rem; }
      .query { position: static; }
      .query .picture { max-width: 14rem; }
      .results { grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 0.8rem; }
    }
    @media print {
      body { padding: 0; }
      section { break-inside: avoid-page; }
      .query { position: static; }
      .results > li { break-inside: avoid; }
    }
    """
}
