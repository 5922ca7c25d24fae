// Draws the plot of the benchmarks: bars on a logarithmic axis. Observable Plot draws it in the browser that
// measured.

import { writeFileSync } from "node:fs";

/** Draws pairs of name and milliseconds into `path`.svg and .png. */
export async function drawn(browser, origin, bars, title, path) {
  const page = await browser.newPage();
  await page.setViewport({ width: 820, height: 70 + 28 * bars.length, deviceScaleFactor: 2 });
  await page.goto(`${origin}/bench/plot.html`);
  const svg = await page.evaluate((bars, title) => {
    const data = bars.map(([name, ms]) => ({ name, ms: Math.round(ms * 10) / 10 }));
    const figure = window.Plot.plot({
      width: 800,
      marginLeft: 210,
      marginRight: 90,
      marginBottom: 48,
      style: { fontSize: "13px", background: "white", color: "#222" },
      x: { type: "log", label: "milliseconds until durable, median; logarithmic", labelOffset: 40, ticks: [1, 10, 100, 1000], tickFormat: ",d", grid: true },
      y: { label: null, domain: data.map(({ name }) => name) },
      marks: [
        window.Plot.barX(data, { x1: 1, x2: "ms", y: "name", fill: ({ name }) => (name === "alluvium" ? "#b45309" : "#94a3b8") }),
        window.Plot.text(data, { x: "ms", y: "name", text: ({ ms }) => `${ms} ms`, textAnchor: "start", dx: 5 }),
      ],
    });
    figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const heading = Object.assign(document.createElement("h1"), { textContent: title });
    document.body.replaceChildren(heading, figure);
    return figure.outerHTML;
  }, bars, title);
  writeFileSync(`${path}.svg`, `${svg}\n`);
  await page.screenshot({ path: `${path}.png`, fullPage: true });
  await page.close();
}
